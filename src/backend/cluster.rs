//! Which nodes live, and what they have in common.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{LocalNode, Result};
use crate::model::NodeId;
use crate::supervisor::Supervisor;

/// Which nodes live, and what they have in common. `tests/it/backend_contract/cluster.rs` is the suite that every
/// implementation passes.
///
/// Every method may be called from many tasks at once and ends within `redis.command_timeout`, but for `retire`, which
/// may take as long for each of its steps.
#[async_trait]
pub trait Cluster: Send + Sync + fmt::Debug {
    /// Begins to keep this node's lease and what the backend holds of its sessions, in tasks that end when the
    /// supervisor stops; and to do the cluster's housekeeping that falls due: to take the sessions of dead nodes out
    /// of their rooms, which have broken off ([`super::LeaveMode::AfterGracePeriod`]), and to send leave notices whose
    /// grace period is over. Each notice is sent once, whichever node comes first.
    ///
    /// Whatever the backend held before, it holds of this node's sessions what the node says soon after this call, and
    /// after each loss of its data. Sessions that it has to remove have broken off. Those that it puts back are told by
    /// the count alone, as nobody was told that they went; but if the user's leave notice was sent after waiting, by a
    /// join notice, which names no connection. If the backend has forgotten what it held, no count is told, as it would
    /// be short until all nodes are back: [`super::LocalNode::on_complete`] says when it is not.
    ///
    /// While nobody could renew a lease, as when the backend was away, nobody has died: before the next death is told,
    /// all nodes have had a whole lease to renew.
    ///
    /// A node whose tasks have ended is dead after a lease, unless it starts again or retires.
    fn start(self: Arc<Self>, node: Arc<dyn LocalNode>, supervisor: &Supervisor);

    /// Whether this node can rely on the backend.
    fn health(&self) -> watch::Receiver<Health>;

    /// Takes what is left of this node's sessions out of their rooms, gives its secret and its lease back. Its tasks
    /// must have ended. Succeeds if there is no lease.
    async fn retire(&self) -> Result<()>;

    /// The living nodes, by id.
    async fn nodes(&self) -> Result<Vec<NodeInfo>>;

    /// The secrets that the cluster's tokens are signed with; `None` if none is kept.
    async fn secrets(&self) -> Result<Option<Secrets>>;

    /// Has the cluster sign with `own` from now on, unless another secret is kept already: then `own` is kept as an
    /// earlier one. Of those the newest eight are kept.
    async fn keep_secret(&self, own: &str) -> Result<Secrets>;
}

/// Whether a node can rely on its backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The backend has not been reached yet, or other nodes have not heard of this one.
    Starting,
    /// The lease is renewed.
    Ready,
    /// The backend answers again, but this node's sessions are not back in their rooms yet.
    Incomplete,
    /// The last renewal of the lease failed.
    Lost,
}

/// What a node says of itself with each renewal of its lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeStats {
    /// The version of adda.
    pub version: String,
    /// Seconds since the node started.
    pub uptime_s: u64,
    /// Open WebSocket connections.
    pub sessions: u64,
    /// Rooms that its sessions occupy.
    pub rooms: u64,
    /// What it must have in common with the others.
    pub fingerprints: Fingerprints,
}

/// Short hashes of what all nodes of a cluster must have in common; empty if not known yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprints {
    /// Of the secret that it signs tokens with.
    pub secret: String,
    /// Of the settings that concern more than the node itself.
    pub settings: String,
}

/// A living node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeInfo {
    /// Its identity.
    pub id: NodeId,
    /// What it last said of itself.
    #[serde(flatten)]
    pub stats: NodeStats,
}

/// What tokens are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// Signs and verifies.
    pub current: String,
    /// Have signed, and verify.
    pub earlier: Vec<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("earlier", &self.earlier.len()).finish_non_exhaustive()
    }
}
