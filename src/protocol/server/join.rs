//! The answer to a join.

use bytes::{BufMut, BytesMut};
use serde::Serialize;

use super::user::ReadByJson;
use super::{NoticeFrame, ServerFrame, encode, is_shown, message, put_messages};
use crate::model::{Epoch, LoggedMessage, Member, Notice, Position, ReadBy, RoomName};
use crate::protocol::SessionKind;
use crate::websocket::Frame;

/// The facts that a session is given on entering a room.
#[derive(Debug)]
pub struct Entrance<'a> {
    /// The room.
    pub room: &'a RoomName,
    /// The place after `messages`.
    pub position: &'a Position,
    /// Whether everything after the client's `since` follows.
    pub is_recovered: bool,
    /// The number up to which the user has read, if it has a cursor.
    pub read_seq: Option<u64>,
    /// How far the other user of a conversation has read, if both share that.
    pub read_by: Option<&'a ReadBy>,
    /// Sessions in the room.
    pub client_count: u64,
    /// Some of them.
    pub members: &'a [Member],
    /// Oldest first.
    pub messages: &'a [LoggedMessage],
    /// The notice of the entrance to others.
    pub notice: Option<&'a Notice>,
}

/// `{"type":"joined",…}` without its messages.
#[derive(Serialize)]
#[serde(tag = "type", rename = "joined")]
struct Joined<'a> {
    room_id: &'a RoomName,
    epoch: &'a Epoch,
    seq: u64,
    recovered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_by: Option<ReadByJson<'a>>,
    client_count: u64,
    members: &'a [Member],
}

/// The frames that a session of this kind is given on entering. A plain session has no answer to its joining, so it
/// is given the messages and its own notice, as the others are.
pub fn entrance(entrance: &Entrance<'_>, kind: SessionKind) -> Vec<Frame> {
    match kind {
        SessionKind::Full => vec![joined(entrance)],
        SessionKind::Notifications => Vec::new(),
        SessionKind::Plain => {
            let shown = entrance.messages.iter().filter(|entry| is_shown(entry.kind, kind));
            let messages = shown.map(message);
            let notice =
                entrance.notice.map(|notice| ServerFrame::from(NoticeFrame::new(entrance.room, notice)));
            messages.chain(notice.and_then(|notice| encode(&notice, kind))).collect()
        }
    }
}

/// The messages are put in as the bytes that they are.
fn joined(entrance: &Entrance<'_>) -> Frame {
    let head = serde_json::to_vec(&Joined {
        room_id: entrance.room,
        epoch: &entrance.position.epoch,
        seq: entrance.position.seq,
        recovered: entrance.is_recovered,
        read_seq: entrance.read_seq,
        read_by: entrance.read_by.map(ReadByJson::from),
        client_count: entrance.client_count,
        members: entrance.members,
    })
    .expect("an entrance is always JSON");
    let mut json = BytesMut::from(&head[..head.len() - 1]);
    json.put_slice(b",\"messages\":");
    put_messages(&mut json, entrance.messages);
    json.put_u8(b'}');
    Frame::text(&json)
}
