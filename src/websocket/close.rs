//! Why a connection is closed, and whether the client should reconnect.

/// Why a session was closed: RFC 6455's codes below 4000, ours from there on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseCode {
    /// 1000: the answer to a close frame.
    Normal,
    /// 1002: the client broke RFC 6455.
    ProtocolError,
    /// 1007: text that is not UTF-8.
    InvalidText,
    /// 1009: a message beyond `limits.frame_bytes`. Don't send it again.
    TooBig,
    /// 1012: the node is stopping; reconnect after a random delay.
    Restarting,
    /// 4009: the session read too slowly; reconnect with the last seq.
    Slow,
    /// 4400: the request can't be served. Don't send it again.
    BadFrame,
    /// 4400 as well: a message that was not finished in `session.message_timeout`.
    Unfinished,
    /// 4401: the session has not said who it is in time, or its token is valid no longer. Reconnect with another token.
    Unauthorized,
    /// 4403: the session's user may not be here. Don't reconnect.
    Forbidden,
    /// 4429: more at once than this node has room for. Reconnect later.
    TooMuch,
    /// 4429 as well: a client that goes on at ten times the rate at which its messages are not refused.
    TooFast,
}

impl CloseCode {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Normal,
        Self::ProtocolError,
        Self::InvalidText,
        Self::TooBig,
        Self::Restarting,
        Self::Slow,
        Self::BadFrame,
        Self::Unfinished,
        Self::Unauthorized,
        Self::Forbidden,
        Self::TooMuch,
        Self::TooFast,
    ];

    /// The number on the wire.
    pub fn as_u16(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::ProtocolError => 1002,
            Self::InvalidText => 1007,
            Self::TooBig => 1009,
            Self::Restarting => 1012,
            Self::Slow => 4009,
            Self::BadFrame | Self::Unfinished => 4400,
            Self::Unauthorized => 4401,
            Self::Forbidden => 4403,
            Self::TooMuch | Self::TooFast => 4429,
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
            Self::Unfinished => "message not finished in time",
            Self::Unauthorized => "not signed in",
            Self::Forbidden => "not allowed",
            Self::TooMuch => "too many unfinished messages",
            Self::TooFast => "sending too fast",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_among_all() {
        for (place, code) in CloseCode::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, place);
        }
        assert_eq!(CloseCode::TooFast as usize + 1, CloseCode::ALL.len(), "it stands last");
    }
}
