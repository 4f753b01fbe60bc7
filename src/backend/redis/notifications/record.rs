//! The format of the fields in the hashes of notifications, as `records.lua` describes it.

use crate::backend::{Broadcast, UserNotifications};
use crate::model::{Notification, NotificationId};

/// The fields of a hash, and the time of Redis at which they were read.
pub(super) struct Fields {
    /// Milliseconds of Redis' clock.
    pub now_ms: u64,
    /// Field, value, field, value, …
    pub fields: Vec<Vec<u8>>,
}

impl Fields {
    /// The notifications of a user, and how many fields can't be read.
    pub(super) fn of_user(&self) -> (UserNotifications, u64) {
        let (mut kept, mut unreadable) = (UserNotifications::default(), 0);
        for field in self.fields.chunks_exact(2) {
            if self.read_user_field(&field[0], &field[1], &mut kept).is_none() {
                unreadable += 1;
            }
        }
        kept.unseen.sort_by(|one, other| (one.timestamp, &one.id).cmp(&(other.timestamp, &other.id)));
        (kept, unreadable)
    }

    fn read_user_field(&self, field: &[u8], value: &[u8], kept: &mut UserNotifications) -> Option<()> {
        let (kind, id) = id_of(field)?;
        let value = std::str::from_utf8(value).ok()?;
        match kind {
            "n" => {
                let (sent, rest) = value.split_once(' ')?;
                let (ends, words) = rest.split_once('\n')?;
                kept.unseen.extend(self.notification(id, sent, ends, words)?);
            }
            "s" => drop(value.parse::<u64>().ok()?),
            "a" => {
                let (ends, _) = value.split_once(' ')?;
                if ends.parse::<u64>().ok()? > self.now_ms {
                    kept.seen.insert(id);
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// The notifications to all users, and how many fields can't be read.
    pub(super) fn broadcasts(&self) -> (Vec<Broadcast>, u64) {
        let (mut found, mut unreadable) = (Vec::new(), 0);
        for field in self.fields.chunks_exact(2).filter(|field| field[0] != b"last") {
            match self.read_broadcast(&field[0], &field[1]) {
                Some(broadcast) => found.extend(broadcast),
                None => unreadable += 1,
            }
        }
        found.sort_by_key(|broadcast| broadcast.number);
        (found, unreadable)
    }

    fn read_broadcast(&self, field: &[u8], value: &[u8]) -> Option<Option<Broadcast>> {
        let (kind, id) = id_of(field)?;
        let value = std::str::from_utf8(value).ok()?;
        if kind == "g" {
            return value.parse::<u64>().ok().map(|_| None);
        }
        let (number, rest) = value.split_once(' ')?;
        let (sent, rest) = rest.split_once(' ')?;
        let (ends, words) = rest.split_once('\n')?;
        let number = number.parse().ok()?;
        let notification = self.notification(id, sent, ends, words)?;
        Some(notification.map(|notification| Broadcast { number, notification }))
    }

    /// `Some(None)` if it has ended.
    fn notification(
        &self,
        id: NotificationId,
        sent: &str,
        ends: &str,
        words: &str,
    ) -> Option<Option<Notification>> {
        let ends: u64 = ends.parse().ok()?;
        let (words, left_ms) = (serde_json::from_str(words).ok()?, ends.saturating_sub(self.now_ms));
        let notification = Notification::ending_in(id, words, sent.parse().ok()?, left_ms)?;
        Some((ends > self.now_ms).then_some(notification))
    }
}

fn id_of(field: &[u8]) -> Option<(&str, NotificationId)> {
    let (kind, id) = std::str::from_utf8(field).ok()?.split_once(':')?;
    Some((kind, NotificationId::parse(id)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::redis::mutations::read_mutations;

    const WORDS: &str = r#"{"to":"all","title":"শিরোনাম","content":"a\nb"}"#;

    fn fields(fields: &[(&str, &str)]) -> Fields {
        let fields =
            fields.iter().flat_map(|(field, value)| [field.as_bytes().into(), value.as_bytes().into()]);
        Fields { now_ms: 1000, fields: fields.collect() }
    }

    #[test]
    fn ended_notifications_are_absent_and_the_others_are_in_order() {
        let at = |sent: u64, ends: u64| format!("{sent} {ends}\n{WORDS}");
        let (kept, unreadable) = fields(&[
            ("n:b", &at(20, 2000)),
            ("n:a", &at(10, 2000)),
            ("n:c", &at(5, 1000)),
            ("s:d", "2000"),
            ("a:e", "2000 7"),
            ("a:f", "1000 6"),
            ("x:g", "1"),
            ("n:h", "1"),
        ])
        .of_user();
        let ids: Vec<&str> = kept.unseen.iter().map(|notification| notification.id.as_str()).collect();
        assert_eq!((ids, unreadable), (vec!["a", "b"], 2));
        assert_eq!(kept.seen, [NotificationId::parse("e").unwrap()].into());
    }

    #[test]
    fn any_bytes_are_a_notification_or_unreadable() {
        let record = format!("7 20 2000\n{WORDS}");
        let (mut read, mut skipped) = (0, 0);
        read_mutations(&[record.into_bytes()], 5_000, |value| {
            let fields = Fields { now_ms: 1000, fields: vec![b"n:a".to_vec(), value.to_vec()] };
            let (found, unreadable) = fields.broadcasts();
            let (of_user, _) = fields.of_user();
            assert!(found.len() + unreadable as usize <= 1 && of_user.unseen.len() <= 1);
            read += found.len();
            skipped += unreadable;
        });
        assert!(read > 10 && skipped > 10, "{read} read, {skipped} skipped");
    }
}
