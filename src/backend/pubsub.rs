//! The flow of events to a node, by channel.

use std::fmt;

use async_trait::async_trait;
use tokio::sync::watch;

use super::Result;
use crate::model::{Event, Notice, RoomName, UserId};

/// What is published to and subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// A room, for the nodes that have sessions in it.
    Room(RoomName),
    /// A user, for the nodes that have sessions of that user.
    User(UserId),
    /// All nodes.
    Control,
}

/// The flow of events to a node, which arrive in [`super::Events`]. `tests/it/backend_contract/pubsub.rs` is the
/// suite that every implementation passes.
///
/// Every method may be called from many tasks at once and ends within `redis.command_timeout`.
#[async_trait]
pub trait PubSub: Send + Sync + fmt::Debug {
    /// Starts the flow of a channel's events to this node. Returns when it is confirmed that what is
    /// published from now on arrives.
    async fn subscribe(&self, channel: &Channel) -> Result<()>;

    /// Stops the flow. Calls of `subscribe` and `unsubscribe` take effect in the order of calling.
    fn unsubscribe(&self, channel: &Channel);

    /// Publishes a notice to all nodes that subscribe to the channel. Not logged, not numbered.
    async fn publish(&self, channel: &Channel, notice: Notice) -> Result<()>;

    /// Counts up when the flow was interrupted and stands again, or when the node has read so late that events
    /// were left out. What was published meanwhile did not arrive, on whatever channel: each user of a channel must
    /// compare what it knows with the store. It counts up between the events before and those after, as they
    /// are read; it may do so without need, and first of all.
    fn resumed(&self) -> watch::Receiver<u64>;

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
    /// Something was published to a subscribed channel.
    Published(Channel, Event),
    /// Something was published to a subscribed channel that this version can't read. In a room it may have been a
    /// message: the node must compare the head of the room.
    Unreadable(Channel),
}

impl Channel {
    fn size(&self) -> usize {
        match self {
            Self::Room(room) => room.as_str().len(),
            Self::User(user) => user.as_str().len(),
            Self::Control => 0,
        }
    }
}

impl BackendEvent {
    /// Bytes that it holds while it waits.
    pub(super) fn size(&self) -> usize {
        let held = match self {
            Self::Published(channel, event) => channel.size() + event.size(),
            Self::Unreadable(channel) => channel.size(),
        };
        size_of::<Self>() + held
    }
}
