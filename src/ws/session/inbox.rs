//! The messages of a client, in their order. The inbox is read on while its session is busy, so that pings are answered: a
//! join may wait for Redis for seconds, and a client without an answer for so long takes the connection for dead.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;

use crate::chat::FrameSink;
use crate::protocol::server::{SessionFrame, encode};
use crate::protocol::{ClientFrame, SessionKind};
use crate::ws::connection::{CloseReason, Connection, Message, Outbox};

/// Bytes that are read ahead at most, besides one message. Further bytes wait in the kernel.
const AHEAD: usize = 8 * 1024;

/// Bytes that a message which is read ahead costs besides its text: empty ones are not free.
const MESSAGE: usize = 64;

/// The next message of a client, or the end of its connection.
pub type Received = Result<Message, CloseReason>;

/// The reading side of a session.
#[derive(Debug)]
pub struct Inbox {
    connection: Connection,
    outbox: Arc<Outbox>,
    kind: SessionKind,
    /// The messages that came while the session was busy.
    ahead: VecDeque<Received>,
    ahead_bytes: usize,
}

impl Inbox {
    /// An inbox from which nothing has been read.
    pub fn new(connection: Connection, outbox: Arc<Outbox>, kind: SessionKind) -> Self {
        Self { connection, outbox, kind, ahead: VecDeque::new(), ahead_bytes: 0 }
    }

    /// The next message. May be given up and called again without losing any.
    ///
    /// # Errors
    /// How the connection ended; there is no next message.
    pub async fn next(&mut self) -> Received {
        match self.ahead.pop_front() {
            Some(received) => {
                self.ahead_bytes -= cost(&received);
                received
            }
            None => self.connection.next().await,
        }
    }

    /// Does `work` and answers pings meanwhile: those of the WebSocket always, those of `adda.v1` if no other message
    /// came before, as answers keep their order. Other messages are held for [`Inbox::next`].
    pub async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            let received = tokio::select! {
                biased;
                done = &mut work => return done,
                received = self.connection.next(), if self.has_room() => received,
            };
            if self.ahead.is_empty() && self.is_ping(&received) {
                if let Some(pong) = encode(&SessionFrame::Pong.into(), self.kind) {
                    self.outbox.answer(&pong);
                }
                continue;
            }
            if received.is_err() {
                // A join that writes to this client waits for the same news.
                self.outbox.wake();
            }
            self.ahead_bytes += cost(&received);
            self.ahead.push_back(received);
        }
    }

    /// Whether the client has gone, or is sent away: there is nobody to go on for.
    pub fn has_ended(&self) -> bool {
        self.outbox.is_closing() || matches!(self.ahead.back(), Some(Err(_)))
    }

    /// Writes what is left, the close frame last.
    pub async fn finish(self, reason: CloseReason) {
        self.connection.finish(reason).await;
    }

    fn has_room(&self) -> bool {
        self.ahead_bytes < AHEAD && !matches!(self.ahead.back(), Some(Err(_)))
    }

    fn is_ping(&self, received: &Received) -> bool {
        match received {
            Ok(Message::Text(text)) => ClientFrame::parse(text, self.kind) == Ok(ClientFrame::Ping),
            _ => false,
        }
    }
}

fn cost(received: &Received) -> usize {
    MESSAGE
        + match received {
            Ok(Message::Text(text)) => text.len(),
            Ok(Message::Binary(bytes)) => bytes.len(),
            Err(_) => 0,
        }
}
