//! Judges a run by the records of all clients and the final logs. It needs no cluster, so tests feed it invented
//! records.
//!
//! Every reader that joined before an acknowledged message must have received it if the log still holds it, unless
//! a `gap` or a `recovered: false` covers its position. If Redis has lost it, the reader must have received it or a
//! new epoch. Any other acknowledged message is missing.
//!
//! Changes are messages like texts. In the end all readers and pages must show each text as the changes of the log make it.

mod reader;
mod room;
mod state;

use std::collections::BTreeMap;

use serde_json::Value;

use super::memory::{End, Memory, Told};
use super::messages::Received;
use room::Room;
use state::State;

/// A room's log at the end of the run, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// The head's epoch.
    pub epoch: String,
    /// Its messages: texts and changes.
    pub messages: Vec<Received>,
    /// The texts as several pages show them.
    pub pages: Vec<Page>,
}

/// The texts of a room as one node or session shows them.
#[derive(Debug, Clone)]
pub struct Page {
    /// The node or session that shows them.
    pub name: String,
    /// The texts.
    pub texts: Vec<Received>,
    /// All of their JSON, if it is a page of a node.
    pub json: Vec<Value>,
}

/// The findings about messages.
#[derive(Debug, Default, Clone)]
pub struct Verdict {
    /// Messages that were acknowledged.
    pub acked: usize,
    /// Acknowledged messages that a reader neither received nor was told to have missed, summed over the readers.
    pub missing: usize,
    /// Acknowledged messages that Redis lost, or whose loss was announced to a reader.
    pub announced: usize,
    /// Messages that a reader received twice, or that are in the log twice.
    pub doubled: usize,
    /// Messages received after one with a higher number, in another order than by another reader, or in another order
    /// than their writer posted them.
    pub disordered: usize,
    /// Positions with two messages.
    pub conflicts: usize,
    /// Unannounced jumps in the numbers.
    pub holes: usize,
    /// Texts that a page or reader shows otherwise than the changes of the log make them.
    pub states: usize,
    /// Connections that ended unintentionally.
    pub dropped: usize,
    /// New epochs announced to sessions.
    pub resets: usize,
    /// Announced gaps.
    pub gaps: usize,
    /// The first findings of each kind, as sentences.
    pub details: BTreeMap<Kind, Vec<String>>,
}

/// The kinds of violations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// See [`Verdict::missing`], and so on.
    Missing,
    Doubled,
    Disordered,
    Conflict,
    Hole,
    State,
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
        State::new(name, &inside, log).judge(&inside, &mut verdict);
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
