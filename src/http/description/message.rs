//! Shapes that no type of the code has: the log keeps messages as JSON, and a form is read as a stream.
#![expect(dead_code, reason = "only described")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

use crate::model::{FileInfo, MessageId, RoomName, Timestamp, UserId, Username};

/// A message as it is now.
#[derive(ToSchema)]
#[schema(as = Message)]
pub(in crate::http) struct MessageJson {
    id: MessageId,
    room_id: RoomName,
    user_id: UserId,
    username: Username,
    /// Empty if the message is deleted.
    content: String,
    #[schema(pattern = "^text$")]
    r#type: String,
    timestamp: Timestamp,
    /// Its number in the room.
    seq: u64,
    reply_to: Option<Quotation>,
    mentions: Option<Vec<UserId>>,
    files: Option<Vec<FileInfo>>,
    edited_at: Option<Timestamp>,
    deleted: Option<bool>,
    /// By emoji.
    reactions: Option<BTreeMap<String, Reactions>>,
    /// The seq of the newest change that the message contains.
    changed: Option<u64>,
}

/// The message that another replies to; `deleted` alone if that is gone, and `seq` alone in a report from a room that the caller
/// may not read.
#[derive(ToSchema)]
struct Quotation {
    seq: u64,
    user_id: Option<UserId>,
    username: Option<Username>,
    /// The first 140 characters.
    content: Option<String>,
    deleted: Option<bool>,
}

/// The users that reacted with one emoji.
#[derive(ToSchema)]
struct Reactions {
    count: u64,
    /// The first 20.
    users: Vec<UserId>,
}

/// A page of the log.
#[derive(ToSchema)]
pub(in crate::http) struct MessagePage {
    /// The oldest first.
    data: Vec<MessageJson>,
    /// Null while none is open, as in a room that no session was in lately.
    epoch: Option<String>,
    /// Continues in the same direction, as `before` or `after`.
    next: Option<u64>,
}

/// Messages that a search of a room found.
#[derive(ToSchema)]
pub(in crate::http) struct FoundInRoom {
    data: Vec<MessageJson>,
    /// The `before` of the next call; absent at the end of the log.
    next: Option<u64>,
}

/// Messages that a search of the caller's rooms found.
#[derive(ToSchema)]
pub(in crate::http) struct FoundInRooms {
    data: Vec<MessageJson>,
    /// The `before` of the next call; absent at the end of the last room.
    next: Option<String>,
}

/// A form with one file.
#[derive(ToSchema)]
pub(in crate::http) struct UploadForm {
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}
