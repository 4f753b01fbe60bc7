//! The budget of a session for what it is given for asking: messages that are replayed, and lists of rooms. A join of 50
//! bytes is answered with up to a page of history, so it is paid for with what it makes the node send, not with what it is
//! long.

use std::time::Duration;

use tokio::time::Instant;

/// The cost of an answer besides its bytes, in bytes of one: the work of Redis is the same.
const WORK: usize = 8 * 1024;

/// A session's budget of such bytes. It refills over time, up to its burst.
#[derive(Debug)]
pub(super) struct Replay {
    burst: f64,
    per_second: f64,
    left: f64,
    at: Instant,
}

impl Replay {
    /// A full account.
    pub(super) fn new(burst_bytes: usize, bytes_per_second: usize) -> Self {
        let burst = burst_bytes as f64;
        Self { burst, per_second: bytes_per_second as f64, left: burst, at: Instant::now() }
    }

    /// The session was given so many bytes.
    pub(super) fn spend(&mut self, bytes: usize) {
        self.grow(Instant::now());
        self.left -= (bytes + WORK) as f64;
    }

    /// How long the next question has to wait.
    pub(super) fn wait(&mut self) -> Duration {
        self.grow(Instant::now());
        Duration::from_secs_f64((-self.left).max(0.0) / self.per_second)
    }

    fn grow(&mut self, now: Instant) {
        let grown = (now - self.at).as_secs_f64() * self.per_second;
        self.left = self.burst.min(self.left + grown);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_within_the_burst_wait_for_nothing_and_the_next_for_what_was_sent() {
        let mut replay = Replay::new(1 << 20, 1 << 18);
        for _ in 0..8 {
            assert_eq!(replay.wait(), Duration::ZERO);
            replay.spend((1 << 17) + 100 - WORK);
        }
        assert!(replay.wait() <= Duration::from_millis(10));
        replay.spend(1 << 19);
        let wait = replay.wait();
        assert!(wait > Duration::from_secs(1) && wait < Duration::from_secs(3), "{wait:?}");
        replay.grow(Instant::now() + Duration::from_secs(60));
        assert_eq!(replay.left, replay.burst);
    }
}
