//! Notifications: stored until each user has seen them or their time is over.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::Result;
use crate::model::{Audience, NewNotification, Notification, NotificationId, UserId};

/// Notifications. `tests/it/backend_contract/notifications.rs` is the suite that every implementation passes.
///
/// For one user, and for all users, the newest are kept: at most `notifications.kept`, with at most a quarter of
/// `limits.outbox_bytes` of text, or one larger one. Every method is safe to call concurrently and ends within
/// `redis.command_timeout`, [`Notifications::send`] and [`Notifications::take_back`] within twice as much.
#[async_trait]
pub trait Notifications: Send + Sync + fmt::Debug {
    /// Stores a notification and publishes it in one step: on the channel of its user
    /// [`crate::model::UserEvent::Notification`], of one to all users [`crate::model::ControlEvent::NotificationsChanged`]. An id
    /// that is still known changes nothing.
    async fn send(&self, notification: &NewNotification) -> Result<Sent>;

    /// The present notifications to all users, the oldest first.
    async fn to_all(&self) -> Result<Vec<Broadcast>>;

    /// The data of users, in the order of `users`. A part of the backend that does not answer fails its own users alone.
    async fn of_users(&self, users: &[UserId]) -> Vec<Result<UserNotifications>>;

    /// The data of users, in any order: of those of one part of the backend as soon as it answers.
    fn of_users_by_part(&self, users: Vec<UserId>)
    -> BoxStream<'_, Vec<(UserId, Result<UserNotifications>)>>;

    /// Records that a user has seen a notification, and publishes [`crate::model::UserEvent::Seen`] on the user's channel, in
    /// one step. `broadcast`: what is known of it if it is one to all users.
    async fn see(
        &self,
        user: &UserId,
        id: &NotificationId,
        broadcast: Option<&SeenBroadcast>,
    ) -> Result<Seen>;

    /// Removes a notification, and publishes that as its change or as seen. Returns its audience; `None` if there is none.
    async fn take_back(&self, id: &NotificationId) -> Result<Option<Audience>>;
}

/// The outcome of sending a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is stored and was published.
    Published,
    /// It is stored, and no node followed the user's channel.
    NoSubscriber,
    /// It was sent before.
    Before,
}

/// Whether a user has seen a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// From now on.
    Now,
    /// Since some time ago.
    Before,
    /// There is no such notification, as far as the user's own data and the caller know.
    Unknown,
}

/// A notification to all users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    /// Its number among those to all, by which users' marks of it are dropped in the end.
    pub number: u64,
    /// The notification.
    pub notification: Notification,
}

/// The facts that the mark of a user on a notification to all users depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenBroadcast {
    /// The notification's number.
    pub number: u64,
    /// The number of the newest one.
    pub newest: u64,
    /// Time until it ends.
    pub left: Duration,
}

/// The data of one user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserNotifications {
    /// Those to this user alone that it has not seen, the oldest first.
    pub unseen: Vec<Notification>,
    /// Those to all users that it has seen.
    pub seen: HashSet<NotificationId>,
}
