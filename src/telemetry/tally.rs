//! Metrics that the node reads itself, for its figures. An exporter's counters can only be written.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{Counter, Histogram};

/// The upper bounds of the buckets of all histograms, in seconds. One more bucket has all above.
pub(super) const BOUNDS: [f64; 16] =
    [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// How many buckets a histogram has.
pub const BUCKETS: usize = BOUNDS.len() + 1;

/// A counter.
#[derive(Debug)]
pub struct Tally {
    exported: Counter,
    total: AtomicU64,
}

impl Tally {
    pub(super) fn new(exported: Counter) -> Self {
        Self { exported, total: AtomicU64::new(0) }
    }

    /// Counts more of them.
    pub fn increment(&self, count: u64) {
        self.exported.increment(count);
        self.total.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}

/// A histogram of durations.
#[derive(Debug)]
pub struct Timing {
    exported: Histogram,
    buckets: [AtomicU64; BUCKETS],
}

impl Timing {
    pub(super) fn new(exported: Histogram) -> Self {
        Self { exported, buckets: [const { AtomicU64::new(0) }; BUCKETS] }
    }

    /// Adds a duration.
    pub fn record(&self, duration: Duration) {
        self.exported.record(duration);
        self.buckets[bucket(duration.as_secs_f64())].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> [u64; BUCKETS] {
        std::array::from_fn(|bucket| self.buckets[bucket].load(Ordering::Relaxed))
    }
}

fn bucket(seconds: f64) -> usize {
    BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_bucket_that_reaches_it() {
        for (seconds, expected) in [(0.0, 0), (0.0001, 0), (0.00011, 1), (10.0, 15), (10.1, 16)] {
            assert_eq!(bucket(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn a_tally_and_a_timing_can_be_read() {
        let tally = Tally::new(Counter::noop());
        tally.increment(2);
        tally.increment(3);
        assert_eq!(tally.total(), 5);
        let timing = Timing::new(Histogram::noop());
        timing.record(Duration::from_millis(3));
        assert_eq!(timing.counts().iter().sum::<u64>(), 1);
        assert_eq!(timing.counts()[5], 1);
    }
}
