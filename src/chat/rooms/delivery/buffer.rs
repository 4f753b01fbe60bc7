//! Messages that wait until a hole before them is filled.

use crate::model::LoggedMessage;

/// Messages that wait, at most, and their bytes. Further ones are left out: the log has them, and is read once
/// more.
pub(in crate::chat::rooms) const MESSAGES: usize = 1024;
const BYTES: usize = 1 << 20;

/// In the order of their arrival.
#[derive(Debug, Default)]
pub(in crate::chat::rooms) struct Buffer {
    messages: Vec<LoggedMessage>,
    bytes: usize,
}

/// Whether there was room for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::chat::rooms) enum Kept {
    Yes,
    NoRoom,
}

impl Buffer {
    pub(in crate::chat::rooms) fn push(&mut self, message: LoggedMessage) -> Kept {
        let bytes = self.bytes + message.json.len();
        if self.messages.len() >= MESSAGES || bytes > BYTES {
            return Kept::NoRoom;
        }
        self.bytes = bytes;
        self.messages.push(message);
        Kept::Yes
    }

    pub(in crate::chat::rooms) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Takes all out.
    pub(in crate::chat::rooms) fn take(&mut self) -> Vec<LoggedMessage> {
        std::mem::take(self).messages
    }

    /// Drops those of the first `count` that are not to wait any longer.
    pub(in crate::chat::rooms) fn retain_first(
        &mut self,
        count: usize,
        keeps: impl Fn(&LoggedMessage) -> bool,
    ) {
        let mut place = 0;
        self.messages.retain(|message| {
            place += 1;
            place > count || keeps(message)
        });
        self.bytes = self.messages.iter().map(|message| message.json.len()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EntryKind, Epoch};

    #[test]
    fn waiting_messages_are_bounded_by_their_bytes_too() {
        let message = |bytes| LoggedMessage {
            epoch: Epoch::new("e"),
            seq: 1,
            json: vec![b'x'; bytes].into(),
            kind: EntryKind::Text,
            taken_in: None,
        };
        let mut waiting = Buffer::default();
        for _ in 0..4 {
            assert_eq!(waiting.push(message(BYTES / 4)), Kept::Yes);
        }
        assert_eq!(waiting.push(message(1)), Kept::NoRoom);
        waiting.retain_first(1, |_| false);
        assert_eq!(waiting.push(message(BYTES / 4)), Kept::Yes);
        assert_eq!((waiting.take().len(), waiting.len(), waiting.bytes), (4, 0, 0));
    }
}
