//! Sessions that go on sending although their frames are refused as too fast.

use std::time::Duration;

use governor::DefaultDirectRateLimiter;

use super::asking::{CURSORS, NOTIFICATIONS};
use super::messages::bucket;
use crate::backend::Rate;
use crate::chat::Chat;

/// The multiple of a rate at which a session that goes on is closed.
const CLOSE_AT_MULTIPLE: u32 = 10;

/// For so long a session may be refused as often as one at nearly that rate.
const GRACE: Duration = Duration::from_secs(5);

/// The limit that a frame counts against, each with a rate of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// A message, or a change of one.
    Messages,
    /// A join.
    Joins,
    /// A move of the user's cursor.
    Cursors,
    /// A mark on a notification.
    Notifications,
}

/// The refused frames of a session. Most sessions have none and hold nothing.
#[derive(Debug, Default)]
pub struct Refusals(Option<Box<Buckets>>);

#[derive(Debug, Default)]
struct Buckets {
    messages: Option<DefaultDirectRateLimiter>,
    joins: Option<DefaultDirectRateLimiter>,
    cursors: Option<DefaultDirectRateLimiter>,
    notifications: Option<DefaultDirectRateLimiter>,
}

impl Refusals {
    /// Counts one more. Returns whether the session goes on at ten times the rate, and must end.
    pub fn count(&mut self, chat: &Chat, pace: Pace) -> bool {
        let rates = chat.inner.limits.rates();
        let buckets = self.0.get_or_insert_default();
        let (refused, rate) = match pace {
            Pace::Messages => (&mut buckets.messages, rates.messages.or(rates.guest_messages)),
            Pace::Joins => (&mut buckets.joins, rates.joins),
            Pace::Cursors => (&mut buckets.cursors, Some(CURSORS)),
            Pace::Notifications => (&mut buckets.notifications, Some(NOTIFICATIONS)),
        };
        let Some(rate) = rate else { return false };
        refused.get_or_insert_with(|| bucket(tolerated(rate))).check().is_err()
    }
}

/// The refusals that are tolerated. Of the frames of a session at ten times the rate one in ten passes, so nine times the rate is
/// too much, and a little less is tolerated for good.
fn tolerated(rate: Rate) -> Rate {
    let every = (rate.every / (CLOSE_AT_MULTIPLE - 2)).max(Duration::from_nanos(1));
    let burst = u32::try_from(GRACE.as_nanos() / every.as_nanos()).unwrap_or(u32::MAX);
    Rate { every, burst: burst.max(1) }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use governor::RateLimiter;
    use governor::clock::FakeRelativeClock;

    use super::*;

    /// Whether a session that sends at so many times the rate for ten minutes is sent away. One in `times` frames passes.
    fn is_sent_away(rate: Rate, times: u32) -> bool {
        let Rate { every, burst } = tolerated(rate);
        let quota = governor::Quota::with_period(every).expect("a refusal takes some time");
        let quota = quota.allow_burst(NonZeroU32::new(burst).expect("some are tolerated"));
        let clock = FakeRelativeClock::default();
        let refused = RateLimiter::direct_with_clock(quota, clock.clone());
        let frames = (600.0 / rate.every.as_secs_f64()) as u32 * times;
        (0..frames).any(|frame| {
            clock.advance(rate.every / times);
            !frame.is_multiple_of(times) && refused.check().is_err()
        })
    }

    #[test]
    fn ten_times_the_rate_is_too_much_and_eight_times_is_tolerated() {
        let messages = Rate { every: Duration::from_millis(200), burst: 20 };
        let joins = Rate { every: Duration::from_millis(20), burst: 1000 };
        for rate in [messages, joins, CURSORS] {
            assert!(is_sent_away(rate, 10), "{rate:?}");
            assert!(!is_sent_away(rate, 8), "{rate:?}");
        }
    }
}
