//! The record of all answers: which message each number named.

use std::collections::HashMap;

use adda::backend::Page;
use adda::model::{Epoch, LoggedMessage, Position, Receipt, RoomName};

/// The positions and messages that any node or client received, across all losses. A later contradiction is a violation.
#[derive(Debug, Default)]
pub struct Record {
    names: HashMap<(RoomName, Epoch, u64), String>,
    newest: HashMap<(RoomName, Epoch), u64>,
    violations: Vec<String>,
}

impl Record {
    /// Records that a number names a message.
    pub fn name(&mut self, room: &RoomName, epoch: &Epoch, seq: u64, id: &str) {
        let before = self.names.entry((room.clone(), epoch.clone(), seq)).or_insert_with(|| id.to_owned());
        if before != id {
            let violation = format!("{room} {epoch}:{seq} named {before} and names {id}");
            self.violations.push(violation);
        }
    }

    /// Records a received message.
    pub fn message(&mut self, room: &RoomName, message: &LoggedMessage) {
        self.name(room, &message.epoch, message.seq, &id(message));
    }

    /// Records an acknowledged post.
    pub fn ack(&mut self, room: &RoomName, receipt: &Receipt) {
        self.name(room, &receipt.epoch, receipt.seq, &receipt.id);
        if !receipt.is_duplicate {
            self.reach(room, &Position { epoch: receipt.epoch.clone(), seq: receipt.seq });
        }
    }

    /// Records a page that was read while no other request was in flight.
    pub fn page(&mut self, room: &RoomName, page: &Page) {
        self.head(room, &page.head);
        for message in &page.messages {
            self.message(room, message);
        }
    }

    /// Records a head, likewise: within an epoch it is never below an earlier position.
    pub fn head(&mut self, room: &RoomName, head: &Position) {
        let newest = self.newest.get(&(room.clone(), head.epoch.clone())).copied().unwrap_or_default();
        self.check(head.seq >= newest, || {
            format!("{room} {} ran back from {newest} to {}", head.epoch, head.seq)
        });
        self.reach(room, head);
    }

    fn reach(&mut self, room: &RoomName, place: &Position) {
        let newest = self.newest.entry((room.clone(), place.epoch.clone())).or_default();
        *newest = place.seq.max(*newest);
    }

    /// Whether a number was recorded to name this message.
    pub fn knows(&self, room: &RoomName, epoch: &Epoch, seq: u64, id: &str) -> bool {
        self.names.get(&(room.clone(), epoch.clone(), seq)).is_some_and(|named| named == id)
    }

    /// Records a violation unless a condition holds.
    pub fn check(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(otherwise());
        }
    }

    /// All violations.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// The number of recorded positions.
    pub fn len(&self) -> usize {
        self.names.len()
    }
}

/// The id in a message's JSON.
pub fn id(message: &LoggedMessage) -> String {
    let json: serde_json::Value = serde_json::from_slice(&message.json).unwrap();
    json["id"].as_str().unwrap().to_owned()
}
