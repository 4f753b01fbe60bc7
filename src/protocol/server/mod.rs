//! What clients get: one JSON object a frame.

mod rooms;

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use serde::Serialize;

use super::ErrorCode;
use crate::config::{Limits, Session};
use crate::model::{
    Author, ConnectionId, Epoch, LoggedMessage, Member, NodeId, Notice, NoticeKind, Position, Receipt,
    RoomName, Timestamp, UserId, Username,
};
use crate::websocket::Frame;

pub use self::rooms::{RoomSize, rooms, rooms_changed, rooms_found};

/// Encodes any of this module's frames.
fn encode(frame: &impl Serialize) -> Frame {
    Frame::text(&serde_json::to_vec(frame).expect("a frame of strings and numbers is always JSON"))
}

#[derive(Serialize)]
struct Welcome<'a> {
    r#type: &'static str,
    connection_id: ConnectionId,
    user_id: &'a UserId,
    username: &'a Username,
    node_id: NodeId,
    token: &'a str,
    heartbeat_s: u64,
    limits: WelcomeLimits,
    /// Of the browser client's files on this node: another one than a page's own says that the page is old.
    build: &'a str,
    /// The node's clock, for pages whose own is off.
    timestamp: Timestamp,
}

#[derive(Serialize)]
struct WelcomeLimits {
    room_name_chars: usize,
    username_chars: usize,
    content_chars: usize,
    frame_bytes: usize,
    rooms_per_session: usize,
}

/// The first frame of a full session.
pub fn welcome(
    connection_id: ConnectionId,
    author: &Author,
    node_id: NodeId,
    token: &str,
    session: &Session,
    limits: &Limits,
    build: &str,
) -> Frame {
    encode(&Welcome {
        r#type: "welcome",
        connection_id,
        user_id: &author.user_id,
        username: &author.username,
        node_id,
        token,
        heartbeat_s: session.ping_every.as_secs(),
        limits: WelcomeLimits {
            room_name_chars: limits.room_name_chars,
            username_chars: limits.username_chars,
            content_chars: limits.content_chars,
            frame_bytes: limits.frame_bytes,
            rooms_per_session: limits.rooms_per_session,
        },
        build,
        timestamp: Timestamp::now(),
    })
}

#[derive(Serialize)]
struct AuthSuccess<'a> {
    r#type: &'static str,
    user_id: &'a UserId,
    username: &'a Username,
    token: &'a str,
}

/// The session now speaks for this user; the token is a new one.
pub fn auth_success(author: &Author, token: &str) -> Frame {
    encode(&AuthSuccess {
        r#type: "auth_success",
        user_id: &author.user_id,
        username: &author.username,
        token,
    })
}

#[derive(Serialize)]
struct Joined<'a> {
    r#type: &'static str,
    room_id: &'a RoomName,
    epoch: &'a Epoch,
    seq: u64,
    recovered: bool,
    client_count: u64,
    members: &'a [Member],
}

/// What a session learns on entering a room.
#[derive(Debug)]
pub struct Entrance<'a> {
    /// The room.
    pub room: &'a RoomName,
    /// The place after `messages`.
    pub position: &'a Position,
    /// Whether everything after the client's `since` follows.
    pub is_recovered: bool,
    /// Sessions in the room.
    pub client_count: u64,
    /// Some of them.
    pub members: &'a [Member],
    /// Oldest first.
    pub messages: &'a [LoggedMessage],
}

/// The answer to a join. The messages are put in as the bytes that they are.
pub fn joined(entrance: &Entrance<'_>) -> Frame {
    let head = serde_json::to_vec(&Joined {
        r#type: "joined",
        room_id: entrance.room,
        epoch: &entrance.position.epoch,
        seq: entrance.position.seq,
        recovered: entrance.is_recovered,
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

#[derive(Serialize)]
struct RoomFrame<'a> {
    r#type: &'static str,
    room_id: &'a RoomName,
}

/// The answer to a leave.
pub fn left(room: &RoomName) -> Frame {
    encode(&RoomFrame { r#type: "left", room_id: room })
}

#[derive(Serialize)]
struct Ack<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(flatten)]
    receipt: ReceiptJson<'a>,
}

/// A receipt as clients see it, over WebSocket and REST.
#[derive(Debug, Serialize)]
pub struct ReceiptJson<'a> {
    id: &'a str,
    room_id: &'a RoomName,
    epoch: &'a Epoch,
    seq: u64,
    timestamp: &'a str,
    duplicate: bool,
}

impl<'a> ReceiptJson<'a> {
    /// The receipt of a message in `room`.
    pub fn new(room: &'a RoomName, receipt: &'a Receipt) -> Self {
        Self {
            id: &receipt.id,
            room_id: room,
            epoch: &receipt.epoch,
            seq: receipt.seq,
            timestamp: &receipt.timestamp,
            duplicate: receipt.is_duplicate,
        }
    }
}

/// The message is logged and published.
pub fn ack(room: &RoomName, nonce: Option<&str>, receipt: &Receipt) -> Frame {
    encode(&Ack { r#type: "ack", nonce, receipt: ReceiptJson::new(room, receipt) })
}

/// The answer to a ping.
pub fn pong() -> Frame {
    Frame::text(br#"{"type":"pong"}"#)
}

/// A message, as the log made it.
pub fn message(message: &LoggedMessage) -> Frame {
    Frame::text(&message.json)
}

#[derive(Serialize)]
struct NoticeJson<'a> {
    id: crate::model::MessageId,
    room_id: &'a RoomName,
    user_id: &'a UserId,
    username: &'a Username,
    content: String,
    r#type: &'static str,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_count: Option<u64>,
}

/// A join, a leave, or that somebody is typing.
pub fn notice(room: &RoomName, notice: &Notice) -> Frame {
    let name = &notice.username;
    let (r#type, content, client_count) = match notice.kind {
        NoticeKind::Join { client_count } => ("join", format!("{name} joined the room"), Some(client_count)),
        NoticeKind::Leave { client_count } => ("leave", format!("{name} left the room"), Some(client_count)),
        NoticeKind::Typing => ("typing", String::new(), None),
    };
    encode(&NoticeJson {
        id: notice.id,
        room_id: room,
        user_id: &notice.user_id,
        username: name,
        content,
        r#type,
        timestamp: notice.timestamp,
        client_count,
    })
}

#[derive(Serialize)]
struct Count<'a> {
    r#type: &'static str,
    room_id: &'a RoomName,
    client_count: u64,
}

/// So many sessions are in the room now.
pub fn count(room: &RoomName, client_count: u64) -> Frame {
    encode(&Count { r#type: "count", room_id: room, client_count })
}

#[derive(Serialize)]
struct Gap<'a> {
    r#type: &'static str,
    room_id: &'a RoomName,
    from: u64,
    to: u64,
}

/// The messages `from` to `to`, both included, can't be given any more.
pub fn gap(room: &RoomName, from: u64, to: u64) -> Frame {
    encode(&Gap { r#type: "gap", room_id: room, from, to })
}

#[derive(Serialize)]
struct Reset<'a> {
    r#type: &'static str,
    room_id: &'a RoomName,
    epoch: &'a Epoch,
    seq: u64,
}

/// A new epoch began; numbers go on after this place.
pub fn reset(room: &RoomName, position: &Position) -> Frame {
    encode(&Reset { r#type: "reset", room_id: room, epoch: &position.epoch, seq: position.seq })
}

/// A refusal, with what of the refused frame helps to find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub code: ErrorCode,
    /// A sentence for people that says what to do.
    pub content: String,
    /// When to try again, where trying again helps.
    pub retry_after: Option<Duration>,
    /// The refused frame's nonce.
    pub nonce: Option<String>,
    /// The refused frame's room.
    pub room_id: Option<String>,
}

#[derive(Serialize)]
struct RefusalJson<'a> {
    r#type: &'static str,
    code: &'static str,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

/// Characters of what was sent that an error repeats.
const ECHOED: usize = 100;

/// A mark that a client could have meant is repeated whole, so that it finds the frame; of any other
/// the beginning must do.
fn echo(mark: Option<&str>) -> Option<&str> {
    let mark = mark?;
    let is_whole = mark.len() <= 128;
    let end = mark.char_indices().nth(ECHOED).filter(|_| !is_whole).map_or(mark.len(), |(at, _)| at);
    Some(&mark[..end])
}

/// The frame of a refusal.
pub fn error(refusal: &Refusal) -> Frame {
    encode(&RefusalJson {
        r#type: "error",
        code: refusal.code.as_str(),
        content: &refusal.content,
        nonce: echo(refusal.nonce.as_deref()),
        room_id: echo(refusal.room_id.as_deref()),
        retry_after_ms: refusal.retry_after.map(|wait| wait.as_millis() as u64),
    })
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    code: &'static str,
}

/// The body of a REST refusal.
pub fn error_body(code: ErrorCode, sentence: &str) -> String {
    serde_json::to_string(&ErrorBody { error: sentence, code: code.as_str() })
        .expect("two strings are always JSON")
}
