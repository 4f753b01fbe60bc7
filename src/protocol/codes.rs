//! A refusal answers a frame and the session goes on; a goodbye ends the session and tells the
//! client whether to come back. Two tables.

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
    /// A token that is malformed, forged or out of date.
    BadToken,
    /// `auth` after the first join.
    AlreadyJoined,
    /// One session in too many rooms.
    TooManyRooms,
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
    /// The path speaks WebSocket only.
    UpgradeRequired,
    /// A fault of the server.
    Internal,
}

impl ErrorCode {
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
            Self::BadToken => "bad_token",
            Self::AlreadyJoined => "already_joined",
            Self::TooManyRooms => "too_many_rooms",
            Self::Unavailable => "unavailable",
            Self::MessagesSkipped => "messages_skipped",
            Self::RoomNotFound => "room_not_found",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BadRequest => "bad_request",
            Self::UpgradeRequired => "upgrade_required",
            Self::Internal => "internal",
        }
    }

    /// When to try again, in ms, where trying again helps. At random, so that those who were refused
    /// together don't come back together.
    pub fn retry_after_ms(self) -> Option<u32> {
        (self == Self::Unavailable).then(|| fastrand::u32(500..=1_000))
    }
}

/// Why a session was closed: RFC 6455's codes below 4000, ours from there on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseCode {
    /// 1000: the answer to a goodbye.
    Normal,
    /// 1002: the client broke RFC 6455.
    ProtocolError,
    /// 1007: text that is not UTF-8.
    InvalidText,
    /// 1009: a message beyond `limits.frame_bytes`. Don't send it again.
    TooBig,
    /// 1012: the node is going; come back after a random delay.
    Restarting,
    /// 4009: the session read too slowly; come back with the last seq.
    Slow,
    /// 4400: nothing sensible can come of this connection. Don't come back with the same request.
    BadFrame,
}

impl CloseCode {
    /// The number on the wire.
    pub fn as_u16(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::ProtocolError => 1002,
            Self::InvalidText => 1007,
            Self::TooBig => 1009,
            Self::Restarting => 1012,
            Self::Slow => 4009,
            Self::BadFrame => 4400,
        }
    }

    /// The reason on the wire.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Normal => "",
            Self::ProtocolError => "protocol error",
            Self::InvalidText => "text is not UTF-8",
            Self::TooBig => "message too big",
            Self::Restarting => "restarting",
            Self::Slow => "reading too slowly",
            Self::BadFrame => "bad request",
        }
    }
}
