//! Keeps a node's lease, and has the backend's view of its sessions made true after every sign that it may not be.

mod step;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{debug, error, info};

use self::step::{Action, Event, NextRenewal, State, step};
use super::{BackendError, Health, LocalNode, NodeStats, Result, secrets};
use crate::supervisor::{Supervisor, ticks};
use crate::telemetry::Outage;

/// Wait before a renewal that failed, or found that others still have to put their sessions back, is made
/// again: until then no answer is given about who is where.
const RETRY: Duration = Duration::from_millis(100);

/// How long sessions take at most to read what lies in their sockets.
const DRAIN_SOCKETS: Duration = Duration::from_millis(100);

/// Whether the cluster still counted on this node when its lease was renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lease {
    /// It never ran out.
    Held,
    /// It never ran out, but the backend has forgotten sessions of other nodes, or the node is new and
    /// others may not know of it: until that has changed, no answer about who is where can be given.
    /// Renewing soon shows when it has.
    Incomplete,
    /// It had run out, or the backend had forgotten it: others may have taken this node's sessions
    /// out of their rooms, so they must be put back. Or the backend has found sessions of this node
    /// where it was not known to have any.
    Expired,
}

/// The work of a lease in one kind of backend. Each method may take `redis.command_timeout` for each of its steps.
#[async_trait]
pub(super) trait LeaseHolder: super::Cluster {
    /// Renews this node's lease and does the cluster's housekeeping that has fallen due: takes the
    /// sessions of dead nodes out of their rooms, sends leave notices whose grace period is over.
    /// Whichever node comes first does it; each notice is sent once.
    async fn renew(&self, stats: &NodeStats) -> Result<Lease>;

    /// Makes the backend's view of all of this node's sessions what the node says.
    async fn resync(&self) -> Result<()>;
}

/// What the loop works with.
pub(super) struct LeaseLoop<H> {
    pub(super) holder: Arc<H>,
    pub(super) node: Arc<dyn LocalNode>,
    pub(super) health: watch::Sender<Health>,
    pub(super) renew_every: Duration,
    pub(super) supervisor: Supervisor,
}

impl<H: LeaseHolder + 'static> LeaseLoop<H> {
    /// Renews the lease in its rhythm until the node stops.
    pub(super) async fn run(self) {
        let mut renewals = ticks(self.renew_every);
        let (mut state, mut outage) = (State::new(), None);
        let mut resync: Option<JoinHandle<Result<()>>> = None;
        loop {
            let (event, failure) = tokio::select! {
                () = self.supervisor.stopping() => return,
                outcome = ended(&mut resync) => {
                    resync = None;
                    classify(outcome, |()| Event::Resynced, Event::ResyncFailed)
                }
                _ = renewals.tick() => {
                    classify(self.renew().await, Event::Renewed, Event::RenewalFailed)
                }
            };
            let was_ready = state.health == Health::Ready;
            let (after, Action { next, resync: begins, tell_complete }) = step(state, event, Instant::now());
            state = after;
            if tell_complete {
                self.node.on_complete();
            }
            if let Some(lease) = begins {
                resync = Some(self.supervisor.run_once("restoration", self.resync(lease)));
            }
            log_change(&mut outage, state.health, was_ready, failure);
            self.health.send_if_modified(|health| std::mem::replace(health, state.health) != state.health);
            match next {
                NextRenewal::OnSchedule => {}
                NextRenewal::Retry => renewals.reset_after(RETRY.min(self.renew_every)),
                NextRenewal::Immediate => renewals.reset_immediately(),
            }
        }
    }

    async fn renew(&self) -> Result<Lease> {
        let lease = self.holder.renew(&self.node.stats()).await?;
        if lease == Lease::Held {
            secrets::learn(&*self.holder, &*self.node).await?;
        }
        Ok(lease)
    }

    fn resync(&self, lease: Lease) -> impl Future<Output = Result<()>> + Send + use<H> {
        let (holder, node) = (self.holder.clone(), self.node.clone());
        async move {
            // A node that stood still finds out that it was taken for dead before its sessions have read
            // what came meanwhile. A session that left must not be put back, for others to see it leave again.
            if lease == Lease::Expired && !node.rooms().is_empty() {
                tokio::time::sleep(DRAIN_SOCKETS).await;
            }
            // Before the others are told that this node has given back what it has. They wait for it, and a shard
            // without the secret keeps no session out of its rooms.
            let shared = secrets::share(&*holder, &*node).await;
            holder.resync().await?;
            shared
        }
    }
}

/// Ends with the resync that is under way, if there is one; may be dropped and called again.
async fn ended(resync: &mut Option<JoinHandle<Result<()>>>) -> Result<()> {
    let Some(work) = resync else { return std::future::pending().await };
    work.await.unwrap_or_else(|error| Err(BackendError::Unavailable(error.into())))
}

fn classify<T>(
    outcome: Result<T>,
    done: impl FnOnce(T) -> Event,
    failed: Event,
) -> (Event, Option<BackendError>) {
    match outcome {
        Ok(value) => (done(value), None),
        Err(error) => (failed, Some(error)),
    }
}

/// An outage is logged when it begins and once a minute.
fn log_change(outage: &mut Option<Outage>, health: Health, was_ready: bool, failure: Option<BackendError>) {
    let error = failure.as_ref().map(BackendError::root_cause).unwrap_or_default();
    match (outage.as_mut(), failure) {
        (None, Some(_)) if health == Health::Ready || health == Health::Incomplete => {
            debug!(error, "some of this node's sessions can't be put back yet");
        }
        (None, Some(_)) => {
            error!(error, "The backend does not answer; sends are refused until it does");
            *outage = Some(Outage::begin(Instant::now()));
        }
        (Some(outage), Some(_)) => {
            if let Some(lasts) = outage.remind(Instant::now()) {
                let lasts_s = lasts.as_secs();
                error!(error, lasts_s, "The backend still does not answer; sends are refused until it does");
            }
        }
        (Some(_), None) if health == Health::Ready && !was_ready => {
            info!("The backend answers again");
            *outage = None;
        }
        (_, None) => {}
    }
}
