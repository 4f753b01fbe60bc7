//! Who speaks, and who is in a room.

use serde::Serialize;

use super::{ConnectionId, UserId, Username};

/// The user behind a message or a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Stays the same over reconnects that prove themselves by token.
    pub user_id: UserId,
    /// What others see.
    pub username: Username,
}

/// A session that is in a room. A user in three tabs is three members.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Member {
    /// The session.
    pub id: ConnectionId,
    /// Who it speaks for.
    pub user_id: UserId,
    /// The name it goes by.
    pub username: Username,
}
