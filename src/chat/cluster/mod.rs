//! The node among the others of its cluster: what its backend asks it, its end, its readiness, and the figures of all.

mod peers;
mod readiness;
mod stats;

use tracing::warn;

pub use self::readiness::NotReady;
pub(super) use self::stats::StatsFeed;
pub use self::stats::StatsWatch;

use super::Chat;
use crate::backend::{LocalNode, LocalRoom, NodeSecret, NodeStats, Secrets, share_secret};
use crate::model::{Member, RoomName};
use crate::telemetry::{Figures, Occupancy};

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
            uptime_s: self.inner.started.elapsed().as_secs(),
            sessions: self.session_count(),
            rooms: self.inner.hub.occupied_public() as u64,
            fingerprints: self.fingerprints(),
        }
    }

    fn take_figures(&self) -> Option<Figures> {
        let rooms = self.inner.hub.occupied_public() as u64;
        self.inner.sampler.take(Occupancy { sessions: self.session_count(), rooms })
    }

    fn return_figures(&self, figures: Figures) {
        self.inner.sampler.give_back(figures);
    }

    fn secret(&self) -> NodeSecret {
        self.inner.keyring.secret()
    }

    fn set_secrets(&self, secrets: Secrets) {
        self.inner.keyring.take_in(secrets);
    }

    fn on_complete(&self) {
        self.inner.hub.compare_soon();
    }
}

impl Chat {
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
