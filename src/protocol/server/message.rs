//! Messages and notices of a room.

use bytes::{BufMut, BytesMut};
use serde::Serialize;

use crate::model::{
    EntryKind, LoggedMessage, MessageId, Notice, NoticeKind, RoomName, Timestamp, UserId, Username,
};
use crate::protocol::SessionKind;
use crate::websocket::Frame;

/// An entry of the log, as the log made it. All kinds of session that get it get the same bytes.
pub fn message(message: &LoggedMessage) -> Frame {
    Frame::text(&message.json)
}

/// Whether sessions of a kind get an entry. Plain ones get texts, and know of no others.
pub fn is_shown(message: EntryKind, kind: SessionKind) -> bool {
    match kind {
        SessionKind::Full => true,
        SessionKind::Plain => message == EntryKind::Text,
        SessionKind::Notifications => false,
    }
}

/// Appends a JSON array of messages.
pub fn put_messages(json: &mut BytesMut, messages: &[LoggedMessage]) {
    json.put_u8(b'[');
    for (i, message) in messages.iter().enumerate() {
        if i > 0 {
            json.put_u8(b',');
        }
        json.put_slice(&message.json);
    }
    json.put_u8(b']');
}

/// A join, a leave, or that a user is typing. It has the fields of a message in their order, so its type is no tag.
#[derive(Debug, Serialize)]
pub struct NoticeFrame<'a> {
    id: MessageId,
    room_id: &'a RoomName,
    user_id: &'a UserId,
    username: &'a Username,
    content: String,
    r#type: &'static str,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_count: Option<u64>,
}

impl<'a> NoticeFrame<'a> {
    /// The frame of a notice in `room`.
    pub fn new(room: &'a RoomName, notice: &'a Notice) -> Self {
        let name = &notice.username;
        let (r#type, content) = match notice.kind {
            NoticeKind::Join { .. } => ("join", format!("{name} joined the room")),
            NoticeKind::Leave { .. } => ("leave", format!("{name} left the room")),
            NoticeKind::Typing => ("typing", String::new()),
        };
        let client_count = match notice.kind {
            NoticeKind::Join { client_count } | NoticeKind::Leave { client_count } => Some(client_count),
            NoticeKind::Typing => None,
        };
        Self {
            id: notice.id,
            room_id: room,
            user_id: &notice.user_id,
            username: name,
            content,
            r#type,
            timestamp: notice.timestamp,
            client_count,
        }
    }
}
