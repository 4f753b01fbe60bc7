//! Frames that say something in a room.

use super::raw::RawFrame;
use crate::model::UserId;
use crate::protocol::{ErrorCode, Rejection};

/// Posts a message. Plain sessions name no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The room.
    pub room_id: Option<String>,
    /// The text; empty if it has files only.
    pub content: String,
    /// The sender's mark, returned in the ack.
    pub nonce: Option<String>,
    /// The message that it answers.
    pub reply_to: Option<u64>,
    /// Users that it calls.
    pub mentions: Vec<UserId>,
    /// Ids of files that the sender has uploaded.
    pub files: Vec<String>,
}

/// The user is typing. Plain sessions name no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typing {
    /// The room.
    pub room_id: Option<String>,
}

impl Text {
    pub(super) fn read(raw: &RawFrame<'_>) -> Result<Self, Rejection> {
        let (content, files) = (raw.content()?, raw.files()?);
        let content = match content {
            Some(content) => content,
            None if !files.is_empty() => String::new(),
            None => return Err(Rejection::new(ErrorCode::BadContent, "content is missing")),
        };
        let (reply_to, mentions) = (raw.reply_to()?, raw.mentions()?);
        Ok(Self { room_id: raw.room_id()?, content, nonce: raw.nonce()?, reply_to, mentions, files })
    }
}

impl Typing {
    pub(super) fn read(raw: &RawFrame<'_>) -> Result<Self, Rejection> {
        Ok(Self { room_id: raw.room_id()? })
    }
}
