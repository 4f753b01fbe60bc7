//! How many messages users, and guests of an address, may send in the cluster.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, RateLimiter};
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::allowance::{Allowance, Claim, Step};
use super::table::Table;
use crate::backend::{self, BackendError, Grant, Quota, Quotas, Rate};
use crate::telemetry::meters;

/// Longest wait for the cluster's bucket, in which the message of the session is not posted.
const CLAIM_WITHIN: Duration = Duration::from_millis(500);

/// Time for which the node decides alone after a bucket did not answer.
const ALONE: Duration = Duration::from_secs(1);

/// Messages by user or by address.
#[derive(Debug)]
pub(super) struct Meter<K> {
    senders: Table<K, Sender>,
    /// Nodes of the cluster, as far as this one knows.
    nodes: AtomicU32,
    /// Until then the node decides alone.
    alone_until: Mutex<Option<Instant>>,
}

/// The sender of some messages. Most never need more than the allowance.
#[derive(Debug)]
struct Sender {
    allowance: Allowance,
    /// Held during a claim: one at a time, whatever the number of sessions.
    claiming: Option<Arc<tokio::sync::Mutex<()>>>,
    /// Decides while the backend does not answer.
    alone: Option<Box<DefaultDirectRateLimiter>>,
}

/// A message before the bucket is asked.
#[derive(Debug)]
enum Begun {
    /// The message passes, or does not for so long.
    Decided(Result<(), Duration>),
    /// The bucket is to be asked.
    Claim(Claim),
}

/// A bucket that is full.
pub(super) fn bucket(rate: Rate) -> DefaultDirectRateLimiter {
    let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
    let quota = governor::Quota::with_period(rate.every).expect("a token takes some time");
    RateLimiter::direct(quota.allow_burst(burst))
}

/// Takes a token, or tells the time until there is one.
pub(super) fn take(bucket: &DefaultDirectRateLimiter) -> Result<(), Duration> {
    bucket.check().map_err(|refusal| refusal.wait_time_from(DefaultClock::default().now()))
}

impl<K: Hash> Meter<K> {
    pub(super) fn new() -> Self {
        Self { senders: Table::new(), nodes: AtomicU32::new(1), alone_until: Mutex::default() }
    }

    /// Takes a token if this node can tell without asking.
    pub(super) fn step(&self, key: &K, rate: Rate) -> Step {
        let now = Instant::now();
        self.with_sender(key, rate, now, |sender| sender.allowance.step(now)).unwrap_or(Step::Claim)
    }

    /// Gives back a token that was taken.
    pub(super) fn give_back(&self, key: &K, rate: Rate) {
        let now = Instant::now();
        // A full table knows nothing about the sender.
        let _ = self.with_sender(key, rate, now, |sender| sender.allowance.give_back(now));
    }

    /// Divides among so many nodes what passes without asking.
    pub(super) fn divide_by(&self, nodes: u32) {
        self.nodes.store(nodes.max(1), Ordering::Relaxed);
    }

    /// A node claims tokens for this sender.
    pub(super) fn hold(&self, key: &K, rate: Rate) {
        let now = Instant::now();
        // In a full table a sender without an entry claims each token.
        let _ = self.with_sender(key, rate, now, |sender| sender.allowance.hold(now));
    }

    /// Takes a token, of the cluster's bucket if need be. `announce`: tells all nodes of the claim.
    ///
    /// # Errors
    /// The time until there is one.
    pub(super) async fn take(
        &self,
        key: &K,
        rate: Rate,
        quota: Quota,
        quotas: &dyn Quotas,
        announce: impl AsyncFnOnce() -> backend::Result<()>,
    ) -> Result<(), Duration> {
        let claiming = self.with_sender(key, rate, Instant::now(), Sender::claiming);
        let Some(claiming) = claiming else {
            return self.take_without_entry(rate, &quota, quotas).await;
        };
        let _turn = claiming.lock().await;
        let now = Instant::now();
        let is_alone = self.is_alone(now);
        let asked = match self.with_sender(key, rate, now, |sender| sender.begin(is_alone, now)) {
            Some(Begun::Claim(asked)) => asked,
            Some(Begun::Decided(decided)) => return decided,
            None => return self.take_without_entry(rate, &quota, quotas).await,
        };
        let announcing = async {
            if asked.is_news
                && let Err(error) = in_time(announce()).await
            {
                debug!(error = %error.root_cause(), "could not tell the other nodes of a claim");
            }
        };
        let claiming = claim(quotas.take(&quota, rate, asked.spent, asked.wanted));
        let (claimed, ()) = tokio::join!(claiming, announcing);
        let now = Instant::now();
        let granted = claimed.inspect_err(|error| self.decide_alone(error, now)).ok();
        let decided = self.with_sender(key, rate, now, |sender| sender.finish(granted, asked.spent, now));
        // It was forgotten during the claim, and the table is full.
        decided.unwrap_or(Ok(()))
    }

    /// A table that is full knows nothing about the sender, so each message asks. Without an answer it passes: then posts
    /// fail as well.
    async fn take_without_entry(
        &self,
        rate: Rate,
        quota: &Quota,
        quotas: &dyn Quotas,
    ) -> Result<(), Duration> {
        if self.is_alone(Instant::now()) {
            return Ok(());
        }
        match claim(quotas.take(quota, rate, 0, 1)).await {
            Ok(grant) if grant.granted == 0 => Err(grant.retry_after),
            Ok(_) => Ok(()),
            Err(error) => {
                self.decide_alone(&error, Instant::now());
                Ok(())
            }
        }
    }

    fn with_sender<R>(
        &self,
        key: &K,
        rate: Rate,
        now: Instant,
        act: impl FnOnce(&mut Sender) -> R,
    ) -> Option<R> {
        let nodes = self.nodes.load(Ordering::Relaxed);
        let forget_after = Allowance::forgotten_after(rate, nodes);
        self.senders.with(
            key,
            forget_after,
            now,
            || Sender::new(rate, nodes, now),
            |sender| {
                sender.renew(rate, nodes, now);
                act(sender)
            },
        )
    }

    fn is_alone(&self, now: Instant) -> bool {
        self.lock_alone().is_some_and(|until| now < until)
    }

    fn decide_alone(&self, error: &BackendError, now: Instant) {
        debug!(error = %error.root_cause(), "decides about limits alone");
        *self.lock_alone() = Some(now + ALONE);
    }

    fn lock_alone(&self) -> MutexGuard<'_, Option<Instant>> {
        self.alone_until.lock().expect("no code panics while it holds this lock")
    }

    /// Forgets senders that may send as if they never had. Without a rate, all.
    pub(super) fn sweep(&self, rate: Option<Rate>) {
        let nodes = self.nodes.load(Ordering::Relaxed);
        match rate {
            Some(rate) => self.senders.sweep(Allowance::forgotten_after(rate, nodes), Instant::now()),
            None => self.senders.clear(),
        }
    }

    /// Senders that are remembered.
    pub(super) fn len(&self) -> usize {
        self.senders.len()
    }
}

async fn claim(taking: impl Future<Output = backend::Result<Grant>>) -> backend::Result<Grant> {
    meters().quota_claims.increment(1);
    in_time(taking).await
}

async fn in_time<T>(asking: impl Future<Output = backend::Result<T>>) -> backend::Result<T> {
    timeout(CLAIM_WITHIN, asking)
        .await
        .unwrap_or_else(|elapsed| Err(BackendError::Unavailable(elapsed.into())))
}

impl Sender {
    fn new(rate: Rate, nodes: u32, now: Instant) -> Self {
        Self { allowance: Allowance::new(rate, nodes, now), claiming: None, alone: None }
    }

    /// Begins anew if the settings have changed.
    fn renew(&mut self, rate: Rate, nodes: u32, now: Instant) {
        if self.allowance.rate() != rate {
            self.allowance = Allowance::new(rate, nodes, now);
            self.alone = None;
        }
        self.allowance.divide_by(nodes);
    }

    fn claiming(&mut self) -> Arc<tokio::sync::Mutex<()>> {
        self.claiming.get_or_insert_default().clone()
    }

    /// Decides as far as that needs no answer: another session of the sender may have claimed enough meanwhile.
    fn begin(&mut self, is_alone: bool, now: Instant) -> Begun {
        match self.allowance.step(now) {
            Step::Pass => Begun::Decided(Ok(())),
            Step::Refuse(wait) => Begun::Decided(Err(wait)),
            Step::Claim if is_alone => Begun::Decided(self.take_alone()),
            Step::Claim => Begun::Claim(self.allowance.claim(now)),
        }
    }

    /// Decides with the answer to a claim that reported `spent` tokens; `None`: there was none.
    fn finish(&mut self, granted: Option<Grant>, spent: u32, now: Instant) -> Result<(), Duration> {
        let Some(grant) = granted else { return self.take_alone() };
        self.allowance.grant(grant, spent, now);
        match self.allowance.step(now) {
            Step::Pass => Ok(()),
            Step::Refuse(wait) => Err(wait),
            Step::Claim => Err(self.allowance.rate().every),
        }
    }

    fn take_alone(&mut self) -> Result<(), Duration> {
        let rate = self.allowance.rate();
        take(self.alone.get_or_insert_with(|| Box::new(bucket(rate))))
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::model::UserId;

    /// Does not answer.
    #[derive(Debug)]
    struct Away;

    #[async_trait]
    impl Quotas for Away {
        async fn take(&self, _: &Quota, _: Rate, _: u32, _: u32) -> backend::Result<Grant> {
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_backend_a_node_allows_what_the_cluster_would() {
        let rate = Rate { every: Duration::from_secs(3600), burst: 20 };
        let (meter, user) = (Meter::new(), UserId::guest());
        let start = Instant::now();
        let mut passed = 0;
        for _ in 0..100 {
            let quota = Quota::UserMessages(user.clone());
            let taken = meter.take(&user, rate, quota, &Away, async || Ok(())).await;
            passed += usize::from(taken.is_ok());
        }
        // Those that need no claim, and a bucket of the node's own.
        assert_eq!(passed, 25);
        assert_eq!(start.elapsed(), CLAIM_WITHIN, "one message waits, the others don't");
    }
}
