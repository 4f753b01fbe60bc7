//! `/ws/echo`: gives back what it gets, to test a proxy, a client, or conformance to RFC 6455.

use super::connection::{Connection, Message, Outbox};
use crate::websocket::{Frame, Opcode};

/// Echoes until the connection ends.
pub async fn run(mut connection: Connection, outbox: &Outbox) {
    let reason = loop {
        match connection.next().await {
            Ok(message) => {
                outbox.send(&echo(&message));
                // An echo that outruns its reader waits for it instead of piling up.
                outbox.drained().await;
            }
            Err(reason) => break reason,
        }
    };
    connection.finish(reason).await;
}

fn echo(message: &Message) -> Frame {
    match message {
        Message::Text(text) => Frame::text(text.as_bytes()),
        Message::Binary(bytes) => Frame::encode(Opcode::Binary, bytes),
    }
}
