//! The kinds of session. [`server::encode`](super::server::encode) decides which frames a kind gets,
//! [`ClientFrame::parse`](super::ClientFrame::parse) which it may send.

use super::ErrorCode;

/// The protocol of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// One room, messages and notices only.
    Plain,
    /// The subprotocol `adda.v1`.
    Full,
    /// Notifications alone, of `/ws/notifications`.
    Notifications,
}

impl SessionKind {
    /// Whether its frames name a room. A session whose frames don't is in one room for its whole life.
    pub fn names_rooms(self) -> bool {
        self != Self::Plain
    }

    /// Whether it is given a token, with which it can come back as the same user.
    pub fn gets_token(self) -> bool {
        self == Self::Full
    }

    /// Whether it is given what is published for its user.
    pub fn follows_user(self) -> bool {
        self != Self::Plain
    }

    /// Whether it is told in `auth_success` which user it speaks for.
    pub fn is_told_of_sign_in(self) -> bool {
        self != Self::Plain
    }

    /// Whether its user's list of rooms concerns it: its joins are remembered there, and it is told of its changes.
    pub fn has_room_list(self) -> bool {
        self == Self::Full
    }

    /// Whether it marks up to where its user has read, and is told how far others have.
    pub fn marks_reading(self) -> bool {
        self == Self::Full
    }

    /// Whether others may name its user, so that the name is remembered.
    pub fn introduces_user(self) -> bool {
        self == Self::Full
    }

    /// The error as which it is told of lost messages, if not by a frame of their own.
    pub fn gap_error(self) -> Option<ErrorCode> {
        (self == Self::Plain).then_some(ErrorCode::MessagesSkipped)
    }
}
