//! Messages, before and after the log has numbered them.

pub mod change;
pub mod file;

use std::borrow::Cow;
use std::time::Instant;

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Author, Epoch, FileInfo, MessageId, RoomName, UserId, Username, hex};

/// A sender's own id of a message. The same (user, room, nonce) is posted once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Nonce(String);

impl Nonce {
    /// Accepts 1 to 128 printable ASCII characters without spaces, as UUIDs and ULIDs are.
    pub fn parse(raw: &str) -> Option<Self> {
        let well_formed = (1..=128).contains(&raw.len()) && raw.bytes().all(|b| b.is_ascii_graphic());
        well_formed.then(|| Self(raw.to_owned()))
    }

    /// The nonce as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A checked message that has no number yet.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Given by the node that received it.
    pub id: MessageId,
    /// The room it is for.
    pub room: RoomName,
    /// Its author.
    pub author: Author,
    /// At most `limits.content_chars` characters; empty only if there are files.
    pub content: String,
    /// When the node received it, by its own clock. Clients are given the log's time.
    pub taken_in: Instant,
    /// Identifies a repetition.
    pub nonce: Option<Nonce>,
    /// The number of the message that it answers.
    pub reply_to: Option<u64>,
    /// Users that it calls; at most [`MAX_MENTIONS`].
    pub mentions: Vec<UserId>,
    /// Its files.
    pub files: Vec<FileInfo>,
}

/// Length of the digest of a content. Those of earlier versions are longer and begin with it.
pub(super) const DIGEST_BYTES: usize = 2;

/// Users that a message may mention.
pub const MAX_MENTIONS: usize = 50;

#[derive(Serialize)]
struct MessageJson<'a> {
    id: MessageId,
    room_id: &'a RoomName,
    user_id: &'a UserId,
    username: &'a Username,
    content: &'a str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    mentions: &'a [UserId],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    files: &'a [FileInfo],
}

impl Draft {
    /// A message that is received now, and is nothing but a text.
    pub fn new(room: RoomName, author: Author, content: String) -> Self {
        let (reply_to, mentions, files) = Default::default();
        let (id, taken_in) = (MessageId::now(), Instant::now());
        Self { id, room, author, content, taken_in, nonce: None, reply_to, mentions, files }
    }

    /// The client's JSON of this message, still open at its end: the log closes it with
    /// [`close_json`] once it knows the time and the number. So a message is encoded once in its life. The
    /// text that it replies to is not in it: the log fills that in, as it is at that time.
    pub fn open_json(&self) -> String {
        let json = MessageJson {
            id: self.id,
            room_id: &self.room,
            user_id: &self.author.user_id,
            username: &self.author.username,
            content: &self.content,
            r#type: "text",
            mentions: &self.mentions,
            files: &self.files,
        };
        let mut text = serde_json::to_string(&json).expect("a message of strings is always JSON");
        text.pop();
        text
    }

    /// Tells apart two contents with the same nonce, but for one pair in 65,536. It is kept for a day, also when the text is
    /// deleted: with more bits it would confirm the text to a reader of the store who guesses it.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new_with_prefix(&self.content);
        // A message without these has the digest that earlier versions give it.
        if let Some(seq) = self.reply_to {
            digest.update(format!("\0reply_to {seq}"));
        }
        for user in &self.mentions {
            digest.update(format!("\0mention {user}"));
        }
        for file in &self.files {
            digest.update(format!("\0file {}", file.id));
        }
        hex(&digest.finalize()[..DIGEST_BYTES])
    }
}

/// Ends what [`Draft::open_json`] began. `append.lua` does the same inside Redis.
pub fn close_json(open: &str, timestamp: &str, seq: u64) -> String {
    format!("{open},\"timestamp\":\"{timestamp}\",\"seq\":{seq}}}")
}

/// A message or a change as the log gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedMessage {
    /// The epoch that was current when the message was handed out. Numbers go on over epochs, so
    /// a page of a log that outlived several has the newest.
    pub epoch: Epoch,
    /// Its number in the room.
    pub seq: u64,
    /// The finished JSON that clients get.
    pub json: Bytes,
    /// Its kind.
    pub kind: EntryKind,
    /// When this node received it from its client, if it did and has measured it.
    pub taken_in: Option<Instant>,
}

/// The kinds of entry of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A message.
    Text,
    /// A message whose content was deleted.
    Deleted,
    /// A change of a message.
    Change,
}

/// The fields of every version of a message.
#[derive(Deserialize)]
#[allow(dead_code, reason = "their presence is the check")]
struct Stored<'a> {
    id: IgnoredAny,
    room_id: IgnoredAny,
    user_id: IgnoredAny,
    username: IgnoredAny,
    content: IgnoredAny,
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    timestamp: IgnoredAny,
    seq: u64,
    #[serde(default)]
    deleted: bool,
}

impl Stored<'_> {
    fn kind(&self) -> EntryKind {
        match (self.r#type.as_ref(), self.deleted) {
            ("text", false) => EntryKind::Text,
            ("text", true) => EntryKind::Deleted,
            _ => EntryKind::Change,
        }
    }
}

impl LoggedMessage {
    /// A message from a place that others can write to; `None` if it is not the JSON of a message of this
    /// number. Bytes that are not UTF-8 would end the connection of each client that they are sent to; a text that is
    /// not JSON would break the page that contains it.
    pub fn read(epoch: &Epoch, seq: u64, json: Bytes) -> Option<Self> {
        let text = std::str::from_utf8(&json).ok()?;
        let stored: Stored<'_> = serde_json::from_str(text).ok()?;
        let (kind, is_numbered_so) = (stored.kind(), stored.seq == seq);
        is_numbered_so.then(|| Self { epoch: epoch.clone(), seq, json, kind, taken_in: None })
    }
}

/// The proof that a message was numbered, logged and published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The id of the message, or of the first with this nonce.
    pub id: String,
    /// The epoch of `seq`.
    pub epoch: Epoch,
    /// The message's number.
    pub seq: u64,
    /// When it was logged.
    pub timestamp: String,
    /// Whether an earlier message with the same nonce was found instead.
    pub is_duplicate: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_draft_is_the_clients_json() {
        let author = Author { user_id: UserId::guest(), username: Username::from_trusted("রহিম") };
        let content = "হ্যালো \"বন্ধু\" 👩‍👩‍👧".to_owned();
        let draft = Draft::new(RoomName::from_trusted("general"), author, content);
        let closed = close_json(&draft.open_json(), "2026-11-22T08:00:00.007Z", 42);
        let json: serde_json::Value = serde_json::from_str(&closed).unwrap();
        assert_eq!((&json["seq"], &json["timestamp"]), (&42.into(), &"2026-11-22T08:00:00.007Z".into()));
        assert!(LoggedMessage::read(&Epoch::new("e"), 42, closed.into()).is_some());
        assert_eq!(json["content"], "হ্যালো \"বন্ধু\" 👩‍👩‍👧");
        assert_eq!(json["type"], "text");
        assert_eq!(json["room_id"], "general");
    }

    #[test]
    fn all_that_a_message_says_is_in_its_digest() {
        let author = Author { user_id: UserId::guest(), username: Username::from_trusted("x") };
        let plain = Draft::new(RoomName::from_trusted("general"), author, "hello".into());
        assert_eq!(plain.digest(), hex(&Sha256::digest("hello")[..2]));
        let reply = Draft { reply_to: Some(1), ..plain.clone() };
        let mention = Draft { mentions: vec![UserId::parse("mita").unwrap()], ..plain.clone() };
        assert_ne!(plain.digest(), reply.digest());
        assert_ne!(plain.digest(), mention.digest());
        assert_ne!(reply.digest(), mention.digest());
    }
}
