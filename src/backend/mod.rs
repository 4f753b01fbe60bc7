//! What the nodes share: the log and its fan-out, who is in which room, and which nodes live.
//! A backend carries events, not frames, and knows no socket.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::model::{Draft, Event, Member, NodeId, Notice, Position, Receipt, RoomName};
use crate::supervisor::Supervisor;

mod events;
pub mod memory;
mod page;
mod presence;
pub mod redis;

pub use self::events::Events;
pub use self::page::{Continuity, Excerpt, Page, Span};
pub use self::presence::{
    Busiest, Comparison, Entered, Farewell, MEMBERS_IN_JOINED, MemberPage, MemberPosition, Membership,
    RoomCount, Touched,
};

/// A backend that any part of the node may hold.
pub type SharedBackend = Arc<dyn Backend>;

/// The result of asking a backend.
pub type Result<T> = std::result::Result<T, BackendError>;

/// The receipt of a draft that has its place in the queue of the log, whenever it is asked for.
pub type Posting = BoxFuture<'static, Result<Receipt>>;

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

/// What a backend hands to its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendEvent {
    /// Something happened in a subscribed room.
    Room(RoomName, Event),
    /// Something was published in a subscribed room that this version can't read. It may have been a message:
    /// the node must compare the head of the room.
    Unreadable(RoomName),
    /// The subscription was interrupted and stands again, or the node has read so late that
    /// events were left out. What was published meanwhile did not arrive: the node must compare
    /// the heads of its rooms. May come without need, and first of all.
    Resumed,
}

impl BackendEvent {
    /// Bytes that it holds while it waits.
    fn size(&self) -> usize {
        let held = match self {
            Self::Room(room, event) => room.as_str().len() + event.size(),
            Self::Unreadable(room) => room.as_str().len(),
            // It must find its place when the queue is full.
            Self::Resumed => return 0,
        };
        size_of::<Self>() + held
    }
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

/// A living node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeInfo {
    /// Its identity.
    pub id: NodeId,
    /// What it last said of itself.
    #[serde(flatten)]
    pub vitals: Vitals,
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

/// The seam between a node and what all nodes share. `tests/it/backend_contract` is the suite
/// that every implementation passes.
///
/// Every method may be called from many tasks at once and ends within `redis.command_timeout`, but for
/// `restore`, `mend` and `renew`, which may take as long for each of their steps, and `heads` and
/// `compare`, which may take as long again for rooms that have moved.
#[async_trait]
pub trait Backend: Send + Sync + fmt::Debug {
    // --- the log and its fan-out ---

    /// Numbers, logs and publishes a message in one atomic step, unless its nonce was used by this
    /// user in this room within 24 hours ([`NONCE_TTL`]): then the first receipt comes back and nothing
    /// else happens, or [`BackendError::NonceReused`] if the first message had other content. Drafts are numbered in the order in which this method was called, in whatever
    /// order their receipts are awaited. A posting that is dropped may never be carried out.
    fn post(&self, draft: Draft) -> Posting;

    /// Publishes a notice to the room's sessions on all nodes. Not logged, not numbered.
    async fn announce(&self, room: &RoomName, notice: Notice) -> Result<()>;

    /// The room's newest place. A room that was never used gets its epoch now, so that its first
    /// message continues from a place that clients can hold.
    async fn head(&self, room: &RoomName) -> Result<Position>;

    /// The rooms' newest places as [`Backend::head`] gives them, in the order of `rooms`: a part of the
    /// backend that does not answer keeps back those of its own rooms alone.
    async fn heads(&self, rooms: &[RoomName]) -> Vec<Result<Position>>;

    /// A page for sessions of a room, which gets its epoch now if it has none: at most `limit` messages, where `limit` is at least 1, and at most
    /// `limits.outbox_bytes / 2` bytes of JSON, or one message that is larger. Any number may be
    /// asked for.
    async fn read(&self, room: &RoomName, span: Span, limit: usize) -> Result<Page>;

    /// The same for a reader who is in no room. Writes nothing, whatever is asked for. A page after a place
    /// can only be proven in an open epoch, so that is for [`Backend::read`].
    async fn peek(&self, room: &RoomName, span: Span, limit: usize) -> Result<Excerpt>;

    /// Starts the flow of a room's events to this node. Returns when it is confirmed that what is
    /// published from now on arrives.
    async fn subscribe(&self, room: &RoomName) -> Result<()>;

    /// Stops the flow. Calls of `subscribe` and `unsubscribe` take effect in the order of calling.
    fn unsubscribe(&self, room: &RoomName);

    // --- who is where ---

    /// Puts a session of this node into a room. The join notice is sent if it is its user's first
    /// session there, the user is not lingering, and the room has at most
    /// `presence.announce_up_to` sessions; otherwise the new count is told. Nothing is told if the
    /// session is in already.
    async fn enter(&self, room: &RoomName, member: &Member) -> Result<Entered>;

    /// Takes a session of this node out of a room. Succeeds if it is not in. The leave notice is
    /// sent if it was its user's last session there and the room had at most
    /// `presence.announce_up_to` sessions with it; otherwise, and while a notice waits, the new
    /// count is told. A notice that waited names no connection.
    async fn leave(&self, room: &RoomName, member: &Member, farewell: Farewell) -> Result<()>;

    /// Makes the backend's view of this node's sessions equal to `membership`, whatever it was
    /// before. Sessions that it has to remove have broken off ([`Farewell::Later`]). Those that it
    /// puts back are told by the count alone, as nobody was told that they went; but if the user's
    /// leave notice was sent after waiting, by a join notice, which names no connection. If the backend has
    /// forgotten what it held, no count is told, as it would be short till all nodes are back:
    /// [`Backend::counts`] says when it is not.
    async fn restore(&self, membership: &Membership) -> Result<()>;

    /// The rooms whose members somebody, this node included, has changed since the last call and since
    /// they were compared; each is told of once.
    fn touched(&self) -> Touched;

    /// Compares what the backend holds of this node's sessions with `membership`, by digests. A session
    /// that enters or leaves meanwhile shows as a difference. From here on changes of these rooms are
    /// told of by [`Backend::touched`].
    async fn compare(&self, membership: &Membership) -> Comparison;

    /// Those of `rooms`, in which this node has sessions, that the backend does not know as occupied, or
    /// not as the node's.
    async fn unlisted(&self, rooms: &[RoomName]) -> Result<Vec<RoomName>>;

    /// Does as [`Backend::restore`] does for the rooms of `membership` alone. One without sessions is
    /// one that this node is not in.
    async fn mend(&self, membership: &Membership) -> Result<()>;

    /// All occupied rooms whose name starts with `prefix` and sorts after `after`, by name, at
    /// most `limit`.
    async fn rooms(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<RoomCount>>;

    /// The occupied rooms with the most sessions, at most `limit`, the largest first. Which these are may be
    /// known seconds late; their counts are exact.
    async fn busiest(&self, limit: usize) -> Result<Busiest>;

    /// The members of a room in the order of their positions: of those after `after` at most `limit`.
    async fn members(
        &self,
        room: &RoomName,
        after: Option<MemberPosition>,
        limit: usize,
    ) -> Result<MemberPage>;

    /// The numbers of sessions in rooms on all living nodes, in the order of `rooms`.
    async fn counts(&self, rooms: &[RoomName]) -> Result<Vec<u64>>;

    // --- who lives ---

    /// Renews this node's lease and does the cluster's housekeeping that has fallen due: takes the
    /// sessions of dead nodes out of their rooms, sends leave notices that have waited long
    /// enough. Whichever node comes first does it; each notice is sent once. The sessions of a dead
    /// node have broken off ([`Farewell::Later`]).
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

    /// Whether posts of this node are accepted, as far as is known: not after one that failed, if another that
    /// the node has tried by itself failed as well.
    fn accepts_posts(&self) -> bool;

    /// Whether events that are published now would reach this node.
    fn subscription(&self) -> Subscription;
}

/// The state of the flow of events to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscription {
    /// A canary came back lately.
    Fresh,
    /// No connection, or a canary is overdue: the node may be deaf.
    Deaf,
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
pub async fn start(
    config: &Config,
    node: NodeId,
    supervisor: &Supervisor,
) -> Result<(SharedBackend, Events)> {
    if config.redis.url.is_empty() {
        Ok(memory::MemoryCluster::new(config).join(node))
    } else {
        redis::RedisBackend::start(config, node, supervisor).await
    }
}

/// How long a nonce is remembered.
pub const NONCE_TTL: Duration = Duration::from_secs(24 * 60 * 60);
