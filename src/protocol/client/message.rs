//! Frames that say something in a room.

use super::raw::RawFrame;
use crate::protocol::{ErrorCode, Rejection};

/// Posts a message. Plain sessions name no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The room.
    pub room_id: Option<String>,
    /// The text.
    pub content: String,
    /// The sender's mark, returned in the ack.
    pub nonce: Option<String>,
}

/// The user is typing. Plain sessions name no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typing {
    /// The room.
    pub room_id: Option<String>,
}

impl Text {
    pub(super) fn read(raw: &RawFrame<'_>) -> Result<Self, Rejection> {
        let missing = || Rejection::new(ErrorCode::BadContent, "content is missing");
        let content = raw.content()?.ok_or_else(missing)?;
        Ok(Self { room_id: raw.room_id()?, content, nonce: raw.nonce()? })
    }
}

impl Typing {
    pub(super) fn read(raw: &RawFrame<'_>) -> Result<Self, Rejection> {
        Ok(Self { room_id: raw.room_id()? })
    }
}
