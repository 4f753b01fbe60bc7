//! Posting and typing.

mod changes;
mod posters;

use futures_util::FutureExt;

pub use self::changes::{ChangeAction, Deletion, NewChange, Reaction};
pub use self::posters::Poster;
pub(super) use self::posters::Posters;
use super::completion::Completion;
use super::inbox::Posted;
use super::rooms::TypingRule;
use super::{Chat, ClaimedFiles, Room, SpeechAccess};
use crate::backend::{Appending, BackendError, Channel, Publication};
use crate::config::Config;
use crate::model::characters::has_visible;
use crate::model::{
    Author, Draft, Member, MessageId, Nonce, Notice, NoticeKind, Receipt, RoomName, Timestamp, UserId,
};
use crate::protocol::{ErrorCode, Rejection};
use crate::telemetry::meters;

/// A message that a user posts, not yet checked against the rules for content and nonces.
#[derive(Debug, Clone, Default)]
pub struct NewMessage {
    /// The text. May be empty if there are files.
    pub content: String,
    /// The sender's mark.
    pub nonce: Option<String>,
    /// The number of the message that it answers.
    pub reply_to: Option<u64>,
    /// Users that it calls.
    pub mentions: Vec<UserId>,
    /// Files that were uploaded for it.
    pub files: ClaimedFiles,
}

impl Chat {
    /// Posts a message. The calls of one task are numbered in their order, in whatever order the
    /// receipts are awaited. The steps that follow for files, and for users outside of the room, are taken though
    /// the caller goes meanwhile.
    pub fn post(
        &self,
        author: Author,
        access: SpeechAccess,
        message: NewMessage,
    ) -> impl Future<Output = Result<Receipt, Rejection>> + Send + use<> {
        let files = (!message.files.is_empty()).then(|| (access.room().clone(), message.files.clone()));
        let draft = self.draft(author, access.into_room(), message);
        let posted = draft.as_ref().ok().and_then(Posted::of);
        let posting = draft.map(|draft| self.inner.backend.log.append(draft));
        if files.is_none() && posted.is_none() {
            return async move { posting?.await.map(counted).map_err(Rejection::from) }.left_future();
        }
        let completing = self.clone().complete_post(posting, files, posted);
        Completion::new(&self.inner.supervisor, "message-post", completing).right_future()
    }

    async fn complete_post(
        self,
        posting: Result<Appending<Receipt>, Rejection>,
        files: Option<(RoomName, ClaimedFiles)>,
        posted: Option<Posted>,
    ) -> Result<Receipt, Rejection> {
        let posting = match posting {
            Ok(posting) => posting,
            Err(rejection) => {
                if let Some((_, files)) = files {
                    self.release_files(&files).await;
                }
                return Err(rejection);
            }
        };
        let outcome = posting.await;
        if let Some((room, files)) = files {
            self.settle_files(&room, &files, &outcome).await;
        }
        let receipt = counted(outcome?);
        if let Some(posted) = posted {
            self.tell_of(posted, &receipt).await;
        }
        Ok(receipt)
    }

    /// Refuses a message with files by what it says, before they are stored.
    ///
    /// # Errors
    /// `bad_content`, `content_too_long`, `bad_nonce`
    pub fn check_file_message(&self, content: &str, nonce: Option<&str>) -> Result<(), Rejection> {
        if !content.is_empty() {
            check_content(content, self.inner.config.limits.content_chars)?;
        }
        nonce.map(parse_nonce).transpose().map(drop)
    }

    /// Refuses a nonce that a message of the user in this room has.
    pub(super) async fn check_nonce_is_new(
        &self,
        user: &UserId,
        room: &RoomName,
        nonce: Option<&str>,
    ) -> Result<(), Rejection> {
        let Some(nonce) = nonce.map(parse_nonce).transpose()? else { return Ok(()) };
        if self.inner.backend.log.has_nonce(room, user, &nonce).await? {
            return Err(BackendError::NonceReused.into());
        }
        Ok(())
    }

    /// A text that follows the rules for messages.
    pub(super) fn content(&self, content: String) -> Result<String, Rejection> {
        check_content(&content, self.inner.config.limits.content_chars)?;
        Ok(content)
    }

    /// Counts a session among those that wait for receipts.
    pub fn count_poster(&self) -> Poster {
        self.inner.posters.enter()
    }

    /// Posts that a session may have under way now.
    pub fn posts_allowed(&self) -> usize {
        self.inner.posters.share(self.inner.config.limits.posts_in_flight)
    }

    fn draft(&self, author: Author, room: RoomName, message: NewMessage) -> Result<Draft, Rejection> {
        let NewMessage { content, nonce, reply_to, mentions, files } = message;
        let files = files.infos();
        let content = if content.is_empty() && !files.is_empty() { content } else { self.content(content)? };
        let nonce = nonce.as_deref().map(parse_nonce).transpose()?;
        Ok(Draft { nonce, reply_to, mentions, files, ..Draft::new(room, author, content) })
    }

    /// Tells the others in the room that the session's user is typing, at most once in
    /// `presence.typing_every`, and not at all in a room above `presence.announce_up_to`.
    pub async fn announce_typing(&self, room: &Room, member: &Member) -> Result<(), Rejection> {
        if !room.tells_typing(&member.user_id, typing_rule(&self.inner.config)) {
            return Ok(());
        }
        let notice = Notice {
            kind: NoticeKind::Typing,
            id: MessageId::now(),
            connection: Some(member.id),
            user_id: member.user_id.clone(),
            username: member.username.clone(),
            timestamp: Timestamp::now(),
        };
        let channel = Channel::Room(room.name.clone());
        Ok(self.inner.backend.pubsub.publish(&channel, Publication::Notice(notice)).await?)
    }
}

fn counted(receipt: Receipt) -> Receipt {
    if !receipt.is_duplicate {
        meters().messages_posted.increment(1);
    }
    receipt
}

pub(super) fn typing_rule(config: &Config) -> TypingRule {
    let presence = &config.presence;
    TypingRule { every: presence.typing_every, up_to: presence.announce_up_to as u64 }
}

fn check_content(content: &str, limit: usize) -> Result<(), Rejection> {
    if !has_visible(content) {
        return Err(Rejection::new(ErrorCode::BadContent, "A message must have something to see"));
    }
    if content.contains('\0') {
        return Err(Rejection::new(ErrorCode::BadContent, "A message must not contain U+0000"));
    }
    if content.len() > limit && content.chars().count() > limit {
        let sentence = format!("A message must have at most {limit} characters; make it shorter");
        return Err(Rejection::new(ErrorCode::ContentTooLong, sentence));
    }
    Ok(())
}

fn parse_nonce(raw: &str) -> Result<Nonce, Rejection> {
    Nonce::parse(raw).ok_or_else(|| {
        Rejection::new(
            ErrorCode::BadNonce,
            "A nonce must be 1 to 128 printable ASCII characters without spaces",
        )
    })
}
