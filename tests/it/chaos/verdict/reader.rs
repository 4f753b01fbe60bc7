//! One reader of a room: walks through its events and finds missing, repeated and reordered messages.

use std::collections::HashSet;

use super::Kind;
use super::room::{Ack, Room};
use crate::chaos::memory::{Memory, Place, Told};
use crate::chaos::messages::{Entry, Received};

/// The findings of one walk.
#[derive(Debug, Default)]
pub struct Reading<'a> {
    /// Acknowledged messages that were neither received nor announced as lost.
    pub missing: Vec<&'a Place>,
    /// Ids of messages announced as lost.
    pub announced: Vec<&'a str>,
    /// Messages received twice.
    pub doubled: usize,
    /// Messages received after one with a higher number.
    pub disordered: usize,
    /// Unannounced jumps in the numbers.
    pub holes: usize,
    /// The ids in the order of their first receipt.
    pub order: Vec<&'a str>,
    /// The findings as sentences.
    pub findings: Vec<(Kind, String)>,
}

/// An announced loss.
#[derive(Debug)]
enum Excuse<'a> {
    Gap {
        epoch: &'a str,
        from: u64,
        to: u64,
    },
    /// `recovered: false`: from the reader's position to the first message of the page in the answer. Changes up to its
    /// end are in its texts.
    Jump {
        from: Place,
        epoch: &'a str,
        to: u64,
        end: u64,
    },
}

#[derive(Debug, Default)]
struct Walk<'a> {
    reading: Reading<'a>,
    given: HashSet<&'a str>,
    start: Option<&'a Place>,
    at: Option<Place>,
    last_epoch: Option<&'a str>,
    excuses: Vec<Excuse<'a>>,
}

/// Walks through the events of a full session's client.
pub fn read_full<'a>(room: &Room<'a>, memory: &'a Memory) -> Reading<'a> {
    let mut walk = Walk::default();
    for told in memory.told() {
        match told {
            Told::Joined { since, at, is_recovered, messages } => {
                walk.enter(since.as_ref(), at, *is_recovered, messages);
            }
            Told::Message(message) => walk.receives(message),
            Told::Gap { from, to } => walk.skip(*from, *to),
            Told::Reset(place) => {
                walk.at = Some(place.clone());
                walk.last_epoch = Some(&place.epoch);
            }
            _ => {}
        }
    }
    // A client that has left is owed nothing more, from an unknown time on.
    if !memory.is_gone {
        walk.settle(room);
    }
    walk.reading
}

impl<'a> Walk<'a> {
    fn enter(&mut self, since: Option<&Place>, at: &'a Place, is_recovered: bool, messages: &'a [Received]) {
        let first = messages.first().map_or(at.seq + 1, |message| message.seq);
        match since {
            Some(since) if is_recovered && first > since.seq + 1 => {
                self.reading.holes += 1;
                self.find(Kind::Hole, format!("recovered after {since:?}, but continues with {first}"));
            }
            Some(since) if !is_recovered => {
                let (from, epoch, end) = (since.clone(), at.epoch.as_str(), at.seq);
                self.excuses.push(Excuse::Jump { from, epoch, to: first, end });
            }
            _ => {}
        }
        self.start.get_or_insert(at);
        for message in messages {
            // Without a proven position the answer is the newest page, which may repeat earlier messages.
            let is_repeated = !self.give(&message.id);
            if is_repeated && is_recovered {
                self.reading.doubled += 1;
                self.find(Kind::Doubled, format!("{message:?} is received again after a return"));
            }
        }
        self.at = Some(at.clone());
        self.last_epoch = Some(&at.epoch);
    }

    fn receives(&mut self, message: &'a Received) {
        let Some(before) = self.at.as_ref().map(|at| at.seq) else { return };
        if !self.give(&message.id) {
            self.reading.doubled += 1;
            self.find(Kind::Doubled, format!("{message:?} is received twice"));
        } else if message.seq <= before {
            self.reading.disordered += 1;
            self.find(Kind::Disordered, format!("{} arrives after {before}", message.seq));
        } else if message.seq > before + 1 {
            self.reading.holes += 1;
            self.find(Kind::Hole, format!("{} comes right after {before}", message.seq));
        }
        self.at.iter_mut().for_each(|at| at.seq = at.seq.max(message.seq));
    }

    fn skip(&mut self, from: u64, to: u64) {
        if let (Some(at), Some(epoch)) = (&mut self.at, self.last_epoch) {
            at.seq = to;
            self.excuses.push(Excuse::Gap { epoch, from, to });
        }
    }

    /// Records a message; returns whether it is new.
    fn give(&mut self, id: &'a str) -> bool {
        let is_new = self.given.insert(id);
        if is_new {
            self.reading.order.push(id);
        }
        is_new
    }

    fn find(&mut self, kind: Kind, finding: String) {
        self.reading.findings.push((kind, finding));
    }

    /// Checks every acknowledged message after this reader's join.
    fn settle(&mut self, room: &Room<'a>) {
        let Some(start) = self.start else { return };
        let start_rank = room.rank(&start.epoch);
        for ack in room.acks() {
            let rank = room.rank(&ack.place.epoch);
            let is_owed = rank > start_rank || rank == start_rank && ack.place.seq > start.seq;
            if !is_owed || self.given.contains(ack.id) {
                continue;
            }
            match self.is_told(room, ack) {
                true => self.reading.announced.push(ack.id),
                false => self.reading.missing.push(ack.place),
            }
        }
    }

    fn is_told(&self, room: &Room<'_>, ack: &Ack<'_>) -> bool {
        let (epoch, seq) = (ack.place.epoch.as_str(), ack.place.seq);
        let is_excused = self.excuses.iter().any(|excuse| match excuse {
            Excuse::Gap { epoch: told, from, to } => {
                (*from..=*to).contains(&seq) && (epoch == *told || ack.is_kept)
            }
            Excuse::Jump { from, epoch: told, to, end } => {
                let after = if from.epoch == *told { from.seq } else { 0 };
                let to = if ack.is_change { end + 1 } else { *to };
                match ack.is_kept {
                    true => (after + 1..to).contains(&seq),
                    false => epoch == from.epoch && seq > from.seq,
                }
            }
        });
        // A new epoch announces that messages of the old one are lost.
        let has_moved_on = self.last_epoch.is_some_and(|last| room.rank(last) > room.rank(epoch));
        is_excused || !ack.is_kept && has_moved_on
    }
}

/// Walks through the events of a plain session's client, connection by connection: it receives no epochs, and does
/// not resume.
pub fn read_plain<'a>(room: &Room<'a>, memory: &'a Memory) -> Reading<'a> {
    let mut reading = Reading::default();
    let mut ever = HashSet::new();
    let mut stay = Stay::default();
    for told in memory.told() {
        match told {
            Told::Connected { .. } => stay = Stay::default(),
            // A change is a finding of the state.
            Told::Message(Received { entry: Entry::Change(_), .. }) => {}
            Told::Message(message) => {
                stay.receives(room, message, &mut reading);
                if ever.insert(&message.id) {
                    reading.order.push(&message.id);
                }
            }
            Told::Skipped => stay.is_told_of_gaps = true,
            _ => {}
        }
    }
    if !memory.is_gone {
        stay.settle(room, &mut reading);
    }
    reading
}

/// One connection of a plain session's client.
#[derive(Debug, Default)]
struct Stay<'a> {
    given: HashSet<&'a str>,
    lowest: Option<u64>,
    last: Option<u64>,
    steps_back: usize,
    is_told_of_gaps: bool,
}

impl<'a> Stay<'a> {
    fn receives(&mut self, room: &Room<'_>, message: &'a Received, reading: &mut Reading<'a>) {
        let last = self.last.replace(message.seq);
        let is_back = last.is_some_and(|last| message.seq <= last);
        self.steps_back += usize::from(is_back);
        if !self.given.insert(&message.id) {
            reading.doubled += 1;
            reading.findings.push((Kind::Doubled, format!("{message:?} is received twice")));
        } else if is_back && self.steps_back > room.new_epochs() {
            reading.disordered += 1;
            reading.findings.push((Kind::Disordered, format!("{} arrives after {last:?}", message.seq)));
        }
        self.lowest = Some(self.lowest.map_or(message.seq, |lowest| lowest.min(message.seq)));
    }

    /// All texts of the log above the first one received must have been received, but those deleted before the join.
    fn settle(&self, room: &Room<'a>, reading: &mut Reading<'a>) {
        let Some(lowest) = self.lowest else { return };
        let is_owed =
            |ack: &&Ack<'_>| ack.is_kept && !ack.is_change && !ack.is_deleted && ack.place.seq > lowest;
        for ack in room.acks().iter().filter(is_owed) {
            if !self.given.contains(ack.id) {
                match self.is_told_of_gaps {
                    true => reading.announced.push(ack.id),
                    false => reading.missing.push(ack.place),
                }
            }
        }
    }
}

/// Every position that a full session's client received, with the message's id.
pub fn places(memory: &Memory) -> Vec<(&str, u64, &str)> {
    let (mut places, mut epoch) = (Vec::new(), "");
    for told in memory.told() {
        match told {
            Told::Joined { at, messages, .. } => {
                epoch = &at.epoch;
                places.extend(messages.iter().map(|message| (epoch, message.seq, message.id.as_str())));
            }
            Told::Reset(place) => epoch = &place.epoch,
            Told::Message(message) => places.push((epoch, message.seq, &message.id)),
            Told::Acked { place, message } => places.push((&place.epoch, place.seq, &message.id)),
            _ => {}
        }
    }
    places
}
