//! A node's part of one of the cluster's token buckets. A quarter of a full bucket passes without asking, renewed at a
//! tenth of its rate; beyond that the node claims tokens, as many at once. So ordinary talk asks the backend nothing, and
//! the nodes together let pass what one bucket holds, but for what they have not reported yet.
//!
//! While a node claims tokens, its own ones are not renewed: only then is the rate of all nodes that of the bucket.

use std::time::Duration;

use tokio::time::Instant;

use crate::backend::{Grant, Rate};

/// The part of a full bucket that passes without asking, and that is claimed at once.
const SHARE: u32 = 4;

/// The part of the rate at which a node renews what passes without asking.
const RENEWAL: f64 = 10.0;

/// Tokens of one bucket on this node. A change of time is an argument, so that tests need no clock.
#[derive(Debug)]
pub(super) struct Allowance {
    rate: Rate,
    /// Tokens that pass without asking.
    free: f64,
    /// They are renewed from here on.
    renewed_at: Instant,
    /// Tokens that passed without asking and are not reported, less those that the bucket has gained since.
    spent: f64,
    spent_at: Instant,
    /// Tokens that were claimed and not used.
    claimed: u32,
    /// The bucket is full again by then, so they count no longer.
    claimed_until: Instant,
    /// The bucket has no token before.
    empty_until: Instant,
}

/// Whether a message passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It does; the token is taken.
    Pass,
    /// It does not, for so long.
    Refuse(Duration),
    /// The bucket must be asked.
    Claim,
}

impl Allowance {
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            free: Self::share(rate).into(),
            renewed_at: now,
            spent: 0.0,
            spent_at: now,
            claimed: 0,
            claimed_until: now,
            empty_until: now,
        }
    }

    fn share(rate: Rate) -> u32 {
        rate.burst.div_ceil(SHARE)
    }

    /// Tokens to claim at once.
    pub(super) fn wanted(&self) -> u32 {
        Self::share(self.rate)
    }

    /// The rate that it was made for.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// Time after which an allowance that is not used is as a new one.
    pub(super) fn forgotten_after(rate: Rate) -> Duration {
        let renewal = rate.every.mul_f64(f64::from(Self::share(rate)) * RENEWAL);
        rate.window() + renewal
    }

    /// Takes a token if there is one.
    pub(super) fn step(&mut self, now: Instant) -> Step {
        if self.claimed > 0 && now < self.claimed_until {
            self.claimed -= 1;
            return Step::Pass;
        }
        self.renew(now);
        if self.free >= 1.0 {
            self.free -= 1.0;
            self.spent += 1.0;
            return Step::Pass;
        }
        match self.empty_until.checked_duration_since(now) {
            Some(wait) if !wait.is_zero() => Step::Refuse(wait),
            _ => Step::Claim,
        }
    }

    fn renew(&mut self, now: Instant) {
        let tokens = |since: Instant| now.saturating_duration_since(since).div_duration_f64(self.rate.every);
        let free = self.free + tokens(self.renewed_at) / RENEWAL;
        self.free = free.min(Self::share(self.rate).into());
        self.spent = (self.spent - tokens(self.spent_at)).max(0.0);
        self.renewed_at = self.renewed_at.max(now);
        self.spent_at = now;
    }

    /// Tokens to report with a claim.
    pub(super) fn spent(&self) -> u32 {
        self.spent.round() as u32
    }

    /// Takes over the answer to a claim that reported `spent` tokens.
    pub(super) fn grant(&mut self, grant: Grant, spent: u32, now: Instant) {
        self.renew(now);
        self.spent = (self.spent - f64::from(spent)).max(0.0);
        let window = self.rate.window();
        self.renewed_at = now + window;
        self.claimed = grant.granted;
        self.claimed_until = now + window;
        self.empty_until = now + grant.retry_after.min(2 * window);
    }

    /// Gives back a token that [`Allowance::step`] took. It is paid for, so it is as one that was claimed.
    pub(super) fn give_back(&mut self, now: Instant) {
        self.claimed = if now < self.claimed_until { self.claimed + 1 } else { 1 };
        self.claimed_until = self.claimed_until.max(now + self.rate.every);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { every: Duration::from_millis(200), burst: 20 };

    /// The cluster's bucket, as the backends keep it.
    struct Bucket {
        tokens: f64,
        at: Instant,
        claims: usize,
    }

    impl Bucket {
        fn take(&mut self, spent: u32, wanted: u32, now: Instant) -> Grant {
            let gained = (now - self.at).div_duration_f64(RATE.every);
            self.tokens = (self.tokens + gained).min(RATE.burst.into()) - f64::from(spent);
            self.at = now;
            self.claims += 1;
            let granted = (self.tokens.max(0.0) as u32).min(wanted);
            self.tokens -= f64::from(granted);
            let missing = (1.0 - self.tokens).max(0.0);
            let retry_after = if granted > 0 { Duration::ZERO } else { RATE.every.mul_f64(missing) };
            Grant { granted, retry_after }
        }
    }

    /// Whether a message passes.
    fn passes(allowance: &mut Allowance, bucket: &mut Bucket, now: Instant) -> bool {
        match allowance.step(now) {
            Step::Pass => return true,
            Step::Refuse(_) => return false,
            Step::Claim => {}
        }
        let spent = allowance.spent();
        allowance.grant(bucket.take(spent, allowance.wanted(), now), spent, now);
        allowance.step(now) == Step::Pass
    }

    /// Tries to send `each` messages on each of some nodes at once, and again after `every`. Returns the number of messages
    /// that passed, and that of claims.
    fn talk(nodes: usize, each: usize, every: Duration, duration: Duration) -> (usize, usize) {
        let start = Instant::now();
        let mut bucket = Bucket { tokens: RATE.burst.into(), at: start, claims: 0 };
        let mut allowances: Vec<_> = (0..nodes).map(|_| Allowance::new(RATE, start)).collect();
        let (mut passed, mut now) = (0, start);
        while now < start + duration {
            for allowance in &mut allowances {
                passed += (0..each).filter(|_| passes(allowance, &mut bucket, now)).count();
            }
            now += every;
        }
        (passed, bucket.claims)
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let now = Instant::now();
        let mut bucket = Bucket { tokens: 20.0, at: now, claims: 0 };
        let mut allowance = Allowance::new(RATE, now);
        let mut passes = |now: Instant| passes(&mut allowance, &mut bucket, now);
        assert!((0..20).all(|_| passes(now)));
        assert!(!passes(now));
        assert!(!passes(now + RATE.every / 2));
        assert!(passes(now + RATE.every));
        assert!(!passes(now + RATE.every));
        // Five, and a whole burst as soon as the bucket is full again.
        let later = now + RATE.every + RATE.window() * 4;
        assert!((0..5).all(|_| passes(later)));
        assert!((0..20).all(|_| passes(later + RATE.every * 5)));
        assert!(!passes(later + RATE.every * 5));
    }

    #[test]
    fn a_flood_from_three_nodes_gets_what_one_gets() {
        let (tenth, minute) = (Duration::from_millis(10), Duration::from_secs(60));
        for seconds in [4, 10, 60] {
            let duration = Duration::from_secs(seconds);
            let allowed = 20 + 5 * seconds as usize;
            let (one, _) = talk(1, 3, tenth, duration);
            let (three, _) = talk(3, 3, tenth, duration);
            assert!(one.abs_diff(allowed) <= 5, "{one} for {allowed}");
            assert!(three >= one && three * 4 <= one * 5, "{three} from three nodes, {one} from one");
        }
        let (_, claims) = talk(1, 100, tenth, minute);
        assert!(claims <= 640, "{claims} claims of a flood for a minute");
    }

    #[test]
    fn ordinary_talk_claims_nothing_and_fast_talk_a_part() {
        let hour = Duration::from_secs(3600);
        let (passed, claims) = talk(1, 1, Duration::from_secs(2), hour);
        assert_eq!((passed, claims), (1800, 0));
        let (passed, claims) = talk(1, 1, Duration::from_secs(1), hour);
        assert_eq!(passed, 3600);
        // Of five claimed tokens four are used before the bucket is full again.
        assert!(claims <= 3600 / 4 + 1, "{claims}");
    }

    #[test]
    fn a_token_that_is_given_back_passes_once_more() {
        let now = Instant::now();
        let mut allowance = Allowance::new(RATE, now);
        for _ in 0..5 {
            assert_eq!(allowance.step(now), Step::Pass);
        }
        allowance.give_back(now);
        assert_eq!([allowance.step(now), allowance.step(now)], [Step::Pass, Step::Claim]);
        assert_eq!(allowance.spent(), 5);
    }

    #[test]
    fn a_bucket_of_one_token_works() {
        let rate = Rate { every: Duration::from_secs(1), burst: 1 };
        let now = Instant::now();
        let mut allowance = Allowance::new(rate, now);
        assert_eq!([allowance.step(now), allowance.step(now)], [Step::Pass, Step::Claim]);
        let refusal = Grant { granted: 0, retry_after: rate.every };
        allowance.grant(refusal, 1, now);
        assert_eq!(allowance.step(now), Step::Refuse(rate.every));
    }
}
