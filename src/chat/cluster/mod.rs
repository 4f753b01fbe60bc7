//! The node among the others of its cluster: what its backend asks it, its end, its readiness, and the figures of all.

mod peers;
mod readiness;
mod stats;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use tracing::warn;

pub use self::readiness::NotReady;
use self::stats::StatsFeed;
pub use self::stats::StatsWatch;
use super::Chat;
use crate::backend::{LocalNode, LocalRoom, NodeSecret, NodeStats, Secrets, share_secret};
use crate::model::{Member, RoomName};
use crate::telemetry::{Figures, Occupancy, Sampler};

/// The node as a process: its age, its sessions, its end and its figures.
#[derive(Debug)]
pub(super) struct ProcessState {
    started: Instant,
    sessions: AtomicU64,
    /// Cancelled when the node is told to stop.
    drain: CancellationToken,
    /// The figures of all nodes, while they are watched.
    stats: StatsFeed,
    sampler: Sampler,
}

impl ProcessState {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            sessions: AtomicU64::new(0),
            drain: CancellationToken::new(),
            stats: StatsFeed::default(),
            sampler: Sampler::default(),
        }
    }
}

/// An open session, as far as counting goes.
#[derive(Debug)]
pub struct SessionGuard(Chat);

impl Drop for SessionGuard {
    fn drop(&mut self) {
        self.0.inner.process.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}

impl LocalNode for Chat {
    fn rooms(&self) -> Vec<LocalRoom> {
        let rooms = self.inner.hub.occupied_rooms();
        rooms
            .iter()
            .map(|room| LocalRoom { name: room.name.clone(), sessions: room.member_count() })
            .collect()
    }

    fn members(&self, room: &RoomName) -> Vec<Member> {
        self.inner.hub.find(room).map(|room| room.members()).unwrap_or_default()
    }

    fn stats(&self) -> NodeStats {
        NodeStats {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: self.inner.process.started.elapsed().as_secs(),
            sessions: self.session_count(),
            rooms: self.inner.hub.occupied_public() as u64,
            fingerprints: self.fingerprints(),
        }
    }

    fn take_figures(&self) -> Option<Figures> {
        let rooms = self.inner.hub.occupied_public() as u64;
        self.inner.process.sampler.take(Occupancy { sessions: self.session_count(), rooms })
    }

    fn return_figures(&self, figures: Figures) {
        self.inner.process.sampler.give_back(figures);
    }

    fn secret(&self) -> NodeSecret {
        self.inner.identities.keyring.secret()
    }

    fn set_secrets(&self, secrets: Secrets) {
        self.inner.identities.keyring.take_in(secrets);
    }

    fn on_complete(&self) {
        self.inner.hub.compare_soon();
    }
}

impl Chat {
    /// Number of open sessions.
    fn session_count(&self) -> u64 {
        self.inner.process.sessions.load(Ordering::Relaxed)
    }

    /// Counts a session for as long as the guard lives.
    pub fn count_session(&self) -> SessionGuard {
        self.inner.process.sessions.fetch_add(1, Ordering::Relaxed);
        SessionGuard(self.clone())
    }
    /// Stops the tasks and gives secret and lease back. The sessions must have left before; one that is still here
    /// does not outlast its node in any room.
    pub async fn retire(&self) {
        self.inner.supervisor.stop().await;
        let cluster = &self.inner.backend.cluster;
        let shared = share_secret(&**cluster, self).await;
        if let Err(error) = cluster.retire().await.and(shared) {
            warn!(error = error.root_cause(), "could not give up the lease; it will expire");
        }
        self.close_files().await;
    }
}
