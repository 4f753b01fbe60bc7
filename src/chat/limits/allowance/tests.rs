//! An allowance alone, and many nodes by a model of their cluster's bucket.

use super::*;

const RATE: Rate = Rate { every: Duration::from_millis(200), burst: 20 };
const TICK: Duration = Duration::from_millis(10);

/// The cluster's bucket, as the backends keep it.
struct Bucket {
    tokens: f64,
    at: Instant,
    claims: usize,
}

impl Bucket {
    fn take(&mut self, spent: u32, wanted: u32, now: Instant) -> Grant {
        let gained = (now - self.at).div_duration_f64(RATE.every);
        let burst = f64::from(RATE.burst);
        self.tokens = ((self.tokens + gained).min(burst) - f64::from(spent)).max(-burst);
        self.at = now;
        self.claims += 1;
        let granted = (self.tokens.max(0.0) as u32).min(wanted);
        self.tokens -= f64::from(granted);
        let missing = (1.0 - self.tokens).max(0.0);
        let retry_after = if granted > 0 { Duration::ZERO } else { RATE.every.mul_f64(missing) };
        Grant { granted, retry_after }
    }
}

/// The nodes of a cluster and one user's bucket.
struct Nodes {
    bucket: Bucket,
    nodes: Vec<Allowance>,
    /// A claim was announced, and reaches the nodes at the end of the tick.
    is_announced: bool,
}

impl Nodes {
    fn new(count: u32, now: Instant) -> Self {
        let bucket = Bucket { tokens: RATE.burst.into(), at: now, claims: 0 };
        let nodes = (0..count).map(|_| Allowance::new(RATE, count, now)).collect();
        Self { bucket, nodes, is_announced: false }
    }

    /// Whether a message through this node passes.
    fn passes(&mut self, node: usize, now: Instant) -> bool {
        let allowance = &mut self.nodes[node];
        match allowance.step(now) {
            Step::Pass => return true,
            Step::Refuse(_) => return false,
            Step::Claim => {}
        }
        let claim = allowance.claim(now);
        allowance.grant(self.bucket.take(claim.spent, claim.wanted, now), claim.spent, now);
        self.is_announced |= claim.is_news;
        allowance.step(now) == Step::Pass
    }

    /// The messages that pass through this node without a claim.
    fn sip(&mut self, node: usize, now: Instant) -> usize {
        let allowance = &mut self.nodes[node];
        allowance.renew(now);
        let free = allowance.free as usize;
        (0..free).filter(|_| allowance.step(now) == Step::Pass).count()
    }

    fn flood(&mut self, node: usize, now: Instant) -> usize {
        (0..3).filter(|_| self.passes(node, now)).count()
    }

    fn end_tick(&mut self, now: Instant) {
        if std::mem::take(&mut self.is_announced) {
            self.nodes.iter_mut().for_each(|node| node.hold(now));
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pattern {
    /// A flood through all nodes.
    All,
    /// A flood through one, and as much as passes without a claim through the others.
    One,
    /// A flood through each in turn, half a second long, and the same through the others.
    InTurn,
    /// As much as passes without a claim through all.
    Sips,
    /// The same, and at the end as much as passes through one.
    Late,
}

impl Pattern {
    const ALL: [Self; 5] = [Self::All, Self::One, Self::InTurn, Self::Sips, Self::Late];

    /// The messages that pass.
    fn run(self, count: u32, duration: Duration) -> usize {
        let start = Instant::now();
        let mut nodes = Nodes::new(count, start);
        let (mut passed, mut now, mut tick) = (0, start, 0);
        while now < start + duration {
            let is_last = now + TICK >= start + duration;
            for node in 0..count as usize {
                let floods = match self {
                    Self::All => true,
                    Self::One => node == 0,
                    Self::InTurn => node == tick / 50 % count as usize,
                    Self::Sips => false,
                    Self::Late => is_last && node == 0,
                };
                passed += nodes.sip(node, now);
                if floods {
                    let floods = if self == Self::Late { 20 } else { 1 };
                    passed += (0..floods).map(|_| nodes.flood(node, now)).sum::<usize>();
                }
            }
            nodes.end_tick(now);
            now += TICK;
            tick += 1;
        }
        passed
    }
}

#[test]
fn any_number_of_nodes_lets_pass_what_one_does() {
    let mut wrong = Vec::new();
    for pattern in Pattern::ALL {
        for nodes in 1..=10 {
            for seconds in [4, 5, 7, 10, 20, 60] {
                let allowed = 20 + 5 * seconds;
                let passed = pattern.run(nodes, Duration::from_secs(seconds as u64));
                let is_flood = matches!(pattern, Pattern::All | Pattern::One | Pattern::InTurn);
                if passed * 4 > allowed * 5 || is_flood && passed * 4 < allowed * 3 {
                    wrong.push(format!(
                        "{pattern:?} through {nodes} nodes, {seconds} s: {passed} for {allowed}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_burst_passes_and_then_the_rate() {
    let now = Instant::now();
    let mut node = Nodes::new(1, now);
    let mut passes = |now: Instant| node.passes(0, now);
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
fn a_flood_claims_at_most_twice_as_often_as_it_passes() {
    let start = Instant::now();
    let mut node = Nodes::new(1, start);
    for tick in 0..6000 {
        let _ = (0..100).filter(|_| node.passes(0, start + TICK * tick)).count();
    }
    assert!(node.bucket.claims <= 640, "{} claims of a flood for a minute", node.bucket.claims);
}

/// The messages that pass, and the claims, of an hour's talk through one of so many nodes.
fn talk(count: u32, every: Duration) -> (usize, usize) {
    let start = Instant::now();
    let mut nodes = Nodes::new(count, start);
    let messages = (3_600_000 / every.as_millis()) as u32;
    let passed = (0..messages).filter(|number| nodes.passes(0, start + every * *number)).count();
    (passed, nodes.bucket.claims)
}

#[test]
fn ordinary_talk_claims_nothing_and_fast_talk_a_part() {
    for nodes in 1..=10 {
        assert_eq!(talk(nodes, Duration::from_secs(2)), (1800, 0), "{nodes} nodes");
    }
    let (passed, claims) = talk(1, Duration::from_secs(1));
    assert_eq!(passed, 3600);
    // Of five claimed tokens four are used before the bucket is full again.
    assert!(claims <= 3600 / 4 + 1, "{claims}");
}

#[test]
fn a_claim_is_announced_twice_in_the_time_that_fills_the_bucket() {
    let now = Instant::now();
    let mut allowance = Allowance::new(RATE, 1, now);
    let times = [0, 1, 1999, 2000, 2001, 9000].map(Duration::from_millis);
    let news = times.map(|time| allowance.claim(now + time).is_news);
    assert_eq!(news, [true, false, false, true, false, true]);
}

#[test]
fn nothing_passes_without_a_claim_while_another_node_claims() {
    let now = Instant::now();
    let mut allowance = Allowance::new(RATE, 3, now);
    assert_eq!(allowance.step(now), Step::Pass);
    allowance.hold(now);
    assert_eq!(allowance.step(now + RATE.window()), Step::Claim);
    assert_eq!(allowance.claim(now).spent, 0, "the bucket has gained a token since");
    let renewed = now + RATE.window() + RATE.every * RENEWAL;
    assert_eq!([allowance.step(renewed), allowance.step(renewed)], [Step::Pass, Step::Claim]);
}

#[test]
fn a_token_that_is_given_back_passes_once_more() {
    let now = Instant::now();
    let mut allowance = Allowance::new(RATE, 1, now);
    for _ in 0..5 {
        assert_eq!(allowance.step(now), Step::Pass);
    }
    allowance.give_back(now);
    assert_eq!([allowance.step(now), allowance.step(now)], [Step::Pass, Step::Claim]);
    assert_eq!(allowance.claim(now).spent, 5);
}

#[test]
fn a_bucket_of_one_token_works() {
    let rate = Rate { every: Duration::from_secs(1), burst: 1 };
    let now = Instant::now();
    let mut allowance = Allowance::new(rate, 1, now);
    assert_eq!([allowance.step(now), allowance.step(now)], [Step::Pass, Step::Claim]);
    let refusal = Grant { granted: 0, retry_after: rate.every };
    allowance.grant(refusal, 1, now);
    assert_eq!(allowance.step(now), Step::Refuse(rate.every));
}
