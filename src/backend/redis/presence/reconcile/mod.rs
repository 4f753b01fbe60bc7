//! Finds the rooms of which Redis holds other sessions of this node than there are, and mends
//! them: an entry that was lost, or one too many, whoever did it.
//!
//! A room is compared when it is new here, soon after Redis has told of a change, and now and
//! then. Somebody may be entering or leaving just then, so what differs is compared again a second
//! later, and if it still does, resynced in its turn among the room's changes.

pub mod digest;
mod queue;
pub mod tracking;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{debug, warn};

use self::digest::{Comparer, Membership};
use self::queue::ReconcileQueue;
use self::tracking::KeyTracking;
use crate::backend::redis::presence::writer::{CountPolicy, Memberships};
use crate::backend::{LocalNode, LocalRoom, Result, within};
use crate::model::RoomName;
use crate::supervisor::{Supervisor, ticks};
use crate::telemetry::meters;

/// Seconds between two looks at whether Redis' lists name this node's rooms.
const LISTS_EVERY: u32 = 4;

/// Wait before rooms that could not be resynced are tried again: a shard is down.
const RESYNC_AGAIN: Duration = Duration::from_secs(2);

/// Compares this node's rooms with Redis; a cheap handle.
#[derive(Debug, Clone)]
pub struct Reconciler {
    pub comparer: Comparer,
    pub tracking: KeyTracking,
    pub memberships: Memberships,
    pub verify_every: Duration,
    pub deadline: Duration,
}

impl Reconciler {
    /// Compares rooms until the node stops.
    pub async fn run(self, node: Arc<dyn LocalNode>, supervisor: Supervisor) {
        let mut ticks = ticks(Duration::from_secs(1));
        let mut queue = ReconcileQueue::new(self.verify_every);
        let mut resync_at = Instant::now();
        for second in 0_u32.. {
            tokio::select! {
                () = supervisor.stopping() => return,
                _ = ticks.tick() => {}
            }
            if Instant::now() >= resync_at && !self.resync_dirty().await {
                resync_at = Instant::now() + RESYNC_AGAIN;
            }
            let rooms = node.rooms();
            queue.update(&rooms, &self.tracking.drain());
            let checked = async {
                if second % LISTS_EVERY == 0 {
                    let names: Vec<RoomName> = rooms.iter().map(|room| room.name.clone()).collect();
                    queue.mark_mismatch(self.unlisted(&names).await?);
                }
                self.check(&*node, &mut queue, &rooms).await
            };
            if let Err(error) = checked.await {
                debug!(error = error.root_cause(), "could not compare memberships with Redis");
            }
        }
    }

    /// Resyncs the rooms that sessions could not be taken out of. Returns whether all could be reached.
    async fn resync_dirty(&self) -> bool {
        let dirty = self.memberships.pending().take_dirty();
        if dirty.is_empty() {
            return true;
        }
        debug!(rooms = dirty.len(), "resyncing rooms after failed changes");
        let resynced = self.memberships.resync(dirty, CountPolicy::Announce).await;
        if let Some(error) = &resynced.error {
            debug!(error = error.root_cause(), rooms = resynced.failed.len(), "rooms can't be resynced yet");
        }
        let is_done = resynced.failed.is_empty();
        self.memberships.pending().mark_dirty(resynced.failed);
        is_done
    }

    async fn check(
        &self,
        node: &dyn LocalNode,
        queue: &mut ReconcileQueue,
        rooms: &[LocalRoom],
    ) -> Result<()> {
        let due = queue.due(rooms);
        if due.is_empty() {
            return Ok(());
        }
        let pending = self.memberships.pending();
        let expected = due.iter().map(|room| (room.clone(), pending.expected(node, room)));
        let membership: Membership = expected.collect();
        let mut comparison = self.comparer.compare(&membership).await;
        let doubted: Vec<RoomName> =
            comparison.same.iter().filter(|room| queue.is_mismatch(room)).cloned().collect();
        let unlisted: HashSet<RoomName> = self.unlisted(&doubted).await?.into_iter().collect();
        comparison.same.retain(|room| !unlisted.contains(room));
        comparison.differing.extend(unlisted.iter().cloned());
        let differing = queue.record(&due, &comparison);
        if differing.is_empty() {
            return Ok(());
        }
        let listed_now = differing.iter().filter(|room| unlisted.contains(*room)).cloned();
        let mut mended: HashSet<RoomName> = listed_now.collect();
        let resynced = self.memberships.resync(differing, CountPolicy::Announce).await;
        mended.extend(resynced.changed);
        mended.retain(|room| !resynced.failed.contains(room));
        if !mended.is_empty() {
            meters().presence_repairs.increment(mended.len() as u64);
            warn!(rooms = mended.len(), "repaired membership that differed from local sessions");
        }
        resynced.error.map_or(Ok(()), Err)
    }

    async fn unlisted(&self, rooms: &[RoomName]) -> Result<Vec<RoomName>> {
        match rooms {
            [] => Ok(Vec::new()),
            rooms => within(self.deadline, self.comparer.unlisted(rooms)).await,
        }
    }
}
