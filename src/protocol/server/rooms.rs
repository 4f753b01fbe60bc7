//! Frames that tell which rooms are occupied.

use serde::Serialize;

use super::encode;
use crate::model::RoomName;
use crate::websocket::Frame;

/// A room and how many sessions are in it; 0 says that it is not listed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RoomSize<'a> {
    /// The room.
    pub id: &'a RoomName,
    /// Its sessions.
    pub client_count: u64,
}

#[derive(Serialize)]
struct Rooms<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<&'a str>,
    rooms: &'a [RoomSize<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

/// The largest rooms, to a session that watches from now on, and how many are occupied in all.
pub fn rooms(rooms: &[RoomSize<'_>], total: u64) -> Frame {
    encode(&Rooms { r#type: "rooms", prefix: None, rooms, total: Some(total) })
}

/// The rooms whose names begin with what was asked for, by name.
pub fn rooms_found(prefix: &str, rooms: &[RoomSize<'_>]) -> Frame {
    encode(&Rooms { r#type: "rooms", prefix: Some(prefix), rooms, total: None })
}

/// What has changed since the last frame that told of rooms.
pub fn rooms_changed(rooms: &[RoomSize<'_>], total: u64) -> Frame {
    encode(&Rooms { r#type: "rooms_changed", prefix: None, rooms, total: Some(total) })
}
