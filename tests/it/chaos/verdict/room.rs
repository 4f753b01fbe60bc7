//! One room: its acknowledged messages, its log, and whether its readers agree.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::reader::{self, Reading};
use super::{Kind, Log, Verdict};
use crate::chaos::memory::{Dialect, Memory, Place, Told};
use crate::chaos::messages::Entry;

/// An acknowledged message.
#[derive(Debug)]
pub struct Ack<'a> {
    /// Its position.
    pub place: &'a Place,
    /// Its id.
    pub id: &'a str,
    /// Whether the final log holds it, or may have trimmed it.
    pub is_kept: bool,
    /// Whether it is a change of a text.
    pub is_change: bool,
    /// Whether it is a text that the final log holds as deleted.
    pub is_deleted: bool,
}

/// The facts about a room.
#[derive(Debug)]
pub struct Room<'a> {
    name: &'a str,
    acks: Vec<Ack<'a>>,
    log: &'a Log,
    /// The epochs in the order in which clients first received them.
    epochs: Vec<&'a str>,
}

impl<'a> Room<'a> {
    /// Collects the facts from the clients of the room and its log.
    pub fn new(name: &'a str, memories: &[&'a Memory], log: &'a Log) -> Self {
        let held: HashMap<_, _> = log.messages.iter().map(|message| (message.id.as_str(), message)).collect();
        let oldest = log.messages.first().map_or(u64::MAX, |message| message.seq);
        let mut acks: HashMap<&str, Ack<'a>> = HashMap::new();
        for told in memories.iter().flat_map(|memory| memory.told()) {
            if let Told::Acked { place, message } = told {
                let (id, held) = (message.id.as_str(), held.get(message.id.as_str()));
                let is_kept = held.is_some() || place.seq < oldest && oldest != u64::MAX;
                let is_change = matches!(message.entry, Entry::Change(_));
                let is_deleted =
                    held.is_some_and(|held| matches!(&held.entry, Entry::Text(shown) if shown.is_deleted));
                acks.entry(id).or_insert(Ack { place, id, is_kept, is_change, is_deleted });
            }
        }
        Self { name, acks: acks.into_values().collect(), log, epochs: epochs_in_order(memories, log) }
    }

    /// The index of an epoch among the epochs of this room; an unknown one comes last.
    pub fn rank(&self, epoch: &str) -> usize {
        self.epochs.iter().position(|known| *known == epoch).unwrap_or(self.epochs.len())
    }

    /// The number of new epochs during the run.
    pub fn new_epochs(&self) -> usize {
        self.epochs.len().saturating_sub(1)
    }

    /// All acknowledged messages.
    pub fn acks(&self) -> &[Ack<'a>] {
        &self.acks
    }

    /// Judges every reader, and all of them against each other.
    pub fn judge(&self, memories: &[&'a Memory], verdict: &mut Verdict) {
        verdict.acked += self.acks.len();
        let mut announced: HashSet<&str> =
            self.acks.iter().filter(|ack| !ack.is_kept).map(|ack| ack.id).collect();
        let mut orders = Vec::new();
        for memory in memories {
            let reading = match memory.dialect {
                Dialect::Full => reader::read_full(self, memory),
                Dialect::Plain => reader::read_plain(self, memory),
            };
            self.add(memory, &reading, verdict);
            announced.extend(&reading.announced);
            orders.push((memory.name.as_str(), reading.order));
        }
        verdict.announced += announced.len();
        self.compare(&orders, verdict);
        self.find_conflicts(memories, verdict);
        self.find_doubles(memories, verdict);
        self.judge_log(verdict);
    }

    fn add(&self, memory: &Memory, reading: &Reading<'_>, verdict: &mut Verdict) {
        verdict.missing += reading.missing.len();
        verdict.doubled += reading.doubled;
        verdict.disordered += reading.disordered;
        verdict.holes += reading.holes;
        for (kind, finding) in &reading.findings {
            verdict.find(*kind, format!("{} in {}: {finding}", memory.name, self.name));
        }
        if let Some(first) = reading.missing.first() {
            let (count, name) = (reading.missing.len(), &memory.name);
            verdict
                .find(Kind::Missing, format!("{name} in {}: {count} missing, one is {first:?}", self.name));
        }
    }

    /// Two readers must not see two messages in different orders.
    fn compare(&self, orders: &[(&str, Vec<&str>)], verdict: &mut Verdict) {
        for (place, (name, order)) in orders.iter().enumerate() {
            let positions: HashMap<_, _> = order.iter().enumerate().map(|(at, id)| (*id, at)).collect();
            for (other_name, other) in &orders[place + 1..] {
                let common: Vec<_> = other.iter().filter_map(|id| positions.get(id)).collect();
                let turned = common.windows(2).filter(|pair| pair[0] > pair[1]).count();
                if turned > 0 {
                    verdict.disordered += turned;
                    verdict.find(
                        Kind::Disordered,
                        format!("{name} and {other_name} in {} disagree on the order", self.name),
                    );
                }
            }
        }
    }

    /// A position names one message in the records of all clients.
    fn find_conflicts(&self, memories: &[&'a Memory], verdict: &mut Verdict) {
        let mut named: HashMap<(&str, u64), HashSet<&str>> = HashMap::new();
        for memory in memories.iter().filter(|memory| memory.dialect == Dialect::Full) {
            for (epoch, seq, id) in reader::places(memory) {
                named.entry((epoch, seq)).or_default().insert(id);
            }
        }
        for message in &self.log.messages {
            named.entry((&self.log.epoch, message.seq)).or_default().insert(&message.id);
        }
        for (place, ids) in named.into_iter().filter(|(_, ids)| ids.len() > 1) {
            verdict.conflicts += 1;
            verdict.find(Kind::Conflict, format!("{place:?} in {} names {ids:?}", self.name));
        }
    }

    /// An id has one number, in all epochs; and of what a writer has said under one nonce one message alone was logged. The writer is
    /// given the id of one. So a change that nobody was given, of a user that waits for nothing, is there twice.
    fn find_doubles(&self, memories: &[&'a Memory], verdict: &mut Verdict) {
        let mut find = |finding: std::fmt::Arguments<'_>| {
            verdict.doubled += 1;
            verdict.find(Kind::Doubled, format!("{finding} in {}", self.name));
        };
        let acked = memories.iter().flat_map(|memory| memory.told()).filter_map(|told| match told {
            Told::Acked { place, message } => Some((message.id.as_str(), place.seq)),
            _ => None,
        });
        let acked: Vec<(&str, u64)> = acked.collect();
        let logged = self.log.messages.iter().map(|message| (message.id.as_str(), message.seq));
        let mut numbers: HashMap<&str, u64> = HashMap::new();
        for (id, seq) in acked.iter().copied().chain(logged) {
            let first = *numbers.entry(id).or_insert(seq);
            if first != seq {
                find(format_args!("{id} has the numbers {first} and {seq}"));
            }
        }
        let acked: HashSet<&str> = acked.into_iter().map(|(id, _)| id).collect();
        let settled: HashSet<&str> = memories.iter().filter_map(|memory| settled_user(memory)).collect();
        for message in &self.log.messages {
            let Entry::Change(change) = &message.entry else { continue };
            if settled.contains(change.user_id.as_str()) && !acked.contains(message.id.as_str()) {
                find(format_args!("{} ({}) was acknowledged as another", message.seq, message.id));
            }
        }
    }

    /// The log holds no text twice, and each writer's texts in the order of posting. Edits have other contents.
    fn judge_log(&self, verdict: &mut Verdict) {
        let mut said: BTreeMap<&str, u64> = BTreeMap::new();
        let mut contents = HashSet::new();
        let contents_of_log = self.log.messages.iter().filter_map(|message| message.content());
        for content in contents_of_log.filter(|content| !content.is_empty()) {
            if !contents.insert(content) {
                verdict.doubled += 1;
                verdict.find(Kind::Doubled, format!("{content:?} stands twice in the log of {}", self.name));
            }
            let Some((writer, number)) = content.split_once(" says ") else { continue };
            let number = number.parse().unwrap_or_default();
            if said.insert(writer, number).is_some_and(|before| before > number) {
                verdict.disordered += 1;
                verdict.find(Kind::Disordered, format!("{content:?} comes late in the log of {}", self.name));
            }
        }
    }
}

/// The user of a client, if it was one all the time and all that it has sent was answered.
fn settled_user(memory: &Memory) -> Option<&str> {
    let mut users = memory.told().filter_map(|told| match told {
        Told::User(user) => Some(user.as_str()),
        _ => None,
    });
    let user = users.next()?;
    let is_settled = !memory.is_waiting && !memory.is_gone && users.all(|other| other == user);
    is_settled.then_some(user)
}

fn epochs_in_order<'a>(memories: &[&'a Memory], log: &'a Log) -> Vec<&'a str> {
    let mut first: HashMap<&str, std::time::Instant> = HashMap::new();
    for (at, told) in memories.iter().flat_map(|memory| &memory.events) {
        let place = match told {
            Told::Joined { at: place, .. } | Told::Reset(place) | Told::Acked { place, .. } => place,
            _ => continue,
        };
        if place.epoch.is_empty() {
            continue;
        }
        let known = first.entry(&place.epoch).or_insert(*at);
        *known = (*known).min(*at);
    }
    let mut epochs: Vec<_> = first.into_iter().map(|(epoch, at)| (at, epoch)).collect();
    epochs.sort();
    let mut epochs: Vec<_> = epochs.into_iter().map(|(_, epoch)| epoch).collect();
    if !log.epoch.is_empty() && !epochs.contains(&log.epoch.as_str()) {
        epochs.push(&log.epoch);
    }
    epochs
}
