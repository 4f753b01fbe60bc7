//! Changes of messages: edits, deletions and reactions.

use super::{content_of, parse_nonce};
use crate::chat::{Chat, Identity, RoomAccess, SpeechAccess};
use crate::model::{Author, Change, ChangeDraft, ChangeReceipt, DeleteRights, Emoji, Role};
use crate::protocol::{ErrorCode, Rejection};

/// A change that a user asks for, not yet checked against the rules for content, emoji and nonces.
#[derive(Debug, Clone)]
pub struct NewChange {
    /// The number of the message.
    pub target: u64,
    /// The change of it.
    pub action: ChangeAction,
    /// The sender's mark.
    pub nonce: Option<String>,
}

/// A change of a message, and the right to it.
#[derive(Debug, Clone)]
pub enum ChangeAction {
    /// It gets another content. A user who may not speak may not edit either.
    Edit(SpeechAccess, String),
    /// It is deleted: its own by anybody, and any by those who keep order in the room.
    Delete(RoomAccess, DeleteRights),
    /// A reaction is added, or taken back.
    React(SpeechAccess, Reaction),
}

/// A reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// One emoji.
    pub emoji: String,
    /// Whether it is to be there.
    pub on: bool,
}

impl Chat {
    /// The messages that a user may delete in a room. The one place that decides.
    pub fn delete_rights(&self, identity: &Identity, access: &RoomAccess) -> DeleteRights {
        if identity.role >= Role::Moderator || access.is_owner() {
            DeleteRights::All
        } else {
            DeleteRights::Own
        }
    }

    /// Changes a message, in one order with the posts of the caller.
    pub fn change(
        &self,
        author: Author,
        change: NewChange,
    ) -> impl Future<Output = Result<ChangeReceipt, Rejection>> + Send + use<> {
        let chat = self.clone();
        let changing = self.change_draft(author, change).map(|draft| {
            let room = draft.room.clone();
            (room, self.inner.backend.log.change(draft))
        });
        async move {
            let (room, changing) = changing?;
            let receipt = changing.await?;
            if let ChangeReceipt::Logged { files, .. } = &receipt {
                chat.forget_files(&room, files).await;
            }
            Ok(receipt)
        }
    }

    fn change_draft(&self, author: Author, change: NewChange) -> Result<ChangeDraft, Rejection> {
        let NewChange { target, action, nonce } = change;
        let nonce = nonce.as_deref().map(parse_nonce).transpose()?;
        let (room, change) = match action {
            ChangeAction::Edit(access, content) => {
                let content = content_of(content, self.inner.config.limits.content_chars)?;
                (access.into_room(), Change::Edit { content })
            }
            ChangeAction::Delete(access, rights) => (access.into_room(), Change::Delete { rights }),
            ChangeAction::React(access, Reaction { emoji, on }) => {
                let emoji = Emoji::parse(&emoji).ok_or_else(|| {
                    Rejection::new(ErrorCode::BadEmoji, "A reaction is one emoji, as Unicode recommends it")
                })?;
                (access.into_room(), Change::React { emoji, on })
            }
        };
        Ok(ChangeDraft { nonce, ..ChangeDraft::new(room, author, target, change) })
    }
}
