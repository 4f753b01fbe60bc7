//! Frames that enter, leave and look for rooms.

use super::raw::{RawFrame, missing};
use crate::model::Position;
use crate::protocol::Rejection;

/// Enters a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// The room.
    pub room_id: String,
    /// The place that the client has come to.
    pub since: Option<Position>,
    /// How many of the newest messages it wants, if it can't go on from `since`.
    pub history: Option<usize>,
}

/// Leaves a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    /// The room.
    pub room_id: String,
}

/// The user has read a room up to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The room.
    pub room_id: String,
    /// The number of the message.
    pub seq: u64,
}

/// A question about the occupied rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomsQuery {
    /// The largest, and what changes from now on.
    Watch,
    /// No changes any more.
    Unwatch,
    /// Once: those whose names begin so.
    Prefix(String),
}

impl Join {
    pub(super) fn read(raw: &RawFrame<'_>) -> Result<Self, Rejection> {
        Ok(Self { room_id: named_room(raw)?, since: raw.since()?, history: raw.history()? })
    }
}

impl Leave {
    pub(super) fn read(raw: &RawFrame<'_>) -> Result<Self, Rejection> {
        Ok(Self { room_id: named_room(raw)? })
    }
}

impl Read {
    #[allow(clippy::self_named_constructors, reason = "every frame is read by this name")]
    pub(super) fn read(raw: &RawFrame<'_>) -> Result<Self, Rejection> {
        let (room_id, seq) = (named_room(raw)?, raw.seq()?);
        Ok(Self { room_id, seq: seq.ok_or_else(|| missing("seq"))? })
    }
}

impl RoomsQuery {
    pub(super) fn read(raw: &RawFrame<'_>) -> Result<Self, Rejection> {
        let watch = raw.watch()?;
        match (raw.prefix()?, watch) {
            (Some(prefix), _) => Ok(Self::Prefix(prefix)),
            (None, Some(true)) => Ok(Self::Watch),
            (None, Some(false)) => Ok(Self::Unwatch),
            (None, None) => Err(missing("watch or prefix")),
        }
    }
}

fn named_room(raw: &RawFrame<'_>) -> Result<String, Rejection> {
    raw.room_id()?.ok_or_else(|| missing("room_id"))
}
