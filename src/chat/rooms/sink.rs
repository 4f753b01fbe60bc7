//! How rooms see a session: a sink for frames. It knows no socket.

use std::sync::Arc;

use crate::model::Member;
use crate::protocol::SessionKind;
use crate::websocket::{CloseCode, Frame};

/// Where a session's frames go.
pub trait FrameSink: Send + Sync {
    /// Puts a frame behind those that wait. Never waits and never writes. A sink that is full
    /// closes its session with [`CloseCode::Slow`]; one that is closing takes nothing more.
    fn push(&self, frame: &Frame) -> Pushed;

    /// Writes what the socket takes now, all waiting frames in one go. The rest is written as the
    /// socket takes it.
    fn flush(&self);

    /// Ends the session with a close frame.
    fn close(&self, code: CloseCode);

    /// Whether the session is about to end, or has.
    fn is_closing(&self) -> bool;
}

/// Whether a push calls for a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// The sink was empty: the caller must see to it that it is flushed.
    NeedsFlush,
    /// Another caller flushes, or nothing needs to be flushed.
    Queued,
}

/// A session in a room.
#[derive(Clone)]
pub struct RoomSession {
    /// Its entry among the members.
    pub member: Member,
    /// The kind of frames that it understands.
    pub kind: SessionKind,
    /// Where its frames go.
    pub sink: Arc<dyn FrameSink>,
}

impl std::fmt::Debug for RoomSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoomSession").field("member", &self.member).finish_non_exhaustive()
    }
}

/// The sinks that were given something and must be flushed, each once.
#[derive(Default)]
pub struct FlushSet {
    sinks: Vec<Arc<dyn FrameSink>>,
    pushed: usize,
}

/// Pushes after which others are let run, though more events have arrived with these.
const LONG: usize = 20_000;

impl std::fmt::Debug for FlushSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("FlushSet").field(&self.sinks.len()).finish()
    }
}

impl FlushSet {
    /// Pushes a frame and remembers the sink if that calls for a flush.
    pub fn push(&mut self, sink: &Arc<dyn FrameSink>, frame: &Frame) {
        self.pushed += 1;
        if sink.push(frame) == Pushed::NeedsFlush {
            self.sinks.push(sink.clone());
        }
    }

    /// Whether so much was pushed that it should be flushed before more is.
    pub fn is_long(&self) -> bool {
        self.pushed >= LONG
    }

    /// FlushSet the few at once.
    pub fn run_now(self) {
        for sink in self.sinks {
            sink.flush();
        }
    }

    /// FlushSet all, and lets other tasks run in between: a large room is many writes.
    pub async fn run(&mut self) {
        const YIELD_EVERY: usize = 64;
        self.pushed = 0;
        for (i, sink) in self.sinks.drain(..).enumerate() {
            if i > 0 && i % YIELD_EVERY == 0 {
                tokio::task::yield_now().await;
            }
            sink.flush();
        }
    }
}
