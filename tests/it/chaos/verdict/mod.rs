//! Judges a run by what all clients remember and what the log holds in the end. Knows no cluster: it can be
//! fed with made-up memories.
//!
//! An acknowledged message that the log still holds must have been given to every reader that was there before
//! it, unless a `gap` or a `recovered: false` covers its place. One that Redis has lost must have been given, or
//! the reader must have been told of a new epoch. Everything else is missing.

mod reader;
mod room;

use std::collections::BTreeMap;

use super::memory::{End, Memory, Received, Told};
use room::Room;

/// What a room's log holds when all is over, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// The head's epoch.
    pub epoch: String,
    /// All of it.
    pub messages: Vec<Received>,
}

/// What came of the messages.
#[derive(Debug, Default, Clone)]
pub struct Verdict {
    /// Messages that were acknowledged.
    pub acked: usize,
    /// Acknowledged messages that a reader neither got nor was told of, summed over the readers.
    pub missing: usize,
    /// Acknowledged messages that Redis lost, or that a reader was told it would not get.
    pub announced: usize,
    /// Messages that a reader was given twice, and those that stand in the log twice.
    pub doubled: usize,
    /// Messages that came after one with a higher number, or in another order than to another reader, or
    /// in another order than their writer said them.
    pub disordered: usize,
    /// Places that name two messages.
    pub lies: usize,
    /// Jumps in the numbers that nothing explained.
    pub holes: usize,
    /// Connections that ended and were not meant to.
    pub dropped: usize,
    /// New epochs of which a session was told while it was there.
    pub resets: usize,
    /// Gaps, counted as they were told.
    pub gaps: usize,
    /// The first findings of each kind, in words.
    pub details: BTreeMap<Kind, Vec<String>>,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// See [`Verdict::missing`], and so on.
    Missing,
    Doubled,
    Disordered,
    Lie,
    Hole,
}

impl Verdict {
    fn find(&mut self, kind: Kind, finding: String) {
        let details = self.details.entry(kind).or_default();
        if details.len() < 4 {
            details.push(finding);
        }
    }
}

/// Judges all rooms.
pub fn judge(memories: &[Memory], logs: &BTreeMap<String, Log>) -> Verdict {
    let mut verdict = Verdict::default();
    for (name, log) in logs {
        let inside: Vec<_> = memories.iter().filter(|memory| memory.room == *name).collect();
        Room::new(name, &inside, log).judge(&inside, &mut verdict);
    }
    for told in memories.iter().flat_map(Memory::told) {
        match told {
            Told::Ended(End::Server(_) | End::Silence) => verdict.dropped += 1,
            Told::Reset(_) => verdict.resets += 1,
            Told::Gap { .. } | Told::Skipped => verdict.gaps += 1,
            _ => {}
        }
    }
    verdict
}
