//! What goes over a room's channel: a short header line, then the payload. A message's payload is
//! the finished client JSON, so a node that receives it forwards bytes and parses no JSON.
//!
//! ```text
//! m <epoch> <seq>                                      + JSON
//! j <notice> <connection|-> <user> <count> <millis>    + username
//! l <notice> <connection|-> <user> <count> <millis>    + username
//! t <notice> <connection|-> <user> 0 <millis>          + username
//! c <count> <connection that has entered|->
//! ```
//!
//! Messages, counts, joins and leaves are written by the scripts, typing notices here.

use bytes::Bytes;

use crate::backend::logged;
use crate::model::{ConnectionId, Epoch, Event, MessageId, Notice, NoticeKind, Timestamp, UserId, Username};

/// Reads one publication; `None` if adda did not write it.
pub(super) fn decode(payload: Vec<u8>) -> Option<Event> {
    let payload = Bytes::from(payload);
    let header_end = payload.iter().position(|&byte| byte == b'\n').unwrap_or(payload.len());
    let header = std::str::from_utf8(&payload[..header_end]).ok()?;
    let body = payload.slice((header_end + 1).min(payload.len())..);
    let (kind, fields) = header.split_once(' ')?;
    match kind {
        "m" => {
            let (epoch, seq) = fields.split_once(' ')?;
            Some(Event::Message(logged(&Epoch::new(epoch), seq.parse().ok()?, body)))
        }
        "c" => {
            let (client_count, entered) = fields.split_once(' ')?;
            Some(Event::Count {
                client_count: client_count.parse().ok()?,
                entered: ConnectionId::parse(entered),
            })
        }
        "j" | "l" | "t" => decode_notice(kind, fields, &body).map(Event::Notice),
        _ => None,
    }
}

fn decode_notice(kind: &str, fields: &str, username: &[u8]) -> Option<Notice> {
    let mut fields = fields.split(' ');
    let id = MessageId::parse(fields.next()?)?;
    let connection = ConnectionId::parse(fields.next()?);
    let user_id = UserId::parse(fields.next()?)?;
    let client_count = fields.next()?.parse().ok()?;
    let timestamp = Timestamp::from_unix_millis(fields.next()?.parse().ok()?);
    let username = Username::from_trusted(std::str::from_utf8(username).ok()?);
    let kind = match kind {
        "j" => NoticeKind::Join { client_count },
        "l" => NoticeKind::Leave { client_count },
        _ => NoticeKind::Typing,
    };
    Some(Notice { kind, id, connection, user_id, username, timestamp })
}

/// Writes a notice that no script writes.
pub(super) fn encode_notice(notice: &Notice) -> String {
    let (kind, client_count) = match notice.kind {
        NoticeKind::Join { client_count } => ('j', client_count),
        NoticeKind::Leave { client_count } => ('l', client_count),
        NoticeKind::Typing => ('t', 0),
    };
    let connection = notice.connection.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let Notice { id, user_id, username, timestamp, .. } = notice;
    format!("{kind} {id} {connection} {user_id} {client_count} {}\n{username}", timestamp.unix_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_forwarded_as_it_came() {
        let event = decode(b"m 0123abcd 42\n{\"content\":\"a\nb\"}".to_vec()).unwrap();
        let expected = logged(&Epoch::new("0123abcd"), 42, &b"{\"content\":\"a\nb\"}"[..]);
        assert_eq!(event, Event::Message(expected));
    }

    #[test]
    fn a_notice_survives_the_wire() {
        let notice = Notice {
            kind: NoticeKind::Typing,
            id: MessageId::now(),
            connection: Some(ConnectionId::random()),
            user_id: UserId::guest(),
            username: Username::from_trusted("মিতা দি"),
            timestamp: Timestamp::from_unix_millis(1_795_334_400_007),
        };
        assert_eq!(decode(encode_notice(&notice).into_bytes()), Some(Event::Notice(notice)));
    }

    #[test]
    fn what_adda_did_not_write_is_nothing() {
        for foreign in ["", "m", "m a b\n{}", "x 1 2", "j 1 2 3", "c 1", "c many -", "\u{0}"] {
            assert_eq!(decode(foreign.as_bytes().to_vec()), None, "{foreign:?}");
        }
    }
}
