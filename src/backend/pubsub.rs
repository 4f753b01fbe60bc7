//! Publish and subscribe, by channel.

use std::fmt;

use async_trait::async_trait;
use tokio::sync::watch;

use super::Result;
use crate::model::{ControlEvent, Event, Notice, RoomName, UserEvent, UserId};

/// A channel of events.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// A room, for the nodes that have sessions in it.
    Room(RoomName),
    /// A user, for the nodes that have sessions of that user.
    User(UserId),
    /// All nodes.
    Control,
}

/// Publish and subscribe. A node's events arrive in [`super::Events`]. `tests/it/backend_contract/pubsub.rs` is the
/// suite that every implementation passes.
///
/// Every method is safe to call concurrently and ends within `redis.command_timeout`.
#[async_trait]
pub trait PubSub: Send + Sync + fmt::Debug {
    /// Subscribes this node to a channel. Returns after the confirmation that later publications arrive.
    async fn subscribe(&self, channel: &Channel) -> Result<()>;

    /// Unsubscribes. Calls of `subscribe` and `unsubscribe` take effect in the order of calling.
    fn unsubscribe(&self, channel: &Channel);

    /// Publishes to all nodes that subscribe to the channel. Not logged, not numbered.
    async fn publish(&self, channel: &Channel, publication: Publication) -> Result<()>;

    /// A counter of possible losses: it rises after the subscription was interrupted and stands again, and after
    /// events were dropped because the node read too slowly. Events of any channel may be missing, so each user of
    /// a channel must compare its state with the store. The counter rises in the order of reading, between the
    /// events before the loss and those after it. It may rise without a loss, and does so at the start.
    fn resumed(&self) -> watch::Receiver<u64>;

    /// Whether events that are published now would reach this node.
    fn health(&self) -> FeedHealth;
}

/// A publication of a node's own. Other events are published by the step that makes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publication {
    /// A user is typing.
    Notice(Notice),
    /// The store has changed.
    Control(ControlEvent),
    /// The sessions of a user are told something.
    User(UserEvent),
}

impl From<Publication> for Event {
    fn from(publication: Publication) -> Self {
        match publication {
            Publication::Notice(notice) => Self::Notice(notice),
            Publication::Control(event) => Self::Control(event),
            Publication::User(event) => Self::User(event),
        }
    }
}

/// The state of a node's subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedHealth {
    /// The last canary returned in time.
    Live,
    /// No connection, or a canary is overdue: events may be missed.
    Stale,
}

/// An event for this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendEvent {
    /// A publication on a subscribed channel.
    Published(Channel, Event),
    /// A publication on a subscribed channel that this version can't read. In a room it may have been a message, so
    /// the node must check the head of the room's log.
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
    /// Bytes that a queued event occupies.
    pub(super) fn size(&self) -> usize {
        let held = match self {
            Self::Published(channel, event) => channel.size() + event.size(),
            Self::Unreadable(channel) => channel.size(),
        };
        size_of::<Self>() + held
    }
}
