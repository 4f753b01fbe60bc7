//! The events that nodes receive.

use core::net::IpAddr;

use super::{
    Author, ConnectionId, LoggedMessage, MessageId, Notification, NotificationId, RoomName, Timestamp,
    UserId, Username,
};

/// One event of a channel, as a backend hands it to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message was logged.
    Message(LoggedMessage),
    /// A user joined, left or is typing.
    Notice(Notice),
    /// The number of sessions changed without a notice.
    Count {
        /// Sessions in the room afterwards.
        client_count: u64,
        /// The session whose join this count announces, if any.
        entered: Option<ConnectionId>,
    },
    /// Something that nodes keep a copy of has changed.
    Control(ControlEvent),
    /// On the channel of a user: for all full sessions of that user.
    User(UserEvent),
}

/// An event for the full sessions of one user, in whatever rooms they are. Not logged: a session that was away asks for
/// the state instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserEvent {
    /// A message in one of the user's private rooms and conversations, or one that mentions the user.
    Inbox(InboxEntry),
    /// The user has read a room up to this number.
    Read {
        /// The room.
        room: RoomName,
        /// The number of the last message that was read.
        seq: u64,
    },
    /// The other user of a conversation has read it.
    ReadBy {
        /// The conversation.
        room: RoomName,
        /// The user, and the place.
        by: ReadBy,
    },
    /// The list of the user's rooms has changed.
    RoomsChanged,
    /// In a room that the user owns something was reported.
    ReportsChanged,
    /// A notification to the user alone.
    Notification(Notification),
    /// A notification has been seen on one of the user's sessions, or was taken back.
    Seen(NotificationId),
}

/// The place up to which another user has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBy {
    /// The user.
    pub user: UserId,
    /// The number of the last message that was read.
    pub seq: u64,
}

/// A message, as it is told to sessions that are not in its room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxEntry {
    /// The room.
    pub room: RoomName,
    /// The message's number.
    pub seq: u64,
    /// Its author.
    pub from: Author,
    /// The beginning of its text.
    pub preview: String,
    /// Whether it mentions the user.
    pub mention: bool,
}

/// A change in the store. It names what to read again, so it may come twice or late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlEvent {
    /// On the channel of all nodes: the standing of a user.
    UserChanged(UserId),
    /// On the channel of all nodes: an account was created. Nobody else may have its name.
    AccountCreated(Author),
    /// On the channel of a room: its rules.
    RulesChanged,
    /// On the channel of a private room: it has another member.
    MemberAdded,
    /// On the channel of a private room: the user is a member no longer, and gets nothing that is published after this.
    MemberRemoved(UserId),
    /// On the channel of a private room: it is gone.
    RoomDeleted,
    /// On the channel of all nodes: the notifications to all users.
    NotificationsChanged,
    /// On the channel of all nodes: the notifications to a user whose channel no node followed.
    UserNotified(UserId),
    /// On the channel of all nodes: a schedule was made.
    SchedulesChanged,
    /// On the channel of all nodes: something was reported, or a report was settled.
    ReportsChanged,
    /// On the channel of all nodes: a node claims tokens for messages, so no node lets any pass without a claim.
    Claimed(Claimant),
}

/// The sender of messages that are limited in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimant {
    /// A user.
    User(UserId),
    /// The guests of an address.
    Guests(IpAddr),
}

impl Event {
    /// Bytes that it holds beside its own.
    pub fn size(&self) -> usize {
        match self {
            Self::Message(message) => message.json.len(),
            Self::Notice(notice) => notice.username.as_str().len() + notice.user_id.as_str().len(),
            Self::Control(
                ControlEvent::UserChanged(user)
                | ControlEvent::MemberRemoved(user)
                | ControlEvent::UserNotified(user)
                | ControlEvent::Claimed(Claimant::User(user)),
            ) => user.as_str().len(),
            Self::Control(ControlEvent::AccountCreated(author)) => {
                author.user_id.as_str().len() + author.username.as_str().len()
            }
            Self::User(event) => event.size(),
            Self::Count { .. } | Self::Control(_) => 0,
        }
    }
}

impl UserEvent {
    fn size(&self) -> usize {
        match self {
            Self::Inbox(InboxEntry { room, from, preview, .. }) => {
                let from = from.user_id.as_str().len() + from.username.as_str().len();
                room.as_str().len() + from + preview.len()
            }
            Self::Read { room, .. } => room.as_str().len(),
            Self::ReadBy { room, by } => room.as_str().len() + by.user.as_str().len(),
            Self::Notification(notification) => notification.size(),
            Self::Seen(id) => id.as_str().len(),
            Self::RoomsChanged | Self::ReportsChanged => 0,
        }
    }
}

/// An event that is not logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The kind of event.
    pub kind: NoticeKind,
    /// The notice's own id.
    pub id: MessageId,
    /// The session that caused it, if any.
    pub connection: Option<ConnectionId>,
    /// The user that it is about.
    pub user_id: UserId,
    /// That user's name.
    pub username: Username,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// The kinds of notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// The first session of a user joined.
    Join {
        /// Sessions in the room afterwards.
        client_count: u64,
    },
    /// The last session of a user left.
    Leave {
        /// Sessions in the room afterwards.
        client_count: u64,
    },
    /// A user is writing.
    Typing,
}
