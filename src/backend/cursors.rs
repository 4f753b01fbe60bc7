//! Cursors: the place up to which a user has read a room, and what it has not read.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::model::{RoomName, UserId};

/// The cursors of users. `tests/it/backend_contract/cursors.rs` is the suite that every implementation passes.
///
/// A cursor is a position of the room's log and lives as long as the room's numbering. A room has at most
/// `limits.cursors_per_room`; beyond that one of those that are furthest behind gives way, a guest's first. It is read by the rules of
/// [`Span::After`](super::Span::After): above the end of its epoch it is that end, and of an unknown epoch it is where the current one began.
///
/// Every method is safe to call concurrently and ends within `redis.command_timeout`; `unread` within a few of them.
#[async_trait]
pub trait Cursors: Send + Sync + fmt::Debug {
    /// Moves a cursor forward, to the head at most. Returns its new place, or `None` if it stays where it is.
    async fn advance(&self, room: &RoomName, reader: &Reader, seq: u64) -> Result<Option<u64>>;

    /// Has a reader without a cursor begin at the head. Returns the place of its cursor; `None` if there is none, as in a room
    /// without messages.
    async fn begin(&self, room: &RoomName, reader: &Reader) -> Result<Option<u64>>;

    /// The places of cursors, each of a user in a room: one result each, in the order of `of`.
    async fn cursors(&self, of: &[(RoomName, UserId)]) -> Vec<Result<Option<u64>>>;

    /// The place of one cursor.
    async fn cursor(&self, room: &RoomName, user: &UserId) -> Result<Option<u64>> {
        let places = self.cursors(&[(room.clone(), user.clone())]).await;
        places.into_iter().next().transpose().map(Option::flatten)
    }

    /// Removes a cursor.
    async fn forget(&self, room: &RoomName, user: &UserId) -> Result<()>;

    /// The texts of rooms that a user has not read, in their order: one result each. Writes nothing.
    async fn unread(&self, user: &UserId, rooms: &[RoomName]) -> Vec<Result<Unread>>;
}

/// A user that has a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The user.
    pub user: UserId,
    /// Whether its cursor may give way to others.
    pub kind: ReaderKind,
}

/// The kinds of reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReaderKind {
    /// A guest, who may never come back.
    Guest,
    /// Any other user.
    Lasting,
}

/// A room as a user has read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unread {
    /// The number of the room's head; 0 if it has none.
    pub head: u64,
    /// The place of the user's cursor. Without one all texts of the log are unread.
    pub cursor: Option<u64>,
    /// Texts of others behind the cursor that the log has and that are not deleted.
    pub texts: u64,
    /// Those of them that mention the user.
    pub mentions: u64,
    /// The newest text that is not deleted, of any author.
    pub last: Option<LastText>,
}

/// A text, as a list of rooms shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastText {
    /// The name of its author.
    pub username: String,
    /// Its content of now.
    pub content: String,
    /// When it was logged.
    pub timestamp: String,
}
