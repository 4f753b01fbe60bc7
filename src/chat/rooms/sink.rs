//! How the hub sees a session: somewhere to put frames. It knows no socket.

use std::sync::Arc;

use crate::model::Member;
use crate::websocket::{CloseCode, Frame};

/// What a session understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// One room, messages and notices only.
    Plain,
    /// The subprotocol `adda.v1`.
    Full,
}

/// A session's outbox.
pub trait Recipient: Send + Sync {
    /// Puts a frame behind those that wait. Never waits and never writes. An outbox that is full
    /// closes its session with [`CloseCode::Slow`]; one that is closing takes nothing more.
    fn push(&self, frame: &Frame) -> Pushed;

    /// Writes what the socket takes now, all waiting frames in one go. The rest is written as the
    /// socket takes it.
    fn flush(&self);

    /// Ends the session with a goodbye.
    fn close(&self, code: CloseCode);

    /// Whether the session is about to end, or has.
    fn is_closing(&self) -> bool;
}

/// Whether a push calls for a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// The outbox was empty: whoever pushed must see to it that it is flushed.
    First,
    /// Somebody else will flush, or nobody needs to.
    Behind,
}

/// A session in a room.
#[derive(Clone)]
pub struct Occupant {
    /// Who it is.
    pub member: Member,
    /// What it understands.
    pub dialect: Dialect,
    /// Where its frames go.
    pub outbox: Arc<dyn Recipient>,
}

impl std::fmt::Debug for Occupant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Occupant").field("member", &self.member).finish_non_exhaustive()
    }
}

/// The outboxes that were given something and must be flushed, each once.
#[derive(Default)]
pub struct Flushes {
    outboxes: Vec<Arc<dyn Recipient>>,
    pushed: usize,
}

/// Pushes after which others are let run, though more events have arrived with these.
const LONG: usize = 20_000;

impl std::fmt::Debug for Flushes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Flushes").field(&self.outboxes.len()).finish()
    }
}

impl Flushes {
    /// Pushes a frame and remembers the outbox if that calls for a flush.
    pub fn push(&mut self, outbox: &Arc<dyn Recipient>, frame: &Frame) {
        self.pushed += 1;
        if outbox.push(frame) == Pushed::First {
            self.outboxes.push(outbox.clone());
        }
    }

    /// Whether so much was pushed that it should be flushed before more is.
    pub fn is_long(&self) -> bool {
        self.pushed >= LONG
    }

    /// Flushes the few at once.
    pub fn run_now(self) {
        for outbox in self.outboxes {
            outbox.flush();
        }
    }

    /// Flushes all, and lets other tasks run in between: a large room is many writes.
    pub async fn run(&mut self) {
        const BEFORE_YIELDING: usize = 64;
        self.pushed = 0;
        for (i, outbox) in self.outboxes.drain(..).enumerate() {
            if i > 0 && i % BEFORE_YIELDING == 0 {
                tokio::task::yield_now().await;
            }
            outbox.flush();
        }
    }
}
