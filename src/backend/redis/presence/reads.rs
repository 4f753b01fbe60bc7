//! Reads of presence: the members of rooms, and the index of rooms.

use std::sync::Arc;

use redis::Value;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::entry::{self, Entry};
use crate::backend::redis::presence::generation::DataGeneration;
use crate::backend::redis::presence::index::sizes::Sizes;
use crate::backend::redis::topology::Shards;
use crate::backend::{Busiest, MemberPage, MemberPosition, Result, RoomCount};
use crate::model::RoomName;
use crate::telemetry::{Unreadable, count_unreadable};

/// Minimum and maximum number of entries in one read of a page.
const MIN_STEP: usize = 32;
const MAX_STEP: usize = 1024;

/// Additional rooms to read for the busiest, because the index by size may name empty ones.
const EXTRA_ROOMS: usize = 32;

/// Reads members and rooms in Redis.
#[derive(Debug, Clone)]
pub struct Reads {
    keys: Keys,
    shards: Arc<Shards>,
    data_generation: DataGeneration,
    sizes: Sizes,
}

impl Reads {
    pub fn new(keys: Keys, shards: Arc<Shards>, data_generation: DataGeneration, sizes: Sizes) -> Self {
        Self { keys, shards, data_generation, sizes }
    }

    /// The index may name empty rooms. Each step that finds too few occupied ones doubles the size of the next, so
    /// a page costs few round trips.
    pub async fn list_rooms(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RoomCount>> {
        let mut from = match after.filter(|after| *after >= prefix) {
            Some(after) => [b"(", after.as_bytes()].concat(),
            None => [b"[", prefix.as_bytes()].concat(),
        };
        let to = match prefix {
            "" => b"+".to_vec(),
            // No byte of UTF-8 is as large.
            prefix => [b"(", prefix.as_bytes(), &[0xff]].concat(),
        };
        let (mut rooms, mut step) = (Vec::new(), limit.clamp(MIN_STEP, MAX_STEP));
        loop {
            let call = range(self.keys.rooms(), from, to.clone(), step);
            let names: Vec<Vec<u8>> = self.read_one(call).await?;
            rooms.extend(self.counted(&names).await?);
            let Some(last) = names.last().filter(|_| rooms.len() < limit && names.len() == step) else {
                rooms.truncate(limit);
                return Ok(rooms);
            };
            from = [b"(", &last[..]].concat();
            step = (step * 2).min(MAX_STEP);
        }
    }

    /// The rooms with the most sessions. The selection may lag; the counts are exact.
    pub async fn busiest(&self, limit: usize) -> Result<Busiest> {
        let sizes = Call::plain("ZREVRANGE", self.keys.rooms_by_size()).arg(0).arg(limit + EXTRA_ROOMS - 1);
        let sizes = sizes.arg("WITHSCORES");
        let mut values =
            self.shards.call_all(&Role::Pooled, &[sizes, Call::plain("ZCARD", self.keys.rooms())]).await;
        let total = parsed_if_ours(values.pop().unwrap_or(Ok(Value::Nil)))?;
        let sizes: Vec<(Vec<u8>, f64)> = parsed_if_ours(values.pop().unwrap_or(Ok(Value::Nil)))?;
        let sizes = sizes.iter().filter_map(|(name, size)| Some((room(name)?, *size)));
        let (rooms, sizes): (Vec<RoomName>, Vec<f64>) = sizes.unzip();
        let counts = self.counts(&rooms).await?;
        let stale = rooms.iter().zip(&counts).zip(sizes).filter(|((_, count), size)| **count as f64 != *size);
        self.sizes.measure(stale.map(|((room, _), _)| room));
        let mut rooms: Vec<RoomCount> = occupied(rooms, counts).collect();
        rooms.sort_by(|one, other| {
            other.client_count.cmp(&one.client_count).then_with(|| one.room.cmp(&other.room))
        });
        rooms.truncate(limit);
        Ok(Busiest { rooms, total })
    }

    pub async fn room_count(&self) -> Result<u64> {
        let call = Call::plain("ZCARD", self.keys.rooms());
        parsed_if_ours(self.shards.call(&Role::Pooled, call).await)
    }

    /// The occupied rooms, in order.
    async fn counted(&self, names: &[Vec<u8>]) -> Result<impl Iterator<Item = RoomCount>> {
        let rooms: Vec<RoomName> = names.iter().filter_map(|name| room(name)).collect();
        let counts = self.counts(&rooms).await?;
        Ok(occupied(rooms, counts))
    }

    pub async fn counts(&self, rooms: &[RoomName]) -> Result<Vec<u64>> {
        let call = |room: &RoomName| Call::plain("ZCARD", self.keys.members(room));
        let values = self.read(rooms.iter().map(call).collect()).await?;
        values.into_iter().map(parsed_if_ours).collect()
    }

    /// Unreadable entries are counted as sessions, and skipped, so a page may take several steps. But a room
    /// without any session, of whatever version, is empty.
    pub async fn members(
        &self,
        room: &RoomName,
        after: Option<MemberPosition>,
        limit: usize,
    ) -> Result<MemberPage> {
        let key = self.keys.members(room);
        let mut from = after.map_or_else(|| b"-".to_vec(), |last| entry::after(last.node, last.connection));
        let (mut found, mut step): (Vec<Entry>, usize) = (Vec::new(), limit + 1);
        let mut has_sessions = after.is_some();
        loop {
            let count = Call::plain("ZCARD", key.clone());
            let mut values = self.read(vec![count, range(key.clone(), from, b"+".to_vec(), step)]).await?;
            let entries: Vec<Vec<u8>> = parsed_if_ours(values.pop().unwrap_or(Ok(Value::Nil)))?;
            let client_count = parsed_if_ours(values.pop().unwrap_or(Ok(Value::Nil)))?;
            found.extend(entries.iter().filter_map(|entry| read_entry(entry)));
            has_sessions |= entries.iter().any(|entry| entry::is_session(entry));
            let Some(last) = entries.last().filter(|_| found.len() <= limit && entries.len() == step) else {
                return Ok(page(if has_sessions { client_count } else { 0 }, found, limit));
            };
            from = [b"(", &last[..]].concat();
            step = (step * 2).clamp(MIN_STEP, MAX_STEP);
        }
    }

    async fn read_one<T: redis::FromRedisValue + Default>(&self, call: Call) -> Result<T> {
        parsed_if_ours(self.read(vec![call]).await?.pop().unwrap_or(Ok(Value::Nil)))
    }

    /// Reads, and checks that membership is complete. The generation must be read *after* the data: then no loss
    /// before the reading of the data goes unnoticed.
    async fn read(&self, mut calls: Vec<Call>) -> Result<Vec<Result<Value>>> {
        let generation = generation(&self.keys);
        let mut values = if self.shards.is_cluster() {
            let mut values = self.shards.call_all(&Role::Pooled, &calls).await;
            values.push(self.shards.call(&Role::Pooled, generation).await);
            values
        } else {
            calls.push(generation);
            self.shards.call_all(&Role::Pooled, &calls).await
        };
        let generation: Option<Vec<u8>> = parsed(values.pop().unwrap_or(Ok(Value::Nil))?)?;
        let generation = generation.as_deref().map(String::from_utf8_lossy);
        self.data_generation.ensure_complete(generation.as_deref())?;
        Ok(values)
    }
}

/// Reads the generation of Redis.
pub fn generation(keys: &Keys) -> Call {
    Call::plain("HGET", keys.clock()).arg("generation")
}

/// `count` entries of a sorted set between two bounds of ZRANGEBYLEX.
fn range(key: String, from: Vec<u8>, to: Vec<u8>, count: usize) -> Call {
    Call::plain("ZRANGEBYLEX", key).bytes(from).bytes(to).arg("LIMIT").arg(0).arg(count)
}

fn occupied(rooms: Vec<RoomName>, counts: Vec<u64>) -> impl Iterator<Item = RoomCount> {
    let counted = rooms.into_iter().zip(counts).filter(|(_, client_count)| *client_count > 0);
    counted.map(|(room, client_count)| RoomCount { room, client_count })
}

/// A name in the index of rooms.
pub fn room(name: &[u8]) -> Option<RoomName> {
    let name = std::str::from_utf8(name).inspect_err(|_| count_unreadable(Unreadable::RoomName, 1)).ok()?;
    Some(RoomName::from_trusted(name))
}

/// Decodes an entry, and counts an unreadable one.
pub fn read_entry(entry: &[u8]) -> Option<Entry> {
    let read = entry::decode(entry);
    if read.is_none() {
        count_unreadable(Unreadable::Member, 1);
    }
    read
}

/// A page of what was read, which may be longer.
fn page(client_count: u64, mut found: Vec<Entry>, limit: usize) -> MemberPage {
    let has_more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| has_more);
    let next = last.map(|Entry { node, member }| MemberPosition { node: *node, connection: member.id });
    MemberPage { client_count, members: found.into_iter().map(|entry| entry.member).collect(), next }
}
