//! The seconds that a node has run, by which silence is measured. A node that stood still (SIGSTOP, a
//! machine that was moved, no processor to be had) has read nothing of its clients meanwhile, however much they sent:
//! what they sent waits in its sockets. So a second counts only if its tick came on time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::{Instant, Interval};

use crate::supervisor::ticks;

const SECOND: Duration = Duration::from_secs(1);

/// A tick that is later than this is no second of the node's life.
const MAX_TICK_DELAY: Duration = Duration::from_millis(500);

static SECONDS: AtomicU32 = AtomicU32::new(0);

/// Seconds that this node has run. After 136 years it is to be restarted.
pub fn now_s() -> u32 {
    SECONDS.load(Ordering::Relaxed)
}

/// Counts the seconds; a process has one.
#[derive(Debug)]
pub struct Pulse {
    ticks: Interval,
    last: Instant,
}

/// The kinds of tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// A second has passed, in which sessions were read.
    OnTime,
    /// The node stood still. Nobody may be judged by it before the next tick.
    Late,
}

impl Pulse {
    /// Begins to count.
    pub fn start() -> Self {
        Self { ticks: ticks(SECOND), last: Instant::now() }
    }

    /// The next tick. May be given up and called again.
    pub async fn beat(&mut self) -> Beat {
        let at = self.ticks.tick().await;
        let now = Instant::now();
        let is_late = now - at > MAX_TICK_DELAY;
        let since = now - std::mem::replace(&mut self.last, now);
        if is_late || since > SECOND + MAX_TICK_DELAY {
            return Beat::Late;
        }
        SECONDS.fetch_add(1, Ordering::Relaxed);
        Beat::OnTime
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_in_which_a_node_stood_still_does_not_count() {
        let mut pulse = Pulse::start();
        let begin = now_s();
        for seconds in 1..=3 {
            assert_eq!(pulse.beat().await, Beat::OnTime);
            assert_eq!(now_s() - begin, seconds);
        }
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(pulse.beat().await, Beat::Late);
        assert_eq!(now_s() - begin, 3);
        // No burst of what was missed either.
        let resumed = Instant::now();
        assert_eq!(pulse.beat().await, Beat::OnTime);
        assert!(resumed.elapsed() >= SECOND);
        assert_eq!(now_s() - begin, 4);
    }
}
