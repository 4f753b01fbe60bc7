//! Keeps this node's lease, and the backend's view of its sessions true.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tracing::{debug, error, info, warn};
use uuid::Uuid;

use super::tokens::Tokens;
use super::{Chat, source_of};
use crate::backend::{BackendError, Lease, Vitals};

/// Wait before a renewal that failed, or found that others still have to put their sessions back, is made
/// again: till then no answer is given about who is where.
const RETRY: Duration = Duration::from_millis(100);

/// Wait before sessions are put right again, if some rooms can't be reached although the lease can be
/// renewed: a part of the backend is down.
const SETTLE_AGAIN: Duration = Duration::from_secs(2);

/// How long sessions take at most to read what lies in their sockets.
const HEARING: Duration = Duration::from_millis(100);

/// Whether the backend answered lately, so that an outage is logged once and not each second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contact {
    Good,
    Lost,
}

impl Chat {
    /// Renews the lease in its rhythm until the node stops. After every sign that the backend may
    /// believe something else of this node's sessions, puts it right.
    pub(super) async fn keep_lease(self) {
        let mut beats = tokio::time::interval(self.inner.config.presence.renew_every);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut contact, mut settle_at, mut has_started) = (Contact::Good, None, false);
        loop {
            tokio::select! {
                () = self.inner.stop.cancelled() => return,
                () = self.inner.unsettled.notified() => settle_at = settle_at.or_else(|| Some(Instant::now())),
                _ = beats.tick() => {
                    let beat = self.beat(&mut settle_at).await;
                    has_started |= matches!(beat, Ok(Lease::Held));
                    self.inner.is_answered.store(has_started && beat.is_ok(), Ordering::Relaxed);
                    if beat.is_err() {
                        // What was given up may yet take effect, in any order.
                        settle_at = Some(Instant::now());
                    }
                    if !matches!(beat, Ok(Lease::Held)) {
                        beats.reset_after(RETRY.min(self.inner.config.presence.renew_every));
                    }
                    contact = tell_change(contact, beat.map(drop));
                }
            }
        }
    }

    /// `settle_at`: since when the backend may believe something else of this node's sessions.
    async fn beat(&self, settle_at: &mut Option<Instant>) -> Result<Lease, BackendError> {
        self.keep_secret().await?;
        let lease = self.inner.backend.renew(&self.vitals()).await?;
        if lease == Lease::Lost {
            self.hear_who_left().await;
        } else if settle_at.is_none_or(|at| Instant::now() < at) {
            return Ok(lease);
        }
        if let Err(error) = self.restore().await {
            if lease == Lease::Lost {
                return Err(error);
            }
            // The lease stands, and so do the rooms that can be reached: only those who left others
            // are still seen there. All joins wait while it is tried again, so not at once.
            debug!(error = %source_of(&error), "Can't put all of this node's sessions right yet");
            *settle_at = Some(Instant::now() + SETTLE_AGAIN);
            return Ok(lease);
        }
        *settle_at = None;
        // So that the others learn of it now and not with the next beat.
        self.inner.backend.renew(&self.vitals()).await
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
        let membership = self.inner.hub.membership();
        self.inner.backend.restore(&membership).await?;
        if !membership.is_empty() {
            info!(rooms = membership.len(), "Put this node's sessions back into their rooms");
        }
        self.give_secret_back().await
    }

    /// Learns the cluster's secret, or makes it.
    async fn keep_secret(&self) -> Result<(), BackendError> {
        if self.inner.tokens.get().is_some() {
            return Ok(());
        }
        let auth = &self.inner.config.auth;
        let secret = match auth.secret.as_str() {
            "" => self.inner.backend.secret(&new_secret()).await?,
            configured => configured.to_owned(),
        };
        self.inner.secret.0.get_or_init(|| secret.clone());
        self.inner.tokens.get_or_init(|| Tokens::new(&secret, auth.token_ttl));
        Ok(())
    }

    /// An emptied backend has lost the secret; nodes that start later must learn the same one.
    async fn give_secret_back(&self) -> Result<(), BackendError> {
        let Some(secret) = self.inner.secret.0.get().filter(|_| self.inner.config.auth.secret.is_empty())
        else {
            return Ok(());
        };
        if self.inner.backend.secret(secret).await? != *secret {
            error!("The backend keeps another secret than this node signs with; restart the nodes");
        }
        Ok(())
    }

    fn vitals(&self) -> Vitals {
        Vitals {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: self.inner.started.elapsed().as_secs(),
            sessions: self.inner.sessions.load(Ordering::Relaxed),
            rooms: self.inner.hub.occupied() as u64,
        }
    }

    /// Stops the tasks and gives the lease back. The sessions must have left before.
    pub async fn retire(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        // With the lease nobody would look for what could not be taken out of a room before. If that
        // fails the lease is left to run out, and the others see to it.
        let retired = async {
            self.restore().await?;
            self.inner.backend.retire().await
        };
        if let Err(error) = retired.await {
            warn!(error = %source_of(&error), "Could not give the lease back; it will run out");
        }
    }
}

/// 256 random bits.
fn new_secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

fn tell_change(before: Contact, beat: Result<(), BackendError>) -> Contact {
    match (before, beat) {
        (Contact::Good, Err(error)) => {
            error!(error = %source_of(&error), "The backend does not answer; sends are refused until it does");
            Contact::Lost
        }
        (Contact::Lost, Ok(())) => {
            info!("The backend answers again");
            Contact::Good
        }
        (contact, _) => contact,
    }
}
