//! Whether the node can serve now, and if not, why.

use crate::backend::{FeedHealth, Health};
use crate::chat::Chat;
use crate::telemetry::meters;

/// Why a node can't serve. The reasons that need an operator come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReady {
    /// A task that the node can't do without has failed; the node ends.
    TaskFailed,
    /// The node was told to stop.
    Draining,
    /// The backend has not been reached yet, or other nodes do not know of this one yet.
    Starting,
    /// The last renewal of the lease failed.
    Redis,
    /// The backend answers again, but this node's sessions are not back in their rooms yet.
    MembershipIncomplete,
    /// Redis accepts no posts of this node.
    PostsRefused,
    /// Events are not known to arrive.
    StaleSubscription,
}

impl NotReady {
    /// The reason for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TaskFailed => "task_failed",
            Self::Draining => "draining",
            Self::Starting => "starting",
            Self::Redis => "redis",
            Self::MembershipIncomplete => "membership_incomplete",
            Self::PostsRefused => "posts_refused",
            Self::StaleSubscription => "stale_subscription",
        }
    }
}

impl Chat {
    /// Whether this node can serve now: the backend answered the last renewal of the lease, accepts posts, and
    /// events arrive. Costs the backend nothing.
    pub fn readiness(&self) -> Result<(), NotReady> {
        if self.inner.supervisor.failure().is_some() {
            return Err(NotReady::TaskFailed);
        }
        if self.inner.process.drain.is_cancelled() {
            return Err(NotReady::Draining);
        }
        match *self.inner.health.borrow() {
            Health::Ready => {}
            Health::Starting => return Err(NotReady::Starting),
            Health::Incomplete => return Err(NotReady::MembershipIncomplete),
            Health::Lost => return Err(NotReady::Redis),
        }
        if !self.inner.backend.log.accepts_posts() {
            return Err(NotReady::PostsRefused);
        }
        match self.inner.backend.pubsub.health() {
            FeedHealth::Live => Ok(()),
            FeedHealth::Stale => Err(NotReady::StaleSubscription),
        }
    }

    /// From now on the node is not ready.
    pub fn start_draining(&self) {
        self.inner.process.drain.cancel();
    }

    /// Ends when the backend has answered for the first time.
    pub async fn started(&self) {
        // Fails only when the sender is gone, which the backend has.
        let _ = self.inner.health.clone().wait_for(|health| *health == Health::Ready).await;
    }

    /// Brings the gauges up to date.
    pub fn measure(&self) {
        meters().sessions.set(self.session_count() as f64);
        meters().rooms.set(self.inner.hub.occupied_public() as f64);
        let is_fresh = self.inner.backend.pubsub.health() == FeedHealth::Live;
        meters().pubsub_up.set(f64::from(u8::from(is_fresh)));
        meters().ready.set(f64::from(u8::from(self.readiness().is_ok())));
        self.measure_limits();
        meters().measure_process();
    }
}
