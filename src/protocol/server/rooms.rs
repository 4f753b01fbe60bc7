//! Frames that tell which rooms are occupied.

use serde::Serialize;

use crate::model::RoomName;

/// A room and how many sessions are in it; 0 says that it is not listed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RoomSize<'a> {
    /// The room.
    pub id: &'a RoomName,
    /// Its sessions.
    pub client_count: u64,
}

/// About which rooms are occupied.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RoomsFrame<'a> {
    /// The largest rooms and how many are occupied in all, to a session that watches; or the rooms whose names begin
    /// with `prefix`, by name.
    Rooms {
        /// The prefix that was asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        prefix: Option<&'a str>,
        /// The rooms.
        rooms: &'a [RoomSize<'a>],
        /// Occupied rooms.
        #[serde(skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
    },
    /// The changes since the last frame about rooms.
    RoomsChanged {
        /// The rooms that are another size.
        rooms: &'a [RoomSize<'a>],
        /// Occupied rooms.
        total: u64,
    },
}
