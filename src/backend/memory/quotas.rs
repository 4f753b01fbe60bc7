//! The token buckets, by tokio's clock.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryNode;
use crate::backend::{Grant, Quota, Quotas, Rate, Result};

/// Buckets up to which full ones are not looked for.
const SWEEP_FROM_BUCKETS: usize = 1024;

/// The buckets that are not full.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    /// The time at which each is full.
    full_at: HashMap<Quota, Instant>,
    /// Buckets at which full ones are forgotten.
    forget_at: usize,
}

impl Buckets {
    /// The same steps as in `take.lua`.
    fn take(&mut self, quota: &Quota, rate: Rate, spent: u32, wanted: u32, now: Instant) -> Grant {
        let window = rate.window();
        let full_at = self.full_at.get(quota).map_or(now, |full_at| (*full_at).max(now));
        let full_at = (full_at + rate.every.saturating_mul(spent)).min(now + 2 * window);
        let available =
            (now + window).saturating_duration_since(full_at).as_nanos() / rate.every.as_nanos().max(1);
        let granted = wanted.min(u32::try_from(available).unwrap_or(u32::MAX));
        let full_at = full_at + rate.every.saturating_mul(granted);
        self.forget(now);
        self.full_at.insert(quota.clone(), full_at);
        let retry_after = match granted {
            0 => (full_at + rate.every).saturating_duration_since(now + window),
            _ => Duration::ZERO,
        };
        Grant { granted, retry_after }
    }

    fn forget(&mut self, now: Instant) {
        if self.full_at.len() >= self.forget_at.max(SWEEP_FROM_BUCKETS) {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.full_at.shrink_to(SWEEP_FROM_BUCKETS);
            self.forget_at = 2 * self.full_at.len();
        }
    }
}

#[async_trait]
impl Quotas for MemoryNode {
    async fn take(&self, quota: &Quota, rate: Rate, spent: u32, wanted: u32) -> Result<Grant> {
        Ok(self.cluster.lock().buckets.take(quota, rate, spent, wanted, Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_buckets_are_forgotten() {
        let (mut buckets, start) = (Buckets::default(), Instant::now());
        let rate = Rate { every: Duration::from_millis(1), burst: 10 };
        for place in 0..100_000 {
            let quota = Quota::AddressMessages(place.to_string());
            buckets.take(&quota, rate, 0, 1, start + place * Duration::from_millis(1));
        }
        assert!(
            buckets.full_at.len() <= SWEEP_FROM_BUCKETS
                && buckets.full_at.capacity() <= 4 * SWEEP_FROM_BUCKETS,
            "{buckets:?}"
        );
    }
}
