//! Who is in which room: sets of sessions, each tagged with its node. Read here; `registry.rs` writes.

use std::sync::Arc;

use redis::Value;
use sha1::{Digest, Sha1};
use tracing::debug;

use super::generation::Generations;
use super::keys::Keys;
use super::reason;
use super::scripts::{Call, Script};
use super::server::{Lane, parsed};
use super::shards::Shards;
use crate::backend::{Comparison, Membership, Result, RoomCount};
use crate::model::{ConnectionId, Member, NodeId, RoomName, UserId, Username};

/// The rooms' members in Redis, as every node sees them.
#[derive(Debug, Clone)]
pub(super) struct Presence {
    keys: Keys,
    shards: Arc<Shards>,
    generations: Generations,
}

impl Presence {
    pub(super) fn new(keys: Keys, shards: Arc<Shards>, generations: Generations) -> Self {
        Self { keys, shards, generations }
    }

    /// Reads the whole index for a page: the order by name is the client's, and a Redis set has none.
    pub(super) async fn rooms(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RoomCount>> {
        let mut names: Vec<String> = self.read_set(self.keys.rooms()).await?;
        names.retain(|name| name.starts_with(prefix) && after.is_none_or(|after| name.as_str() > after));
        names.sort_unstable();
        let mut rooms = Vec::new();
        for names in names.chunks(limit.max(1)) {
            let names: Vec<RoomName> = names.iter().map(|name| RoomName::from_trusted(name)).collect();
            let counts = self.counts(&names).await?;
            let counted = names.into_iter().zip(counts);
            let occupied = counted.filter(|(_, client_count)| *client_count > 0);
            rooms.extend(occupied.map(|(room, client_count)| RoomCount { room, client_count }));
            // A room may have emptied since the index was read; the page is filled all the same.
            if rooms.len() >= limit {
                break;
            }
        }
        rooms.truncate(limit);
        Ok(rooms)
    }

    pub(super) async fn counts(&self, rooms: &[RoomName]) -> Result<Vec<u64>> {
        let call = |room: &RoomName| Call::plain("SCARD", self.keys.members(room));
        let values = self.read_vouched(rooms.iter().map(call).collect()).await?;
        values.into_iter().map(parsed).collect()
    }

    pub(super) async fn members(
        &self,
        room: &RoomName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(u64, Vec<Member>)> {
        let entries: Vec<String> = self.read_set(self.keys.members(room)).await?;
        let mut members: Vec<Member> = entries.iter().filter_map(|entry| read_entry(entry)).collect();
        let count = members.len() as u64;
        members.retain(|member| after.is_none_or(|after| member.id.to_string().as_str() > after));
        members.sort_unstable();
        members.truncate(limit);
        Ok((count, members))
    }

    // --- comparing ---

    /// Compares this node's share of rooms with what the node holds.
    pub(super) async fn compare(&self, node: NodeId, membership: &Membership) -> Comparison {
        let call = |(room, members): (&RoomName, &Vec<Member>)| {
            let sum = members.iter().map(|member| digest(&entry(node, member))).fold(0, u64::wrapping_add);
            Call::new(Script::Digest, [self.keys.members(room)])
                .arg(node)
                .arg(members.len())
                .arg(sum & DIGEST_MASK)
        };
        let calls: Vec<Call> = membership.iter().map(call).collect();
        let values = self.shards.call_all(Lane::Watches, &calls).await;
        let mut comparison = Comparison::default();
        for (room, value) in membership.keys().zip(values) {
            match value.and_then(parsed::<u8>) {
                Ok(is_same) => comparison.add(room, is_same == 1),
                Err(error) => debug!(error = %reason(&error), room = %room, "Can't compare a room now"),
            }
        }
        comparison
    }

    /// Those of a node's rooms that are not in the index, or not in the node's own list.
    pub(super) async fn unlisted(&self, node: NodeId, rooms: &[RoomName]) -> Result<Vec<RoomName>> {
        let mut unlisted = Vec::new();
        for rooms in rooms.chunks(LISTED) {
            let lists = [self.keys.rooms(), self.keys.node_rooms(&node.to_string())];
            let calls = lists
                .map(|list| rooms.iter().fold(Call::plain("SMISMEMBER", list), |call, room| call.arg(room)));
            let mut is_listed = vec![true; rooms.len()];
            for value in self.shards.call_all(Lane::Watches, &calls).await {
                let flags: Vec<bool> = parsed(value?)?;
                is_listed.iter_mut().zip(flags).for_each(|(is_listed, flag)| *is_listed &= flag);
            }
            let missing = rooms.iter().zip(is_listed).filter(|(_, is_listed)| !is_listed);
            unlisted.extend(missing.map(|(room, _)| room.clone()));
        }
        Ok(unlisted)
    }

    async fn read_set(&self, key: String) -> Result<Vec<String>> {
        let mut values = self.read_vouched(vec![Call::plain("SMEMBERS", key)]).await?;
        parsed(values.pop().unwrap_or(Value::Nil))
    }

    /// Reads, and makes sure that nothing was missing. The generation must be asked for *after* what
    /// it vouches for: then nothing can have been forgotten before the reading that the answer does
    /// not show.
    async fn read_vouched(&self, mut calls: Vec<Call>) -> Result<Vec<Value>> {
        let generation = generation(&self.keys);
        let mut values = if self.shards.is_cluster() {
            let mut values = self.shards.call_all(Lane::Reads, &calls).await;
            values.push(self.shards.call(Lane::Reads, generation).await);
            values
        } else {
            calls.push(generation);
            self.shards.call_all(Lane::Reads, &calls).await
        };
        let generation: Option<String> = match values.pop() {
            Some(value) => parsed(value?)?,
            None => None,
        };
        let values = values.into_iter().collect::<Result<Vec<Value>>>()?;
        self.generations.vouch(generation.as_deref())?;
        Ok(values)
    }
}

/// Asks for the generation that Redis is in.
pub(super) fn generation(keys: &Keys) -> Call {
    Call::plain("HGET", keys.clock()).arg("generation")
}

/// How a session stands in the members of a room.
pub(super) fn entry(node: NodeId, member: &Member) -> String {
    format!("{node} {} {} {}", member.id, member.user_id, member.username)
}

/// Rooms that a list is asked about at once, at most.
const LISTED: usize = 512;

/// Modulo 2^48, as `digest.lua` counts.
const DIGEST_MASK: u64 = (1 << 48) - 1;

/// What stands for an entry in a sum.
fn digest(entry: &str) -> u64 {
    let hash = Sha1::digest(entry.as_bytes());
    hash.iter().take(6).fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

/// A session of whatever node.
pub(super) fn read_entry(entry: &str) -> Option<Member> {
    let mut words = entry.splitn(4, ' ').skip(1);
    Some(Member {
        id: ConnectionId::parse(words.next()?)?,
        user_id: UserId::parse(words.next()?)?,
        username: Username::from_trusted(words.next()?),
    })
}
