//! The difference between this node's clock and that of Redis. Nothing here depends on it, but messages carry
//! Redis' time and tokens the node's, so the operator must know.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracing::{info, warn};

use crate::telemetry::meters;

/// The difference that is logged.
const LOG_THRESHOLD_MS: f64 = 1000.0;

/// Logs a difference once.
#[derive(Debug, Default)]
pub struct Skew {
    is_logged: AtomicBool,
}

impl Skew {
    /// Records the clock of Redis, which was read at some time during the last `round_trip`.
    pub fn record(&self, redis_ms: u64, round_trip: Duration) {
        let here = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let uncertainty_ms = round_trip.as_secs_f64() * 500.0;
        let skew_ms = here.as_secs_f64() * 1000.0 - uncertainty_ms - redis_ms as f64;
        meters().clock_skew.set(skew_ms / 1000.0);
        let is_off = skew_ms.abs() - uncertainty_ms > LOG_THRESHOLD_MS;
        if is_off == self.is_logged.swap(is_off, Ordering::Relaxed) {
            return;
        }
        let skew_s = (skew_ms / 1000.0).round();
        if is_off {
            warn!(skew_s, "this node's clock differs from that of Redis; set both by NTP");
        } else {
            info!(skew_s, "this node's clock agrees with that of Redis again");
        }
    }
}
