//! The newest frames of a room, so that a session which is a little behind, as one that joins while
//! the room talks always is, needs no further look into the log.

use std::collections::VecDeque;

use crate::model::EntryKind;
use crate::websocket::Frame;

/// Frames and bytes that are kept at most.
const FRAMES: usize = 64;
const BYTES: usize = 64 * 1024;

/// The last messages and changes that the room was given, without a hole between them.
#[derive(Debug, Default)]
pub(in crate::chat::rooms) struct Tail {
    frames: VecDeque<(Frame, EntryKind)>,
    bytes: usize,
}

impl Tail {
    /// Keeps the frame of the next message, and lets the oldest go.
    pub(in crate::chat::rooms) fn push(&mut self, frame: Frame, kind: EntryKind) {
        self.bytes += frame.len();
        self.frames.push_back((frame, kind));
        while self.frames.len() > FRAMES || self.bytes > BYTES {
            let Some((oldest, _)) = self.frames.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }

    /// The last `count` frames, oldest first; `None` if so many are not kept.
    pub(in crate::chat::rooms) fn last(
        &self,
        count: u64,
    ) -> Option<impl Iterator<Item = &(Frame, EntryKind)>> {
        let before = self.frames.len().checked_sub(usize::try_from(count).ok()?)?;
        Some(self.frames.iter().skip(before))
    }

    /// Forgets all: what comes next does not follow.
    pub(in crate::chat::rooms) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_frames_are_given_or_none() {
        let mut tail = Tail::default();
        for i in 0..70_u8 {
            tail.push(Frame::text(&[i]), EntryKind::Text);
        }
        let last: Vec<&Frame> = tail.last(2).unwrap().map(|(frame, _)| frame).collect();
        assert_eq!(last, [&Frame::text(&[68]), &Frame::text(&[69])]);
        assert_eq!(tail.last(64).map(Iterator::count), Some(64));
        assert!(tail.last(65).is_none());
        tail.clear();
        assert!(tail.last(1).is_none());
    }

    #[test]
    fn large_frames_push_out_more() {
        let mut tail = Tail::default();
        for _ in 0..10 {
            tail.push(Frame::text(&[b'x'; 20_000]), EntryKind::Change);
        }
        assert!(tail.last(3).is_some());
        assert!(tail.last(4).is_none());
    }
}
