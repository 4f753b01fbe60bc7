//! Whether Redis accepts posts of this node at all. If it accepts none, the node is not ready: others may be
//! better off. A post that fails is followed by posts of the node's own, beside the keys of its room, until
//! one succeeds; so a node that nobody posts to any more finds out, too.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tracing::{error, info};

use super::{POSTS, Store};
use crate::backend::{BackendError, Result};
use crate::model::RoomName;

/// Time that what was tried is kept.
pub(super) const TTL: Duration = Duration::from_secs(10);

/// Time between two tries, and that for which a post that succeeded outweighs tries that fail: a shard of a
/// Redis Cluster may be dead, and the others not.
const EVERY: Duration = Duration::from_secs(1);

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Acceptance {
    state: Mutex<State>,
    doubted: Notify,
}

#[derive(Debug, Default)]
struct State {
    is_refused: bool,
    /// When a post last succeeded.
    succeeded: Option<Instant>,
    /// The room of a post that failed since.
    doubted: Option<RoomName>,
}

impl Acceptance {
    /// Whether posts are accepted; they are until the opposite is known.
    pub(super) fn is_given(&self) -> bool {
        !self.lock().is_refused
    }

    /// Notes what became of a post.
    pub(super) fn note(&self, room: &RoomName, failure: Option<&BackendError>) {
        let mut state = self.lock();
        match failure {
            None => state.succeed(Some(Instant::now())),
            Some(failure) if is_full(failure) => {}
            Some(_) => {
                state.doubted = Some(room.clone());
                self.doubted.notify_one();
            }
        }
    }

    fn conclude(&self, outcome: &Result<()>) {
        let mut state = self.lock();
        match outcome {
            Err(failure) if !is_full(failure) => state.fail(failure),
            _ => {
                let succeeded = state.succeeded;
                state.succeed(succeeded);
            }
        }
    }

    fn doubted(&self) -> Option<RoomName> {
        self.lock().doubted.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds this lock")
    }
}

impl State {
    fn succeed(&mut self, at: Option<Instant>) {
        (self.succeeded, self.doubted) = (at, None);
        if std::mem::take(&mut self.is_refused) {
            info!("Redis accepts posts again");
        }
    }

    fn fail(&mut self, failure: &BackendError) {
        let is_outweighed = self.succeeded.is_some_and(|at| at.elapsed() < 2 * EVERY);
        if !is_outweighed && !std::mem::replace(&mut self.is_refused, true) {
            error!(error = %failure.root_cause(), "Redis refuses posts of this node; not ready");
        }
    }
}

/// A Redis at its memory limit refuses the posts of all nodes alike, and goes on with all else.
fn is_full(failure: &BackendError) -> bool {
    failure.root_cause().contains("OOM")
}

/// Tries after each failure, for ever.
pub(super) async fn probe(store: Store, acceptance: std::sync::Arc<Acceptance>) {
    loop {
        acceptance.doubted.notified().await;
        while let Some(room) = acceptance.doubted() {
            let mut values = store.shards.run(&POSTS, &[store.probe_call(&room)], store.atomicity).await;
            acceptance.conclude(&values.pop().unwrap_or(Ok(redis::Value::Nil)).map(drop));
            tokio::time::sleep(EVERY).await;
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
    fn posts_are_accepted_until_one_failed_and_so_did_the_next_try() {
        let (acceptance, room) = (Acceptance::default(), RoomName::from_trusted("general"));
        acceptance.note(&room, Some(&failure("NOPERM")));
        assert_eq!((acceptance.is_given(), acceptance.doubted()), (true, Some(room.clone())));
        acceptance.conclude(&Err(failure("NOPERM")));
        assert!(!acceptance.is_given());
        acceptance.conclude(&Ok(()));
        assert_eq!((acceptance.is_given(), acceptance.doubted()), (true, None));
    }

    #[test]
    fn one_room_that_takes_none_makes_no_node_unready() {
        let (acceptance, room) = (Acceptance::default(), RoomName::from_trusted("spoiled"));
        acceptance.note(&room, Some(&failure("WRONGTYPE")));
        acceptance.conclude(&Ok(()));
        assert!(acceptance.is_given());
        // Posts to other rooms succeed, so not all fail.
        acceptance.note(&room, None);
        acceptance.note(&room, Some(&failure("timed out")));
        acceptance.conclude(&Err(failure("timed out")));
        assert!(acceptance.is_given());
    }

    #[test]
    fn a_full_redis_is_full_for_every_node() {
        let (acceptance, room) = (Acceptance::default(), RoomName::from_trusted("general"));
        acceptance.note(&room, Some(&failure("OOM command not allowed")));
        assert_eq!((acceptance.is_given(), acceptance.doubted()), (true, None));
    }
}
