//! What a client says, in its order. The inbox is read on while its session is busy, so that pings are answered: a
//! join may wait for Redis for seconds, and a client that hears nothing for so long takes the line for dead.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;

use crate::chat::{Dialect, Recipient};
use crate::protocol::{ClientFrame, server};
use crate::ws::connection::{Connection, Ending, Outbox, Said};

/// Bytes that are read ahead at most, besides one message. What follows waits in the kernel.
const AHEAD: usize = 8 * 1024;

/// What a message that is read ahead costs besides its text: empty ones are not free.
const MESSAGE: usize = 64;

/// What a client says next, or how it ended.
pub type Heard = Result<Said, Ending>;

/// The reading side of a session.
#[derive(Debug)]
pub struct Inbox {
    connection: Connection,
    outbox: Arc<Outbox>,
    dialect: Dialect,
    /// What came while the session was busy.
    ahead: VecDeque<Heard>,
    ahead_bytes: usize,
}

impl Inbox {
    /// An inbox from which nothing has been read.
    pub fn new(connection: Connection, outbox: Arc<Outbox>, dialect: Dialect) -> Self {
        Self { connection, outbox, dialect, ahead: VecDeque::new(), ahead_bytes: 0 }
    }

    /// The next message. May be given up and called again without losing any.
    ///
    /// # Errors
    /// How the connection ended; there is no next message.
    pub async fn next(&mut self) -> Heard {
        match self.ahead.pop_front() {
            Some(heard) => {
                self.ahead_bytes -= cost(&heard);
                heard
            }
            None => self.connection.next().await,
        }
    }

    /// Does `work` and answers pings meanwhile: those of the WebSocket always, those of `adda.v1` if no other message
    /// came before, as answers keep their order. What else comes is held for [`Inbox::next`].
    pub async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            let heard = tokio::select! {
                biased;
                done = &mut work => return done,
                heard = self.connection.next(), if self.has_room() => heard,
            };
            if self.ahead.is_empty() && self.is_ping(&heard) {
                self.outbox.answer(&server::pong());
                continue;
            }
            if heard.is_err() {
                // A join that writes to this client waits for the same news.
                self.outbox.wake();
            }
            self.ahead_bytes += cost(&heard);
            self.ahead.push_back(heard);
        }
    }

    /// Whether the client has gone, or is sent away: there is nobody to go on for.
    pub fn has_ended(&self) -> bool {
        self.outbox.is_closing() || matches!(self.ahead.back(), Some(Err(_)))
    }

    /// Writes what is left, the goodbye last.
    pub async fn finish(self, ending: Ending) {
        self.connection.finish(ending).await;
    }

    fn has_room(&self) -> bool {
        self.ahead_bytes < AHEAD && !matches!(self.ahead.back(), Some(Err(_)))
    }

    fn is_ping(&self, heard: &Heard) -> bool {
        match (heard, self.dialect) {
            (Ok(Said::Text(text)), Dialect::Full) => {
                matches!(ClientFrame::parse(text), Ok(ClientFrame::Ping))
            }
            _ => false,
        }
    }
}

fn cost(heard: &Heard) -> usize {
    MESSAGE
        + match heard {
            Ok(Said::Text(text)) => text.len(),
            Ok(Said::Binary(bytes)) => bytes.len(),
            Err(_) => 0,
        }
}
