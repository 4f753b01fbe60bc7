//! Frames about one room.

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{ChangeReceipt, Epoch, Position, Receipt, RoomName};

/// About one room.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RoomFrame<'a> {
    /// The answer to a leave, or the end of a stay that others have ended.
    Left {
        /// The room.
        room_id: &'a RoomName,
        /// Why the session was taken out.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str>,
    },
    /// A message is logged and published.
    Ack {
        /// The log's answer.
        #[serde(flatten)]
        receipt: ReceiptJson<'a>,
    },
    /// So many sessions are in the room now.
    Count {
        /// The room.
        room_id: &'a RoomName,
        /// Its sessions.
        client_count: u64,
    },
    /// The messages `from` to `to`, both included, can't be given any more.
    Gap {
        /// The room.
        room_id: &'a RoomName,
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
    },
    /// A new epoch began; numbers go on after this place.
    Reset {
        /// The room.
        room_id: &'a RoomName,
        /// The new epoch.
        epoch: &'a Epoch,
        /// The number after which it begins.
        seq: u64,
    },
}

impl<'a> RoomFrame<'a> {
    /// A new epoch began at `position`.
    pub fn reset(room_id: &'a RoomName, position: &'a Position) -> Self {
        Self::Reset { room_id, epoch: &position.epoch, seq: position.seq }
    }
}

/// A receipt as clients see it, over WebSocket and REST.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptJson<'a> {
    /// The sender's mark, if it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    id: &'a str,
    room_id: &'a RoomName,
    epoch: &'a Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    timestamp: &'a str,
    duplicate: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unchanged: bool,
}

impl<'a> ReceiptJson<'a> {
    /// The receipt of a message in `room`, which had this nonce.
    pub fn new(room: &'a RoomName, nonce: Option<&'a str>, receipt: &'a Receipt) -> Self {
        Self {
            nonce,
            id: &receipt.id,
            room_id: room,
            epoch: &receipt.epoch,
            seq: Some(receipt.seq),
            timestamp: &receipt.timestamp,
            duplicate: receipt.is_duplicate,
            unchanged: false,
        }
    }

    /// The receipt of a change in `room`. One that changed nothing has no number.
    pub fn of_change(room: &'a RoomName, nonce: Option<&'a str>, receipt: &'a ChangeReceipt) -> Self {
        match receipt {
            ChangeReceipt::Logged { receipt, .. } => Self::new(room, nonce, receipt),
            ChangeReceipt::Unchanged { id, epoch, timestamp, is_duplicate } => Self {
                nonce,
                id,
                room_id: room,
                epoch,
                seq: None,
                timestamp,
                duplicate: *is_duplicate,
                unchanged: true,
            },
        }
    }
}
