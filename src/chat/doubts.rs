//! Finds the rooms of which the backend holds other sessions of this node than there are, and mends
//! them: an entry that was lost, or one too many, whoever did it.
//!
//! A room is compared when it is new here, soon after the backend has told of a change, and now and
//! then. Somebody may be entering or leaving just then, so what differs is looked at again a second
//! later, and if it still does once more, while nobody may.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{debug, warn};

use super::rooms::{Room, RoundRobin, names_of};
use super::{Chat, source_of};
use crate::backend::{BackendError, Comparison, Membership, Touched};
use crate::model::RoomName;
use crate::supervisor::ticks;
use crate::telemetry::meters;

/// Least time between two comparisons of a small room that goes on changing.
const SETTLING: Duration = Duration::from_secs(3);

/// For each so many sessions that this node has in a room, that time grows by a second: Redis reads all
/// of them to compare, some 15 ms for 10,000, and does nothing else meanwhile.
const SESSIONS_A_SECOND: usize = 200;

/// What that time grows to at most.
const LONGEST_SETTLING: Duration = Duration::from_secs(60);

/// Rooms compared in a second, at most: so many of ten sessions each cost Redis some 20 ms.
const MOST: usize = 1000;

/// Time for a look while nobody may enter or leave. It begins with waiting for those who are at it, and
/// whoever comes meanwhile waits behind it.
const STANDSTILL: Duration = Duration::from_millis(250);

/// Rooms looked at so at once, at most: even large ones should not take longer.
const MOST_AT_STANDSTILL: usize = 200;

/// Seconds between two looks at whether the backend's lists name this node's rooms.
const LISTS_EVERY: u32 = 4;

/// This node's rooms, and what is to be thought of each.
#[derive(Debug, Default)]
struct Doubts(HashMap<RoomName, Doubt>);

#[derive(Debug, Clone, Copy, Default)]
struct Doubt {
    /// When it was compared last, or tried to be; not yet, or it counts no more.
    compared: Option<Instant>,
    /// Somebody has changed it since, or it could not be asked about then.
    is_touched: bool,
    /// It differed then, or was not listed since.
    differed: bool,
}

impl Chat {
    /// Compares rooms until the node stops.
    pub(super) async fn check_memberships(self) {
        let mut ticks = ticks(Duration::from_secs(1));
        let mut round_robin = RoundRobin::new(self.inner.config.presence.verify_every);
        let mut doubts = Doubts::default();
        for second in 0_u32.. {
            tokio::select! {
                () = self.inner.supervisor.stopping() => return,
                _ = ticks.tick() => {}
            }
            let rooms = self.inner.hub.occupied_rooms();
            doubts.take_in(&rooms, &self.inner.backend.presence.touched());
            doubts.suspect(&round_robin.turn(&rooms));
            let checked = async {
                if second % LISTS_EVERY == 0 {
                    doubts.differ(&self.unlisted(&names_of(&rooms)).await?);
                }
                self.check(&mut doubts, &rooms).await
            };
            if let Err(error) = checked.await {
                debug!(error = %source_of(&error), "Can't compare memberships with the backend now");
            }
        }
    }

    async fn check(&self, doubts: &mut Doubts, rooms: &[Arc<Room>]) -> Result<(), BackendError> {
        let due = doubts.due(rooms);
        let comparison = self.compare(&due, |room| doubts.has_differed(room)).await?;
        let differing = doubts.conclude(&names_of(&due), &comparison);
        if differing.is_empty() {
            return Ok(());
        }
        let held = due.into_iter().filter(|room| differing.contains(&room.name));
        let held: Vec<Arc<Room>> = held.take(MOST_AT_STANDSTILL).collect();
        let look = async {
            let restoring = self.inner.restoring.write().await;
            (restoring, self.compare(&held, |_| true).await)
        };
        // Who is not looked at in time differs still a second later. From here on nobody enters or leaves.
        let Ok((_restoring, comparison)) = tokio::time::timeout(STANDSTILL, look).await else {
            debug!(rooms = held.len(), "Can't look at rooms that differ in time");
            return Ok(());
        };
        // What is the same now has only been seen while somebody came or went; it is in doubt no more.
        let differing = doubts.conclude(&names_of(&held), &comparison?);
        let mut membership = membership_of(&held);
        membership.retain(|room, _| differing.contains(room));
        if membership.is_empty() {
            return Ok(());
        }
        self.inner.backend.presence.mend(&membership).await?;
        meters().presence_repairs.increment(membership.len() as u64);
        warn!(
            rooms = membership.len(),
            "The backend held other sessions of this node than there are; mended it"
        );
        Ok(())
    }

    /// Compares rooms' members, and asks of those in doubt whether they are listed.
    async fn compare(
        &self,
        rooms: &[Arc<Room>],
        is_doubted: impl Fn(&RoomName) -> bool,
    ) -> Result<Comparison, BackendError> {
        if rooms.is_empty() {
            return Ok(Comparison::default());
        }
        let mut comparison = self.inner.backend.presence.compare(&membership_of(rooms)).await;
        let doubted: Vec<RoomName> =
            comparison.same.iter().filter(|room| is_doubted(room)).cloned().collect();
        let unlisted = self.unlisted(&doubted).await?;
        comparison.same.retain(|room| !unlisted.contains(room));
        comparison.differing.extend(unlisted);
        Ok(comparison)
    }

    async fn unlisted(&self, rooms: &[RoomName]) -> Result<Vec<RoomName>, BackendError> {
        match rooms {
            [] => Ok(Vec::new()),
            rooms => self.inner.backend.presence.unlisted(rooms).await,
        }
    }
}

fn membership_of(rooms: &[Arc<Room>]) -> Membership {
    rooms.iter().map(|room| (room.name.clone(), room.members())).collect()
}

impl Doubts {
    /// Learns which rooms there are, and what was changed.
    fn take_in(&mut self, rooms: &[Arc<Room>], touched: &Touched) {
        for room in rooms {
            if !self.0.contains_key(&room.name) {
                self.0.insert(room.name.clone(), Doubt::default());
            }
        }
        if self.0.len() > rooms.len() {
            let here: HashSet<&RoomName> = rooms.iter().map(|room| &room.name).collect();
            self.0.retain(|room, _| here.contains(room));
        }
        if touched.all {
            self.0.values_mut().for_each(|doubt| doubt.compared = None);
        }
        for room in &touched.rooms {
            if let Some(doubt) = self.0.get_mut(room) {
                doubt.is_touched = true;
            }
        }
    }

    /// Has rooms compared next.
    fn suspect(&mut self, rooms: &[Arc<Room>]) {
        for room in rooms {
            self.0.entry(room.name.clone()).or_default().compared = None;
        }
    }

    /// The backend's lists lack these rooms.
    fn differ(&mut self, rooms: &[RoomName]) {
        for room in rooms {
            self.0.entry(room.clone()).or_default().differed = true;
        }
    }

    fn has_differed(&self, room: &RoomName) -> bool {
        self.0.get(room).is_some_and(|doubt| doubt.differed)
    }

    /// The rooms to compare now, those first that have waited longest.
    fn due(&self, rooms: &[Arc<Room>]) -> Vec<Arc<Room>> {
        let now = Instant::now();
        let doubt = |room: &&Arc<Room>| self.0.get(&room.name).copied().unwrap_or_default();
        let mut due: Vec<_> = rooms.iter().filter(|room| doubt(room).is_due(now, room)).collect();
        if due.len() > MOST {
            due.sort_by_key(|room| doubt(room).compared);
            due.truncate(MOST);
        }
        due.into_iter().cloned().collect()
    }

    /// Takes in what came of comparing the rooms that were due. Returns those that have differed twice.
    fn conclude(&mut self, due: &[RoomName], comparison: &Comparison) -> HashSet<RoomName> {
        let compared = Some(Instant::now());
        // Who could not be asked about, as its shard is dead, waits as if it had changed, behind the others.
        for room in due {
            let doubt = self.0.entry(room.clone()).or_default();
            (doubt.compared, doubt.is_touched) = (compared, true);
        }
        for room in &comparison.same {
            self.0.insert(room.clone(), Doubt { compared, ..Doubt::default() });
        }
        let mut twice = HashSet::new();
        for room in &comparison.differing {
            let before = self.0.insert(room.clone(), Doubt { compared, is_touched: false, differed: true });
            if before.is_some_and(|doubt| doubt.differed) {
                twice.insert(room.clone());
            }
        }
        twice
    }
}

impl Doubt {
    fn is_due(&self, now: Instant, room: &Room) -> bool {
        let Some(compared) = self.compared else { return true };
        self.differed || self.is_touched && now - compared >= settling(room.member_count())
    }
}

/// Least time between two comparisons of a room with so many sessions of this node that goes on changing.
fn settling(member_count: usize) -> Duration {
    let longer = Duration::from_secs((member_count / SESSIONS_A_SECOND) as u64);
    (SETTLING + longer).min(LONGEST_SETTLING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_of_a_dead_shard_keep_no_others_from_being_compared() {
        let room = |number: usize| Arc::new(Room::new(RoomName::from_trusted(&number.to_string())));
        let rooms: Vec<Arc<Room>> = (0..=MOST).map(room).collect();
        let mut doubts = Doubts::default();
        doubts.take_in(&rooms, &Touched::default());
        let silent = names_of(&doubts.due(&rooms));
        doubts.conclude(&silent, &Comparison::default());
        let next = names_of(&doubts.due(&rooms));
        assert_eq!(next.len(), 1, "who did not answer is asked again, but not before it has settled");
        assert!(!silent.contains(&next[0]));
    }

    #[test]
    fn large_rooms_are_compared_less_often() {
        assert_eq!(settling(1), SETTLING);
        assert_eq!(settling(2000), SETTLING + Duration::from_secs(10));
        assert_eq!(settling(1_000_000), LONGEST_SETTLING);
    }
}
