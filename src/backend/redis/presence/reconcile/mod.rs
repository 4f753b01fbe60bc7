//! Finds rooms in which Redis' entries of this node differ from its sessions, and repairs them, whatever the cause.
//!
//! A room is compared when it is new on this node, soon after Redis has reported a change, and periodically. A
//! session may be entering or leaving at that moment. So a room that differs is compared again a second later, and
//! if it still differs, resynced in the queue of its changes.

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

/// Seconds between two checks that Redis' lists name this node's rooms.
const LISTS_EVERY: u32 = 4;

/// Delay before another resync of rooms that failed: a shard is down.
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

    /// Resyncs the rooms with failed leaves. Returns whether all could be reached.
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
        let mismatched: Vec<RoomName> =
            comparison.same.iter().filter(|room| queue.is_mismatch(room)).cloned().collect();
        let unlisted: HashSet<RoomName> = self.unlisted(&mismatched).await?.into_iter().collect();
        comparison.same.retain(|room| !unlisted.contains(room));
        comparison.differing.extend(unlisted.iter().cloned());
        let differing = queue.record(&due, &comparison);
        if differing.is_empty() {
            return Ok(());
        }
        let listed_now = differing.iter().filter(|room| unlisted.contains(*room)).cloned();
        let mut repaired: HashSet<RoomName> = listed_now.collect();
        let resynced = self.memberships.resync(differing, CountPolicy::Announce).await;
        repaired.extend(resynced.changed);
        repaired.retain(|room| !resynced.failed.contains(room));
        if !repaired.is_empty() {
            meters().presence_repairs.increment(repaired.len() as u64);
            warn!(rooms = repaired.len(), "repaired membership that differed from local sessions");
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
