//! Compares Redis' entries of this node with its sessions, by digest. Redis reads the node's entries of a room, and
//! answers with one digit.

use std::collections::BTreeMap;
use std::sync::Arc;

use redis::Value;
use sha1::{Digest, Sha1};
use tracing::debug;

use crate::backend::Result;
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::script::{Memory, Script};
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::{SHARE, entry};
use crate::backend::redis::topology::Shards;
use crate::model::{Member, NodeId, RoomName};

pub static DIGEST: Script = Script::new(Memory::Untouched, &[SHARE, include_str!("digest.lua")]);

/// Maximum number of rooms in one query of a list.
const ROOMS_PER_QUERY: usize = 512;

/// Digests are modulo 2^48, as in `digest.lua`.
const DIGEST_MASK: u64 = (1 << 48) - 1;

/// A node's own sessions by room.
pub type Membership = BTreeMap<RoomName, Vec<Member>>;

/// The result of a comparison. An unreachable room is in neither list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Rooms whose entries are equal.
    pub same: Vec<RoomName>,
    /// Rooms whose entries differ.
    pub differing: Vec<RoomName>,
}

/// Compares the entries of one node.
#[derive(Debug, Clone)]
pub struct Comparer {
    node: NodeId,
    keys: Keys,
    shards: Arc<Shards>,
    /// The role of the connection whose reads Redis tracks.
    role: Role,
}

impl Comparer {
    pub fn new(node: NodeId, keys: Keys, shards: Arc<Shards>, role: Role) -> Self {
        Self { node, keys, shards, role }
    }

    /// Compares this node's entries in rooms with its sessions. A concurrent enter or leave shows as a difference.
    /// From now on Redis reports changes of these rooms ([`super::tracking`]).
    pub async fn compare(&self, membership: &Membership) -> Comparison {
        let call = |(room, members): (&RoomName, &Vec<Member>)| {
            let digests = members.iter().map(|member| digest(&entry::encode(self.node, member)));
            let sum = digests.fold(0, u64::wrapping_add);
            Call::new(&DIGEST, [self.keys.members(room)])
                .bytes(self.node.0.as_bytes())
                .arg(members.len())
                .arg(sum & DIGEST_MASK)
        };
        let calls: Vec<Call> = membership.iter().map(call).collect();
        let values = self.shards.call_all(&self.role, &calls).await;
        let mut comparison = Comparison::default();
        for (room, value) in membership.keys().zip(values) {
            match value.and_then(parsed::<u8>) {
                Ok(1) => comparison.same.push(room.clone()),
                Ok(_) => comparison.differing.push(room.clone()),
                Err(error) => debug!(error = error.root_cause(), room = %room, "could not compare a room"),
            }
        }
        comparison
    }

    /// This node's rooms that are missing in the index or on the node's list. An index in which another program has
    /// set scores is out of order: then the first room is returned, too, and its resync repairs the scores.
    pub async fn unlisted(&self, rooms: &[RoomName]) -> Result<Vec<RoomName>> {
        let mut unlisted = Vec::new();
        for (at, rooms) in rooms.chunks(ROOMS_PER_QUERY).enumerate() {
            let (index, own) = (self.keys.rooms(), self.keys.node_rooms(&self.node.to_string()));
            let ask = |name: &str, list: &String| {
                rooms.iter().fold(Call::plain(name, list.clone()), |call, room| call.arg(room))
            };
            let in_order = Call::plain("ZCOUNT", index.clone()).arg(0).arg(0);
            let all = Call::plain("ZCARD", index.clone());
            let calls = [ask("ZMSCORE", &index), ask("SMISMEMBER", &own), in_order, all];
            let values = self.shards.call_all(&self.role, &calls).await;
            let [indexed, listed, in_order, all]: [Result<Value>; 4] =
                values.try_into().expect("one value for each call");
            let indexed: Vec<Option<f64>> = parsed_if_ours(indexed)?;
            let listed: Vec<bool> = parsed_if_ours(listed)?;
            let is_disordered = parsed_if_ours::<u64>(in_order)? != parsed_if_ours::<u64>(all)?;
            let is_listed = |place: usize| {
                let is_indexed = indexed.get(place).is_some_and(Option::is_some);
                is_indexed && listed.get(place) == Some(&true)
            };
            let missing = |place: &usize| !is_listed(*place) || is_disordered && (at, *place) == (0, 0);
            unlisted.extend((0..rooms.len()).filter(missing).map(|place| rooms[place].clone()));
        }
        Ok(unlisted)
    }
}

/// The digest of an entry.
fn digest(entry: &[u8]) -> u64 {
    let hash = Sha1::digest(entry);
    hash.iter().take(6).fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}
