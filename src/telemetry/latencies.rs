//! A histogram of latencies as a value: the counts of its buckets.

use super::tally::{BOUNDS, BUCKETS};

/// Latencies by bucket; the bounds are those of the histograms of `/metrics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latencies([u64; BUCKETS]);

impl Latencies {
    pub(super) fn new(counts: [u64; BUCKETS]) -> Self {
        Self(counts)
    }

    /// Those that were added since an earlier state.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self(std::array::from_fn(|bucket| self.0[bucket].saturating_sub(earlier.0[bucket])))
    }

    /// Adds those of another.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count = count.saturating_add(more);
        }
    }

    /// The latency in milliseconds that this share of them does not exceed, interpolated within its bucket as
    /// Prometheus' `histogram_quantile` does; `None` if there are none.
    pub fn quantile_ms(&self, share: f64) -> Option<f64> {
        let total: f64 = self.0.iter().map(|count| *count as f64).sum();
        let rank = share * total;
        let mut below = 0.0;
        let mut lower = 0.0;
        for (bucket, count) in self.0.iter().map(|count| *count as f64).enumerate() {
            let upper = BOUNDS.get(bucket).copied().unwrap_or(lower);
            if count > 0.0 && below + count >= rank {
                return Some((lower + (upper - lower) * (rank - below) / count) * 1000.0);
            }
            below += count;
            lower = upper;
        }
        None
    }

    /// As text: `bucket:count`, separated by commas, without those that are empty; `-` if all are.
    pub(super) fn write(&self) -> String {
        let filled = self.0.iter().enumerate().filter(|(_, count)| **count > 0);
        let written: Vec<_> = filled.map(|(bucket, count)| format!("{bucket}:{count}")).collect();
        if written.is_empty() { "-".to_owned() } else { written.join(",") }
    }

    /// Reads such a text; buckets that this version does not have count as the last one.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut latencies = Self::default();
        for part in text.split(',').filter(|_| text != "-") {
            let (bucket, count) = part.split_once(':')?;
            let bucket = bucket.parse::<usize>().ok()?.min(BUCKETS - 1);
            latencies.0[bucket] = latencies.0[bucket].saturating_add(count.parse().ok()?);
        }
        Some(latencies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(counts: &[(usize, u64)]) -> Latencies {
        let mut latencies = Latencies::default();
        for (bucket, count) in counts {
            latencies.0[*bucket] = *count;
        }
        latencies
    }

    #[test]
    fn a_quantile_is_interpolated_within_its_bucket() {
        for (latencies, share, expected) in [
            (of(&[]), 0.5, None),
            (of(&[(3, 100)]), 0.5, Some(0.75)),
            (of(&[(3, 100)]), 1.0, Some(1.0)),
            (of(&[(0, 98), (9, 2)]), 0.99, Some(75.0)),
            (of(&[(16, 5)]), 0.5, Some(10_000.0)),
        ] {
            let found = latencies.quantile_ms(share);
            let is_close = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
                (found, expected) => found == expected,
            };
            assert!(is_close, "{latencies:?} at {share}: {found:?}, not {expected:?}");
        }
    }

    #[test]
    fn latencies_are_written_and_read() {
        for (latencies, text) in [(of(&[]), "-"), (of(&[(0, 3), (16, 1)]), "0:3,16:1")] {
            assert_eq!(latencies.write(), text);
            assert_eq!(Latencies::read(text), Some(latencies));
        }
        assert_eq!(Latencies::read("99:2"), Some(of(&[(16, 2)])));
        for junk in ["", "1", "1:x", "-1:2", "1:2,"] {
            assert_eq!(Latencies::read(junk), None, "{junk}");
        }
    }

    #[test]
    fn merged_latencies_are_the_sum() {
        let mut sum = of(&[(1, 2)]);
        sum.merge(&of(&[(1, 3), (2, 1)]));
        assert_eq!(sum, of(&[(1, 5), (2, 1)]));
        assert_eq!(sum.since(&of(&[(1, 2)])), of(&[(1, 3), (2, 1)]));
    }
}
