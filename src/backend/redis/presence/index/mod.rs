//! Indexes outside of the rooms' slots: the rooms of each node, the occupied rooms, and the schedule of leave
//! notices. No answer counts their entries; they say which rooms to read. The index of occupied rooms is public, so private rooms
//! are not in it.

pub mod sizes;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use redis::Value;

use self::sizes::Sizes;
use crate::backend::Result;
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::{CLOCK, MEMBERSHIPS};
use crate::backend::redis::topology::Shards;
use crate::model::{NodeId, RoomName};

/// Adds rooms to a node's list.
static NODE_ROOMS_ADD: Script = Script::new(Memory::Grows, &[TYPES, include_str!("node_rooms_add.lua")]);

/// The same for sessions that are restored.
static NODE_ROOMS_ADD_BACK: Script =
    Script::new(Memory::Spares, &[TYPES, include_str!("node_rooms_add.lua")]);

static ADD: Script = Script::new(Memory::Spares, &[TYPES, include_str!("add.lua")]);

static REMOVE: Script = Script::new(Memory::Spares, &[TYPES, include_str!("remove.lua")]);

static SCHEDULE_LEAVES: Script = Script::new(Memory::Spares, &[CLOCK, include_str!("schedule_leaves.lua")]);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] =
    &[&NODE_ROOMS_ADD, &NODE_ROOMS_ADD_BACK, &ADD, &REMOVE, &SCHEDULE_LEAVES, &sizes::RESIZE];

/// The indexes in Redis; a cheap handle.
#[derive(Debug, Clone)]
pub struct Index {
    keys: Keys,
    shards: Arc<Shards>,
    sizes: Sizes,
}

/// A pending leave notice.
#[derive(Debug)]
pub struct PendingLeave {
    pub room: RoomName,
    pub user: String,
    /// Distinguishes it from the next one of the same user in the same room.
    pub token: String,
}

/// Updates of the indexes after changes of rooms.
#[derive(Debug, Default)]
pub struct IndexUpdates {
    /// Pending leave notices to schedule.
    pub due: Vec<PendingLeave>,
    /// Rooms that have become empty.
    pub empty: Vec<RoomName>,
    /// Rooms in which the node has no sessions any more.
    pub gone: Vec<RoomName>,
}

impl IndexUpdates {
    /// Adds the reply of `restore.lua` or `reap.lua` for a room. Returns the number of sessions added or removed.
    pub fn record(&mut self, room: &RoomName, value: Value) -> Result<u64> {
        let fields: Vec<Vec<u8>> = parsed(value)?;
        let mut fields = fields.iter().map(|field| String::from_utf8_lossy(field));
        let mut number = || fields.next().and_then(|field| field.parse().ok()).unwrap_or(0);
        let (changed, count): (u64, u64) = (number(), number());
        if count == 0 {
            self.empty.push(room.clone());
        }
        while let (Some(user), Some(token)) = (fields.next(), fields.next()) {
            self.due.push(PendingLeave {
                room: room.clone(),
                user: user.into_owned(),
                token: token.into_owned(),
            });
        }
        Ok(changed)
    }
}

/// The servers that answered for no room of a batch, by name. A suspended server costs a whole
/// `redis.command_timeout`; a pass over many rooms waits for it once.
#[derive(Debug, Default)]
pub struct UnresponsiveServers(HashSet<Option<String>>);

impl UnresponsiveServers {
    pub fn has(&self, server: &Option<String>) -> bool {
        self.0.contains(server)
    }

    /// Records the server of each room in a batch, and whether it answered.
    pub fn record(&mut self, answers: impl Iterator<Item = (Option<String>, bool)>) {
        let mut has_answered = HashMap::new();
        for (server, answered) in answers {
            *has_answered.entry(server).or_insert(false) |= answered;
        }
        self.0.extend(has_answered.into_iter().filter(|(_, answered)| !answered).map(|(server, _)| server));
    }
}

impl Index {
    pub fn new(keys: Keys, shards: Arc<Shards>, sizes: Sizes) -> Self {
        Self { keys, shards, sizes }
    }

    /// Marks rooms that sessions have entered or left.
    pub fn measure<'a>(&self, rooms: impl IntoIterator<Item = &'a RoomName>) {
        self.sizes.measure(rooms.into_iter().filter(|room| !room.is_private()));
    }

    /// Adds rooms to a node's list, before its sessions enter.
    pub async fn add_node_rooms(&self, node: NodeId, rooms: &[&RoomName]) -> Result<()> {
        self.call_node_rooms_add(&NODE_ROOMS_ADD, node, rooms).await
    }

    /// The same before sessions are restored, which is also allowed at the memory limit.
    pub async fn add_node_rooms_back(&self, node: NodeId, rooms: &[&RoomName]) -> Result<()> {
        self.call_node_rooms_add(&NODE_ROOMS_ADD_BACK, node, rooms).await
    }

    async fn call_node_rooms_add(
        &self,
        script: &'static Script,
        node: NodeId,
        rooms: &[&RoomName],
    ) -> Result<()> {
        if rooms.is_empty() {
            return Ok(());
        }
        let keys = [self.keys.node_rooms(&node.to_string()), self.keys.nodes()];
        let call = rooms.iter().fold(Call::new(script, keys).arg(node), |call, room| call.arg(room));
        self.shards.call(&MEMBERSHIPS, call).await.map(drop)
    }

    /// Removes rooms from the list of a node, which may be dead.
    pub async fn remove_node_rooms(&self, node: NodeId, rooms: &[RoomName]) -> Result<()> {
        if rooms.is_empty() {
            return Ok(());
        }
        let call = Call::plain("SREM", self.keys.node_rooms(&node.to_string()));
        let call = rooms.iter().fold(call, |call, room| call.arg(room));
        self.shards.call(&MEMBERSHIPS, call).await.map(drop)
    }

    /// Adds rooms to the index after sessions have entered, before the sessions are answered.
    pub async fn add_rooms<'a>(&self, rooms: impl Iterator<Item = &'a RoomName>) -> Result<()> {
        let mut rooms: Vec<&RoomName> = rooms.filter(|room| !room.is_private()).collect();
        rooms.sort_unstable();
        rooms.dedup();
        if rooms.is_empty() {
            return Ok(());
        }
        let call = Call::new(&ADD, [self.keys.rooms(), self.keys.room_versions()]);
        let call = rooms.iter().fold(call, |call, room| call.arg(room));
        self.shards.call(&MEMBERSHIPS, call).await.map(drop)
    }

    /// Removes rooms from the index that are still empty. A session that enters concurrently raises the room's
    /// version after it has entered. So either its entry is seen in the room here, or the version differs from the
    /// one that was read before.
    pub async fn remove_empty_rooms(&self, rooms: &[RoomName]) -> Result<()> {
        let rooms: Vec<&RoomName> = rooms.iter().filter(|room| !room.is_private()).collect();
        if rooms.is_empty() {
            return Ok(());
        }
        let ask =
            rooms.iter().fold(Call::plain("HMGET", self.keys.room_versions()), |call, room| call.arg(room));
        let room_versions: Vec<Option<Vec<u8>>> = parsed_if_ours(self.shards.call(&MEMBERSHIPS, ask).await)?;
        let counts: Vec<Call> =
            rooms.iter().map(|room| Call::plain("ZCARD", self.keys.members(room))).collect();
        let mut remove = Call::new(&REMOVE, [self.keys.rooms(), self.keys.room_versions()]);
        let counts = self.shards.call_all(&MEMBERSHIPS, &counts).await;
        let room_versions = room_versions.into_iter().chain(std::iter::repeat(None));
        for ((room, version), count) in rooms.iter().zip(room_versions).zip(counts) {
            if parsed_if_ours::<u64>(count)? == 0 {
                remove = remove.arg(room).bytes(version.unwrap_or_default());
            }
        }
        self.shards.call(&MEMBERSHIPS, remove).await.map(drop)
    }

    /// Schedules leave notices in `leave_grace_ms`. An entry that is scheduled already keeps its time.
    pub async fn schedule_leaves(&self, due: &[PendingLeave], leave_grace_ms: u128) -> Result<()> {
        if due.is_empty() {
            return Ok(());
        }
        let call =
            Call::new(&SCHEDULE_LEAVES, [self.keys.leave_schedule(), self.keys.clock()]).arg(leave_grace_ms);
        let entry = |call: Call, PendingLeave { room, user, token }: &PendingLeave| {
            call.arg(format_args!("{token} {user} {room}"))
        };
        self.shards.call(&MEMBERSHIPS, due.iter().fold(call, entry)).await.map(drop)
    }

    /// Removes leave notices from the schedule.
    pub async fn complete_leaves(&self, sent: &[&str]) -> Result<()> {
        if sent.is_empty() {
            return Ok(());
        }
        let call =
            sent.iter().fold(Call::plain("ZREM", self.keys.leave_schedule()), |call, entry| call.arg(entry));
        self.shards.call(&MEMBERSHIPS, call).await.map(drop)
    }
}
