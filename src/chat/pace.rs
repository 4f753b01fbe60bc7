//! What a room must not be told too often: its count, and who is typing.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::model::UserId;

/// Least time between two counts.
const BETWEEN_COUNTS: Duration = Duration::from_secs(1);

/// Holds back a count that comes too soon after another; the newest is told with a later tick.
#[derive(Debug, Default)]
pub(super) struct Counts {
    told_at: Option<Instant>,
    untold: Option<u64>,
}

impl Counts {
    /// So many sessions are in the room now.
    pub(super) fn set(&mut self, client_count: u64) {
        self.untold = Some(client_count);
    }

    /// A notice has told the count.
    pub(super) fn settle(&mut self) {
        self.untold = None;
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

/// Who was announced as typing, and when.
#[derive(Debug, Default)]
pub(super) struct Typists(HashMap<UserId, Instant>);

impl Typists {
    /// Whether the user was announced within `every`.
    pub(super) fn contains(&self, user: &UserId, every: Duration) -> bool {
        self.0.get(user).is_some_and(|since| since.elapsed() < every)
    }

    /// Whether a notice is not one too many. If so, the next will be for `every`.
    pub(super) fn admit(&mut self, user: &UserId, every: Duration) -> bool {
        let now = Instant::now();
        self.0.retain(|_, since| now - *since < every);
        if self.0.contains_key(user) {
            return false;
        }
        self.0.insert(user.clone(), now);
        true
    }
}
