//! Changes of messages: edits, deletions and reactions.

use futures_util::{FutureExt, TryFutureExt};

use super::completion::Completion;
use super::{content_of, parse_nonce};
use crate::backend::Appending;
use crate::chat::{Chat, Identity, RoomAccess, SpeechAccess};
use crate::model::{Author, Change, ChangeDraft, ChangeReceipt, DeleteRights, Emoji, Role, RoomName};
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

    /// Changes a message, in one order with the posts of the caller. A deletion goes on if the caller does not: the files of the
    /// message must go as well.
    pub fn change(
        &self,
        author: Author,
        change: NewChange,
    ) -> impl Future<Output = Result<ChangeReceipt, Rejection>> + Send + use<> {
        let changing = self.change_draft(author, change).map(|draft| {
            let room = draft.room.clone();
            let has_files = matches!(draft.change, Change::Delete { .. }) && self.takes_files();
            let changing = self.inner.backend.log.change(draft);
            if has_files {
                let deleting = delete_with_files(self.clone(), room, changing);
                Completion::new(&self.inner.supervisor, "message-deletion", deleting).left_future()
            } else {
                changing.map_err(Rejection::from).right_future()
            }
        });
        async move { changing?.await }
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

async fn delete_with_files(
    chat: Chat,
    room: RoomName,
    deleting: Appending<ChangeReceipt>,
) -> Result<ChangeReceipt, Rejection> {
    let receipt = deleting.await?;
    if let ChangeReceipt::Logged { files, .. } = &receipt {
        chat.forget_files(&room, files).await;
    }
    Ok(receipt)
}
