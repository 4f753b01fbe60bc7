//! Pages of a room's log: the reply of `read.lua`.

use redis::Value;

use crate::backend::redis::client::server::parsed;
use crate::backend::{Continuity, Excerpt, Page};
use crate::model::{Epoch, LoggedMessage, Position};
use crate::telemetry::{Unreadable, count_unreadable};

/// The reply of `read.lua`.
pub struct Found {
    /// Empty if no epoch is open.
    epoch: Epoch,
    seq: u64,
    continuity: Continuity,
    has_more: bool,
    messages: Vec<LoggedMessage>,
    unreadable: usize,
    /// The number of the entry that is last in the direction of reading.
    edge: Option<u64>,
    is_forward: bool,
}

impl Found {
    pub fn parse(value: Value, is_forward: bool) -> Option<Self> {
        let Value::Array(fields) = value else { return None };
        let mut fields = fields.into_iter();
        let mut text = || parsed::<String>(fields.next()?).ok();
        let epoch = Epoch::new(&text()?);
        let seq = text()?.parse().ok()?;
        let is_proven = text()? == "1";
        let resume_at = text()?.parse().ok()?;
        let oldest = text()?.parse().ok()?;
        let oldest_text = text()?.parse().ok()?;
        let has_more = text()? == "1";
        let continuity = Continuity { is_proven, resume_at, oldest, oldest_text };
        let mut found = Self {
            epoch,
            seq,
            continuity,
            has_more,
            messages: Vec::with_capacity(fields.len() / 2),
            unreadable: 0,
            edge: None,
            is_forward,
        };
        while let (Some(number), Some(json)) = (fields.next(), fields.next()) {
            found.add(parsed(number).ok(), parsed(json).ok()?);
        }
        if found.unreadable > 0 {
            count_unreadable(Unreadable::LogEntry, found.unreadable as u64);
        }
        Some(found)
    }

    #[cfg(any(test, fuzzing))]
    pub fn messages(&self) -> &[LoggedMessage] {
        &self.messages
    }

    fn add(&mut self, number: Option<u64>, json: Vec<u8>) {
        if self.is_forward || self.edge.is_none() {
            self.edge = number.or(self.edge);
        }
        let message = number.and_then(|number| LoggedMessage::read(&self.epoch, number, json.into()));
        match message {
            Some(message) => self.messages.push(message),
            None => self.unreadable += 1,
        }
    }

    /// `None` if no epoch is open.
    pub(super) fn page(self) -> Option<Page> {
        if self.epoch.as_str().is_empty() {
            return None;
        }
        let Self { epoch, seq, continuity, has_more, messages, unreadable, edge, is_forward } = self;
        let end = edge.filter(|_| has_more && is_forward).unwrap_or(seq);
        Some(Page { head: Position { epoch, seq }, messages, end, unreadable, continuity, has_more })
    }

    pub(super) fn excerpt(self) -> Excerpt {
        let epoch = Some(self.epoch).filter(|epoch| !epoch.as_str().is_empty());
        Excerpt { epoch, messages: self.messages, next: self.edge.filter(|_| self.has_more) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::redis::mutations::read_mutations;

    const FIELDS: [&str; 7] = ["0123abcd", "7", "1", "5", "2", "2", "0"];

    fn json(seq: u64) -> String {
        format!(
            r#"{{"id":"i","room_id":"r","user_id":"u","username":"n","content":"ক","type":"text","timestamp":"t","seq":{seq}}}"#
        )
    }

    fn answer(fields: &[&[u8]]) -> Value {
        Value::Array(fields.iter().map(|field| Value::BulkString(field.to_vec())).collect())
    }

    #[test]
    fn any_bytes_in_the_log_are_a_message_or_are_skipped() {
        let (mut messages, mut skipped) = (0, 0);
        read_mutations(&[6, 7].map(|seq| json(seq).into_bytes()), 20_000, |entry| {
            let mut fields: Vec<&[u8]> = FIELDS.map(str::as_bytes).to_vec();
            fields.extend([b"6", entry, b"7", entry, b"seven", entry]);
            let found = Found::parse(answer(&fields), false).expect("a page, whatever stands in it");
            assert_eq!(found.messages.len() + found.unreadable, 3);
            for message in &found.messages {
                let json: serde_json::Value = serde_json::from_slice(&message.json).expect("JSON");
                assert_eq!(json["seq"], message.seq);
            }
            messages += found.messages.len();
            skipped += found.unreadable;
        });
        assert!(messages >= 100 && skipped >= 100, "{messages} messages, {skipped} skipped");
    }

    #[test]
    fn any_head_is_a_page_or_none() {
        let (mut pages, mut refused) = (0, 0);
        read_mutations(&[FIELDS.join(" ").into_bytes()], 20_000, |head| {
            let fields: Vec<&[u8]> = head.split(|&byte| byte == b' ').collect();
            match Found::parse(answer(&fields), true) {
                Some(found) => pages += usize::from(found.page().is_some()),
                None => refused += 1,
            }
        });
        assert!(pages >= 100 && refused >= 100, "{pages} pages, {refused} refused");
    }
}
