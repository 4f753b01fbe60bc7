//! A subscriber that is connected but deaf passes a ping; so the node publishes to itself, and knows
//! when it last heard itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::backend::FeedHealth;

/// When the last message of the node to itself came back, in ms since `epoch`; 0: never.
#[derive(Debug)]
pub(super) struct Canary {
    epoch: Instant,
    heard_at: AtomicU64,
    timeout: Duration,
}

impl Canary {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { epoch: Instant::now(), heard_at: AtomicU64::new(0), timeout }
    }

    pub(super) fn record(&self) {
        let millis = self.epoch.elapsed().as_millis() as u64;
        self.heard_at.store(millis.max(1), Ordering::Relaxed);
    }

    pub(super) fn reset(&self) {
        self.heard_at.store(0, Ordering::Relaxed);
    }

    pub(super) fn state(&self) -> FeedHealth {
        let heard_at = self.heard_at.load(Ordering::Relaxed);
        let age = self.epoch.elapsed().saturating_sub(Duration::from_millis(heard_at));
        if heard_at > 0 && age < self.timeout { FeedHealth::Live } else { FeedHealth::Stale }
    }
}
