//! Presence: the members of rooms.

use std::fmt;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::Result;
use crate::model::{ConnectionId, Member, NodeId, Notice, Position, RoomName};

/// The members of rooms. `tests/it/backend_contract/presence.rs` is the suite that every implementation passes.
///
/// Every method is safe to call concurrently and ends within `redis.command_timeout`. A change is in progress from
/// the call of `enter` or `leave`, before the first poll: the node changes its own state right after the call.
#[async_trait]
pub trait Presence: Send + Sync + fmt::Debug {
    /// Adds a session of this node to a room. The join notice is sent if the session is its user's first there, no
    /// leave notice of the user is pending, and the room has at most `presence.announce_up_to` sessions. Otherwise
    /// the new count is announced. Nothing is announced if the session is a member already.
    fn enter(&self, room: &RoomName, member: &Member) -> Changing<Entered>;

    /// Removes a session of this node from a room. Succeeds if it is no member. The leave notice is sent if the
    /// session was its user's last there and the room had at most `presence.announce_up_to` sessions with it.
    /// Otherwise, and while a notice is pending, the new count is announced. A notice that was pending names no
    /// connection.
    ///
    /// If this fails, or the result is dropped, the session is removed later.
    fn leave(&self, room: &RoomName, member: &Member, mode: LeaveMode) -> Changing<()>;

    /// Schedules a resync of a room whose local sessions changed without a call of `enter` or `leave`.
    fn resync_soon(&self, room: &RoomName);

    /// All occupied rooms whose name starts with `prefix` and sorts after `after`, by name, at
    /// most `limit`.
    async fn list_rooms(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<RoomCount>>;

    /// The occupied rooms with the most sessions, at most `limit`, the largest first. The selection may lag by
    /// seconds; the counts are exact.
    async fn busiest(&self, limit: usize) -> Result<Busiest>;

    /// The number of occupied public rooms: [`Busiest::total`] without the rooms.
    async fn room_count(&self) -> Result<u64>;

    /// The members of a room in the order of their positions, at most `limit` after `after`.
    async fn members(
        &self,
        room: &RoomName,
        after: Option<MemberPosition>,
        limit: usize,
    ) -> Result<MemberPage>;

    /// The numbers of sessions in rooms on all living nodes, in the order of `rooms`.
    async fn counts(&self, rooms: &[RoomName]) -> Result<Vec<u64>>;
}

/// The result of a change that has been submitted.
pub type Changing<T> = BoxFuture<'static, Result<T>>;

/// The result of entering a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// Sessions in the room, this one included.
    pub client_count: u64,
    /// Whether the entry is announced to the room, by a notice or a count that names the session. It is not if the
    /// session was a member already.
    pub is_announced: bool,
    /// The join notice that the others receive, if one is sent.
    pub notice: Option<Notice>,
    /// The first page of the room's members, at most [`MEMBERS_IN_JOINED`] of them.
    pub members: Vec<Member>,
    /// The head of the room's log at that moment, as [`super::Log::head`] would tell it; `None` if no epoch is open.
    pub head: Option<Position>,
    /// Whether the members and the count are complete. After a loss of data they are not until all nodes have
    /// restored their sessions ([`Presence::members`] fails until then).
    pub is_complete: bool,
}

/// Maximum number of members in the answer to a join. REST serves the others.
pub const MEMBERS_IN_JOINED: usize = 100;

/// When a leave notice is sent. Counts and member lists change at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaveMode {
    /// At once: the client closed the connection or left the room.
    Immediate,
    /// The connection was lost, or a join failed: the notice is pending for `presence.leave_grace`, and dropped if
    /// the user returns before.
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
    /// The number of occupied rooms. It may include a room that has just become empty.
    pub total: u64,
}

/// A page of a room's members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberPage {
    /// Sessions in the room, on all living nodes; 0 if it is not occupied.
    pub client_count: u64,
    /// The members on this page.
    pub members: Vec<Member>,
    /// The position to pass as `after` for the next page, if there is one.
    pub next: Option<MemberPosition>,
}

/// The position of a session among a room's members, which are ordered by node and connection. The session may have
/// left.
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
