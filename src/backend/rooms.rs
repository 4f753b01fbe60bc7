//! Private rooms and conversations: their members and what they are called; and the list of each user's rooms.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::model::{Author, RoomName, UserId, Username};

/// Members of a private room, at most. A message in it is told to each of them.
pub const MAX_MEMBERS: usize = 200;

/// Rooms on a user's list, at most.
pub const MAX_LISTED: usize = 1000;

/// Rooms on a user's list up to which others put more on it. The rest is the user's own to fill.
pub const MAX_LISTED_BY_OTHERS: usize = 500;

/// Private rooms. `tests/it/backend_contract/rooms.rs` is the suite that every implementation passes.
///
/// A room's record is the truth. The list of a user's rooms is kept apart from it, so it may have rooms that the user is not in
/// (any more): a user is put on it before it becomes a member, and taken off it afterwards.
///
/// Every method is safe to call concurrently and ends within `redis.command_timeout`.
#[async_trait]
pub trait Rooms: Send + Sync + fmt::Debug {
    /// The relation of a user to a private room. Costs the same whether there is such a room or not.
    async fn relation(&self, room: &RoomName, user: &UserId) -> Result<Relation>;

    /// The records of private rooms, one result each, in the order of `rooms`. `None`: there is no such room.
    async fn records(&self, rooms: &[RoomName]) -> Vec<Result<Option<RoomRecord>>>;

    /// Creates a private room, unless it exists, and returns the record that is stored.
    async fn create(&self, room: &RoomName, record: &RoomRecord) -> Result<RoomRecord>;

    /// Changes a private room, and publishes [`super::ControlEvent`] on its channel in the same step. Each message that is
    /// published after a removal reaches a node after the removal does.
    async fn change(&self, room: &RoomName, change: &RoomChange) -> Result<RoomChanged>;

    /// Puts a room on a user's list. Returns false, and changes nothing, if it is full for this entry: see [`Listing`].
    async fn list(&self, user: &UserId, room: &RoomName, listing: Listing) -> Result<bool>;

    /// Takes rooms off a user's list that have been on it for a while: see [`Unlisting`].
    async fn unlist(&self, user: &UserId, rooms: &[RoomName], unlisting: Unlisting) -> Result<()>;

    /// The rooms on a user's list, by name.
    async fn listed(&self, user: &UserId) -> Result<Vec<RoomName>>;

    /// Remembers the name of a user without an account for `auth.token_ttl`.
    async fn introduce(&self, user: &Author) -> Result<()>;

    /// The name of a user who was introduced.
    async fn introduced(&self, user: &UserId) -> Result<Option<Username>>;
}

/// The record of a private room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomRecord {
    /// Its title; a conversation has none.
    pub title: Option<String>,
    /// Its subject of the moment.
    pub topic: Option<String>,
    /// The member that owns it; a conversation has none.
    pub owner: Option<UserId>,
    /// Its members, by user id, each with its name at the time at which it became one.
    pub members: Vec<Author>,
}

impl RoomRecord {
    /// Whether a user is a member.
    pub fn has(&self, user: &UserId) -> bool {
        self.members.iter().any(|member| member.user_id == *user)
    }

    /// The member of a conversation that is not this user.
    pub fn other_than(self, user: &UserId) -> Option<Author> {
        self.members.into_iter().find(|member| member.user_id != *user)
    }
}

/// The relation of a user to a private room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// There is no such room.
    NoRoom,
    /// The user is no member.
    Stranger,
    /// The user is a member.
    Member,
    /// The user is a member, and owns the room.
    Owner,
}

/// A change of a private room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomChange {
    /// The user becomes a member. Its cursor begins at the head in the same step: what was posted before counts as read.
    Add(Author),
    /// The user is a member no longer, and has no cursor.
    Remove(UserId),
    /// Another title and topic, where they are given.
    Describe {
        /// The title.
        title: Option<String>,
        /// The topic; empty for none.
        topic: Option<String>,
    },
    /// The room is removed with its messages.
    Delete,
}

/// The result of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomChanged {
    /// It was made.
    Changed,
    /// The room was so already.
    Unchanged,
    /// There is no such room.
    NoRoom,
    /// The room has [`MAX_MEMBERS`] members.
    Full,
}

/// The user that puts a room on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// The user of the list: up to [`MAX_LISTED`] rooms.
    Own,
    /// Another, that makes it a member: up to [`MAX_LISTED_BY_OTHERS`] rooms, of whatever origin.
    ByOthers,
}

impl Listing {
    /// Rooms on the list up to which one more is put on it.
    pub(super) fn most(self) -> usize {
        match self {
            Self::Own => MAX_LISTED,
            Self::ByOthers => MAX_LISTED_BY_OTHERS,
        }
    }
}

/// The rooms that [`Rooms::unlist`] takes off a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlisting {
    /// All that are given: the user has left them.
    Left,
    /// Those that have been on it for a minute: they were found without the user as a member. Others may be about to have it as one.
    NotFound,
}
