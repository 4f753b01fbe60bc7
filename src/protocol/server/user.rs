//! Frames for all full sessions of a user, in whatever rooms they are.

use serde::Serialize;

use crate::model::{
    Author, InboxEntry, Notification, NotificationId, ReadBy, RoomName, Timestamp, UserEvent, UserId,
    Username, Words,
};

/// For all full sessions of a user.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum UserFrame<'a> {
    /// A message in a room that the session is not in.
    Inbox {
        /// The room.
        room_id: &'a RoomName,
        /// The message's number.
        seq: u64,
        /// Its author.
        from: UserJson<'a>,
        /// The beginning of its text.
        preview: &'a str,
        /// Whether it mentions the user.
        mention: bool,
    },
    /// The user has read a room.
    Read {
        /// The room.
        room_id: &'a RoomName,
        /// The number of the last message that was read.
        seq: u64,
    },
    /// The other user of a conversation has read it.
    ReadBy {
        /// The conversation.
        room_id: &'a RoomName,
        /// The user, and the place.
        #[serde(flatten)]
        by: ReadByJson<'a>,
    },
    /// The list of the user's rooms has changed, or may have.
    MyRoomsChanged,
    /// There are other reports than before, or there may be.
    ReportsChanged,
    /// Words of an admin.
    Notification(NotificationJson<'a>),
    /// A notification needs to be shown no longer: the user has seen it, or it was taken back.
    Seen {
        /// The notification.
        id: &'a NotificationId,
    },
}

/// How far another user has read, as clients see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReadByJson<'a> {
    user_id: &'a UserId,
    seq: u64,
}

impl<'a> From<&'a ReadBy> for ReadByJson<'a> {
    fn from(ReadBy { user, seq }: &'a ReadBy) -> Self {
        Self { user_id: user, seq: *seq }
    }
}

/// A notification as clients see it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct NotificationJson<'a> {
    id: &'a NotificationId,
    #[serde(flatten)]
    words: &'a Words,
    timestamp: Timestamp,
}

impl<'a> From<&'a Notification> for NotificationJson<'a> {
    fn from(notification: &'a Notification) -> Self {
        Self { id: &notification.id, words: &notification.words, timestamp: notification.timestamp }
    }
}

/// A user as clients see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct UserJson<'a> {
    user_id: &'a UserId,
    username: &'a Username,
}

impl<'a> From<&'a Author> for UserJson<'a> {
    fn from(author: &'a Author) -> Self {
        Self { user_id: &author.user_id, username: &author.username }
    }
}

impl<'a> From<&'a UserEvent> for UserFrame<'a> {
    fn from(event: &'a UserEvent) -> Self {
        match event {
            UserEvent::Inbox(InboxEntry { room, seq, from, preview, mention }) => {
                Self::Inbox { room_id: room, seq: *seq, from: from.into(), preview, mention: *mention }
            }
            UserEvent::Read { room, seq } => Self::Read { room_id: room, seq: *seq },
            UserEvent::ReadBy { room, by } => Self::ReadBy { room_id: room, by: by.into() },
            UserEvent::RoomsChanged => Self::MyRoomsChanged,
            UserEvent::ReportsChanged => Self::ReportsChanged,
            UserEvent::Notification(notification) => Self::Notification(notification.into()),
            UserEvent::Seen(id) => Self::Seen { id },
        }
    }
}
