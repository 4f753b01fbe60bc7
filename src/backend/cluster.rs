//! Which nodes live, and what they have in common.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Result;
use crate::model::NodeId;

/// Which nodes live, and what they have in common. `tests/it/backend_contract/cluster.rs` is the suite that every
/// implementation passes.
///
/// Every method may be called from many tasks at once and ends within `redis.command_timeout`, but for `renew`, which
/// may take as long for each of its steps.
#[async_trait]
pub trait Cluster: Send + Sync + fmt::Debug {
    /// Renews this node's lease and does the cluster's housekeeping that has fallen due: takes the
    /// sessions of dead nodes out of their rooms, sends leave notices whose grace period is over.
    /// Whichever node comes first does it; each notice is sent once. The sessions of a dead
    /// node have broken off ([`super::LeaveMode::AfterGracePeriod`]).
    ///
    /// A node that has never renewed is unknown: its first lease counts as lost. While nobody could
    /// renew, as when the backend was away, nobody has died: before the next death is told, all
    /// nodes have had a whole lease to renew.
    async fn renew(&self, vitals: &Vitals) -> Result<Lease>;

    /// Gives the lease back; this node's sessions must have left their rooms before, since nobody
    /// takes them out afterwards. Succeeds if there is none.
    async fn retire(&self) -> Result<()>;

    /// The living nodes, by id.
    async fn nodes(&self) -> Result<Vec<NodeInfo>>;

    /// The secrets that the cluster's tokens are signed with; `None` if none is kept.
    async fn secrets(&self) -> Result<Option<Secrets>>;

    /// Has the cluster sign with `own` from now on, unless another secret is kept already: then `own` is kept as an
    /// earlier one. Of those the newest eight are kept.
    async fn keep_secret(&self, own: &str) -> Result<Secrets>;
}

/// Whether the cluster still counted on this node when its lease was renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It never ran out.
    Held,
    /// It never ran out, but the backend has forgotten sessions of other nodes, or the node is new and
    /// others may not know of it: until that has changed, no answer about who is where can be given.
    /// Renewing soon shows when it has.
    Waiting,
    /// It had run out, or the backend had forgotten it: others may have taken this node's sessions
    /// out of their rooms, so they must be put back. Or the backend has found sessions of this node
    /// where it was not known to have any.
    Lost,
}

/// What a node says of itself with each renewal of its lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vitals {
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
    pub vitals: Vitals,
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
