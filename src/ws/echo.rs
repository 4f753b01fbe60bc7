//! `/ws/echo`: gives back what it gets, to test a proxy, a client, or conformance to RFC 6455.

use super::connection::{Connection, Outbox, Said};
use crate::websocket::{Frame, Opcode};

/// Echoes until the connection ends.
pub async fn run(mut connection: Connection, outbox: &Outbox) {
    let ending = loop {
        match connection.next().await {
            Ok(said) => {
                outbox.send(&echo(&said));
                // An echo that outruns its reader waits for it instead of piling up.
                outbox.caught_up().await;
            }
            Err(ending) => break ending,
        }
    };
    connection.finish(ending).await;
}

fn echo(said: &Said) -> Frame {
    match said {
        Said::Text(text) => Frame::text(text.as_bytes()),
        Said::Binary(bytes) => Frame::encode(Opcode::Binary, bytes),
    }
}
