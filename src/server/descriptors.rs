//! How the descriptors of the process are shared out. Each socket is one; sockets of clients may not take
//! those that the node itself needs for Redis, nor sessions those that health checks need.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tracing::warn;

use crate::telemetry::meters;

/// Descriptors for the node itself: Redis, Sentinels, the log, the listener. At most half of all.
const OWN: u64 = 64;
/// The same of many, one in so many: a Redis Cluster takes a dozen a master.
const OWN_SHARE: u64 = 64;

/// Sockets that sessions leave to requests. At most an eighth of all.
const REQUESTS: u64 = 64;

/// Time between two warnings that they do not suffice.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// How many sockets of clients there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Of all kinds.
    pub sockets: usize,
    /// That are sessions.
    pub sessions: usize,
}

impl Share {
    /// Shares out `limit` descriptors; `wanted_sessions` is `limits.sessions`, 0 for as many as can be.
    pub fn of(limit: u64, wanted_sessions: usize) -> Self {
        let own = OWN.max(limit / OWN_SHARE).min(limit / 2);
        let sockets = limit - own;
        let most = usize::try_from(sockets - REQUESTS.min(sockets / 8)).unwrap_or(usize::MAX);
        let sessions = if wanted_sessions == 0 { most } else { most.min(wanted_sessions) };
        Self { sockets: usize::try_from(sockets).unwrap_or(usize::MAX), sessions }
    }

    /// The share of this process.
    pub fn of_process(wanted_sessions: usize) -> Self {
        // A system that does not report a limit has none that this program knows.
        let limit = rlimit::Resource::NOFILE.get_soft().unwrap_or(u64::MAX);
        let share = Self::of(limit, wanted_sessions);
        if wanted_sessions > share.sessions {
            let sessions = share.sessions;
            warn!(limit, sessions, "limits.sessions is more than the limit of open files allows");
        }
        meters().descriptors_limit.set(limit as f64);
        meters().sessions_limit.set(share.sessions as f64);
        share
    }
}

/// Warns of too many sockets, at most once a minute.
#[derive(Debug)]
pub struct Complaint {
    began: Instant,
    /// Milliseconds after `began` from which the next warning may follow.
    next_ms: AtomicU64,
}

impl Default for Complaint {
    fn default() -> Self {
        Self { began: Instant::now(), next_ms: AtomicU64::new(0) }
    }
}

impl Complaint {
    /// Warns, if it is time to.
    pub fn warn(&self, sockets: usize, what: &'static str) {
        let now = self.began.elapsed();
        let next = self.next_ms.load(Ordering::Relaxed);
        let after = u64::try_from((now + WARN_EVERY).as_millis()).unwrap_or(u64::MAX);
        let is_due = now >= Duration::from_millis(next);
        let order = Ordering::Relaxed;
        if is_due && self.next_ms.compare_exchange(next, after, order, order).is_ok() {
            warn!(sockets, what, "the limit of open files does not suffice; raise it, or add nodes");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_and_requests_keep_their_share() {
        for (limit, wanted, sockets, sessions) in [
            (64, 0, 32, 28),
            (256, 0, 192, 168),
            (20_000, 0, 19_688, 19_624),
            (20_000, 500, 19_688, 500),
            (20_000, 30_000, 19_688, 19_624),
            (1_048_576, 0, 1_032_192, 1_032_128),
        ] {
            assert_eq!(Share::of(limit, wanted), Share { sockets, sessions }, "{limit}, {wanted}");
        }
    }
}
