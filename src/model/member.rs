//! Authors of messages, and members of rooms.

use serde::Serialize;
use utoipa::ToSchema;

use super::{ConnectionId, UserId, Username};

/// The user behind a message or a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Stays the same when a client reconnects with its token.
    pub user_id: UserId,
    /// The name that others see.
    pub username: Username,
}

/// A session that is in a room. A user in three tabs is three members.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Member {
    /// The session.
    pub id: ConnectionId,
    /// The user of the session.
    pub user_id: UserId,
    /// The user's name in this session.
    pub username: Username,
}
