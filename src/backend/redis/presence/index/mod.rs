//! What is noted of rooms outside their own slots: which rooms a node may be in, which are occupied,
//! and which leave notices fall due when. None of it is counted in an answer; it says where to look.

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

/// The same for sessions that are put back.
static NODE_ROOMS_ADD_BACK: Script =
    Script::new(Memory::Spares, &[TYPES, include_str!("node_rooms_add.lua")]);

static ADD: Script = Script::new(Memory::Spares, &[TYPES, include_str!("add.lua")]);

static REMOVE: Script = Script::new(Memory::Spares, &[TYPES, include_str!("remove.lua")]);

static SCHEDULE_LEAVES: Script = Script::new(Memory::Spares, &[CLOCK, include_str!("schedule_leaves.lua")]);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] =
    &[&NODE_ROOMS_ADD, &NODE_ROOMS_ADD_BACK, &ADD, &REMOVE, &SCHEDULE_LEAVES, &sizes::RESIZE];

/// The notes in Redis; a cheap handle.
#[derive(Debug, Clone)]
pub struct Index {
    keys: Keys,
    shards: Arc<Shards>,
    sizes: Sizes,
}

/// A leave notice that waits.
#[derive(Debug)]
pub struct Waiting {
    pub room: RoomName,
    pub user: String,
    /// Tells it from the next one of the same user in the same room.
    pub token: String,
}

/// What is left to note after rooms have changed.
#[derive(Debug, Default)]
pub struct Aftermath {
    /// Leave notices that wait.
    pub due: Vec<Waiting>,
    /// Rooms that were left without a session.
    pub empty: Vec<RoomName>,
    /// Rooms that the node in question is in no more.
    pub gone: Vec<RoomName>,
}

impl Aftermath {
    /// What `restore.lua` or `reap.lua` said of a room. Returns the sessions added or removed.
    pub fn take_in(&mut self, room: &RoomName, value: Value) -> Result<u64> {
        let fields: Vec<Vec<u8>> = parsed(value)?;
        let mut fields = fields.iter().map(|field| String::from_utf8_lossy(field));
        let mut number = || fields.next().and_then(|field| field.parse().ok()).unwrap_or(0);
        let (changed, count): (u64, u64) = (number(), number());
        if count == 0 {
            self.empty.push(room.clone());
        }
        while let (Some(user), Some(token)) = (fields.next(), fields.next()) {
            self.due.push(Waiting { room: room.clone(), user: user.into_owned(), token: token.into_owned() });
        }
        Ok(changed)
    }
}

/// The servers that answered nothing about the rooms of a group, by name. One that is frozen costs
/// all of `redis.command_timeout`; in one pass over many rooms it is waited for once.
#[derive(Debug, Default)]
pub struct Silent(HashSet<Option<String>>);

impl Silent {
    pub fn has(&self, server: &Option<String>) -> bool {
        self.0.contains(server)
    }

    /// Takes in which server was asked about each room of a group, and whether it answered.
    pub fn take_in(&mut self, answers: impl Iterator<Item = (Option<String>, bool)>) {
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

    /// Sessions have entered or left these rooms.
    pub fn measure<'a>(&self, rooms: impl IntoIterator<Item = &'a RoomName>) {
        self.sizes.measure(rooms);
    }

    /// A node is about to enter rooms.
    pub async fn note(&self, node: NodeId, rooms: &[&RoomName]) -> Result<()> {
        self.note_by(&NODE_ROOMS_ADD, node, rooms).await
    }

    /// A node is about to put sessions back into rooms, which it may do at the memory limit, too.
    pub async fn note_back(&self, node: NodeId, rooms: &[&RoomName]) -> Result<()> {
        self.note_by(&NODE_ROOMS_ADD_BACK, node, rooms).await
    }

    async fn note_by(&self, script: &'static Script, node: NodeId, rooms: &[&RoomName]) -> Result<()> {
        if rooms.is_empty() {
            return Ok(());
        }
        let keys = [self.keys.node_rooms(&node.to_string()), self.keys.nodes()];
        let call = rooms.iter().fold(Call::new(script, keys).arg(node), |call, room| call.arg(room));
        self.shards.call(&MEMBERSHIPS, call).await.map(drop)
    }

    /// A node, which may be dead, is in these rooms no more.
    pub async fn unnote(&self, node: NodeId, rooms: &[RoomName]) -> Result<()> {
        if rooms.is_empty() {
            return Ok(());
        }
        let call = Call::plain("SREM", self.keys.node_rooms(&node.to_string()));
        let call = rooms.iter().fold(call, |call, room| call.arg(room));
        self.shards.call(&MEMBERSHIPS, call).await.map(drop)
    }

    /// Sessions have entered rooms and will be told so next.
    pub async fn occupy<'a>(&self, rooms: impl Iterator<Item = &'a RoomName>) -> Result<()> {
        let mut rooms: Vec<&RoomName> = rooms.collect();
        rooms.sort_unstable();
        rooms.dedup();
        if rooms.is_empty() {
            return Ok(());
        }
        let call = Call::new(&ADD, [self.keys.rooms(), self.keys.entrances()]);
        let call = rooms.iter().fold(call, |call, room| call.arg(room));
        self.shards.call(&MEMBERSHIPS, call).await.map(drop)
    }

    /// Takes rooms out of the index if they are empty still. A session that enters meanwhile raises
    /// the room's entrance after it has entered: so either it is seen in the room here, or its
    /// entrance is another than the one read before looking.
    pub async fn vacate(&self, rooms: &[RoomName]) -> Result<()> {
        if rooms.is_empty() {
            return Ok(());
        }
        let ask = rooms.iter().fold(Call::plain("HMGET", self.keys.entrances()), |call, room| call.arg(room));
        let entrances: Vec<Option<Vec<u8>>> = parsed_if_ours(self.shards.call(&MEMBERSHIPS, ask).await)?;
        let counts: Vec<Call> =
            rooms.iter().map(|room| Call::plain("ZCARD", self.keys.members(room))).collect();
        let mut vacate = Call::new(&REMOVE, [self.keys.rooms(), self.keys.entrances()]);
        let counts = self.shards.call_all(&MEMBERSHIPS, &counts).await;
        let entrances = entrances.into_iter().chain(std::iter::repeat(None));
        for ((room, entrance), count) in rooms.iter().zip(entrances).zip(counts) {
            if parsed_if_ours::<u64>(count)? == 0 {
                vacate = vacate.arg(room).bytes(entrance.unwrap_or_default());
            }
        }
        self.shards.call(&MEMBERSHIPS, vacate).await.map(drop)
    }

    /// Leave notices wait for `linger_ms`, those that are noted already for what is left of it.
    pub async fn put_due(&self, due: &[Waiting], linger_ms: u128) -> Result<()> {
        if due.is_empty() {
            return Ok(());
        }
        let call = Call::new(&SCHEDULE_LEAVES, [self.keys.due(), self.keys.clock()]).arg(linger_ms);
        let entry = |call: Call, Waiting { room, user, token }: &Waiting| {
            call.arg(format_args!("{token} {user} {room}"))
        };
        self.shards.call(&MEMBERSHIPS, due.iter().fold(call, entry)).await.map(drop)
    }

    /// Leave notices were sent, or there was nothing to send.
    pub async fn settle(&self, sent: &[&str]) -> Result<()> {
        if sent.is_empty() {
            return Ok(());
        }
        let call = sent.iter().fold(Call::plain("ZREM", self.keys.due()), |call, entry| call.arg(entry));
        self.shards.call(&MEMBERSHIPS, call).await.map(drop)
    }
}
