//! Whether Redis accepts posts of this node. If it does not, the node is not ready, because other nodes may
//! succeed. After a failed post the node sends test posts, to separate keys in the slot of that room, until one
//! succeeds. So a node without clients recovers, too.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tracing::{error, info};

use super::{POSTS, Store};
use crate::backend::{BackendError, Result};
use crate::model::RoomName;

/// Lifetime of the keys of a test post.
pub(super) const TTL: Duration = Duration::from_secs(10);

/// Interval between two test posts. For twice this time a successful post outweighs failed test posts: one shard of
/// a Redis Cluster may be down, and the others not.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Whether posts are accepted.
#[derive(Debug, Default)]
pub(super) struct Acceptance {
    state: Mutex<State>,
    has_failed: Notify,
}

#[derive(Debug, Default)]
struct State {
    is_refused: bool,
    /// When a post last succeeded.
    succeeded: Option<Instant>,
    /// The room of a later failed post.
    failed_room: Option<RoomName>,
}

impl Acceptance {
    /// Whether posts are accepted: yes, until proven otherwise.
    pub(super) fn is_accepting(&self) -> bool {
        !self.lock().is_refused
    }

    /// Records the outcome of a post.
    pub(super) fn record(&self, room: &RoomName, failure: Option<&BackendError>) {
        let mut state = self.lock();
        match failure {
            None => state.succeed(Some(Instant::now())),
            Some(failure) if is_full(failure) => {}
            Some(_) => {
                state.failed_room = Some(room.clone());
                self.has_failed.notify_one();
            }
        }
    }

    fn record_probe(&self, outcome: &Result<()>) {
        let mut state = self.lock();
        match outcome {
            Err(failure) if !is_full(failure) => state.fail(failure),
            _ => {
                let succeeded = state.succeeded;
                state.succeed(succeeded);
            }
        }
    }

    fn failed_room(&self) -> Option<RoomName> {
        self.lock().failed_room.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds this lock")
    }
}

impl State {
    fn succeed(&mut self, at: Option<Instant>) {
        (self.succeeded, self.failed_room) = (at, None);
        if std::mem::take(&mut self.is_refused) {
            info!("Redis accepts posts again");
        }
    }

    fn fail(&mut self, failure: &BackendError) {
        let is_outweighed = self.succeeded.is_some_and(|at| at.elapsed() < 2 * PROBE_INTERVAL);
        if !is_outweighed && !std::mem::replace(&mut self.is_refused, true) {
            error!(error = %failure.root_cause(), "Redis refuses posts of this node; not ready");
        }
    }
}

/// A Redis at its memory limit refuses the posts of all nodes, but works otherwise.
fn is_full(failure: &BackendError) -> bool {
    failure.root_cause().contains("OOM")
}

/// Sends test posts after each failure.
pub(super) async fn probe(store: Store, acceptance: std::sync::Arc<Acceptance>) {
    loop {
        acceptance.has_failed.notified().await;
        while let Some(room) = acceptance.failed_room() {
            let mut values = store.shards.run(&POSTS, &[store.probe_call(&room)], store.atomicity).await;
            acceptance.record_probe(&values.pop().unwrap_or(Ok(redis::Value::Nil)).map(drop));
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(words: &'static str) -> BackendError {
        BackendError::Unavailable(words.into())
    }

    #[test]
    fn posts_are_accepted_until_a_post_and_a_test_post_have_failed() {
        let (acceptance, room) = (Acceptance::default(), RoomName::from_trusted("general"));
        acceptance.record(&room, Some(&failure("NOPERM")));
        assert_eq!((acceptance.is_accepting(), acceptance.failed_room()), (true, Some(room.clone())));
        acceptance.record_probe(&Err(failure("NOPERM")));
        assert!(!acceptance.is_accepting());
        acceptance.record_probe(&Ok(()));
        assert_eq!((acceptance.is_accepting(), acceptance.failed_room()), (true, None));
    }

    #[test]
    fn a_room_that_accepts_no_posts_does_not_make_the_node_unready() {
        let (acceptance, room) = (Acceptance::default(), RoomName::from_trusted("spoiled"));
        acceptance.record(&room, Some(&failure("WRONGTYPE")));
        acceptance.record_probe(&Ok(()));
        assert!(acceptance.is_accepting());
        // Posts to other rooms succeed, so not all fail.
        acceptance.record(&room, None);
        acceptance.record(&room, Some(&failure("timed out")));
        acceptance.record_probe(&Err(failure("timed out")));
        assert!(acceptance.is_accepting());
    }

    #[test]
    fn a_full_redis_is_full_for_every_node() {
        let (acceptance, room) = (Acceptance::default(), RoomName::from_trusted("general"));
        acceptance.record(&room, Some(&failure("OOM command not allowed")));
        assert_eq!((acceptance.is_accepting(), acceptance.failed_room()), (true, None));
    }
}
