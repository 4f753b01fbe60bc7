//! Sessions that nobody looks after. Each shard of a Redis Cluster may fall back by itself, to what its
//! replica had or to an older file. Then sessions stand in its rooms again whose node was forgotten long
//! ago, or lives and has left the room; and that node's list of rooms, which is in another shard, names
//! them no more. So once in each generation one node goes through all rooms, and puts what it finds back
//! on the lists. It takes nobody out: reapers do, and the living themselves.

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

/// Keys that Redis looks at in one step: it does nothing else meanwhile.
const STEP: usize = 512;

/// Rooms whose sessions are looked at together, at most.
const GROUP: usize = 64;

/// Goes through all rooms.
#[derive(Debug, Clone)]
pub struct Sweeper {
    node: NodeId,
    keys: Keys,
    shards: Arc<Shards>,
    lease_ms: u128,
    /// The generation of which a failure was told last: an outage is told once.
    told: Arc<Mutex<String>>,
}

impl Sweeper {
    pub fn new(node: NodeId, keys: Keys, shards: Arc<Shards>, settings: &Settings) -> Self {
        Self { node, keys, shards, lease_ms: settings.lease.as_millis(), told: Arc::default() }
    }

    /// Goes through all rooms, unless another node is at it. If that one fails or dies half-way, its claim
    /// runs out, and as long as the generation does not count as swept, the next to renew begins anew.
    pub async fn sweep(self, generation: String) {
        let Err(error) = self.sweep_all(&generation).await else { return };
        let error = error.root_cause();
        if self.is_told(generation) {
            debug!(error, "sweep failed again");
        } else {
            warn!(error, "sweep for orphaned sessions failed; retrying");
        }
    }

    /// Whether a failure in this generation was told before. From now on it was.
    fn is_told(&self, generation: String) -> bool {
        let mut told = self.told.lock().expect("no code panics while it holds this lock");
        let is_told = *told == generation;
        *told = generation;
        is_told
    }

    async fn sweep_all(&self, generation: &str) -> Result<()> {
        if !self.claim("").await? {
            return Ok(());
        }
        let map = self.shards.map();
        let (mut strays, mut outcome) = (0, Ok(()));
        for server in map.servers() {
            let Some(tag) = map.hash_tag_for(&server) else { continue };
            // Goes on past one that does not answer; with it all is gone through again.
            match self.sweep_server(&tag).await {
                Ok(found) => strays += found,
                Err(error) => outcome = Err(error),
            }
        }
        if strays > 0 {
            warn!(rooms = strays, "found orphaned sessions; scheduled for removal");
        }
        outcome?;
        // What has moved meanwhile may have been at neither place when it was looked for there.
        if !self.shards.map().same_layout(&map) {
            return Err(BackendError::Unavailable("slots have moved meanwhile".into()));
        }
        self.claim(generation).await?;
        debug!(generation, "swept all rooms");
        Ok(())
    }

    /// Whether this node is to go through the rooms; it says so again as it goes on. `done_in` is the generation in
    /// which it has, empty until then. If the claim runs out, two sweep at once: that does it twice, and no harm.
    async fn claim(&self, done_in: &str) -> Result<bool> {
        let call = Call::new(&SWEEP, [self.keys.clock(), self.keys.sweeper()]);
        let call = call.arg(self.node).arg(self.lease_ms).arg(done_in);
        Ok(parsed::<u8>(self.shards.call(&MEMBERSHIPS, call).await?)? == 1)
    }

    /// The server that has `tag`. What enters a room while it is gone through is on its node's list.
    async fn sweep_server(&self, tag: &str) -> Result<u64> {
        let (mut cursor, mut strays) = ("0".to_owned(), 0);
        loop {
            let scan = Call::beside("SCAN", tag.to_owned()).arg(&cursor);
            let scan = scan.arg("MATCH").arg(self.keys.all_members()).arg("COUNT").arg(STEP);
            let scan = scan.arg("TYPE").arg("zset");
            let (next, keys): (String, Vec<Vec<u8>>) = parsed(self.shards.call(&Role::Pooled, scan).await?)?;
            let room_of = |key: &Vec<u8>| self.keys.room_of_members(std::str::from_utf8(key).ok()?);
            let rooms: Vec<RoomName> = keys.iter().filter_map(room_of).collect();
            for rooms in rooms.chunks(GROUP) {
                strays += self.look_after(rooms).await?;
            }
            if next == "0" {
                return Ok(strays);
            }
            cursor = next;
            self.claim("").await?;
        }
    }

    /// Sees to it that every session in these rooms can be found by the list of its node. Returns how
    /// many lists lacked a room.
    async fn look_after(&self, rooms: &[RoomName]) -> Result<u64> {
        let rooms = self.unlisted(self.occupants(rooms).await?).await?;
        let mut strays = 0;
        // Who was leaving just now was first out of the room, then off the list: it is gone by now.
        for (node, rooms) in self.occupants(&rooms).await? {
            let keys = [self.keys.node_rooms(&node.to_string()), self.keys.nodes(), self.keys.restored()];
            let call = Call::new(&RELIST, keys).arg(node);
            let call = rooms.iter().fold(call, |call, room| call.arg(room));
            strays += parsed::<u64>(self.shards.call(&MEMBERSHIPS, call).await?)?;
        }
        Ok(strays)
    }

    /// The nodes that have sessions in these rooms, and where.
    async fn occupants(&self, rooms: &[RoomName]) -> Result<Occupants> {
        let call = |room: &RoomName| Call::new(&NODE_IDS, [self.keys.members(room)]);
        let calls: Vec<Call> = rooms.iter().map(call).collect();
        let mut occupants = Occupants::new();
        for (room, value) in rooms.iter().zip(self.shards.call_all(&Role::Pooled, &calls).await) {
            let (nodes, skipped): (Vec<Vec<u8>>, u64) = parsed(value?)?;
            count_unreadable(Unreadable::Member, skipped);
            for node in nodes {
                let node =
                    Uuid::from_slice(&node).map_err(|error| BackendError::Unavailable(error.into()))?;
                occupants.entry(NodeId(node)).or_default().push(room.clone());
            }
        }
        Ok(occupants)
    }

    /// Those of the rooms in which a node has sessions without its list's saying so, or without the node's
    /// being known. Asked *after* the rooms: a node is made known, and the room put on its list, before
    /// anybody enters it (`node_rooms_add.lua`), so whoever was seen there rightly is found here.
    async fn unlisted(&self, occupants: Occupants) -> Result<Vec<RoomName>> {
        let asked = occupants.iter().flat_map(|(node, rooms)| {
            let listed = Call::plain("SMISMEMBER", self.keys.node_rooms(&node.to_string()));
            [
                Call::plain("ZSCORE", self.keys.nodes()).arg(node),
                rooms.iter().fold(listed, |call, room| call.arg(room)),
            ]
        });
        let calls: Vec<Call> = asked.collect();
        let mut values = self.shards.call_all(&Role::Pooled, &calls).await.into_iter();
        let mut unlisted = Vec::new();
        for rooms in occupants.into_values() {
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
type Occupants = BTreeMap<NodeId, Vec<RoomName>>;
