//! What the nodes share, one trait a concern: the logs, the flow of events, who is in which room, and which nodes live.
//! A backend carries events, not frames, and knows no socket.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::model::NodeId;
use crate::supervisor::Supervisor;

mod cluster;
mod events;
mod lease;
mod local;
mod log;
pub mod memory;
mod pending;
mod presence;
mod pubsub;
pub mod redis;
mod secrets;

pub use self::cluster::{Cluster, Fingerprints, Health, NodeInfo, NodeStats, Secrets};
pub use self::events::Events;
pub use self::local::{LocalNode, LocalRoom, NodeSecret};
pub use self::log::{Appending, Continuity, Delta, Excerpt, Log, NONCE_TTL, Page, Span};
pub use self::presence::{
    Busiest, Changing, Entered, LeaveMode, MEMBERS_IN_JOINED, MemberPage, MemberPosition, Presence, RoomCount,
};
pub use self::pubsub::{BackendEvent, Channel, FeedHealth, PubSub};
pub use self::secrets::share as share_secret;

/// The seam between a node and what all nodes share; a cheap handle. A service takes only the concern that it needs.
#[derive(Debug, Clone)]
pub struct Backend {
    /// The rooms' logs.
    pub log: Arc<dyn Log>,
    /// The flow of rooms' events to this node.
    pub pubsub: Arc<dyn PubSub>,
    /// Who is in which room.
    pub presence: Arc<dyn Presence>,
    /// Which nodes live.
    pub cluster: Arc<dyn Cluster>,
}

/// The result of asking a backend.
pub type Result<T> = std::result::Result<T, BackendError>;

/// Why a backend could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// It does not answer, or refuses for now. Whether the request took effect is unknown, so only
    /// what is idempotent may be tried again without asking the user.
    #[error("the backend is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The user has posted a message with this nonce in this room, and it had other content.
    #[error("the nonce was used for another message")]
    NonceReused,
    /// It will never answer as it is configured: a wrong password, a server that is too old.
    #[error("{0}")]
    Misconfigured(String),
}

impl BackendError {
    /// What is behind it, for the log.
    pub fn root_cause(&self) -> String {
        std::error::Error::source(self).map_or_else(|| self.to_string(), ToString::to_string)
    }
}

/// Reads what the settings of the backend name, and connects to nothing.
///
/// # Errors
/// [`BackendError::Misconfigured`] as [`start`].
pub fn check(config: &Config) -> Result<()> {
    if config.redis.url.is_empty() { Ok(()) } else { redis::check(&config.redis) }
}

/// Starts the backend that the configuration names, and the stream of its events.
///
/// # Errors
/// [`BackendError::Misconfigured`] if it can never work. A Redis that is not there yet is no
/// error: the backend waits for it.
pub async fn start(config: &Config, node: NodeId, supervisor: &Supervisor) -> Result<(Backend, Events)> {
    if config.redis.url.is_empty() {
        Ok(memory::MemoryCluster::new(config).join(node))
    } else {
        redis::start(config, node, supervisor).await
    }
}

/// Counts from the call, whenever the result is awaited.
fn within<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T>> + Send,
) -> impl Future<Output = Result<T>> + Send {
    let ending = tokio::time::timeout(deadline, work);
    async { ending.await.unwrap_or_else(|elapsed| Err(BackendError::Unavailable(elapsed.into()))) }
}
