//! Why a frame or a request was refused; the session goes on. A close code ends it, and is in
//! [`websocket::close`](crate::websocket::CloseCode).

use std::time::Duration;

/// Why something was refused. The same codes over WebSocket and REST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// Not JSON, not an object, or a field of the wrong type.
    BadFrame,
    /// A `type` that this server does not know.
    UnknownType,
    /// A room's name that breaks the rules for names.
    BadRoomName,
    /// A username that breaks the rules for names.
    BadUsername,
    /// The session speaks to a room that it has not joined.
    NotInRoom,
    /// Content that is missing or empty.
    BadContent,
    /// Content with too many characters.
    ContentTooLong,
    /// A nonce that is no short word of printable ASCII.
    BadNonce,
    /// A nonce that the user has given another message in this room.
    NonceReused,
    /// A message that the room does not have, or not any more.
    MessageNotFound,
    /// A reaction that is no emoji.
    BadEmoji,
    /// A message with as many kinds of reactions as it may have.
    TooManyReactions,
    /// A token that is malformed, forged or out of date.
    BadToken,
    /// The caller has not said who it is, and must.
    AuthRequired,
    /// The caller may not do this.
    Forbidden,
    /// The user is banned from the whole server.
    Banned,
    /// A moderator has muted the user in the room.
    Muted,
    /// Only moderators may speak in the room.
    RoomLocked,
    /// `auth` after the first join.
    AlreadyJoined,
    /// One session in too many rooms.
    TooManyRooms,
    /// More often than a limit allows; the same request may be sent again after a while.
    TooFast,
    /// The backend does not answer now; the same request may be sent again.
    Unavailable,
    /// Messages were lost for good; only plain sessions are told this way.
    MessagesSkipped,
    /// No session is in this room.
    RoomNotFound,
    /// No such path.
    NotFound,
    /// The path exists, not with this method.
    MethodNotAllowed,
    /// A query or body that can't be read.
    BadRequest,
    /// A page of an origin that `server.origins` does not name.
    BadOrigin,
    /// The path speaks WebSocket only.
    UpgradeRequired,
    /// A name that belongs to an account, or looks like that of one.
    UsernameTaken,
    /// Username and password, or the setup code, that do not belong together.
    BadCredentials,
    /// A password that is too short or too common.
    WeakPassword,
    /// A file that never was, is gone, or is another's.
    FileNotFound,
    /// A file with more bytes than a file may have.
    FileTooLarge,
    /// More bytes than a user may upload in a day.
    FileQuotaExceeded,
    /// Only administrators make accounts here.
    RegistrationClosed,
    /// A fault of the server.
    Internal,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 37] = [
        Self::BadFrame,
        Self::UnknownType,
        Self::BadRoomName,
        Self::BadUsername,
        Self::NotInRoom,
        Self::BadContent,
        Self::ContentTooLong,
        Self::BadNonce,
        Self::NonceReused,
        Self::MessageNotFound,
        Self::BadEmoji,
        Self::TooManyReactions,
        Self::BadToken,
        Self::AuthRequired,
        Self::Forbidden,
        Self::Banned,
        Self::Muted,
        Self::RoomLocked,
        Self::AlreadyJoined,
        Self::TooManyRooms,
        Self::TooFast,
        Self::Unavailable,
        Self::MessagesSkipped,
        Self::RoomNotFound,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::BadRequest,
        Self::BadOrigin,
        Self::UpgradeRequired,
        Self::UsernameTaken,
        Self::BadCredentials,
        Self::WeakPassword,
        Self::FileNotFound,
        Self::FileTooLarge,
        Self::FileQuotaExceeded,
        Self::RegistrationClosed,
        Self::Internal,
    ];

    /// The code as clients see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadFrame => "bad_frame",
            Self::UnknownType => "unknown_type",
            Self::BadRoomName => "bad_room_name",
            Self::BadUsername => "bad_username",
            Self::NotInRoom => "not_in_room",
            Self::BadContent => "bad_content",
            Self::ContentTooLong => "content_too_long",
            Self::BadNonce => "bad_nonce",
            Self::NonceReused => "nonce_reused",
            Self::MessageNotFound => "message_not_found",
            Self::BadEmoji => "bad_emoji",
            Self::TooManyReactions => "too_many_reactions",
            Self::BadToken => "bad_token",
            Self::AuthRequired => "auth_required",
            Self::Forbidden => "forbidden",
            Self::Banned => "banned",
            Self::Muted => "muted",
            Self::RoomLocked => "room_locked",
            Self::AlreadyJoined => "already_joined",
            Self::TooManyRooms => "too_many_rooms",
            Self::TooFast => "too_fast",
            Self::Unavailable => "unavailable",
            Self::MessagesSkipped => "messages_skipped",
            Self::RoomNotFound => "room_not_found",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BadRequest => "bad_request",
            Self::BadOrigin => "bad_origin",
            Self::UpgradeRequired => "upgrade_required",
            Self::UsernameTaken => "username_taken",
            Self::BadCredentials => "bad_credentials",
            Self::WeakPassword => "weak_password",
            Self::FileNotFound => "file_not_found",
            Self::FileTooLarge => "file_too_large",
            Self::FileQuotaExceeded => "file_quota_exceeded",
            Self::RegistrationClosed => "registration_closed",
            Self::Internal => "internal",
        }
    }

    /// When to try again, where trying again helps. At random, so that those who were refused
    /// together don't come back together.
    pub fn retry_after(self) -> Option<Duration> {
        (self == Self::Unavailable).then(|| Duration::from_millis(fastrand::u64(500..=1_000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_among_all() {
        for (place, code) in ErrorCode::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, place);
        }
        assert_eq!(ErrorCode::Internal as usize + 1, ErrorCode::ALL.len(), "it stands last");
    }
}
