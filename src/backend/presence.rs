//! Who is where, as a backend says it.

use std::fmt;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::Result;
use crate::model::{ConnectionId, Member, NodeId, Notice, RoomName};

/// Who is in which room. `tests/it/backend_contract/presence.rs` is the suite that every implementation passes.
///
/// Every method may be called from many tasks at once and ends within `redis.command_timeout`. A change is under way from
/// the call of `enter` or `leave` on, before it is awaited: the node changes its own view right after the call.
#[async_trait]
pub trait Presence: Send + Sync + fmt::Debug {
    /// Puts a session of this node into a room. The join notice is sent if it is its user's first
    /// session there, no leave notice of the user waits, and the room has at most
    /// `presence.announce_up_to` sessions; otherwise the new count is told. Nothing is told if the
    /// session is in already.
    fn enter(&self, room: &RoomName, member: &Member) -> Changing<Entered>;

    /// Takes a session of this node out of a room. Succeeds if it is not in. The leave notice is
    /// sent if it was its user's last session there and the room had at most
    /// `presence.announce_up_to` sessions with it; otherwise, and while a notice waits, the new
    /// count is told. A notice that waited names no connection.
    ///
    /// If this fails, or the answer is dropped, the session is taken out later.
    fn leave(&self, room: &RoomName, member: &Member, mode: LeaveMode) -> Changing<()>;

    /// The node has changed its own view of a room without a change here; the backend is made to agree soon.
    fn resync_soon(&self, room: &RoomName);

    /// All occupied rooms whose name starts with `prefix` and sorts after `after`, by name, at
    /// most `limit`.
    async fn list_rooms(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<RoomCount>>;

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
}

/// The outcome of a change that is under way, whenever it is asked for.
pub type Changing<T> = BoxFuture<'static, Result<T>>;

/// What came of entering a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// Sessions in the room, this one included.
    pub client_count: u64,
    /// Whether the room is told of it, in its turn among all that it is told, by a notice or a count that
    /// names the session. It is not if the session was in already.
    pub is_told: bool,
    /// The join notice that the others get, if there was one to send.
    pub notice: Option<Notice>,
    /// The first page of the room's members, at most [`MEMBERS_IN_JOINED`] of them.
    pub members: Vec<Member>,
    /// Whether these and the count are all. They may not be if the backend has forgotten some, and not all
    /// nodes have put theirs back: [`Presence::members`] says when they have.
    pub is_whole: bool,
}

/// How many members a joining session is told at once; the rest is for REST.
pub const MEMBERS_IN_JOINED: usize = 100;

/// When a leave notice is sent. Counts and lists change at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaveMode {
    /// At once: the client closed the connection or left the room.
    Immediate,
    /// The connection was lost: the notice waits for `presence.leave_grace` and is dropped if the user is
    /// back by then.
    AfterGracePeriod,
}

/// A room and its number of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomCount {
    /// The room.
    pub room: RoomName,
    /// Sessions in it, on all living nodes. Never 0.
    pub client_count: u64,
}

/// The rooms with the most sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Busiest {
    /// The largest first.
    pub rooms: Vec<RoomCount>,
    /// How many rooms are occupied in all. A room that has emptied just now may be among them.
    pub total: u64,
}

/// A page of a room's members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberPage {
    /// Sessions in the room, on all living nodes; 0 if it is not occupied.
    pub client_count: u64,
    /// Those of the page.
    pub members: Vec<Member>,
    /// Where the next page begins, if there is one.
    pub next: Option<MemberPosition>,
}

/// A session among a room's members, which are ordered by node and connection. It may have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberPosition {
    /// The node that holds it.
    pub node: NodeId,
    /// The session.
    pub connection: ConnectionId,
}

impl fmt::Display for MemberPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.node, self.connection)
    }
}

impl MemberPosition {
    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (node, connection) = text.split_once(' ')?;
        Some(Self { node: NodeId::parse(node)?, connection: ConnectionId::parse(connection)? })
    }
}
