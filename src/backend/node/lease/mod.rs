//! Renews a node's lease, and starts a resync of its sessions whenever the backend's entries may be wrong.

mod step;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{debug, error, info};

use self::step::{Action, Event, NextRenewal, State, step};
use super::{LocalNode, secrets};
use crate::backend::{BackendError, Cluster, Health, NodeStats, Result};
use crate::supervisor::{Supervisor, ticks};
use crate::telemetry::{Figures, Outage};

/// Delay before the next renewal after a failed one, or while other nodes are restoring their sessions. Membership
/// reads fail until they have.
const RETRY: Duration = Duration::from_millis(100);

/// Time in which sessions read the data that is in their sockets.
const DRAIN_SOCKETS: Duration = Duration::from_millis(100);

/// The state of the lease before its renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend) enum Lease {
    /// The lease has not expired.
    Held,
    /// The lease has not expired, but membership is incomplete: the backend has lost sessions of other nodes, or
    /// this node is new and does not know all others. Until then membership reads fail. The next renewals show when
    /// it is complete.
    Incomplete,
    /// The lease had expired, or the backend had lost it. Other nodes may have removed this node's sessions, so
    /// they must be restored. Also: the backend has found sessions of this node in rooms that are not on its list.
    Expired,
}

/// A backend's operations on the lease. Each method may take `redis.command_timeout` for each of its steps.
#[async_trait]
pub(in crate::backend) trait LeaseHolder: Cluster {
    /// Renews this node's lease, stores its figures and does the due maintenance of the cluster: removes the sessions of dead nodes
    /// from their rooms, and sends leave notices whose grace period is over. Each notice is sent once, by whichever
    /// node sees it first.
    async fn renew(&self, stats: &NodeStats, figures: Option<&Figures>) -> Result<Lease>;

    /// Makes the backend's entries of this node equal to the node's sessions.
    async fn resync(&self) -> Result<()>;
}

/// The loop that renews the lease.
pub(in crate::backend) struct LeaseLoop<H> {
    pub(in crate::backend) holder: Arc<H>,
    pub(in crate::backend) node: Arc<dyn LocalNode>,
    pub(in crate::backend) health: watch::Sender<Health>,
    pub(in crate::backend) renew_every: Duration,
    pub(in crate::backend) supervisor: Supervisor,
}

impl<H: LeaseHolder + 'static> LeaseLoop<H> {
    /// Renews the lease every `renew_every` until the node stops.
    pub(in crate::backend) async fn run(self) {
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
            let (after, Action { next, resync: begins, notify_complete }) =
                step(state, event, Instant::now());
            state = after;
            if notify_complete {
                self.node.on_complete();
            }
            if let Some(lease) = begins {
                resync = Some(self.supervisor.run_once("resync", self.resync(lease)));
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
        let figures = self.node.take_figures();
        let renewed = self.holder.renew(&self.node.stats(), figures.as_ref()).await;
        if let (Err(_), Some(figures)) = (&renewed, figures) {
            self.node.return_figures(figures);
        }
        let lease = renewed?;
        if lease == Lease::Held {
            secrets::learn(&*self.holder, &*self.node).await?;
        }
        Ok(lease)
    }

    fn resync(&self, lease: Lease) -> impl Future<Output = Result<()>> + Send + use<H> {
        let (holder, node) = (self.holder.clone(), self.node.clone());
        async move {
            // A node that was suspended learns that its lease has expired before its sessions have read what
            // arrived in the meantime. A session that has left must not be restored: others would see it leave
            // again.
            if lease == Lease::Expired && !node.rooms().is_empty() {
                tokio::time::sleep(DRAIN_SOCKETS).await;
            }
            // Precedes the resync, after which other nodes stop waiting for this one: a node that creates a secret
            // must find this one stored. A shard without the secret does not block the resync of rooms.
            let shared = secrets::share(&*holder, &*node).await;
            holder.resync().await?;
            shared
        }
    }
}

/// Waits for the running resync, if there is one. Cancel-safe.
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
            debug!(error, "could not restore some local sessions yet");
        }
        (None, Some(_)) => {
            error!(error, "backend unavailable; refusing posts");
            *outage = Some(Outage::begin(Instant::now()));
        }
        (Some(outage), Some(_)) => {
            if let Some(lasts) = outage.remind(Instant::now()) {
                let lasts_s = lasts.as_secs();
                error!(error, lasts_s, "backend still unavailable; refusing posts");
            }
        }
        (Some(_), None) if health == Health::Ready && !was_ready => {
            info!("backend available again");
            *outage = None;
        }
        (_, None) => {}
    }
}
