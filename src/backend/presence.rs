//! Who is where, as a backend says it.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use crate::model::{ConnectionId, Member, NodeId, Notice, RoomName};

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
    /// nodes have put theirs back: [`super::Backend::members`] says when they have.
    pub is_whole: bool,
}

/// How many members a joining session is told at once; the rest is for REST.
pub const MEMBERS_IN_JOINED: usize = 100;

/// Whether a leave notice is sent at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// The session said goodbye.
    Now,
    /// The session broke off: the notice waits for `presence.leave_grace` and is dropped if the user is
    /// back by then. Counts and lists change at once.
    Later,
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

/// A node's own sessions by room: what it holds, against what the backend believes.
pub type Membership = BTreeMap<RoomName, Vec<Member>>;

/// Rooms that have been changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// These.
    pub rooms: HashSet<RoomName>,
    /// Any may be: what tells of changes was interrupted.
    pub all: bool,
}

/// What came of comparing. A room that is in neither could not be asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The backend holds of these what the node does.
    pub same: Vec<RoomName>,
    /// Of these it does not.
    pub differing: Vec<RoomName>,
}

impl Comparison {
    pub(super) fn add(&mut self, room: &RoomName, is_same: bool) {
        let rooms = if is_same { &mut self.same } else { &mut self.differing };
        rooms.push(room.clone());
    }
}
