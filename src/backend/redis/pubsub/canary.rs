//! The canary: the node publishes to itself, because a subscription that receives nothing may still answer a ping.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::backend::FeedHealth;

/// When the last canary returned, in ms since `epoch`; 0: never.
#[derive(Debug)]
pub(super) struct Canary {
    epoch: Instant,
    received_at: AtomicU64,
    timeout: Duration,
}

impl Canary {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { epoch: Instant::now(), received_at: AtomicU64::new(0), timeout }
    }

    pub(super) fn record(&self) {
        let millis = self.epoch.elapsed().as_millis() as u64;
        self.received_at.store(millis.max(1), Ordering::Relaxed);
    }

    pub(super) fn reset(&self) {
        self.received_at.store(0, Ordering::Relaxed);
    }

    pub(super) fn state(&self) -> FeedHealth {
        let received_at = self.received_at.load(Ordering::Relaxed);
        let age = self.epoch.elapsed().saturating_sub(Duration::from_millis(received_at));
        if received_at > 0 && age < self.timeout { FeedHealth::Live } else { FeedHealth::Stale }
    }
}
