//! Messages: what was said, before and after the log numbered it.

use bytes::Bytes;
use serde::Serialize;

use super::{Author, Epoch, MessageId, RoomName, Timestamp, UserId, Username};

/// A sender's own mark on a message. The same (user, room, nonce) is posted once.
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
    /// Given by the node that took it in.
    pub id: MessageId,
    /// Where it was said.
    pub room: RoomName,
    /// Who said it.
    pub author: Author,
    /// 1 to `limits.content_chars` characters.
    pub content: String,
    /// When the node took it in.
    pub timestamp: Timestamp,
    /// What makes a second try recognisable.
    pub nonce: Option<Nonce>,
}

#[derive(Serialize)]
struct MessageJson<'a> {
    id: MessageId,
    room_id: &'a RoomName,
    user_id: &'a UserId,
    username: &'a Username,
    content: &'a str,
    r#type: &'static str,
    timestamp: Timestamp,
}

impl Draft {
    /// The client's JSON of this message, still open at its end: the log closes it with
    /// [`close_json`] once it knows the number. So a message is encoded once in its life.
    pub fn open_json(&self) -> String {
        let json = MessageJson {
            id: self.id,
            room_id: &self.room,
            user_id: &self.author.user_id,
            username: &self.author.username,
            content: &self.content,
            r#type: "text",
            timestamp: self.timestamp,
        };
        let mut text = serde_json::to_string(&json).expect("a message of strings is always JSON");
        text.pop();
        text
    }
}

/// Ends what [`Draft::open_json`] began. `post.lua` does the same inside Redis.
pub fn close_json(open: &str, seq: u64) -> String {
    format!("{open},\"seq\":{seq}}}")
}

/// A message as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedMessage {
    /// The epoch that was current when the message was handed out. Numbers go on over epochs, so
    /// a page of a log that outlived several bears the newest.
    pub epoch: Epoch,
    /// Its number in the room.
    pub seq: u64,
    /// The finished JSON that clients get.
    pub json: Bytes,
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
    /// When it was taken in.
    pub timestamp: String,
    /// Whether an earlier message with the same nonce was found instead.
    pub is_duplicate: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_draft_is_the_clients_json() {
        let draft = Draft {
            id: MessageId::now(),
            room: RoomName::from_trusted("general"),
            author: Author { user_id: UserId::guest(), username: Username::from_trusted("রহিম") },
            content: "হ্যালো \"বন্ধু\" 👩‍👩‍👧".into(),
            timestamp: Timestamp::now(),
            nonce: None,
        };
        let json: serde_json::Value = serde_json::from_str(&close_json(&draft.open_json(), 42)).unwrap();
        assert_eq!(json["seq"], 42);
        assert_eq!(json["content"], "হ্যালো \"বন্ধু\" 👩‍👩‍👧");
        assert_eq!(json["type"], "text");
        assert_eq!(json["room_id"], "general");
    }
}
