//! Changes: messages of the log that refer to another one.

use std::time::Instant;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::DIGEST_BYTES;
use crate::model::{Author, Epoch, MessageId, Nonce, Receipt, RoomName, UserId, Username, hex};

/// An emoji that Unicode recommends for general interchange (RGI), in its fully qualified form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Emoji(&'static str);

impl Emoji {
    /// Accepts one emoji, with or without its variation selectors.
    pub fn parse(text: &str) -> Option<Self> {
        emojis::get(text).map(|emoji| Self(emoji.as_str()))
    }

    /// The emoji as text.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

/// Kinds of reactions that a message may have.
pub const MAX_REACTIONS: usize = 20;

/// Users that are shown for each kind of reaction: those who reacted first.
pub const MAX_REACTION_USERS: usize = 20;

/// A change of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It gets another content.
    Edit {
        /// As that of a message.
        content: String,
    },
    /// Its content is removed.
    Delete {
        /// The messages that the user may delete.
        rights: DeleteRights,
    },
    /// A user reacts to it, or takes that back.
    React {
        /// The kind of reaction.
        emoji: Emoji,
        /// Whether the user is to have this reaction afterwards.
        on: bool,
    },
}

/// The messages that a user may delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteRights {
    /// Its own, as long as they are editable.
    Own,
    /// Everybody's, however old.
    All,
}

/// A checked change that has no number yet.
#[derive(Debug, Clone)]
pub struct ChangeDraft {
    /// Given by the node that received it.
    pub id: MessageId,
    /// The room of the message.
    pub room: RoomName,
    /// The user who changes it.
    pub author: Author,
    /// The number of the message.
    pub target: u64,
    /// The change of it.
    pub change: Change,
    /// When the node received it, by its own clock.
    pub taken_in: Instant,
    /// Identifies a repetition. Messages and changes share their nonces.
    pub nonce: Option<Nonce>,
}

#[derive(Serialize)]
struct ChangeJson<'a> {
    id: MessageId,
    room_id: &'a RoomName,
    user_id: &'a UserId,
    username: &'a Username,
    r#type: &'static str,
    r#ref: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<bool>,
}

impl ChangeDraft {
    /// A change that is received now.
    pub fn new(room: RoomName, author: Author, target: u64, change: Change) -> Self {
        Self { id: MessageId::now(), room, author, target, change, taken_in: Instant::now(), nonce: None }
    }

    /// The client's JSON of this change, still open at its end, as that of a message. Its content is the last field, and empty. That of
    /// an edit follows, as the log stores it with the message alone, and fills it in. So a node of the version before, which
    /// forwards the JSON as that of a message, finds all fields of one.
    pub fn open_json(&self) -> String {
        let (r#type, reaction) = match &self.change {
            Change::Edit { .. } => ("edit", None),
            Change::Delete { .. } => ("delete", None),
            Change::React { emoji, on } => ("reaction", Some((emoji.as_str(), *on))),
        };
        let (emoji, on) = reaction.unzip();
        let json = ChangeJson {
            id: self.id,
            room_id: &self.room,
            user_id: &self.author.user_id,
            username: &self.author.username,
            r#type,
            r#ref: self.target,
            emoji,
            on,
        };
        let mut text = serde_json::to_string(&json).expect("a change of strings and numbers is always JSON");
        text.pop();
        text += ",\"content\":";
        if !matches!(self.change, Change::Edit { .. }) {
            text += "\"\"";
        }
        text
    }

    /// Tells it apart from another message or change with the same nonce, as [`Draft::digest`](crate::model::Draft::digest).
    pub fn digest(&self) -> String {
        let target = self.target;
        let text = match &self.change {
            Change::Edit { content } => format!("\0edit {target} {content}"),
            Change::Delete { .. } => format!("\0delete {target}"),
            Change::React { emoji, on } => format!("\0react {target} {} {on}", emoji.as_str()),
        };
        hex(&Sha256::digest(text)[..DIGEST_BYTES])
    }
}

/// The log's answer to a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeReceipt {
    /// It was numbered, logged and published.
    Logged {
        /// As that of a message.
        receipt: Receipt,
        /// The ids of the files of a message that it deleted.
        files: Vec<String>,
    },
    /// The message was as it should be already: nothing was logged.
    Unchanged {
        /// The id of the change, or of the first with its nonce.
        id: String,
        /// The current epoch.
        epoch: Epoch,
        /// When that was found.
        timestamp: String,
        /// Whether an earlier change with the same nonce was found instead.
        is_duplicate: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::close_json;
    use crate::model::{EntryKind, LoggedMessage, Timestamp};

    #[test]
    fn an_emoji_is_one_of_those_that_unicode_recommends() {
        for text in ["👍", "❤️", "👩‍👩‍👧", "🇧🇩", "👋🏽", "1️⃣"] {
            assert_eq!(Emoji::parse(text).map(Emoji::as_str), Some(text), "{text}");
        }
        assert_eq!(Emoji::parse("\u{2764}"), Emoji::parse("❤️"), "with or without its variation selector");
        for text in
            ["", "x", "1", "👍👍", " 👍", "👍\u{fe0f}\u{fe0f}", "আ", ":+1:", "\u{1f3fd}\u{1f3fd}", "\"", "🇧"]
        {
            assert_eq!(Emoji::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_change_has_the_fields_of_a_message() {
        let author = Author { user_id: UserId::guest(), username: Username::from_trusted("রহিম") };
        let emoji = Emoji::parse("👍").unwrap();
        for change in [
            Change::Edit { content: "new".into() },
            Change::Delete { rights: DeleteRights::Own },
            Change::React { emoji, on: true },
        ] {
            let draft = ChangeDraft::new(RoomName::from_trusted("general"), author.clone(), 7, change);
            let content = if matches!(draft.change, Change::Edit { .. }) { "\"\"" } else { "" };
            let json = close_json(&(draft.open_json() + content), &Timestamp::now().to_string(), 8);
            let read = LoggedMessage::read(&Epoch::new("e"), 8, json.clone().into()).expect("an entry");
            assert_eq!(read.kind, EntryKind::Change);
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!((&json["ref"], &json["content"]), (&7.into(), &"".into()));
        }
    }
}
