//! Changes of messages: edits, deletions and reactions.

use futures_util::FutureExt;
use serde::Deserialize;

use super::parse_nonce;
use crate::backend::{Appending, AuditAction, AuditRecord};
use crate::chat::completion::Completion;
use crate::chat::{Chat, Identity, RoomAccess, SpeechAccess};
use crate::model::{
    Author, Change, ChangeDraft, ChangeReceipt, DeleteRights, Emoji, EntryKind, Role, RoomName, UserId,
};
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
    /// It is deleted.
    Delete(Deletion),
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

/// The right to delete a message.
#[derive(Debug, Clone)]
pub struct Deletion {
    room: RoomName,
    rights: DeleteRights,
    /// Of a moderator, what was recorded.
    record: Option<AuditRecord>,
}

/// The fields of a message that tell whose it is.
#[derive(Deserialize)]
struct Posted {
    user_id: UserId,
    #[serde(default)]
    deleted: bool,
}

impl Chat {
    /// The right to delete a message: everybody has it for its own, those who keep order in the room for any. The one place that
    /// decides. That a moderator deletes a message of another is recorded here; to be asked for right before the deletion.
    ///
    /// # Errors
    /// `unavailable`, and `room_not_found` for a member that was removed meanwhile: both for moderators alone.
    pub async fn deletion(
        &self,
        by: &Identity,
        access: RoomAccess,
        target: u64,
    ) -> Result<Deletion, Rejection> {
        let room = access.room().clone();
        if access.is_owner() {
            // Members of a private room know who owns it, and no moderator has acted.
            return Ok(Deletion { room, rights: DeleteRights::All, record: None });
        }
        if by.role < Role::Moderator {
            return Ok(Deletion { room, rights: DeleteRights::Own, record: None });
        }
        let Some(author) = self.author_of(access, target).await? else {
            // A repetition, which was recorded before, or nothing that could be deleted.
            return Ok(Deletion { room, rights: DeleteRights::Own, record: None });
        };
        if author == by.author.user_id {
            return Ok(Deletion { room, rights: DeleteRights::All, record: None });
        }
        let record = AuditRecord {
            user_id: Some(author.to_string()),
            room_id: Some(room.to_string()),
            seq: Some(target),
            ..AuditRecord::of(by, AuditAction::DeleteMessage)
        };
        self.inner.backend.moderation.record(&record).await?;
        Ok(Deletion { room, rights: DeleteRights::All, record: Some(record) })
    }

    /// The user that has posted a message, unless it is deleted.
    async fn author_of(&self, access: RoomAccess, seq: u64) -> Result<Option<UserId>, Rejection> {
        let found = self.message_at(access, seq).await?.filter(|message| message.kind == EntryKind::Text);
        let posted = found.and_then(|message| serde_json::from_slice::<Posted>(&message.json).ok());
        Ok(posted.filter(|posted| !posted.deleted).map(|posted| posted.user_id))
    }

    /// Changes a message, in one order with the posts of the caller. A deletion goes on if the caller does not: the files of the
    /// message must go as well, and the record must tell if it failed.
    pub fn change(
        &self,
        author: Author,
        mut change: NewChange,
    ) -> impl Future<Output = Result<ChangeReceipt, Rejection>> + Send + use<> {
        let (room, record) = match &mut change.action {
            ChangeAction::Delete(deletion) => (Some(deletion.room.clone()), deletion.record.take()),
            ChangeAction::Edit(..) | ChangeAction::React(..) => (None, None),
        };
        let room = room.filter(|room| self.takes_files() || room.is_private());
        let changing = self.change_draft(author, change).map(|draft| self.inner.backend.log.change(draft));
        if room.is_none() && record.is_none() {
            return async move { changing?.await.map_err(Rejection::from) }.left_future();
        }
        let deleting = complete_deletion(self.clone(), changing, room, record);
        Completion::new(&self.inner.supervisor, "message-deletion", deleting).right_future()
    }

    fn change_draft(&self, author: Author, change: NewChange) -> Result<ChangeDraft, Rejection> {
        let NewChange { target, action, nonce } = change;
        let nonce = nonce.as_deref().map(parse_nonce).transpose()?;
        let (room, change) = match action {
            ChangeAction::Edit(access, content) => {
                let content = self.content(content)?;
                (access.into_room(), Change::Edit { content })
            }
            ChangeAction::Delete(Deletion { room, rights, .. }) => (room, Change::Delete { rights }),
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

/// `room`: that of the message, if its files go with the message, or if it is private.
async fn complete_deletion(
    chat: Chat,
    deleting: Result<Appending<ChangeReceipt>, Rejection>,
    room: Option<RoomName>,
    record: Option<AuditRecord>,
) -> Result<ChangeReceipt, Rejection> {
    let deleting = async { deleting?.await.map_err(Rejection::from) };
    let outcome = deleting.await;
    if let Some(record) = record {
        chat.settle_record(record, outcome.is_ok()).await;
    }
    if let (Ok(ChangeReceipt::Logged { files, .. }), Some(room)) = (&outcome, room) {
        if chat.takes_files() {
            chat.forget_files(&room, files).await;
        }
        if room.is_private() {
            let supervisor = chat.inner.supervisor.clone();
            drop(supervisor.run_once("deletion-news", async move { chat.tell_deleted(&room).await }));
        }
    }
    outcome
}
