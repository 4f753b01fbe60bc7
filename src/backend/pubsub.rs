//! The flow of rooms' events to a node.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::model::{Event, Notice, RoomName};

/// The flow of rooms' events to a node, which arrive in [`super::Events`]. `tests/it/backend_contract/pubsub.rs` is the
/// suite that every implementation passes.
///
/// Every method may be called from many tasks at once and ends within `redis.command_timeout`.
#[async_trait]
pub trait PubSub: Send + Sync + fmt::Debug {
    /// Starts the flow of a room's events to this node. Returns when it is confirmed that what is
    /// published from now on arrives.
    async fn subscribe(&self, room: &RoomName) -> Result<()>;

    /// Stops the flow. Calls of `subscribe` and `unsubscribe` take effect in the order of calling.
    fn unsubscribe(&self, room: &RoomName);

    /// Publishes a notice to the room's sessions on all nodes. Not logged, not numbered.
    async fn publish(&self, room: &RoomName, notice: Notice) -> Result<()>;

    /// Whether events that are published now would reach this node.
    fn health(&self) -> FeedHealth;
}

/// The state of the flow of events to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedHealth {
    /// A canary came back lately.
    Live,
    /// No connection, or a canary is overdue: events may be missed.
    Stale,
}

/// What a backend hands to its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendEvent {
    /// Something happened in a subscribed room.
    Room(RoomName, Event),
    /// Something was published in a subscribed room that this version can't read. It may have been a message:
    /// the node must compare the head of the room.
    Unreadable(RoomName),
    /// The subscription was interrupted and stands again, or the node has read so late that
    /// events were left out. What was published meanwhile did not arrive: the node must compare
    /// the heads of its rooms. May come without need, and first of all.
    Resumed,
}

impl BackendEvent {
    /// Bytes that it holds while it waits.
    pub(super) fn size(&self) -> usize {
        let held = match self {
            Self::Room(room, event) => room.as_str().len() + event.size(),
            Self::Unreadable(room) => room.as_str().len(),
            // It must find its place when the queue is full.
            Self::Resumed => return 0,
        };
        size_of::<Self>() + held
    }
}
