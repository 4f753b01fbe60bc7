//! The body of a publication on the channel of a user: one JSON object with a `type`. A later version may add fields and
//! types.

use serde::{Deserialize, Serialize};

use crate::model::{
    Author, InboxEntry, Notification, NotificationId, ReadBy, RoomName, Timestamp, UserEvent, UserId,
    Username, Words,
};

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Stored {
    Inbox {
        room: String,
        seq: u64,
        user: String,
        username: String,
        preview: String,
        mention: bool,
    },
    Read {
        room: String,
        seq: u64,
    },
    ReadBy {
        room: String,
        user: String,
        seq: u64,
    },
    RoomsChanged,
    ReportsChanged,
    /// As `notifications/send.lua` writes it.
    Notification {
        id: String,
        sent: u64,
        left_ms: u64,
        words: Words,
    },
    Seen {
        id: String,
    },
}

/// Encodes an event.
pub(super) fn encode(event: &UserEvent) -> String {
    let stored = match event {
        UserEvent::Inbox(InboxEntry { room, seq, from, preview, mention }) => Stored::Inbox {
            room: room.to_string(),
            seq: *seq,
            user: from.user_id.to_string(),
            username: from.username.to_string(),
            preview: preview.clone(),
            mention: *mention,
        },
        UserEvent::Read { room, seq } => Stored::Read { room: room.to_string(), seq: *seq },
        UserEvent::ReadBy { room, by: ReadBy { user, seq } } => {
            Stored::ReadBy { room: room.to_string(), user: user.to_string(), seq: *seq }
        }
        UserEvent::RoomsChanged => Stored::RoomsChanged,
        UserEvent::ReportsChanged => Stored::ReportsChanged,
        UserEvent::Notification(Notification { id, words, timestamp, expires_at }) => {
            let left_ms = expires_at.unix_millis().saturating_sub(Timestamp::now().unix_millis());
            let (id, sent, words) = (id.to_string(), timestamp.unix_millis(), words.clone());
            Stored::Notification { id, sent, left_ms, words }
        }
        UserEvent::Seen(id) => Stored::Seen { id: id.to_string() },
    };
    serde_json::to_string(&stored).expect("texts and numbers are JSON")
}

/// Decodes an event; `None` if this version of adda did not write it.
pub(super) fn decode(body: &[u8]) -> Option<UserEvent> {
    Some(match serde_json::from_slice(body).ok()? {
        Stored::Inbox { room, seq, user, username, preview, mention } => {
            let from = Author { user_id: UserId::parse(&user)?, username: Username::from_trusted(&username) };
            UserEvent::Inbox(InboxEntry { room: RoomName::from_trusted(&room), seq, from, preview, mention })
        }
        Stored::Read { room, seq } => UserEvent::Read { room: RoomName::from_trusted(&room), seq },
        Stored::ReadBy { room, user, seq } => UserEvent::ReadBy {
            room: RoomName::from_trusted(&room),
            by: ReadBy { user: UserId::parse(&user)?, seq },
        },
        Stored::RoomsChanged => UserEvent::RoomsChanged,
        Stored::ReportsChanged => UserEvent::ReportsChanged,
        Stored::Notification { id, sent, left_ms, words } => UserEvent::Notification(
            Notification::ending_in(NotificationId::parse(&id)?, words, sent, left_ms)?,
        ),
        Stored::Seen { id } => UserEvent::Seen(NotificationId::parse(&id)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_a_user_survives_the_wire() {
        let from =
            Author { user_id: UserId::guest(), username: Username::from_trusted("মিতা \"দি\"") };
        let room = RoomName::from_trusted("a room\n{x}");
        let by = ReadBy { user: UserId::guest(), seq: 4 };
        let read_by = UserEvent::ReadBy { room: room.clone(), by };
        let entry =
            InboxEntry {
                room: room.clone(), seq: 7, from, preview: "1 e\nহ্যালো".into(), mention: true
            };
        let seen = UserEvent::Seen(NotificationId::now());
        let read = UserEvent::Read { room, seq: 9 };
        for event in
            [UserEvent::Inbox(entry), read, read_by, UserEvent::RoomsChanged, UserEvent::ReportsChanged, seen]
        {
            assert_eq!(decode(encode(&event).as_bytes()), Some(event));
        }
    }

    #[test]
    fn an_event_of_another_version_is_unreadable() {
        for foreign in ["", "{}", "[]", r#"{"type":"other"}"#, r#"{"type":"read","room":"r"}"#, "\u{0}"] {
            assert_eq!(decode(foreign.as_bytes()), None, "{foreign:?}");
        }
        assert_eq!(decode(br#"{"type":"rooms_changed","more":1}"#), Some(UserEvent::RoomsChanged));
    }
}
