//! Limits on how often a room is told its count and of typing users, and on how slow checks of all rooms are spread over time.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::model::UserId;

/// Least time between two counts.
const BETWEEN_COUNTS: Duration = Duration::from_secs(1);

/// Spreads a check of all rooms over time: each second a share of them has its turn.
#[derive(Debug)]
pub(in crate::chat) struct RoundRobin {
    every: Duration,
    due: f64,
    /// The next in turn, by its place among all.
    next: usize,
}

impl RoundRobin {
    /// All rooms have their turn in about `every`.
    pub(in crate::chat) fn new(every: Duration) -> Self {
        Self { every, due: 0.0, next: 0 }
    }

    /// Once a second: those whose turn it is. Each has one in time as long as they keep their order. Additions
    /// and removals may move others, and a map that grows moves all: then some wait up to twice as long,
    /// or longer if that goes on.
    pub(in crate::chat) fn turn<T: Clone>(&mut self, rooms: &[T]) -> Vec<T> {
        self.due += rooms.len() as f64 / self.every.as_secs_f64().max(1.0);
        let share = (self.due as usize).min(rooms.len());
        self.due -= share as f64;
        if share == 0 {
            return Vec::new();
        }
        let first = self.next % rooms.len();
        self.next = (first + share) % rooms.len();
        rooms.iter().cycle().skip(first).take(share).cloned().collect()
    }
}

/// Holds back a count that comes too soon after another; the newest is told with a later tick.
#[derive(Debug, Default)]
pub(super) struct CountThrottle {
    told_at: Option<Instant>,
    untold: Option<u64>,
    /// The last that arrived, told or not.
    last: Option<u64>,
    /// How many have arrived.
    received: u64,
}

impl CountThrottle {
    /// So many sessions are in the room now.
    pub(super) fn set(&mut self, client_count: u64) {
        self.untold = Some(client_count);
        self.record(client_count);
    }

    /// A notice has told the count.
    pub(super) fn settle(&mut self, client_count: u64) {
        self.untold = None;
        self.record(client_count);
    }

    fn record(&mut self, client_count: u64) {
        self.last = Some(client_count);
        self.received += 1;
    }

    /// How many counts have arrived.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// The count that arrived last.
    pub(super) fn last(&self) -> Option<u64> {
        self.last
    }

    /// Whether it is another count than the last that arrived.
    pub(super) fn is_news(&self, client_count: u64) -> bool {
        self.last != Some(client_count)
    }

    /// The count to tell now, if there is one and it is not too soon.
    pub(super) fn take_due(&mut self) -> Option<u64> {
        let now = Instant::now();
        if self.told_at.is_some_and(|told| now - told < BETWEEN_COUNTS) {
            return None;
        }
        let client_count = self.untold.take()?;
        self.told_at = Some(now);
        Some(client_count)
    }
}

/// Which typing notices are told.
#[derive(Debug, Clone, Copy)]
pub struct TypingRule {
    /// `presence.typing_every`: least time between two of a user.
    pub every: Duration,
    /// `presence.announce_up_to`: none in a room of more sessions.
    pub up_to: u64,
}

/// The users that were announced as typing, and when.
#[derive(Debug, Default)]
pub(super) struct TypingThrottle {
    since: HashMap<UserId, Instant>,
    /// The same in the order of time, so that who is forgotten is found at its front.
    order: VecDeque<(Instant, UserId)>,
}

impl TypingThrottle {
    /// Whether the user was announced within `every`.
    pub(super) fn contains(&self, user: &UserId, every: Duration) -> bool {
        self.since.get(user).is_some_and(|since| since.elapsed() < every)
    }

    /// Whether a notice is not one too many. If so, the next will be for `every`.
    pub(super) fn allow(&mut self, user: &UserId, every: Duration) -> bool {
        let now = Instant::now();
        while let Some((since, user)) = self.order.front()
            && now - *since >= every
        {
            self.since.remove(user);
            self.order.pop_front();
        }
        if self.since.contains_key(user) {
            return false;
        }
        self.since.insert(user.clone(), now);
        self.order.push_back((now, user.clone()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typist_is_told_once_in_time_and_forgotten_then() {
        let (mut typing_throttle, every) = (TypingThrottle::default(), Duration::from_millis(20));
        let (rahim, mita) = (UserId::guest(), UserId::guest());
        assert!(typing_throttle.allow(&rahim, every) && typing_throttle.allow(&mita, every));
        assert!(!typing_throttle.allow(&rahim, every) && typing_throttle.contains(&rahim, every));
        while typing_throttle.contains(&mita, every) {
            std::thread::yield_now();
        }
        assert!(typing_throttle.allow(&rahim, every));
        assert_eq!((typing_throttle.since.len(), typing_throttle.order.len()), (1, 1));
    }

    #[test]
    fn every_room_has_its_turn_in_time() {
        let rooms: Vec<u32> = (0..25).collect();
        let mut round_robin = RoundRobin::new(Duration::from_secs(10));
        for _ in 0..3 {
            let mut seen: Vec<u32> = (0..10).flat_map(|_| round_robin.turn(&rooms)).collect();
            seen.sort_unstable();
            assert_eq!(seen, rooms);
        }
        assert!(round_robin.turn::<u32>(&[]).is_empty());
    }
}
