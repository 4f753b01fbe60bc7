//! Frames that change what was said in a room.

use super::raw::{RawFrame, missing};
use crate::protocol::{ErrorCode, Rejection};

/// Changes a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The room.
    pub room_id: String,
    /// The number of the message.
    pub target: u64,
    /// The change of it.
    pub action: ChangeAction,
    /// The sender's mark, returned in the ack.
    pub nonce: Option<String>,
}

/// A change of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeAction {
    /// It gets another content.
    Edit(String),
    /// Its content is removed.
    Delete,
    /// A reaction is added, or taken back.
    React {
        /// The kind of reaction.
        emoji: String,
        /// Whether it is to be there.
        on: bool,
    },
}

impl Change {
    pub(super) fn read(raw: &RawFrame<'_>, kind: &str) -> Result<Self, Rejection> {
        let action = match kind {
            "edit" => {
                let missing = || Rejection::new(ErrorCode::BadContent, "content is missing");
                ChangeAction::Edit(raw.content()?.ok_or_else(missing)?)
            }
            "delete" => ChangeAction::Delete,
            _ => ChangeAction::React {
                emoji: raw.emoji()?.ok_or_else(|| missing("emoji"))?,
                on: raw.on()?.ok_or_else(|| missing("on"))?,
            },
        };
        let room_id = raw.room_id()?.ok_or_else(|| missing("room_id"))?;
        let target = raw.target()?.ok_or_else(|| missing("ref"))?;
        Ok(Self { room_id, target, action, nonce: raw.nonce()? })
    }
}
