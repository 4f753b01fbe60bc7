//! The sweep for orphaned sessions. Each shard of a Redis Cluster may fall back by itself, to the data of its
//! replica or of an older file. Then its rooms have sessions again whose node was reaped long ago, or is living and
//! has left the room. The node's list of rooms is in another shard and does not name these rooms. So once in each
//! generation one node scans all rooms, and puts the rooms that it finds back on the lists. The sweep removes no
//! sessions: reapers do, and the living nodes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tracing::{debug, warn};
use uuid::Uuid;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::{CLOCK, MEMBERSHIPS, SHARE};
use crate::backend::redis::topology::Shards;
use crate::backend::{BackendError, Result};
use crate::config::Presence as Settings;
use crate::model::{NodeId, RoomName};
use crate::telemetry::{Unreadable, count_unreadable};

static SWEEP: Script = Script::new(Memory::Spares, &[CLOCK, include_str!("sweep.lua")]);

static NODE_IDS: Script = Script::new(Memory::Untouched, &[SHARE, include_str!("node_ids.lua")]);

static RELIST: Script = Script::new(Memory::Spares, &[TYPES, include_str!("relist.lua")]);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&SWEEP, &NODE_IDS, &RELIST];

/// Keys that SCAN visits in one step; Redis serves no other command meanwhile.
const SCAN_COUNT: usize = 512;

/// Maximum number of rooms in one pipeline.
const ROOMS_PER_PIPELINE: usize = 64;

/// Scans all rooms.
#[derive(Debug, Clone)]
pub struct Sweeper {
    node: NodeId,
    keys: Keys,
    shards: Arc<Shards>,
    lease_ms: u128,
    /// The generation in which a failure was last logged: an outage is logged once.
    logged_in: Arc<Mutex<String>>,
}

impl Sweeper {
    pub fn new(node: NodeId, keys: Keys, shards: Arc<Shards>, settings: &Settings) -> Self {
        Self { node, keys, shards, lease_ms: settings.lease.as_millis(), logged_in: Arc::default() }
    }

    /// Scans all rooms, unless another node does. If that node fails or dies, its claim expires. The generation is
    /// then not marked as swept, so the next node that renews starts again.
    pub async fn sweep(self, generation: String) {
        let Err(error) = self.sweep_all(&generation).await else { return };
        let error = error.root_cause();
        if self.is_logged(generation) {
            debug!(error, "sweep failed again");
        } else {
            warn!(error, "sweep for orphaned sessions failed; retrying");
        }
    }

    /// Whether a failure in this generation was logged before. Marks it as logged.
    fn is_logged(&self, generation: String) -> bool {
        let mut logged_in = self.logged_in.lock().expect("no code panics while it holds this lock");
        let is_logged = *logged_in == generation;
        *logged_in = generation;
        is_logged
    }

    async fn sweep_all(&self, generation: &str) -> Result<()> {
        if !self.claim("").await? {
            return Ok(());
        }
        let map = self.shards.map();
        let (mut orphans, mut outcome) = (0, Ok(()));
        for server in map.servers() {
            let Some(tag) = map.hash_tag_for(&server) else { continue };
            // Continues after an unreachable server; the whole sweep is repeated for it.
            match self.sweep_server(&tag).await {
                Ok(found) => orphans += found,
                Err(error) => outcome = Err(error),
            }
        }
        if orphans > 0 {
            warn!(rooms = orphans, "found orphaned sessions; scheduled for removal");
        }
        outcome?;
        // A slot that has moved during the sweep may have been missed at both servers.
        if !self.shards.map().same_layout(&map) {
            return Err(BackendError::Unavailable("slots have moved meanwhile".into()));
        }
        self.claim(generation).await?;
        debug!(generation, "swept all rooms");
        Ok(())
    }

    /// Claims or renews the sweep for this node. `done_in` is the generation to mark as swept, empty while the
    /// sweep runs. If the claim expires, two nodes may sweep at once, which is harmless.
    async fn claim(&self, done_in: &str) -> Result<bool> {
        let call = Call::new(&SWEEP, [self.keys.clock(), self.keys.sweeper()]);
        let call = call.arg(self.node).arg(self.lease_ms).arg(done_in);
        Ok(parsed::<u8>(self.shards.call(&MEMBERSHIPS, call).await?)? == 1)
    }

    /// Scans the server that has `tag`. A session that enters a room during the scan is on its node's list.
    async fn sweep_server(&self, tag: &str) -> Result<u64> {
        let (mut cursor, mut orphans) = ("0".to_owned(), 0);
        loop {
            let scan = Call::beside("SCAN", tag.to_owned()).arg(&cursor);
            let scan = scan.arg("MATCH").arg(self.keys.all_members()).arg("COUNT").arg(SCAN_COUNT);
            let scan = scan.arg("TYPE").arg("zset");
            let (next, keys): (String, Vec<Vec<u8>>) = parsed(self.shards.call(&Role::Pooled, scan).await?)?;
            let room_of = |key: &Vec<u8>| self.keys.room_of_members(std::str::from_utf8(key).ok()?);
            let rooms: Vec<RoomName> = keys.iter().filter_map(room_of).collect();
            for rooms in rooms.chunks(ROOMS_PER_PIPELINE) {
                orphans += self.relist_rooms(rooms).await?;
            }
            if next == "0" {
                return Ok(orphans);
            }
            cursor = next;
            self.claim("").await?;
        }
    }

    /// Puts rooms back on the lists of the nodes that have sessions there. Returns the number of missing entries.
    async fn relist_rooms(&self, rooms: &[RoomName]) -> Result<u64> {
        let rooms = self.unlisted(self.rooms_by_node(rooms).await?).await?;
        let mut orphans = 0;
        // A leaving session is first removed from the room, then from the list: in a second read it is gone.
        for (node, rooms) in self.rooms_by_node(&rooms).await? {
            let keys = [self.keys.node_rooms(&node.to_string()), self.keys.nodes(), self.keys.restored()];
            let call = Call::new(&RELIST, keys).arg(node);
            let call = rooms.iter().fold(call, |call, room| call.arg(room));
            orphans += parsed::<u64>(self.shards.call(&MEMBERSHIPS, call).await?)?;
        }
        Ok(orphans)
    }

    /// The nodes that have sessions in these rooms, and where.
    async fn rooms_by_node(&self, rooms: &[RoomName]) -> Result<RoomsByNode> {
        let call = |room: &RoomName| Call::new(&NODE_IDS, [self.keys.members(room)]);
        let calls: Vec<Call> = rooms.iter().map(call).collect();
        let mut rooms_by_node = RoomsByNode::new();
        for (room, value) in rooms.iter().zip(self.shards.call_all(&Role::Pooled, &calls).await) {
            let (nodes, skipped): (Vec<Vec<u8>>, u64) = parsed(value?)?;
            count_unreadable(Unreadable::Member, skipped);
            for node in nodes {
                let node =
                    Uuid::from_slice(&node).map_err(|error| BackendError::Unavailable(error.into()))?;
                rooms_by_node.entry(NodeId(node)).or_default().push(room.clone());
            }
        }
        Ok(rooms_by_node)
    }

    /// The rooms that are missing on the list of a node with sessions there, or whose node is unknown. Must be read
    /// *after* the rooms: a node becomes known, and the room is put on its list, before a session enters
    /// (`node_rooms_add.lua`).
    async fn unlisted(&self, rooms_by_node: RoomsByNode) -> Result<Vec<RoomName>> {
        let asked = rooms_by_node.iter().flat_map(|(node, rooms)| {
            let listed = Call::plain("SMISMEMBER", self.keys.node_rooms(&node.to_string()));
            [
                Call::plain("ZSCORE", self.keys.nodes()).arg(node),
                rooms.iter().fold(listed, |call, room| call.arg(room)),
            ]
        });
        let calls: Vec<Call> = asked.collect();
        let mut values = self.shards.call_all(&Role::Pooled, &calls).await.into_iter();
        let mut unlisted = Vec::new();
        for rooms in rooms_by_node.into_values() {
            let (Some(renewed), Some(listed)) = (values.next(), values.next()) else { break };
            let is_known = parsed::<Option<String>>(renewed?)?.is_some();
            let listed: Vec<bool> = parsed_if_ours(listed)?;
            let listed = listed.into_iter().chain(std::iter::repeat(false));
            let missing = rooms.into_iter().zip(listed).filter(|(_, is_listed)| !(is_known && *is_listed));
            unlisted.extend(missing.map(|(room, _)| room));
        }
        unlisted.sort_unstable();
        unlisted.dedup();
        Ok(unlisted)
    }
}

/// Nodes, each with the rooms that it has sessions in.
type RoomsByNode = BTreeMap<NodeId, Vec<RoomName>>;
