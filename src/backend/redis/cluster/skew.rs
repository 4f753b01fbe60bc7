//! How far this node's clock is from that of Redis. Nothing here depends on it; but messages bear the one time and
//! tokens the other, and an operator must know.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracing::{info, warn};

use crate::telemetry::meters;

/// Difference that an operator is told of.
const TOLD_MS: f64 = 1000.0;

/// Whether the operator was told; a difference is told once.
#[derive(Debug, Default)]
pub struct Skew {
    is_told: AtomicBool,
}

impl Skew {
    /// Takes in the clock of Redis, which was read at some time during the last `asking`.
    pub fn take_in(&self, redis_ms: u64, asking: Duration) {
        let here = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unsure_ms = asking.as_secs_f64() * 500.0;
        let skew_ms = here.as_secs_f64() * 1000.0 - unsure_ms - redis_ms as f64;
        meters().clock_skew.set(skew_ms / 1000.0);
        let is_off = skew_ms.abs() - unsure_ms > TOLD_MS;
        if is_off == self.is_told.swap(is_off, Ordering::Relaxed) {
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
