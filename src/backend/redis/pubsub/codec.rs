//! The format of publications: a short header line, then the payload. A message's payload is the finished client
//! JSON, so the receiving node forwards bytes.
//!
//! ```text
//! 1 m <epoch> <seq> <mark>                               + JSON
//! 1 j <notice> <connection|-> <user> <count> <millis>    + username
//! 1 l <notice> <connection|-> <user> <count> <millis>    + username
//! 1 t <notice> <connection|-> <user> 0 <millis>          + username
//! 1 c <count> <connection that has entered|->
//! 1 u <user>                                             the standing of a user has changed
//! 1 r                                                    the rules of the room have changed
//! 1 k                                                    the private room has another member
//! 1 x <user>                                             the user is no member of the private room any more
//! 1 d                                                    the private room is gone
//! 1 a <user>                                             + username; an account was created
//! 1 e                                                    + JSON, for the sessions of a user (`user_event.rs`)
//! 1 na                                                   the notifications to all users have changed
//! 1 nu <user>                                            a user was notified whose channel no node follows
//! 1 sc                                                   a schedule was made
//! 1 rp                                                   the reports have changed
//! 1 qu <user>                                            a node claims tokens for messages of a user
//! 1 qa <address>                                         the same of the guests of an address
//! ```
//!
//! Scripts write messages, counts, joins, leaves, changes of rules and notifications; the others are written here. The first word is the version
//! of the format. Later versions may add words to a header, and kinds.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::user_event;
use crate::backend::Publication;
use crate::model::{
    Author, Claimant, ConnectionId, ControlEvent, Epoch, Event, LoggedMessage, MessageId, NodeId, Notice,
    NoticeKind, NotificationId, Timestamp, UserEvent, UserId, Username,
};

macro_rules! version {
    () => {
        "1"
    };
}

/// The version of the format that is written, and the only one that is read.
pub const VERSION: &str = version!();

/// Functions to publish. Prepended to other scripts.
pub const PUBLISH: &str = concat!("local BUS_VERSION = '", version!(), "'\n", include_str!("publish.lua"));

/// Decodes publications, and marks those of this node with its own clock.
#[derive(Debug, Clone)]
pub struct Wire {
    node: String,
    started: Instant,
}

impl Wire {
    pub fn new(node: NodeId) -> Self {
        Self { node: node.0.simple().to_string(), started: Instant::now() }
    }

    /// A mark with the time at which this node received a message. Only this node reads it, so latency is measured
    /// on one clock.
    pub fn mark(&self, taken_in: Instant) -> String {
        let micros = taken_in.saturating_duration_since(self.started).as_micros();
        format!("{}:{micros}", &self.node[..16])
    }

    fn taken_in(&self, mark: &str) -> Option<Instant> {
        let micros = mark.strip_prefix(&self.node[..16])?.strip_prefix(':')?.parse().ok()?;
        self.started.checked_add(Duration::from_micros(micros))
    }

    /// Decodes a publication; `None` if this version of adda did not write it.
    pub fn decode(&self, payload: Vec<u8>) -> Option<Event> {
        let payload = Bytes::from(payload);
        let header_end = payload.iter().position(|&byte| byte == b'\n').unwrap_or(payload.len());
        let header = std::str::from_utf8(&payload[..header_end]).ok()?;
        let body = payload.slice((header_end + 1).min(payload.len())..);
        let mut words = header.split(' ');
        if words.next()? != VERSION {
            return None;
        }
        match words.next()? {
            "m" => {
                let (epoch, seq, mark) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
                let taken_in = self.taken_in(mark);
                let message = LoggedMessage::read(&Epoch::new(epoch), seq, body)?;
                Some(Event::Message(LoggedMessage { taken_in, ..message }))
            }
            "c" => Some(Event::Count {
                client_count: words.next()?.parse().ok()?,
                entered: ConnectionId::parse(words.next()?),
            }),
            "u" => Some(Event::Control(ControlEvent::UserChanged(UserId::parse(words.next()?)?))),
            "r" => Some(Event::Control(ControlEvent::RulesChanged)),
            "k" => Some(Event::Control(ControlEvent::MemberAdded)),
            "x" => Some(Event::Control(ControlEvent::MemberRemoved(UserId::parse(words.next()?)?))),
            "d" => Some(Event::Control(ControlEvent::RoomDeleted)),
            "a" => {
                let user_id = UserId::parse(words.next()?)?;
                let username = Username::from_trusted(std::str::from_utf8(&body).ok()?);
                Some(Event::Control(ControlEvent::AccountCreated(Author { user_id, username })))
            }
            "na" => Some(Event::Control(ControlEvent::NotificationsChanged)),
            "nu" => Some(Event::Control(ControlEvent::UserNotified(UserId::parse(words.next()?)?))),
            "sc" => Some(Event::Control(ControlEvent::SchedulesChanged)),
            "rp" => Some(Event::Control(ControlEvent::ReportsChanged)),
            "qu" => Some(claimed(Claimant::User(UserId::parse(words.next()?)?))),
            "qa" => Some(claimed(Claimant::Guests(words.next()?.parse().ok()?))),
            "e" => user_event::decode(&body).map(Event::User),
            kind @ ("j" | "l" | "t") => decode_notice(kind, words, &body).map(Event::Notice),
            _ => None,
        }
    }
}

fn claimed(claimant: Claimant) -> Event {
    Event::Control(ControlEvent::Claimed(claimant))
}

fn decode_notice<'a>(
    kind: &str,
    mut words: impl Iterator<Item = &'a str>,
    username: &[u8],
) -> Option<Notice> {
    let id = MessageId::parse(words.next()?)?;
    let connection = ConnectionId::parse(words.next()?);
    let user_id = UserId::parse(words.next()?)?;
    let client_count = words.next()?.parse().ok()?;
    let timestamp = Timestamp::from_unix_millis(words.next()?.parse().ok()?)?;
    let username = Username::from_trusted(std::str::from_utf8(username).ok()?);
    let kind = match kind {
        "j" => NoticeKind::Join { client_count },
        "l" => NoticeKind::Leave { client_count },
        _ => NoticeKind::Typing,
    };
    Some(Notice { kind, id, connection, user_id, username, timestamp })
}

/// Encodes a publication.
pub fn encode(publication: &Publication) -> String {
    match publication {
        Publication::Notice(notice) => encode_notice(notice),
        Publication::User(event) => format!("{VERSION} e\n{}", user_event::encode(event)),
        Publication::Control(ControlEvent::UserChanged(user)) => format!("{VERSION} u {user}"),
        Publication::Control(ControlEvent::NotificationsChanged) => format!("{VERSION} na"),
        Publication::Control(ControlEvent::UserNotified(user)) => format!("{VERSION} nu {user}"),
        Publication::Control(ControlEvent::SchedulesChanged) => format!("{VERSION} sc"),
        Publication::Control(ControlEvent::ReportsChanged) => format!("{VERSION} rp"),
        Publication::Control(ControlEvent::Claimed(Claimant::User(user))) => format!("{VERSION} qu {user}"),
        Publication::Control(ControlEvent::Claimed(Claimant::Guests(address))) => {
            format!("{VERSION} qa {address}")
        }
        Publication::Control(ControlEvent::RulesChanged) => format!("{VERSION} r"),
        Publication::Control(ControlEvent::MemberAdded) => format!("{VERSION} k"),
        Publication::Control(ControlEvent::MemberRemoved(user)) => format!("{VERSION} x {user}"),
        Publication::Control(ControlEvent::RoomDeleted) => format!("{VERSION} d"),
        Publication::Control(ControlEvent::AccountCreated(Author { user_id, username })) => {
            format!("{VERSION} a {user_id}\n{username}")
        }
    }
}

/// The publication of a script once a user has seen a notification, without the version.
pub fn seen_text(id: &NotificationId) -> String {
    format!("e\n{}", user_event::encode(&UserEvent::Seen(id.clone())))
}

fn encode_notice(notice: &Notice) -> String {
    let (kind, client_count) = match notice.kind {
        NoticeKind::Join { client_count } => ('j', client_count),
        NoticeKind::Leave { client_count } => ('l', client_count),
        NoticeKind::Typing => ('t', 0),
    };
    let connection = notice.connection.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let Notice { id, user_id, username, timestamp, .. } = notice;
    let millis = timestamp.unix_millis();
    format!("{VERSION} {kind} {id} {connection} {user_id} {client_count} {millis}\n{username}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::redis::mutations::read_mutations;

    fn wire() -> Wire {
        Wire::new(NodeId::random())
    }

    /// A message's JSON as the log closes it.
    fn json(seq: u64) -> String {
        format!(
            r#"{{"id":"i","room_id":"r","user_id":"u","username":"n","content":"a\\nb","type":"text","timestamp":"t","seq":{seq}}}"#
        )
    }

    #[test]
    fn a_message_is_forwarded_as_it_came() {
        let (here, there) = (wire(), wire());
        let taken_in = here.started + Duration::from_micros(7);
        let payload = format!("1 m 0123abcd 42 {}\n{}", here.mark(taken_in), json(42)).into_bytes();
        let message = LoggedMessage::read(&Epoch::new("0123abcd"), 42, json(42).into()).unwrap();
        assert_eq!(there.decode(payload.clone()), Some(Event::Message(message.clone())));
        let own = LoggedMessage { taken_in: Some(taken_in), ..message };
        assert_eq!(
            here.decode(payload),
            Some(Event::Message(own)),
            "latency is measured on the posting node"
        );
    }

    #[test]
    fn a_notice_survives_the_wire() {
        let notice = Notice {
            kind: NoticeKind::Typing,
            id: MessageId::now(),
            connection: Some(ConnectionId::random()),
            user_id: UserId::guest(),
            username: Username::from_trusted("মিতা দি"),
            timestamp: Timestamp::from_unix_millis(1_795_334_400_007).unwrap(),
        };
        assert_eq!(wire().decode(encode_notice(&notice).into_bytes()), Some(Event::Notice(notice)));
    }

    #[test]
    fn any_notice_survives_the_wire() {
        const NAMES: [&str; 5] = ["a", "মিতা দি", "1 c 7 -", "x\ny", "👩‍👩‍👧"];
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..2_000 {
            let client_count = random.u64(..);
            let kinds =
                [NoticeKind::Join { client_count }, NoticeKind::Leave { client_count }, NoticeKind::Typing];
            let notice = Notice {
                kind: kinds[random.usize(..kinds.len())],
                id: MessageId::now(),
                connection: random.bool().then(ConnectionId::random),
                user_id: UserId::guest(),
                username: Username::from_trusted(NAMES[random.usize(..NAMES.len())]),
                timestamp: Timestamp::from_unix_millis(random.u64(..4_102_444_800_000)).unwrap(),
            };
            let read = wire().decode(encode_notice(&notice).into_bytes());
            assert_eq!(read, Some(Event::Notice(notice)), "seed {seed}");
        }
    }

    #[test]
    fn a_change_of_the_store_survives_the_wire() {
        let user = UserId::parse("রহিম:%{1}").expect("a user id");
        let created =
            Author { user_id: user.clone(), username: Username::from_trusted("রহিম Uddin") };
        let text = encode(&Publication::Control(ControlEvent::AccountCreated(created.clone())));
        let read = wire().decode(text.into_bytes());
        assert_eq!(read, Some(Event::Control(ControlEvent::AccountCreated(created))));
        let of_rooms = [ControlEvent::RulesChanged, ControlEvent::MemberAdded, ControlEvent::RoomDeleted];
        let of_nodes = [
            ControlEvent::NotificationsChanged,
            ControlEvent::SchedulesChanged,
            ControlEvent::ReportsChanged,
            ControlEvent::Claimed(Claimant::Guests([192, 0, 2, 7].into())),
            ControlEvent::Claimed(Claimant::Guests("2001:db8::".parse().expect("an address"))),
        ];
        let of_users = [
            ControlEvent::MemberRemoved(user.clone()),
            ControlEvent::UserNotified(user.clone()),
            ControlEvent::Claimed(Claimant::User(user.clone())),
            ControlEvent::UserChanged(user),
        ];
        for event in of_rooms.into_iter().chain(of_nodes).chain(of_users) {
            let text = encode(&Publication::Control(event.clone()));
            assert_eq!(wire().decode(text.clone().into_bytes()), Some(Event::Control(event.clone())));
            let later = format!("{text} and more\nand a body");
            assert_eq!(wire().decode(later.into_bytes()), Some(Event::Control(event)));
        }
    }

    #[test]
    fn any_bytes_are_an_event_or_unreadable() {
        let wire = wire();
        let (id, user) = (MessageId::now(), UserId::guest());
        let connection = ConnectionId::random();
        let mark = wire.mark(wire.started + Duration::from_micros(7));
        let valid = [
            format!("1 m 0123abcd 42 {mark}\n{}", json(42)),
            format!("1 m 0123abcd 9007199254740991 -\n{}", json(9_007_199_254_740_991)),
            format!("1 j {id} {connection} {user} 3 1795334400007\nমিতা দি"),
            format!("1 l {id} - {user} 0 1795334400007\nরহিম"),
            format!("1 t {id} {connection} rahim 0 0\nr"),
            format!("1 c 7 {connection}"),
            "1 c 7 - and more".to_owned(),
            format!("1 u {user}"),
            "1 r".to_owned(),
            format!("1 nu {user}"),
            format!("1 qu {user}"),
            "1 qa 192.0.2.7".to_owned(),
            format!("1 e\n{}", user_event::encode(&UserEvent::RoomsChanged)),
        ];
        let (mut events, mut unreadable) = (0, 0);
        read_mutations(&valid.map(String::into_bytes), 50_000, |text| match wire.decode(text.to_vec()) {
            Some(Event::Message(message)) => {
                let json: serde_json::Value = serde_json::from_slice(&message.json).expect("JSON");
                assert_eq!(json["seq"], message.seq);
                events += 1;
            }
            Some(_) => events += 1,
            None => unreadable += 1,
        });
        assert!(events >= 100 && unreadable >= 100, "{events} events, {unreadable} unreadable");
    }

    #[test]
    fn additional_words_of_a_later_version_are_ignored() {
        let count = Event::Count { client_count: 7, entered: None };
        assert_eq!(wire().decode(b"1 c 7 - and more\nand a body".to_vec()), Some(count));
    }

    #[test]
    fn publications_of_another_format_are_unreadable() {
        let id = uuid::Uuid::nil();
        let far = format!("1 j {id} - u 1 {}\nx", u64::MAX);
        let message = |body: &str| format!("1 m e 5 -\n{body}");
        let other = json(6);
        let cut = &json(5)[..20];
        for foreign in [
            "",
            "1",
            "1 m",
            "1 m a b -\n{}",
            "1 zz 1 2",
            "1 j 1 2 3",
            "1 c 1",
            "1 c many -",
            "1 u",
            "1 u ",
            "\u{0}",
            "c 7 -",
            "2 c 7 -",
            "01 c 7 -",
            &far,
            &message("{}"),
            &message("[1,2]"),
            &message(""),
            &message(&other),
            &message(cut),
            &message("{\"seq\":5}"),
        ] {
            assert_eq!(wire().decode(foreign.as_bytes().to_vec()), None, "{foreign:?}");
        }
        let garbled = [&b"1 m e 5 -\n"[..], &json(5).into_bytes()[..30], b"\xff\xfe"].concat();
        assert_eq!(wire().decode(garbled), None);
    }
}
