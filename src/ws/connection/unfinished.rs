//! The bounds of messages that have begun and not ended: each has a deadline, and all of a node together
//! have a bound.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use crate::websocket::CloseCode;

/// Bytes that all sessions of the node may hold, beyond what each may hold in any case.
const ALL: usize = 64 * 1024 * 1024;

/// Bytes of one message that are taken whatever others hold: almost every message is shorter.
const EACH: usize = 8 * 1024;

/// Bytes that are taken after the deadline of a message: those that came before it and that the node, when it stood still,
/// has not read. A kernel holds no more of a socket.
const LATE: usize = 8 * 1024 * 1024;

/// Time after the deadline of a message in which it becomes known that a socket has more. A node that stood still learns of its
/// timers first.
const SETTLE: Duration = Duration::from_millis(100);

/// Bytes that all sessions of this process hold now.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// One session's unfinished message.
#[derive(Debug)]
pub(super) struct Unfinished {
    timeout: Duration,
    held: usize,
    /// Bytes that were read after the deadline.
    late: usize,
    /// Whether `limit` has ended once, and runs for [`SETTLE`].
    is_settling: bool,
    /// Runs from its first byte to its last, whatever comes in between.
    limit: Option<Pin<Box<Sleep>>>,
}

impl Unfinished {
    /// None yet. Each may take `timeout`.
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, held: 0, late: 0, is_settling: false, limit: None }
    }

    /// A message has ended: the next has a deadline of its own.
    pub(super) fn end(&mut self) {
        self.limit = None;
        self.late = 0;
        self.is_settling = false;
    }

    /// So many bytes were read.
    pub(super) fn count_read(&mut self, bytes: usize) {
        let is_over = self.limit.as_ref().is_some_and(|limit| limit.deadline() <= Instant::now());
        if self.is_settling || is_over {
            self.late += bytes;
        }
    }

    /// So many bytes of a message are held, and nothing more of it was read yet.
    ///
    /// # Errors
    /// The code to close with.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), CloseCode> {
        let others = HELD.fetch_sub(self.held, Ordering::Relaxed) - self.held;
        self.held = bytes;
        HELD.fetch_add(bytes, Ordering::Relaxed);
        if bytes > EACH && others + bytes > ALL {
            return Err(CloseCode::TooMuch);
        }
        let timeout = self.timeout;
        self.limit.get_or_insert_with(|| Box::pin(sleep(timeout)));
        if self.late > LATE { Err(CloseCode::Unfinished) } else { Ok(()) }
    }

    /// Nothing is held.
    pub(super) fn release(&mut self) {
        self.end();
        HELD.fetch_sub(self.held, Ordering::Relaxed);
        self.held = 0;
    }

    /// Ends when the message that is held has taken too long; never if there is none. To be asked only when the socket has
    /// nothing more: what came in time counts, however late the node reads it.
    pub(super) async fn expired(&mut self) {
        let Some(limit) = &mut self.limit else { return std::future::pending().await };
        limit.as_mut().await;
        if !self.is_settling {
            self.is_settling = true;
            limit.as_mut().reset(Instant::now() + SETTLE);
            limit.as_mut().await;
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_deadline_is_the_messages_and_no_byte_puts_it_off() {
        let mut unfinished = Unfinished::new(Duration::from_millis(50));
        assert_eq!(unfinished.hold(1), Ok(()));
        assert_eq!(unfinished.hold(2), Ok(()));
        unfinished.expired().await;
        unfinished.count_read(LATE);
        assert_eq!(unfinished.hold(3), Ok(()), "it may have come in time");
        unfinished.count_read(1);
        assert_eq!(unfinished.hold(3), Err(CloseCode::Unfinished));
        unfinished.end();
        assert_eq!(unfinished.hold(3), Ok(()), "of the next message");
    }

    #[tokio::test]
    async fn all_together_have_a_bound_that_short_messages_pass() {
        let session = || Unfinished::new(Duration::from_secs(20));
        let (mut hoarder, mut long, mut short) = (session(), session(), session());
        assert_eq!(hoarder.hold(ALL), Ok(()));
        assert_eq!(long.hold(EACH + 1), Err(CloseCode::TooMuch));
        assert_eq!(short.hold(EACH), Ok(()));
        drop(hoarder);
        assert_eq!(long.hold(EACH + 1), Ok(()));
    }
}
