//! Invented records of a writer and two readers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::chaos::memory::{Dialect, Memory, Place, Told};
use crate::chaos::messages::{Action, Change, Entry, Received};
use crate::chaos::verdict::{Log, Page, Verdict, judge};

const ROOM: &str = "room";

/// Invents the events of a run, one a second.
pub struct Story {
    pub now: Instant,
    pub memories: Vec<Memory>,
    pub log: Log,
}

impl Story {
    /// A writer and two readers that joined an empty room.
    pub fn new() -> Self {
        let (now, log) = (Instant::now(), Log { epoch: "a".to_owned(), ..Log::default() });
        let mut story = Self { now, memories: Vec::new(), log };
        story.enter("writer", Dialect::Full, place("a", 0));
        story.enter("reader", Dialect::Full, place("a", 0));
        story.enter("other reader", Dialect::Full, place("a", 0));
        story
    }

    pub fn enter(&mut self, name: &str, dialect: Dialect, at: Place) {
        self.memories.push(Memory::new(name, dialect, ROOM));
        self.tell(name, Told::Connected { port: 1, node_id: String::new(), connection_id: name.to_owned() });
        self.tell(name, Told::Joined { since: None, at, is_recovered: false, messages: Vec::new() });
    }

    pub fn tell(&mut self, name: &str, told: Told) {
        self.now += Duration::from_secs(1);
        let memory = self.memories.iter_mut().find(|memory| memory.name == name).expect("it has entered");
        memory.note_at(self.now, told);
    }

    /// A message is logged and acknowledged, and these readers receive it.
    pub fn posts(&mut self, epoch: &str, seq: u64, readers: &[&str]) {
        let message = message(epoch, seq);
        self.log.messages.push(message.clone());
        self.tell("writer", Told::Acked { place: place(epoch, seq), message: message.clone() });
        for name in readers {
            self.tell(name, Told::Message(message.clone()));
        }
    }

    /// A change is logged and acknowledged, and these readers receive it.
    pub fn changes(&mut self, seq: u64, target: u64, action: &Action, readers: &[&str]) {
        let message = change(seq, target, action);
        self.log.messages.push(message.clone());
        self.tell("writer", Told::Acked { place: place("a", seq), message: message.clone() });
        for name in readers {
            self.tell(name, Told::Message(message.clone()));
        }
    }

    /// A node shows a page of these texts.
    pub fn shows(&mut self, texts: Vec<Received>) {
        self.log.pages.push(Page { name: "a page".to_owned(), texts, json: Vec::new() });
    }

    /// The log continues in a new epoch without its messages after a number.
    pub fn set_back(&mut self, to: u64, epoch: &str) {
        self.log.messages.retain(|message| message.seq <= to);
        self.log.epoch = epoch.to_owned();
    }

    pub fn verdict(&self) -> Verdict {
        judge(&self.memories, &BTreeMap::from([(ROOM.to_owned(), self.log.clone())]))
    }
}

pub const ALL: [&str; 3] = ["writer", "reader", "other reader"];
pub const WITHOUT_READER: [&str; 2] = ["writer", "other reader"];

pub fn place(epoch: &str, seq: u64) -> Place {
    Place { epoch: epoch.to_owned(), seq }
}

pub fn message(epoch: &str, seq: u64) -> Received {
    Received::text(seq, &format!("{epoch}{seq}"), &format!("writer says {}", seq * 10 + epoch.len() as u64))
}

/// A change by the writer.
pub fn change(seq: u64, target: u64, action: &Action) -> Received {
    let change = Change { target, user_id: "writer".to_owned(), action: action.clone() };
    Received { seq, id: format!("change {seq}"), entry: Entry::Change(change) }
}
