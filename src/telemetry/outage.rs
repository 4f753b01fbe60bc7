//! An outage is logged when it begins, and once a minute while it lasts. An operator
//! who opens the log an hour later must find it.

use std::time::{Duration, Instant};

/// Time between two lines about the same outage.
const REMIND_EVERY: Duration = Duration::from_secs(60);

/// Something that does not work, and whose beginning was logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    began: Instant,
    told: Instant,
}

impl Outage {
    /// One that begins now.
    pub fn begin(now: Instant) -> Self {
        Self { began: now, told: now }
    }

    /// How long it has lasted, if it is time to say so.
    pub fn remind(&mut self, now: Instant) -> Option<Duration> {
        let is_due = now - self.told >= REMIND_EVERY;
        is_due.then(|| {
            self.told = now;
            now - self.began
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_of_once_a_minute_while_it_lasts() {
        let began = Instant::now();
        let mut outage = Outage::begin(began);
        let tries = (0..=1200).map(|tenths| Duration::from_millis(tenths * 100));
        let told: Vec<_> = tries.filter_map(|after| outage.remind(began + after)).collect();
        assert_eq!(told, [Duration::from_secs(60), Duration::from_secs(120)]);
    }
}
