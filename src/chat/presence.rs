//! Keeps this node's lease, and the backend's view of its sessions true.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tracing::{debug, error, info, warn};

use super::{Chat, NotReady, source_of};
use crate::backend::{BackendError, Lease, Membership, Vitals};
use crate::supervisor::ticks;
use crate::telemetry::Outage;

/// Wait before a renewal that failed, or found that others still have to put their sessions back, is made
/// again: till then no answer is given about who is where.
const RETRY: Duration = Duration::from_millis(100);

/// Wait before sessions are put right again, if some rooms can't be reached although the lease can be
/// renewed: a part of the backend is down.
const SETTLE_AGAIN: Duration = Duration::from_secs(2);

/// How long sessions take at most to read what lies in their sockets.
const HEARING: Duration = Duration::from_millis(100);

/// Whether the backend answered lately, so that an outage is logged when it begins and once a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contact {
    Good,
    Lost(Outage),
}

/// What the presence loop carries from one renewal to the next.
#[derive(Debug)]
struct Upkeep {
    contact: Contact,
    has_started: bool,
    /// Whether all sessions of all nodes were there with the last renewal, so that they could be counted.
    has_all: bool,
    /// Since when the backend may believe something else of this node's sessions.
    settle_at: Option<Instant>,
    /// What puts it right, beside the renewals: a part of the backend that does not answer would hold
    /// them up until the lease runs out. It is never broken off, nor is there ever a second one.
    restoration: Option<Restoration>,
    /// It has succeeded: the next renewal tells the others.
    is_restored: bool,
}

/// Sessions are being put right.
#[derive(Debug)]
struct Restoration {
    work: JoinHandle<Result<(), BackendError>>,
    /// What the renewal said that it began with.
    lease: Lease,
}

/// When the lease is renewed next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    InTurn,
    Soon,
    Now,
}

impl Chat {
    /// Renews the lease in its rhythm until the node stops. After every sign that the backend may
    /// believe something else of this node's sessions, has it put right.
    pub(super) async fn keep_lease(self) {
        let rhythm = self.inner.config.presence.renew_every;
        let mut beats = ticks(rhythm);
        let mut upkeep = Upkeep::new();
        loop {
            let next = tokio::select! {
                () = self.inner.supervisor.stopping() => return,
                () = self.inner.unsettled.notified(), if upkeep.restoration.is_none() => {
                    upkeep.settle_at.get_or_insert_with(Instant::now);
                    Next::InTurn
                }
                (lease, outcome) = upkeep.restored() => self.conclude(&mut upkeep, lease, outcome),
                _ = beats.tick() => self.beat(&mut upkeep).await,
            };
            match next {
                Next::InTurn => {}
                Next::Soon => beats.reset_after(RETRY.min(rhythm)),
                Next::Now => beats.reset_immediately(),
            }
        }
    }

    async fn beat(&self, upkeep: &mut Upkeep) -> Next {
        match self.renew().await {
            Ok(lease) => self.take_in(upkeep, lease),
            Err(error) => {
                // What was given up may yet take effect, in any order.
                upkeep.settle_at = Some(Instant::now());
                self.tell(upkeep, Err(error));
                Next::Soon
            }
        }
    }

    async fn renew(&self) -> Result<Lease, BackendError> {
        let lease = self.inner.backend.cluster.renew(&self.vitals()).await?;
        if lease == Lease::Held {
            self.learn_secrets().await?;
        }
        Ok(lease)
    }

    /// What a renewal said. As long as sessions are to be put right it makes no node answer that did not.
    fn take_in(&self, upkeep: &mut Upkeep, lease: Lease) -> Next {
        let (is_restored, was_due) = (std::mem::take(&mut upkeep.is_restored), upkeep.is_due());
        let had_all = std::mem::replace(&mut upkeep.has_all, lease == Lease::Held);
        if upkeep.has_all && !had_all {
            // What rooms were told meanwhile may have been short.
            self.inner.hub.compare_soon();
        }
        if lease == Lease::Lost {
            // Whoever is putting them right may have begun before: then it is done once more.
            upkeep.settle_at = Some(Instant::now());
        }
        let is_busy = upkeep.restoration.is_some();
        if !is_busy && !was_due && (is_restored || lease != Lease::Lost) {
            self.tell(upkeep, Ok(lease));
        } else if !is_busy {
            self.inner.contact.is_back();
            upkeep.settle_at = None;
            let work = self.inner.supervisor.run_once("restoration", self.clone().settle(lease));
            upkeep.restoration = Some(Restoration { work, lease });
        }
        match lease {
            Lease::Waiting | Lease::Lost if upkeep.restoration.is_none() => Next::Soon,
            _ => Next::InTurn,
        }
    }

    async fn settle(self, lease: Lease) -> Result<(), BackendError> {
        if lease == Lease::Lost {
            self.hear_who_left().await;
        }
        self.restore().await
    }

    /// `lease`: as it was when the sessions began to be put right.
    fn conclude(&self, upkeep: &mut Upkeep, lease: Lease, outcome: Result<(), BackendError>) -> Next {
        match outcome {
            Ok(()) => {
                upkeep.is_restored = true;
                // So that the others learn of it now and not with the next beat.
                Next::Now
            }
            Err(error) if lease == Lease::Lost => {
                upkeep.settle_at = Some(Instant::now());
                self.tell(upkeep, Err(error));
                Next::Soon
            }
            Err(error) => {
                // The lease stands, and so do the rooms that can be reached: only those who left others
                // are still seen there. All joins wait while it is tried again, so not at once.
                debug!(error = %source_of(&error), "Can't put all of this node's sessions right yet");
                upkeep.settle_at.get_or_insert_with(|| Instant::now() + SETTLE_AGAIN);
                Next::Now
            }
        }
    }

    /// Has the node answer, or refuse, and logs it if that is another thing than before.
    fn tell(&self, upkeep: &mut Upkeep, outcome: Result<Lease, BackendError>) {
        upkeep.has_started |= matches!(outcome, Ok(Lease::Held));
        self.inner.contact.set(match &outcome {
            _ if !upkeep.has_started => Err(NotReady::Starting),
            Ok(_) => Ok(()),
            Err(_) => Err(NotReady::Redis),
        });
        upkeep.contact = tell_change(upkeep.contact, outcome.map(drop));
    }

    /// A node that stood still finds out that it was taken for dead before its sessions have read
    /// what came meanwhile. Whoever left must not be put back, for others to see it leave again.
    async fn hear_who_left(&self) {
        if self.inner.hub.occupied() > 0 {
            tokio::time::sleep(HEARING).await;
        }
    }

    async fn restore(&self) -> Result<(), BackendError> {
        let _restoring = self.inner.restoring.write().await;
        // Before the others are told that this node has given back what it has. They wait for it, and a shard without
        // the secret keeps no session out of its rooms.
        let shared = self.share_secrets().await;
        let membership = self.inner.hub.membership();
        self.inner.backend.presence.restore(&membership).await?;
        if !membership.is_empty() {
            info!(rooms = membership.len(), "Put this node's sessions back into their rooms");
        }
        shared
    }

    fn vitals(&self) -> Vitals {
        Vitals {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: self.inner.started.elapsed().as_secs(),
            sessions: self.session_count(),
            rooms: self.inner.hub.occupied() as u64,
            fingerprints: self.fingerprints(),
        }
    }

    /// Stops the tasks and gives the lease back. The sessions must have left before.
    pub async fn retire(&self) {
        self.inner.supervisor.stop().await;
        // With the lease nobody would look for what could not be taken out of a room before. If that
        // fails the lease is left to run out, and the others see to it.
        let retired = async {
            let _leaving = self.inner.restoring.write().await;
            let shared = self.share_secrets().await;
            // A session that is still here must not outlast its node in any room.
            self.inner.backend.presence.restore(&Membership::new()).await?;
            self.inner.backend.cluster.retire().await?;
            shared
        };
        if let Err(error) = retired.await {
            warn!(error = %source_of(&error), "Could not give the lease back; it will run out");
        }
    }
}

impl Upkeep {
    fn new() -> Self {
        Self {
            contact: Contact::Good,
            has_started: false,
            has_all: false,
            settle_at: None,
            restoration: None,
            is_restored: false,
        }
    }

    fn is_due(&self) -> bool {
        self.settle_at.is_some_and(|at| Instant::now() >= at)
    }

    /// Ends with the restoration that is under way, if there is one; may be dropped and called again.
    async fn restored(&mut self) -> (Lease, Result<(), BackendError>) {
        let Some(restoration) = &mut self.restoration else { return std::future::pending().await };
        let outcome = (&mut restoration.work).await;
        let lease = restoration.lease;
        self.restoration = None;
        (lease, outcome.unwrap_or_else(|error| Err(BackendError::Unavailable(error.into()))))
    }
}

fn tell_change(before: Contact, beat: Result<(), BackendError>) -> Contact {
    match (before, beat) {
        (Contact::Good, Err(error)) => {
            error!(error = %source_of(&error), "The backend does not answer; sends are refused until it does");
            Contact::Lost(Outage::begin(Instant::now()))
        }
        (Contact::Lost(mut outage), Err(error)) => {
            if let Some(lasts) = outage.remind(Instant::now()) {
                let (error, lasts_s) = (source_of(&error), lasts.as_secs());
                error!(%error, lasts_s, "The backend still does not answer; sends are refused until it does");
            }
            Contact::Lost(outage)
        }
        (Contact::Lost(_), Ok(())) => {
            info!("The backend answers again");
            Contact::Good
        }
        (Contact::Good, Ok(())) => Contact::Good,
    }
}
