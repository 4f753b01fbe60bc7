//! A node's part of one of the cluster's token buckets. Some tokens pass without asking, in the whole cluster at most half of
//! a full bucket, and are renewed slowly; beyond that the node claims tokens, as many at once. So ordinary talk asks the
//! backend nothing, and the nodes together let pass what one bucket holds, but for what they have not reported yet.
//!
//! The first claim is announced. While a node claims tokens, no node renews its own ones, and the others let nothing pass
//! without a claim: only then is the rate of all nodes that of the bucket.

#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::Instant;

use crate::backend::{Grant, Rate};

/// The part of a full bucket that is claimed at once, and that passes without asking on a node alone.
const SHARE: u32 = 4;

/// The part of the rate at which a node renews what passes without asking.
const RENEWAL: u32 = 10;

/// Tokens of one bucket on this node. A change of time is an argument, so that tests need no clock.
#[derive(Debug)]
pub(super) struct Allowance {
    rate: Rate,
    /// Nodes of the cluster, which divide what passes without asking.
    nodes: u32,
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
    /// Until then the other nodes need not be told of a claim again.
    announced_until: Option<Instant>,
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

/// A question to the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    /// Tokens to report.
    pub(super) spent: u32,
    /// Tokens to claim at once.
    pub(super) wanted: u32,
    /// Whether the other nodes are to be told.
    pub(super) is_news: bool,
}

impl Allowance {
    pub(super) fn new(rate: Rate, nodes: u32, now: Instant) -> Self {
        Self {
            rate,
            nodes,
            free: f64::from(share(rate, nodes)),
            renewed_at: now,
            spent: 0.0,
            spent_at: now,
            claimed: 0,
            claimed_until: now,
            empty_until: now,
            announced_until: None,
        }
    }

    /// The rate that it was made for.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// The number of nodes has changed.
    pub(super) fn divide_by(&mut self, nodes: u32) {
        self.nodes = nodes;
    }

    /// Time after which an allowance that is not used is as a new one.
    pub(super) fn forgotten_after(rate: Rate, nodes: u32) -> Duration {
        rate.window() + rate.every * share(rate, nodes) * RENEWAL.max(nodes)
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
        let free = self.free + tokens(self.renewed_at) / f64::from(RENEWAL.max(self.nodes));
        self.free = free.min(share(self.rate, self.nodes).into());
        self.spent = (self.spent - tokens(self.spent_at)).max(0.0);
        self.renewed_at = self.renewed_at.max(now);
        self.spent_at = now;
    }

    /// Begins a claim. It is told again before the other nodes renew their own tokens.
    pub(super) fn claim(&mut self, now: Instant) -> Claim {
        let is_news = self.announced_until.is_none_or(|until| now >= until);
        if is_news {
            self.announced_until = Some(now + self.rate.window() / 2);
        }
        Claim { spent: self.spent.round() as u32, wanted: self.rate.burst.div_ceil(SHARE), is_news }
    }

    /// A node has claimed tokens, this one or another: for the time that fills the bucket nothing passes without a claim.
    pub(super) fn hold(&mut self, now: Instant) {
        self.renew(now);
        self.free = 0.0;
        self.renewed_at = self.renewed_at.max(now + self.rate.window());
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

/// Tokens that pass at once on each of so many nodes: half of a full bucket on all, and at least one on each.
fn share(rate: Rate, nodes: u32) -> u32 {
    (rate.burst / nodes.saturating_mul(2).max(SHARE)).max(1)
}
