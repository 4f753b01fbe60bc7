//! The schedule of room comparisons.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::digest::Comparison;
use super::tracking::Dirty;
use crate::backend::LocalRoom;
use crate::model::RoomName;

/// Minimum interval between two comparisons of a small room that keeps changing.
const MIN_INTERVAL: Duration = Duration::from_secs(3);

/// The interval grows by a second for each of so many local sessions: Redis reads all of them to compare (15 ms for
/// 10,000), and serves no other command meanwhile.
const SESSIONS_PER_EXTRA_SECOND: usize = 200;

/// Maximum of that interval.
const MAX_INTERVAL: Duration = Duration::from_secs(60);

/// Maximum number of rooms compared in a second: with ten sessions each they cost Redis some 20 ms.
const MAX_CHECKED_PER_SECOND: usize = 1000;

/// This node's rooms, and the state of each.
#[derive(Debug)]
pub(super) struct ReconcileQueue {
    rooms: HashMap<RoomName, RoomCheck>,
    verify_every: Duration,
}

/// The state of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RoomCheck {
    /// Not compared yet, or since tracking was interrupted.
    Due,
    /// Equal at this time.
    Same(Instant),
    /// Changed since this time, or unreachable then.
    Changed(Instant),
    /// Different, or missing on a list.
    Mismatch,
}

impl RoomCheck {
    fn is_due(self, now: Instant, sessions: usize, verify_every: Duration) -> bool {
        match self {
            Self::Due | Self::Mismatch => true,
            Self::Same(at) => now - at >= verify_every.max(min_interval(sessions)),
            Self::Changed(at) => now - at >= min_interval(sessions),
        }
    }

    /// The time of the last comparison or attempt.
    fn compared(self) -> Option<Instant> {
        match self {
            Self::Due | Self::Mismatch => None,
            Self::Same(at) | Self::Changed(at) => Some(at),
        }
    }
}

impl ReconcileQueue {
    /// `verify_every`: maximum interval between two comparisons of a room.
    pub(super) fn new(verify_every: Duration) -> Self {
        Self { rooms: HashMap::new(), verify_every }
    }

    /// Updates the rooms, and marks the changed ones.
    pub(super) fn update(&mut self, rooms: &[LocalRoom], dirty: &Dirty) {
        for room in rooms {
            if !self.rooms.contains_key(&room.name) {
                self.rooms.insert(room.name.clone(), RoomCheck::Due);
            }
        }
        if self.rooms.len() > rooms.len() {
            let here: HashSet<&RoomName> = rooms.iter().map(|room| &room.name).collect();
            self.rooms.retain(|room, _| here.contains(room));
        }
        let mark_due = |check: &mut RoomCheck| {
            if *check != RoomCheck::Mismatch {
                *check = RoomCheck::Due;
            }
        };
        if dirty.all {
            self.rooms.values_mut().for_each(mark_due);
        }
        for room in &dirty.rooms {
            if let Some(check) = self.rooms.get_mut(room)
                && let RoomCheck::Same(at) = *check
            {
                *check = RoomCheck::Changed(at);
            }
        }
    }

    /// Marks rooms that are missing on Redis' lists.
    pub(super) fn mark_mismatch(&mut self, rooms: Vec<RoomName>) {
        self.rooms.extend(rooms.into_iter().map(|room| (room, RoomCheck::Mismatch)));
    }

    pub(super) fn is_mismatch(&self, room: &RoomName) -> bool {
        self.rooms.get(room) == Some(&RoomCheck::Mismatch)
    }

    /// The rooms to compare now, the longest waiting first.
    pub(super) fn due(&self, rooms: &[LocalRoom]) -> Vec<RoomName> {
        let now = Instant::now();
        let check = |room: &LocalRoom| self.rooms.get(&room.name).copied().unwrap_or(RoomCheck::Due);
        let is_due = |room: &&LocalRoom| check(room).is_due(now, room.sessions, self.verify_every);
        let mut due: Vec<&LocalRoom> = rooms.iter().filter(is_due).collect();
        if due.len() > MAX_CHECKED_PER_SECOND {
            due.sort_by_key(|room| check(room).compared());
            due.truncate(MAX_CHECKED_PER_SECOND);
        }
        due.into_iter().map(|room| room.name.clone()).collect()
    }

    /// Records a comparison of the due rooms. Returns the rooms that have differed twice.
    pub(super) fn record(&mut self, due: &[RoomName], comparison: &Comparison) -> Vec<RoomName> {
        let now = Instant::now();
        let answered: HashSet<&RoomName> = comparison.same.iter().chain(&comparison.differing).collect();
        // A room on an unreachable shard waits like a changed one, behind the others.
        for room in due.iter().filter(|room| !answered.contains(room)) {
            self.rooms.insert(room.clone(), RoomCheck::Changed(now));
        }
        for room in &comparison.same {
            self.rooms.insert(room.clone(), RoomCheck::Same(now));
        }
        let mut twice = Vec::new();
        for room in &comparison.differing {
            if self.rooms.insert(room.clone(), RoomCheck::Mismatch) == Some(RoomCheck::Mismatch) {
                twice.push(room.clone());
            }
        }
        twice
    }
}

/// Minimum interval between two comparisons of a room with so many local sessions.
fn min_interval(sessions: usize) -> Duration {
    let longer = Duration::from_secs((sessions / SESSIONS_PER_EXTRA_SECOND) as u64);
    (MIN_INTERVAL + longer).min(MAX_INTERVAL)
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    fn rooms(count: usize) -> Vec<LocalRoom> {
        let room =
            |number: usize| LocalRoom { name: RoomName::from_trusted(&number.to_string()), sessions: 1 };
        (0..count).map(room).collect()
    }

    fn queue(rooms: &[LocalRoom]) -> ReconcileQueue {
        let mut queue = ReconcileQueue::new(Duration::from_secs(60));
        queue.update(rooms, &Dirty::default());
        queue
    }

    #[test]
    fn rooms_of_a_dead_shard_do_not_delay_others() {
        let rooms = rooms(MAX_CHECKED_PER_SECOND + 1);
        let mut queue = queue(&rooms);
        let unreachable = queue.due(&rooms);
        queue.record(&unreachable, &Comparison::default());
        let next = queue.due(&rooms);
        assert_eq!(next.len(), 1, "a room that was not answered for is asked again, but not at once");
        assert!(!unreachable.contains(&next[0]));
    }

    #[test]
    fn a_room_that_differs_twice_is_to_be_resynced() {
        let rooms = rooms(1);
        let (mut queue, name) = (queue(&rooms), rooms[0].name.clone());
        let differs = Comparison { same: Vec::new(), differing: vec![name.clone()] };
        assert_eq!(queue.record(&queue.due(&rooms), &differs), []);
        assert_eq!(queue.due(&rooms), slice::from_ref(&name));
        assert_eq!(queue.record(&queue.due(&rooms), &differs), slice::from_ref(&name));
        let same = Comparison { same: vec![name.clone()], differing: Vec::new() };
        assert_eq!(queue.record(&queue.due(&rooms), &same), []);
        assert_eq!(queue.due(&rooms), []);
        queue.update(&rooms, &Dirty { rooms: HashSet::new(), all: true });
        assert_eq!(queue.due(&rooms), [name]);
    }

    #[test]
    fn large_rooms_are_compared_less_often() {
        assert_eq!(min_interval(1), MIN_INTERVAL);
        assert_eq!(min_interval(2000), MIN_INTERVAL + Duration::from_secs(10));
        assert_eq!(min_interval(1_000_000), MAX_INTERVAL);
    }
}
