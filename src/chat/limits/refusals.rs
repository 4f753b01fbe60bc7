//! Sessions that go on sending although their messages are refused.

use governor::DefaultDirectRateLimiter;

use super::messages::bucket;
use crate::backend::Rate;
use crate::chat::Chat;

/// Refused messages that a session may send, as a multiple of the messages that are not refused.
const PATIENCE: u32 = 10;

/// The refused messages of a session. Most sessions have none and hold nothing.
#[derive(Debug, Default)]
pub struct Refusals(Option<Box<DefaultDirectRateLimiter>>);

impl Refusals {
    /// Counts one more. Returns whether the session sends at ten times the rate, and must end.
    pub fn count(&mut self, chat: &Chat) -> bool {
        let rates = chat.inner.limits.rates();
        let Some(rate) = rates.messages.or(rates.guest_messages) else { return false };
        let refused = self.0.get_or_insert_with(|| {
            Box::new(bucket(Rate {
                every: rate.every / PATIENCE,
                burst: rate.burst.saturating_mul(PATIENCE),
            }))
        });
        refused.check().is_err()
    }
}
