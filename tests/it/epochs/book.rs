//! All that anybody was told: which message a number named.

use std::collections::HashMap;

use adda::backend::Page;
use adda::model::{Epoch, LoggedMessage, Position, Receipt, RoomName};

/// What was told, over all nodes, clients and losses. Never forgets; what contradicts it is a lie.
#[derive(Debug, Default)]
pub struct Book {
    names: HashMap<(RoomName, Epoch, u64), String>,
    newest: HashMap<(RoomName, Epoch), u64>,
    lies: Vec<String>,
}

impl Book {
    /// A number was said to name a message.
    pub fn name(&mut self, room: &RoomName, epoch: &Epoch, seq: u64, id: &str) {
        let before = self.names.entry((room.clone(), epoch.clone(), seq)).or_insert_with(|| id.to_owned());
        if before != id {
            let lie = format!("{room} {epoch}:{seq} named {before} and names {id}");
            self.lies.push(lie);
        }
    }

    /// A message was given.
    pub fn message(&mut self, room: &RoomName, message: &LoggedMessage) {
        self.name(room, &message.epoch, message.seq, &id(message));
    }

    /// A post was acknowledged.
    pub fn ack(&mut self, room: &RoomName, receipt: &Receipt) {
        self.name(room, &receipt.epoch, receipt.seq, &receipt.id);
        if !receipt.is_duplicate {
            self.reach(room, &Position { epoch: receipt.epoch.clone(), seq: receipt.seq });
        }
    }

    /// A page was read, at a time when nothing else was on its way.
    pub fn page(&mut self, room: &RoomName, page: &Page) {
        self.head(room, &page.head);
        for message in &page.messages {
            self.message(room, message);
        }
    }

    /// A head was read, likewise: within an epoch it never stands below what was told before.
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

    /// Whether a number was ever said to name this message.
    pub fn knows(&self, room: &RoomName, epoch: &Epoch, seq: u64, id: &str) -> bool {
        self.names.get(&(room.clone(), epoch.clone(), seq)).is_some_and(|named| named == id)
    }

    /// What must hold.
    pub fn check(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.lies.push(otherwise());
        }
    }

    /// All contradictions.
    pub fn lies(&self) -> &[String] {
        &self.lies
    }

    /// Numbers that were told.
    pub fn len(&self) -> usize {
        self.names.len()
    }
}

/// The id that a message bears.
pub fn id(message: &LoggedMessage) -> String {
    let json: serde_json::Value = serde_json::from_slice(&message.json).unwrap();
    json["id"].as_str().unwrap().to_owned()
}
