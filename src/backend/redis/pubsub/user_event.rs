//! The body of a publication on the channel of a user: one JSON object with a `type`. A later version may add fields and
//! types.

use serde::{Deserialize, Serialize};

use crate::model::{Author, InboxEntry, RoomName, UserEvent, UserId, Username};

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Stored {
    Inbox { room: String, seq: u64, user: String, username: String, preview: String, mention: bool },
    Read { room: String, seq: u64 },
    RoomsChanged,
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
        UserEvent::RoomsChanged => Stored::RoomsChanged,
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
        Stored::RoomsChanged => UserEvent::RoomsChanged,
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
        let entry =
            InboxEntry {
                room: room.clone(), seq: 7, from, preview: "1 e\nহ্যালো".into(), mention: true
            };
        for event in [UserEvent::Inbox(entry), UserEvent::Read { room, seq: 9 }, UserEvent::RoomsChanged] {
            assert_eq!(decode(encode(&event).as_bytes()), Some(event));
        }
    }

    #[test]
    fn what_another_version_wrote_is_unreadable() {
        for foreign in ["", "{}", "[]", r#"{"type":"other"}"#, r#"{"type":"read","room":"r"}"#, "\u{0}"] {
            assert_eq!(decode(foreign.as_bytes()), None, "{foreign:?}");
        }
        assert_eq!(decode(br#"{"type":"rooms_changed","more":1}"#), Some(UserEvent::RoomsChanged));
    }
}
