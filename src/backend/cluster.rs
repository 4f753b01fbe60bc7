//! The nodes of a cluster, their leases and their common secrets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

use super::{LocalNode, Result};
use crate::model::NodeId;
use crate::supervisor::Supervisor;
use crate::telemetry::Figures;

/// How long the figures of nodes are kept.
pub const FIGURES_KEPT: Duration = Duration::from_secs(15 * 60);

/// Figures that one read returns, at most.
pub const FIGURES_PAGE: usize = 2048;

/// The nodes of a cluster, their leases and their common secrets. `tests/it/backend_contract/cluster.rs` is the
/// suite that every implementation passes.
///
/// Every method is safe to call concurrently and ends within `redis.command_timeout`. `retire` may take as long for
/// each of its steps.
#[async_trait]
pub trait Cluster: Send + Sync + fmt::Debug {
    /// Starts the tasks that renew this node's lease, keep the backend's entries of its sessions correct, and do
    /// the maintenance of the cluster; they end when the supervisor stops. Maintenance removes the sessions of dead
    /// nodes from their rooms, as if their connections had been lost ([`super::LeaveMode::AfterGracePeriod`]), and
    /// sends leave notices whose grace period is over. Each notice is sent once, by whichever node sees it first.
    ///
    /// Soon after this call, and after each loss of data, the backend's entries of this node equal the node's
    /// sessions. A removed entry counts as a lost connection. A restored session is announced by a count alone,
    /// because its absence was not announced either. If a leave notice of its user was sent after the grace period,
    /// a join notice without a connection follows. After a loss of data no count is announced: it would be too low
    /// until all nodes have restored their sessions ([`super::LocalNode::on_complete`]).
    ///
    /// If no node can renew its lease, as while the backend is unavailable, no node is declared dead. Afterwards
    /// all nodes have a whole lease to renew.
    ///
    /// A node whose tasks have ended counts as dead after a lease, unless it starts again or retires.
    fn start(self: Arc<Self>, node: Arc<dyn LocalNode>, supervisor: &Supervisor);

    /// Whether this node can rely on the backend.
    fn health(&self) -> watch::Receiver<Health>;

    /// Removes this node's remaining sessions from their rooms, then its secret and its lease. Its tasks must have
    /// ended. Succeeds if there is no lease.
    async fn retire(&self) -> Result<()>;

    /// The living nodes, by id.
    async fn nodes(&self) -> Result<Vec<NodeInfo>>;

    /// The figures that nodes have stored with the renewals of their leases, in the order of storage. They survive
    /// the death of their node, and are kept for [`FIGURES_KEPT`] as long as any node renews its lease.
    async fn figures(&self, span: FiguresSpan) -> Result<FiguresPage>;

    /// The secrets that sign the cluster's tokens; `None` if none is stored.
    async fn secrets(&self) -> Result<Option<Secrets>>;

    /// Makes `own` the cluster's current secret. If another is current, `own` is stored as an earlier one; the
    /// newest eight are kept.
    async fn keep_secret(&self, own: &str) -> Result<Secrets>;
}

/// Whether a node can rely on its backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The backend has not been reached yet, or other nodes do not know this one.
    Starting,
    /// The lease is renewed.
    Ready,
    /// The backend is available again, but this node's sessions are not restored yet.
    Incomplete,
    /// The last renewal of the lease failed.
    Lost,
}

/// Statistics that a node publishes with each renewal of its lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NodeStats {
    /// The version of adda.
    pub version: String,
    /// Seconds since the node started.
    pub uptime_s: u64,
    /// Open WebSocket connections.
    pub sessions: u64,
    /// Rooms in which it has sessions.
    pub rooms: u64,
    /// Values that must be equal on all nodes.
    pub fingerprints: Fingerprints,
}

/// Short hashes of values that must be equal on all nodes; empty if not known yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fingerprints {
    /// Hash of the secret for signing tokens.
    pub secret: String,
    /// Hash of the settings that all nodes must share.
    pub settings: String,
}

/// A living node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NodeInfo {
    /// Its identity.
    pub id: NodeId,
    /// Its latest statistics.
    #[serde(flatten)]
    pub stats: NodeStats,
}

/// Which of the stored figures to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FiguresSpan {
    /// The first [`FIGURES_PAGE`] after a place, or from the beginning.
    After(Option<FiguresPlace>),
    /// The newest, at most as many and no more than [`FIGURES_PAGE`].
    Newest(usize),
}

/// A place among the stored figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FiguresPlace {
    /// The time of storage, ms of the cluster's clock.
    pub at_ms: u64,
    /// Distinguishes those of one millisecond.
    pub number: u64,
}

/// A part of the stored figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FiguresPage {
    /// Those that this version can read.
    pub figures: Vec<NodeFigures>,
    /// The place of the last one, readable or not; `None` if there are none.
    pub last: Option<FiguresPlace>,
    /// Whether more may follow.
    pub is_full: bool,
}

/// Figures of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFigures {
    /// The node.
    pub node: NodeId,
    /// The end of their span, ms of the cluster's clock.
    pub at_ms: u64,
    /// The figures.
    pub figures: Figures,
}

/// Secrets for signing tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// Signs and verifies.
    pub current: String,
    /// Signed before; verify only.
    pub earlier: Vec<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("earlier", &self.earlier.len()).finish_non_exhaustive()
    }
}
