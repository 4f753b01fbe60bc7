//! How often somebody may search, report, ask for its rooms and notifications, and say what it has read; all on each node.

use std::time::Duration;

use governor::DefaultDirectRateLimiter;
use tokio::time::Instant;

use super::messages::{bucket, take};
use super::table::Table;
use super::too_fast;
use crate::backend::Rate;
use crate::chat::{Chat, Identity, Source};
use crate::model::UserId;
use crate::protocol::{ClientAddress, Rejection};
use crate::telemetry::Limit;

/// Moves of cursors: as many at once as a page that has read all its rooms, then 20 a second.
pub(super) const CURSORS: Rate = Rate { every: Duration::from_millis(50), burst: 200 };

/// Reports: a page of bad messages at once, then five a minute.
pub(super) const REPORTS: Rate = Rate { every: Duration::from_secs(12), burst: 10 };

/// Readings of the list of the user's rooms, each of which looks at every room on it: a flurry of changes at once, then two a second.
pub(super) const MY_ROOMS: Rate = Rate { every: Duration::from_millis(500), burst: 30 };

/// Readings of notifications, and marks on them: as many at once as a page that shows all of them, then 20 a second.
pub(super) const NOTIFICATIONS: Rate = Rate { every: Duration::from_millis(50), burst: 200 };

/// A user that asks. Guests are new users at will, so they count by their address.
#[derive(Debug, Hash)]
pub(super) enum Asker {
    User(UserId),
    Guests(ClientAddress),
}

impl Asker {
    fn new(by: Option<&Identity>, address: ClientAddress) -> Self {
        match by {
            Some(by) if by.source != Source::Guest => Self::User(by.author.user_id.clone()),
            _ => Self::Guests(address),
        }
    }
}

/// Token buckets of a node.
pub(super) type Buckets<K> = Table<K, (Rate, DefaultDirectRateLimiter)>;

/// Takes a token. A full table knows nothing about the key, and each key may ask often.
pub(super) fn take_from<K: std::hash::Hash>(
    buckets: &Buckets<K>,
    key: &K,
    rate: Rate,
) -> Result<(), Duration> {
    let make = || (rate, bucket(rate));
    let taken = buckets.with(key, rate.window(), Instant::now(), make, |(made_for, tokens)| {
        if *made_for == rate { take(tokens) } else { Ok(()) }
    });
    taken.unwrap_or(Ok(()))
}

impl Chat {
    /// Counts a search of a user, or of the guests of an address.
    ///
    /// # Errors
    /// `too_fast`
    pub fn admit_search(&self, by: Option<&Identity>, address: ClientAddress) -> Result<(), Rejection> {
        let limits = &self.inner.limits;
        let Some(rate) = limits.rates().searches else { return Ok(()) };
        take_from(&limits.searches, &Asker::new(by, address), rate)
            .map_err(|wait| too_fast(Limit::Searches, wait))
    }

    /// Counts a report of a user, or of the guests of an address.
    ///
    /// # Errors
    /// `too_fast`
    pub fn admit_report(&self, by: &Identity, address: ClientAddress) -> Result<(), Rejection> {
        let taken = take_from(&self.inner.limits.reports, &Asker::new(Some(by), address), REPORTS);
        taken.map_err(|wait| too_fast(Limit::Reports, wait))
    }

    /// Counts a reading of the list of a user's rooms.
    ///
    /// # Errors
    /// `too_fast`
    pub fn admit_my_rooms(&self, by: &Identity, address: ClientAddress) -> Result<(), Rejection> {
        let taken = take_from(&self.inner.limits.my_rooms, &Asker::new(Some(by), address), MY_ROOMS);
        taken.map_err(|wait| too_fast(Limit::MyRooms, wait))
    }

    /// Counts a reading of a user's notifications, or a mark on one of them.
    ///
    /// # Errors
    /// `too_fast`
    pub(in crate::chat) fn admit_notifications(
        &self,
        by: &Identity,
        address: ClientAddress,
    ) -> Result<(), Rejection> {
        let limits = &self.inner.limits;
        let taken = take_from(&limits.notifications, &Asker::new(Some(by), address), NOTIFICATIONS);
        taken.map_err(|wait| too_fast(Limit::Notifications, wait))
    }

    /// Counts a move of a cursor.
    pub(in crate::chat) fn admit_cursor(&self, by: &Identity) -> Result<(), Rejection> {
        let taken = take_from(&self.inner.limits.cursors, &by.author.user_id, CURSORS);
        taken.map_err(|wait| too_fast(Limit::Cursors, wait))
    }
}
