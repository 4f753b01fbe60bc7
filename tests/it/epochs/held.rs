//! The data of a room in Redis, read without the code under test.

use adda::model::{Epoch, RoomName};
use redis::Value;

use super::reader::Lineage;
use super::record::Record;

/// A Redis or Redis Cluster with rooms.
pub trait Holds {
    /// A snapshot of a room.
    async fn held(&self, room: &RoomName) -> Held;
}

/// A room's data in Redis.
#[derive(Debug)]
pub struct Held {
    /// Empty if there is no head.
    pub lineage: Lineage,
    pub log: Vec<Entry>,
}

/// One message of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub seq: u64,
    pub id: String,
    pub content: String,
}

type Looked = ((Option<String>, Option<u64>, Option<String>), Vec<(String, Vec<String>)>);

impl Held {
    /// The command that reads it.
    pub fn question(room: &RoomName) -> [String; 5] {
        const LOOK: &str = "return {redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'past'), redis.call('XRANGE', KEYS[2], '-', '+')}";
        ["EVAL".into(), LOOK.into(), "2".into(), key(room, "head"), key(room, "log")]
    }

    /// Parses the answer.
    pub fn read(answer: Value) -> Self {
        let ((epoch, seq, past), entries): Looked = redis::from_redis_value(answer).unwrap();
        let past = past.unwrap_or_default();
        let ended = past.split_whitespace().filter_map(|place| place.split_once(':'));
        let ended = ended.map(|(epoch, seq)| (epoch.to_owned(), seq.parse().unwrap()));
        let lineage = epoch.zip(seq).into_iter().chain(ended).collect();
        Self { lineage, log: entries.iter().map(entry).collect() }
    }

    /// Checks it by itself and against the record.
    pub fn check(&self, room: &RoomName, record: &mut Record) {
        let Self { lineage, log } = self;
        let numbers: Vec<_> = log.iter().map(|entry| entry.seq).collect();
        let is_whole = numbers.windows(2).all(|pair| pair[1] == pair[0] + 1);
        record.check(is_whole, || format!("the log of {room} has holes: {numbers:?}"));
        let mut contents: Vec<_> = log.iter().map(|entry| &entry.content).collect();
        contents.sort_unstable();
        let is_once = contents.windows(2).all(|pair| pair[0] != pair[1]);
        record.check(is_once, || format!("the log of {room} holds a message twice: {contents:?}"));
        let Some((epoch, head)) = lineage.first() else { return };
        let last = numbers.last().unwrap_or(head);
        record.check(last == head, || format!("the log of {room} ends at {last}, its head at {head}"));
        let epoch = Epoch::new(epoch);
        for entry in log {
            record.name(room, &epoch, entry.seq, &entry.id);
        }
    }
}

fn entry((id, fields): &(String, Vec<String>)) -> Entry {
    let message: serde_json::Value = serde_json::from_str(&fields[3]).unwrap();
    let text = |name: &str| message[name].as_str().unwrap().to_owned();
    let seq = id.strip_suffix("-0").unwrap().parse().unwrap();
    Entry { seq, id: text("id"), content: text("content") }
}

/// A key of a room.
pub fn key(room: &RoomName, name: &str) -> String {
    format!("adda:{{{room}}}:{name}")
}
