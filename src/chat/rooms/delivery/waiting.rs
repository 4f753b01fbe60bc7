//! Messages that wait until a hole before them is filled, and the state of that wait.

use super::buffer::{Buffer, Kept};
use crate::model::{LoggedMessage, Position};

/// Messages that arrived behind a hole, and what else is known to come after it.
#[derive(Debug, Default)]
pub(in crate::chat::rooms) struct Waiting {
    messages: Buffer,
    /// Whether messages were left out since the log was last read.
    overflowed: bool,
    /// The newest place at which a comparison has found the log since then.
    observed_head: Option<Position>,
}

/// The place of a message relative to what was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::chat::rooms) enum Succession {
    /// It was delivered.
    Past,
    /// It is the direct successor.
    Next,
    /// Something before it is missing, or another epoch has begun.
    Later,
}

impl Succession {
    pub(in crate::chat::rooms) fn of(message: &LoggedMessage, delivered: &Position) -> Self {
        if message.epoch != delivered.epoch || message.seq > delivered.seq.saturating_add(1) {
            Self::Later
        } else if message.seq > delivered.seq {
            Self::Next
        } else {
            Self::Past
        }
    }
}

impl Waiting {
    pub(in crate::chat::rooms) fn push(&mut self, message: LoggedMessage) {
        self.overflowed |= self.messages.push(message) == Kept::NoRoom;
    }

    /// A comparison has found the log here.
    pub(in crate::chat::rooms) fn observe_head(&mut self, head: Position) {
        self.observed_head = Some(head);
    }

    /// The log is about to be read. Returns how many messages wait already.
    pub(in crate::chat::rooms) fn begin_read(&mut self) -> usize {
        self.overflowed = false;
        self.observed_head = None;
        self.messages.len()
    }

    /// The log was read up to `head`. Of the first `count` messages, which waited before, those of another epoch are older than
    /// that; and each publication is logged, so a number above the head was never assigned.
    pub(in crate::chat::rooms) fn end_read(&mut self, count: usize, head: &Position) {
        let follows = |message: &LoggedMessage| message.epoch == head.epoch && message.seq <= head.seq;
        self.messages.retain_first(count, follows);
    }

    /// Takes out the messages that follow `delivered` without a hole, and drops those up to it. Those left show
    /// another hole.
    pub(in crate::chat::rooms) fn take_successors(&mut self, delivered: &Position) -> Vec<LoggedMessage> {
        let mut delivered = delivered.clone();
        let mut successors = Vec::new();
        for message in self.messages.take() {
            match Succession::of(&message, &delivered) {
                Succession::Past => {}
                Succession::Next => {
                    delivered.seq = message.seq;
                    successors.push(message);
                }
                Succession::Later => self.push(message),
            }
        }
        successors
    }

    /// Whether nothing is known to be missing after `delivered`.
    pub(in crate::chat::rooms) fn is_over(&self, delivered: &Position) -> bool {
        let is_behind = self.observed_head.as_ref().is_some_and(|head| !delivered.has_reached(head));
        self.messages.len() == 0 && !self.overflowed && !is_behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EntryKind, Epoch};

    fn place(epoch: &str, seq: u64) -> Position {
        Position { epoch: Epoch::new(epoch), seq }
    }

    fn message(epoch: &str, seq: u64) -> LoggedMessage {
        let epoch = Epoch::new(epoch);
        LoggedMessage { epoch, seq, json: "{}".into(), kind: EntryKind::Text, taken_in: None }
    }

    #[test]
    fn a_message_is_past_next_or_later() {
        for (epoch, seq, expected) in [
            ("e", 4, Succession::Past),
            ("e", 5, Succession::Past),
            ("e", 6, Succession::Next),
            ("e", 7, Succession::Later),
            ("f", 5, Succession::Later),
            ("f", 6, Succession::Later),
        ] {
            assert_eq!(Succession::of(&message(epoch, seq), &place("e", 5)), expected, "{epoch} {seq}");
        }
    }

    /// Positions that wait after 5 of the epoch e; numbers taken; whether nothing is missing any more.
    type Case = (&'static [(&'static str, u64)], &'static [u64], bool);

    #[test]
    fn successors_are_taken_up_to_the_next_hole() {
        let cases: [Case; 7] = [
            (&[], &[], true),
            (&[("e", 6), ("e", 7)], &[6, 7], true),
            (&[("e", 4), ("e", 5), ("e", 6)], &[6], true),
            (&[("e", 6), ("e", 6), ("e", 7)], &[6, 7], true),
            (&[("e", 6), ("e", 8)], &[6], false),
            (&[("e", 7), ("e", 6)], &[6], false),
            (&[("f", 1), ("e", 6)], &[6], false),
        ];
        for (waits, taken, is_over) in cases {
            let mut waiting = Waiting::default();
            for (epoch, seq) in waits {
                waiting.push(message(epoch, *seq));
            }
            let successors = waiting.take_successors(&place("e", 5));
            let seqs: Vec<u64> = successors.iter().map(|message| message.seq).collect();
            assert_eq!(seqs, taken, "{waits:?}");
            let delivered = place("e", seqs.last().copied().unwrap_or(5));
            assert_eq!(waiting.is_over(&delivered), is_over, "{waits:?}");
        }
    }

    #[test]
    fn a_head_beyond_what_was_delivered_is_waited_for_until_the_log_is_read() {
        let mut waiting = Waiting::default();
        waiting.observe_head(place("e", 6));
        assert!(!waiting.is_over(&place("e", 5)) && !waiting.is_over(&place("f", 6)));
        assert!(waiting.is_over(&place("e", 6)));
        assert_eq!(waiting.begin_read(), 0);
        assert!(waiting.is_over(&place("e", 5)));
    }
}
