//! One who follows a room, by pages and live, as a node's room and a client do, and who remembers
//! all that it was given.

use std::collections::BTreeMap;

use adda::backend::Page;
use adda::model::{LoggedMessage, Position, RoomName};

use super::book::{Book, id};
use super::held::Entry;

/// A reader at a place, with what it has been given and never been told to be void.
#[derive(Debug)]
pub struct Reader {
    pub room: RoomName,
    pub place: Position,
    /// Up to here it knows of nothing: it began there, or was told that another epoch did.
    floor: u64,
    seen: BTreeMap<u64, String>,
    /// What it was told to be lost.
    gaps: Vec<(u64, u64)>,
    /// Whether the live flow may have left something out since it last read.
    pub is_behind: bool,
}

/// Where a room's log stands, by the head in Redis: each epoch with the number that it reached,
/// the newest first.
pub type Lineage = Vec<(String, u64)>;

impl Reader {
    /// Begins with the newest messages.
    pub fn join(room: &RoomName, page: &Page, book: &mut Book) -> Self {
        book.page(room, page);
        let floor = page.messages.first().map_or(page.head.seq, |first| first.seq - 1);
        let mut reader = Self {
            room: room.clone(),
            place: Position { epoch: page.head.epoch.clone(), seq: floor },
            floor,
            seen: BTreeMap::new(),
            gaps: Vec::new(),
            is_behind: false,
        };
        reader.take_messages(page, book);
        reader
    }

    /// Goes on by a page that was read after its place. `lineage` is what the room's head said
    /// just before. Returns whether there is more to read.
    pub fn follow(&mut self, page: &Page, lineage: &Lineage, book: &mut Book) -> bool {
        book.page(&self.room, page);
        let proof = page.continuity;
        self.check_proof(page, lineage, book);
        if proof.is_proven {
            let place = self.place.clone();
            book.check(proof.resume_at == place.seq && place.seq <= page.head.seq, || {
                format!("{place:?} is proven, but the page is {proof:?} of {:?}", page.head)
            });
            // What it has seen is a beginning of this log. So says the proof; the book knows.
            for (seq, id) in &self.seen {
                book.name(&self.room, &page.head.epoch, *seq, id);
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
        self.take_messages(page, book);
        page.has_more
    }

    fn take_messages(&mut self, page: &Page, book: &mut Book) {
        for message in &page.messages {
            let expected = self.place.seq + 1;
            book.check(message.seq == expected, || format!("{} where {expected} was due", message.seq));
            self.place.seq = message.seq;
            self.seen.insert(message.seq, id(message));
        }
        let reached = self.place.seq;
        book.check(page.has_more || reached == page.head.seq, || {
            format!("a last page ends at {reached}, the head is {:?}", page.head)
        });
    }

    /// Whoever stands at or below the end of an epoch that the head knows must be told that it is
    /// whole, and nobody else may be.
    fn check_proof(&self, page: &Page, lineage: &Lineage, book: &mut Book) {
        let place = &self.place;
        // A new epoch may have begun with this very page: then it is one more, and the oldest goes.
        let kept =
            if lineage.first().is_some_and(|newest| newest.0 == page.head.epoch.as_str()) { 9 } else { 8 };
        let mut known = lineage.iter().take(kept);
        let is_provable = known.any(|(epoch, end)| *epoch == place.epoch.as_str() && place.seq <= *end);
        book.check(is_provable == page.continuity.is_proven, || {
            format!("{place:?} of {lineage:?} is said to be {:?} of {:?}", page.continuity, page.head)
        });
    }

    /// Takes a live message: the next one, or a sign that something is missing.
    pub fn hear(&mut self, message: &LoggedMessage, book: &mut Book) {
        book.message(&self.room, message);
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

    /// Once it has come to the end: what the log holds above its floor it was given, all of it, or
    /// was told that it is lost.
    pub fn check_whole(&self, log: &[Entry], book: &mut Book) {
        for Entry { seq, id, .. } in log.iter().filter(|entry| entry.seq > self.floor) {
            let is_told = self.gaps.iter().any(|(from, to)| (from..=to).contains(&seq));
            let has_it = self.seen.get(seq) == Some(id);
            book.check(has_it || is_told, || {
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
