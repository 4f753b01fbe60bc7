//! What a dead node leaves to be done: its sessions out of their rooms, and leave notices that have
//! waited long enough. Every node sees what is due; whoever comes first does it.

use std::sync::Arc;
use std::time::Instant;

use tracing::{info, warn};
use uuid::Uuid;

use crate::backend::Result;
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::index::{Aftermath, Index, Silent};
use crate::backend::redis::presence::{CLOCK, MEMBERS, MEMBERSHIPS, SHARE, entry, reads};
use crate::backend::redis::pubsub::codec::PUBLISH;
use crate::backend::redis::topology::Shards;
use crate::config::Presence as Settings;
use crate::model::{NodeId, RoomName, UserId};
use crate::telemetry::{Unreadable, count_unreadable};

static CLAIM: Script = Script::new(Memory::Spares, &[CLOCK, include_str!("claim.lua")]);

static REAP: Script =
    Script::new(Memory::Spares, &[TYPES, SHARE, PUBLISH, MEMBERS, include_str!("reap.lua")]);

static FORGET: Script = Script::new(Memory::Spares, &[CLOCK, include_str!("forget.lua")]);

static LIST_DUE: Script = Script::new(Memory::Untouched, &[CLOCK, include_str!("list_due.lua")]);

static LEAVE_DUE: Script =
    Script::new(Memory::Spares, &[TYPES, SHARE, PUBLISH, MEMBERS, include_str!("leave_due.lua")]);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&CLAIM, &REAP, &FORGET, &LIST_DUE, &LEAVE_DUE];

/// Rooms reaped, or notices said, together, at most.
const GROUP: usize = 256;

/// Leave notices that a renewal tells of at most; see `renew.lua`.
const DUE_IN_A_RENEWAL: usize = 4096;

/// Does what is due.
#[derive(Debug, Clone)]
pub struct Reaper {
    node: NodeId,
    keys: Keys,
    shards: Arc<Shards>,
    index: Index,
    announce_up_to: usize,
    lease_ms: u128,
    linger_ms: u128,
}

impl Reaper {
    pub fn new(node: NodeId, keys: Keys, shards: Arc<Shards>, index: Index, settings: &Settings) -> Self {
        Self {
            node,
            index,
            keys,
            shards,
            announce_up_to: settings.announce_up_to,
            lease_ms: settings.lease.as_millis(),
            linger_ms: settings.leave_grace.as_millis(),
        }
    }

    /// Reaps nodes, then says leave notices.
    pub async fn see_to(self, dead: Vec<String>, due: Vec<Vec<u8>>) {
        for node in dead.iter().filter_map(|id| read_node(id)) {
            if let Err(error) = self.reap(node).await {
                let error = error.root_cause();
                warn!(error, dead_node = %node, "could not reap a dead node");
            }
        }
        if let Err(error) = self.say_all_farewells(due).await {
            warn!(error = %error.root_cause(), "could not publish pending leave notices");
        }
    }

    /// The first to claim a dead node undoes it. If that one dies half-way, its claim runs out and
    /// another goes on where it stopped. A node that wakes up finds the claim, and puts its sessions
    /// back until it is gone.
    async fn reap(&self, dead: NodeId) -> Result<()> {
        if !self.claim(dead).await? {
            return Ok(());
        }
        let mut rooms = self.rooms_of(dead).await?;
        // If this takes too long, whoever goes on begins elsewhere.
        fastrand::shuffle(&mut rooms);
        warn!(dead_node = %dead, rooms = rooms.len(), "node died; removing its sessions");
        let (mut silent, mut removed, mut outcome) = (Silent::default(), 0, Ok(()));
        for (at, group) in rooms.chunks(GROUP).enumerate() {
            if at > 0 && !self.claim(dead).await? {
                return Ok(());
            }
            match self.reap_rooms(dead, group, &mut silent).await {
                Ok(reaped) => removed += reaped,
                Err(error) => outcome = Err(error),
            }
        }
        outcome?;
        let keys = &self.keys;
        let script_keys = [
            keys.nodes(),
            keys.vitals(),
            keys.node_rooms(&dead.to_string()),
            keys.restored(),
            keys.reaper(&dead.to_string()),
            keys.clock(),
        ];
        let forget = Call::new(&FORGET, script_keys).arg(dead).arg(self.lease_ms);
        self.shards.call(&MEMBERSHIPS, forget).await?;
        info!(dead_node = %dead, sessions = removed, "reaped a dead node");
        Ok(())
    }

    /// The rooms on a dead node's list. What is no room's name is taken off it: it would keep the node from being
    /// forgotten.
    async fn rooms_of(&self, dead: NodeId) -> Result<Vec<RoomName>> {
        let list = self.keys.node_rooms(&dead.to_string());
        let names = self.shards.call(&MEMBERSHIPS, Call::plain("SMEMBERS", list.clone())).await;
        let names: Vec<Vec<u8>> = parsed_if_ours(names)?;
        let (rooms, foreign): (Vec<_>, Vec<_>) = names
            .into_iter()
            .map(|name| reads::room(&name).ok_or(name))
            .partition(std::result::Result::is_ok);
        let foreign: Vec<Vec<u8>> = foreign.into_iter().filter_map(std::result::Result::err).collect();
        if !foreign.is_empty() {
            let remove = foreign.into_iter().fold(Call::plain("SREM", list), Call::bytes);
            self.shards.call(&MEMBERSHIPS, remove).await?;
        }
        Ok(rooms.into_iter().flatten().collect())
    }

    async fn claim(&self, dead: NodeId) -> Result<bool> {
        let keys = [self.keys.nodes(), self.keys.reaper(&dead.to_string()), self.keys.clock()];
        let call = Call::new(&CLAIM, keys);
        let call = call.arg(dead).arg(self.lease_ms).arg(self.node);
        Ok(parsed::<u8>(self.shards.call(&MEMBERSHIPS, call).await?)? == 1)
    }

    /// Goes on past rooms that can't be reached, and tells of one of them in the end: they stay the
    /// dead node's, and are looked at again.
    async fn reap_rooms(&self, dead: NodeId, rooms: &[RoomName], silent: &mut Silent) -> Result<u64> {
        let server_of = |room: &RoomName| self.shards.server_of(&self.keys.channel(room));
        let rooms: Vec<_> = rooms.iter().map(|room| (room, server_of(room))).collect();
        let rooms: Vec<_> = rooms.into_iter().filter(|(_, server)| !silent.has(server)).collect();
        let calls: Vec<Call> = rooms.iter().map(|(room, _)| self.reap_call(dead, room)).collect();
        let values = self.shards.call_all(&MEMBERSHIPS, &calls).await;
        silent.take_in(rooms.iter().zip(&values).map(|((_, server), value)| (server.clone(), value.is_ok())));
        self.index.measure(rooms.iter().map(|(room, _)| *room));
        let (mut aftermath, mut removed, mut outcome) = (Aftermath::default(), 0, Ok(()));
        for ((room, _), value) in rooms.into_iter().zip(values) {
            match value.and_then(|value| aftermath.take_in(room, value)) {
                Ok(gone) => {
                    aftermath.gone.push(room.clone());
                    removed += gone;
                }
                Err(error) => outcome = Err(error),
            }
        }
        self.index.put_due(&aftermath.due, self.linger_ms).await?;
        self.index.vacate(&aftermath.empty).await?;
        // Last: whoever goes on after us must see what is not done yet.
        self.index.unnote(dead, &aftermath.gone).await?;
        outcome.map(|()| removed)
    }

    fn reap_call(&self, dead: NodeId, room: &RoomName) -> Call {
        Call::new(&REAP, [self.keys.members(room), self.keys.lingering(room)])
            .arg(self.keys.channel(room))
            .arg(self.announce_up_to)
            .bytes(dead.0.as_bytes())
            .arg(self.linger_ms)
    }

    /// Sends leave notices, beginning with those that a renewal has found, until no more are due. What can't be sent
    /// now stays in the index, where the next look passes it over: it keeps nobody else's. This takes a lease at
    /// most, as the next renewal must say whether notices may be sent still.
    async fn say_all_farewells(&self, mut due: Vec<Vec<u8>>) -> Result<()> {
        let (started, mut outcome, mut left, mut most) = (Instant::now(), Ok(()), 0, DUE_IN_A_RENEWAL);
        loop {
            let said = self.say_farewells(&due).await;
            left += due.len() - said.sent;
            outcome = outcome.and(said.outcome);
            if due.len() < most || started.elapsed().as_millis() > self.lease_ms {
                return outcome;
            }
            most = GROUP;
            let keys = [self.keys.due(), self.keys.clock()];
            let call = Call::new(&LIST_DUE, keys).arg(left).arg(most);
            due = parsed(self.shards.call(&MEMBERSHIPS, call).await?)?;
        }
    }

    /// `due` are entries of the index. What is not of adda, or of a later version of it, is left there.
    async fn say_farewells(&self, due: &[Vec<u8>]) -> Said {
        let mut said = Said { sent: 0, outcome: Ok(()) };
        let notices: Vec<_> = due.iter().filter_map(|entry| LeaveNotice::read(entry)).collect();
        count_unreadable(Unreadable::LeaveNotice, (due.len() - notices.len()) as u64);
        for group in notices.chunks(GROUP) {
            let calls: Vec<Call> = group.iter().map(|notice| self.farewell_call(notice)).collect();
            let mut sent = Vec::new();
            for (notice, value) in group.iter().zip(self.shards.call_all(&MEMBERSHIPS, &calls).await) {
                match value {
                    Ok(_) => sent.push(notice.entry),
                    Err(error) => said.outcome = Err(error),
                }
            }
            match self.index.settle(&sent).await {
                Ok(()) => said.sent += sent.len(),
                Err(error) => said.outcome = Err(error),
            }
        }
        said
    }

    fn farewell_call(&self, notice: &LeaveNotice<'_>) -> Call {
        let (keys, room) = (&self.keys, &notice.room);
        Call::new(&LEAVE_DUE, [keys.members(room), keys.lingering(room), keys.farewells(room)])
            .arg(keys.channel(room))
            .arg(self.announce_up_to)
            .arg(&notice.user)
            .arg(Uuid::new_v4())
            .arg(notice.token)
            .bytes(entry::user_bytes(&notice.user))
    }
}

/// What came of sending leave notices.
#[derive(Debug)]
struct Said {
    /// So many are off the index.
    sent: usize,
    /// What kept the others.
    outcome: Result<()>,
}

/// A leave notice as the index names it: `<token> <user> <room>`.
#[derive(Debug)]
struct LeaveNotice<'a> {
    entry: &'a str,
    token: &'a str,
    user: UserId,
    room: RoomName,
}

impl<'a> LeaveNotice<'a> {
    fn read(entry: &'a [u8]) -> Option<Self> {
        let entry = std::str::from_utf8(entry).ok()?;
        let mut words = entry.splitn(3, ' ');
        let (token, user, room) = (words.next()?, words.next()?, words.next()?);
        let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
        let user = UserId::parse(user).filter(|_| is_token)?;
        Some(Self { entry, token, user, room: RoomName::from_trusted(room) })
    }
}

/// A node of the list of nodes.
fn read_node(id: &str) -> Option<NodeId> {
    NodeId::parse(id).filter(|node| node.to_string() == id)
}
