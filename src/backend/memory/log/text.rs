//! A text of a log as it is now: what was posted, and what has changed since.

use bytes::Bytes;
use indexmap::{IndexMap, IndexSet};
use serde_json::json;
use tokio::time::Instant;

use crate::backend::{BackendError, LastText, Result};
use crate::model::message::change::{MAX_REACTION_USERS, MAX_REACTIONS};
use crate::model::message::close_json;
use crate::model::{Draft, Emoji, EntryKind, UserId};

/// Characters of a message that a reply shows.
const QUOTED: usize = 140;

#[derive(Debug)]
pub(super) struct Text {
    pub(super) seq: u64,
    pub(super) at: Instant,
    pub(super) draft: Draft,
    timestamp: String,
    edited_at: Option<String>,
    is_deleted: bool,
    reactions: IndexMap<Emoji, IndexSet<UserId>>,
    /// The number of the newest change.
    changed: Option<u64>,
}

impl Text {
    pub(super) fn new(seq: u64, at: Instant, draft: Draft, timestamp: String) -> Self {
        let (edited_at, is_deleted, reactions, changed) = Default::default();
        Self { seq, at, draft, timestamp, edited_at, is_deleted, reactions, changed }
    }

    pub(super) fn kind(&self) -> EntryKind {
        if self.is_deleted { EntryKind::Deleted } else { EntryKind::Text }
    }

    /// The JSON that clients get; `quotation` is that of the text that it replies to.
    pub(super) fn json(&self, quotation: Option<String>) -> Bytes {
        let mut open = self.draft.open_json();
        if self.is_deleted {
            open += ",\"deleted\":true";
        }
        let mut json = close_json(&open, &self.timestamp, self.seq);
        json.pop();
        if let Some(edited_at) = &self.edited_at {
            json += &format!(",\"edited_at\":\"{edited_at}\"");
        }
        if let Some(quotation) = quotation {
            json += &format!(",\"reply_to\":{quotation}");
        }
        if !self.reactions.is_empty() {
            json += &format!(",\"reactions\":{}", self.reactions_json());
        }
        if let Some(changed) = self.changed {
            json += &format!(",\"changed\":{changed}");
        }
        json.push('}');
        json.into()
    }

    fn reactions_json(&self) -> serde_json::Value {
        let shown = self.reactions.iter().map(|(emoji, users)| {
            let first: Vec<&UserId> = users.iter().take(MAX_REACTION_USERS).collect();
            (emoji.as_str().to_owned(), json!({"count": users.len(), "users": first}))
        });
        shown.collect::<serde_json::Map<_, _>>().into()
    }

    /// Its quotation in a reply.
    pub(super) fn quotation(&self) -> String {
        if self.is_deleted {
            return gone(self.seq);
        }
        let author = &self.draft.author;
        let content: String = self.draft.content.chars().take(QUOTED).collect();
        json!({"seq": self.seq, "user_id": author.user_id, "username": author.username, "content": content})
            .to_string()
    }

    pub(super) fn shown_last(&self) -> LastText {
        LastText {
            username: self.draft.author.username.to_string(),
            content: self.draft.content.clone(),
            timestamp: self.timestamp.clone(),
        }
    }

    // --- changes; each is given its number afterwards ---

    pub(super) fn edit(&mut self, content: &str, timestamp: &str) {
        content.clone_into(&mut self.draft.content);
        self.edited_at = Some(timestamp.to_owned());
    }

    /// Returns the ids of its files.
    pub(super) fn delete(&mut self) -> Vec<String> {
        self.is_deleted = true;
        self.edited_at = None;
        self.reactions.clear();
        self.draft.content.clear();
        self.draft.mentions.clear();
        self.draft.reply_to = None;
        std::mem::take(&mut self.draft.files).into_iter().map(|file| file.id).collect()
    }

    /// Returns whether something changed.
    pub(super) fn react(&mut self, emoji: Emoji, user: &UserId, on: bool) -> Result<bool> {
        if !on {
            let Some(users) = self.reactions.get_mut(&emoji) else { return Ok(false) };
            let was_there = users.shift_remove(user);
            if users.is_empty() {
                self.reactions.shift_remove(&emoji);
            }
            return Ok(was_there);
        }
        if !self.reactions.contains_key(&emoji) && self.reactions.len() >= MAX_REACTIONS {
            return Err(BackendError::TooManyReactions);
        }
        Ok(self.reactions.entry(emoji).or_default().insert(user.clone()))
    }

    pub(super) fn set_changed(&mut self, seq: u64) {
        self.changed = Some(seq);
    }
}

/// The quotation of a text that is not there any more.
pub(super) fn gone(seq: u64) -> String {
    format!("{{\"seq\":{seq},\"deleted\":true}}")
}
