//! What happens in a room and is told to its sessions.

use super::{ConnectionId, LoggedMessage, MessageId, Timestamp, UserId, Username};

/// One event of a room, as a backend hands it to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something was said.
    Message(LoggedMessage),
    /// Somebody came, went or is typing.
    Notice(Notice),
    /// The number of sessions changed without a notice.
    Count {
        /// Sessions in the room.
        client_count: u64,
        /// The session whose entrance is told so, if one's is.
        entered: Option<ConnectionId>,
    },
}

impl Event {
    /// Bytes that it holds beside its own.
    pub fn size(&self) -> usize {
        match self {
            Self::Message(message) => message.json.len(),
            Self::Notice(notice) => notice.username.as_str().len() + notice.user_id.as_str().len(),
            Self::Count { .. } => 0,
        }
    }
}

/// An event that is not logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// The notice's own id.
    pub id: MessageId,
    /// The session that caused it, where one did.
    pub connection: Option<ConnectionId>,
    /// The user it speaks of.
    pub user_id: UserId,
    /// The name it speaks of.
    pub username: Username,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// The kinds of notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// The first session of a user came; so many sessions are in the room now.
    Join {
        /// Sessions in the room.
        client_count: u64,
    },
    /// The last session of a user went.
    Leave {
        /// Sessions in the room.
        client_count: u64,
    },
    /// A user is writing.
    Typing,
}
