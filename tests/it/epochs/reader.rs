//! A reader of a room, by pages and live, like a node's room or a client, that keeps all received messages.

use std::collections::BTreeMap;

use adda::backend::Page;
use adda::model::{LoggedMessage, Position, RoomName};

use super::held::Entry;
use super::record::{Record, id};

/// A reader at a position, with all messages that it received and that were not declared void.
#[derive(Debug)]
pub struct Reader {
    pub room: RoomName,
    pub place: Position,
    /// The position below which it has no knowledge: its start, or the start of a new epoch.
    floor: u64,
    seen: BTreeMap<u64, String>,
    /// The numbers announced as lost.
    gaps: Vec<(u64, u64)>,
    /// Whether live messages may have been lost since its last read.
    pub is_behind: bool,
}

/// The lineage of a room by its head in Redis: each epoch with its last number, the newest first.
pub type Lineage = Vec<(String, u64)>;

impl Reader {
    /// Begins with the newest messages.
    pub fn join(room: &RoomName, page: &Page, record: &mut Record) -> Self {
        record.page(room, page);
        let floor = page.messages.first().map_or(page.head.seq, |first| first.seq - 1);
        let mut reader = Self {
            room: room.clone(),
            place: Position { epoch: page.head.epoch.clone(), seq: floor },
            floor,
            seen: BTreeMap::new(),
            gaps: Vec::new(),
            is_behind: false,
        };
        reader.take_messages(page, record);
        reader
    }

    /// Takes a page that was read after its position. `lineage` is the room's lineage just before. Returns whether there
    /// is more to read.
    pub fn follow(&mut self, page: &Page, lineage: &Lineage, record: &mut Record) -> bool {
        record.page(&self.room, page);
        let proof = page.continuity;
        self.check_proof(page, lineage, record);
        if proof.is_proven {
            let place = self.place.clone();
            record.check(proof.resume_at == place.seq && place.seq <= page.head.seq, || {
                format!("{place:?} is proven, but the page is {proof:?} of {:?}", page.head)
            });
            // The page proves that its messages are a prefix of this log; the record must agree.
            for (seq, id) in &self.seen {
                record.name(&self.room, &page.head.epoch, *seq, id);
            }
        } else {
            self.seen.clear();
            self.gaps.clear();
            self.floor = proof.resume_at;
        }
        self.place = Position { epoch: page.head.epoch.clone(), seq: proof.resume_at };
        if proof.has_hole() {
            self.gaps.push((proof.resume_at + 1, proof.oldest - 1));
            self.place.seq = proof.oldest - 1;
        }
        self.take_messages(page, record);
        page.has_more
    }

    fn take_messages(&mut self, page: &Page, record: &mut Record) {
        for message in &page.messages {
            let expected = self.place.seq + 1;
            record.check(message.seq == expected, || format!("{} where {expected} was due", message.seq));
            self.place.seq = message.seq;
            self.seen.insert(message.seq, id(message));
        }
        let reached = self.place.seq;
        record.check(page.has_more || reached == page.head.seq, || {
            format!("a last page ends at {reached}, the head is {:?}", page.head)
        });
    }

    /// Checks `recovered`: it must be true exactly if the position is at or below the end of an epoch of the lineage.
    fn check_proof(&self, page: &Page, lineage: &Lineage, record: &mut Record) {
        let place = &self.place;
        // This page may have begun a new epoch: then the lineage has one more and the oldest is dropped.
        let kept =
            if lineage.first().is_some_and(|newest| newest.0 == page.head.epoch.as_str()) { 9 } else { 8 };
        let mut known = lineage.iter().take(kept);
        let is_provable = known.any(|(epoch, end)| *epoch == place.epoch.as_str() && place.seq <= *end);
        record.check(is_provable == page.continuity.is_proven, || {
            format!("{place:?} of {lineage:?} is said to be {:?} of {:?}", page.continuity, page.head)
        });
    }

    /// Takes a live message: the next one, or evidence of a loss.
    pub fn receive(&mut self, message: &LoggedMessage, record: &mut Record) {
        record.message(&self.room, message);
        let is_same_epoch = message.epoch == self.place.epoch;
        if self.is_behind || is_same_epoch && message.seq <= self.place.seq {
            return;
        }
        if is_same_epoch && message.seq == self.place.seq + 1 {
            self.place.seq = message.seq;
            self.seen.insert(message.seq, id(message));
        } else {
            self.is_behind = true;
        }
    }

    /// At the end of the log, checks that it received every message of the log above its floor, or an announcement of the
    /// loss.
    pub fn check_whole(&self, log: &[Entry], record: &mut Record) {
        for Entry { seq, id, .. } in log.iter().filter(|entry| entry.seq > self.floor) {
            let is_told = self.gaps.iter().any(|(from, to)| (from..=to).contains(&seq));
            let has_it = self.seen.get(seq) == Some(id);
            record.check(has_it || is_told, || {
                format!(
                    "{} at {:?} was never given {seq} {id}, but {:?}",
                    self.room,
                    self.place,
                    self.seen.get(seq)
                )
            });
        }
    }
}
