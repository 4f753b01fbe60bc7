//! Reaps dead nodes: removes their sessions from their rooms. Also sends pending leave notices that are due. Every
//! node sees this work; the first to claim it does it.

use std::sync::Arc;
use std::time::Instant;

use tracing::{info, warn};
use uuid::Uuid;

use crate::backend::Result;
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::index::{Index, IndexUpdates, UnresponsiveServers};
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

/// Maximum number of rooms to reap, or notices to send, in one pipeline.
const BATCH_SIZE: usize = 256;

/// Maximum number of due leave notices in the reply to a renewal; see `renew.lua`.
const MAX_DUE_PER_RENEWAL: usize = 4096;

/// Does the due maintenance.
#[derive(Debug, Clone)]
pub struct Reaper {
    node: NodeId,
    keys: Keys,
    shards: Arc<Shards>,
    index: Index,
    announce_up_to: usize,
    lease_ms: u128,
    leave_grace_ms: u128,
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
            leave_grace_ms: settings.leave_grace.as_millis(),
        }
    }

    /// Reaps nodes, then sends leave notices.
    pub async fn run(self, dead: Vec<String>, due: Vec<Vec<u8>>) {
        for node in dead.iter().filter_map(|id| read_node(id)) {
            if let Err(error) = self.reap(node).await {
                let error = error.root_cause();
                warn!(error, dead_node = %node, "could not reap a dead node");
            }
        }
        if let Err(error) = self.send_all_due_leaves(due).await {
            warn!(error = %error.root_cause(), "could not publish pending leave notices");
        }
    }

    /// Reaps a node if no other reaper has claimed it. If a reaper dies, its claim expires and another continues. A
    /// node that resumes sees the claim, and restores its sessions until the claim is gone.
    async fn reap(&self, dead: NodeId) -> Result<()> {
        if !self.claim(dead).await? {
            return Ok(());
        }
        let mut rooms = self.rooms_of(dead).await?;
        // If the claim expires, the next reaper starts with other rooms.
        fastrand::shuffle(&mut rooms);
        warn!(dead_node = %dead, rooms = rooms.len(), "node died; removing its sessions");
        let (mut unresponsive, mut removed, mut outcome) = (UnresponsiveServers::default(), 0, Ok(()));
        for (at, group) in rooms.chunks(BATCH_SIZE).enumerate() {
            if at > 0 && !self.claim(dead).await? {
                return Ok(());
            }
            match self.reap_rooms(dead, group, &mut unresponsive).await {
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

    /// The rooms on a dead node's list. Entries that are no room's name are removed: with them the node could never
    /// be forgotten.
    async fn rooms_of(&self, dead: NodeId) -> Result<Vec<RoomName>> {
        let list = self.keys.node_rooms(&dead.to_string());
        let names = self.shards.call(&MEMBERSHIPS, Call::plain("SMEMBERS", list.clone())).await;
        let names: Vec<Vec<u8>> = parsed_if_ours(names)?;
        let (rooms, unreadable): (Vec<_>, Vec<_>) = names
            .into_iter()
            .map(|name| reads::room(&name).ok_or(name))
            .partition(std::result::Result::is_ok);
        let unreadable: Vec<Vec<u8>> = unreadable.into_iter().filter_map(std::result::Result::err).collect();
        if !unreadable.is_empty() {
            let remove = unreadable.into_iter().fold(Call::plain("SREM", list), Call::bytes);
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

    /// Continues after unreachable rooms, and fails with the last of their errors. These rooms stay on the dead
    /// node's list for the next attempt.
    async fn reap_rooms(
        &self,
        dead: NodeId,
        rooms: &[RoomName],
        unresponsive: &mut UnresponsiveServers,
    ) -> Result<u64> {
        let server_of = |room: &RoomName| self.shards.server_of(&self.keys.channel(room));
        let rooms: Vec<_> = rooms.iter().map(|room| (room, server_of(room))).collect();
        let rooms: Vec<_> = rooms.into_iter().filter(|(_, server)| !unresponsive.has(server)).collect();
        let calls: Vec<Call> = rooms.iter().map(|(room, _)| self.reap_call(dead, room)).collect();
        let values = self.shards.call_all(&MEMBERSHIPS, &calls).await;
        unresponsive
            .record(rooms.iter().zip(&values).map(|((_, server), value)| (server.clone(), value.is_ok())));
        self.index.measure(rooms.iter().map(|(room, _)| *room));
        let (mut updates, mut removed, mut outcome) = (IndexUpdates::default(), 0, Ok(()));
        for ((room, _), value) in rooms.into_iter().zip(values) {
            match value.and_then(|value| updates.record(room, value)) {
                Ok(gone) => {
                    updates.gone.push(room.clone());
                    removed += gone;
                }
                Err(error) => outcome = Err(error),
            }
        }
        self.index.schedule_leaves(&updates.due, self.leave_grace_ms).await?;
        self.index.remove_empty_rooms(&updates.empty).await?;
        // Last, so that a reaper that continues finds unfinished rooms.
        self.index.remove_node_rooms(dead, &updates.gone).await?;
        outcome.map(|()| removed)
    }

    fn reap_call(&self, dead: NodeId, room: &RoomName) -> Call {
        Call::new(&REAP, [self.keys.members(room), self.keys.pending_leaves(room)])
            .arg(self.keys.channel(room))
            .arg(self.announce_up_to)
            .bytes(dead.0.as_bytes())
            .arg(self.leave_grace_ms)
    }

    /// Sends leave notices, first those of the renewal, until no more are due. A notice that cannot be sent stays
    /// in the schedule, and the next query skips it, so it does not block others. Ends after a lease, because only
    /// the next renewal shows whether notices may still be sent.
    async fn send_all_due_leaves(&self, mut due: Vec<Vec<u8>>) -> Result<()> {
        let (started, mut outcome, mut skipped, mut limit) = (Instant::now(), Ok(()), 0, MAX_DUE_PER_RENEWAL);
        loop {
            let batch = self.send_due_leaves(&due).await;
            skipped += due.len() - batch.sent;
            outcome = outcome.and(batch.outcome);
            if due.len() < limit || started.elapsed().as_millis() > self.lease_ms {
                return outcome;
            }
            limit = BATCH_SIZE;
            let keys = [self.keys.leave_schedule(), self.keys.clock()];
            let call = Call::new(&LIST_DUE, keys).arg(skipped).arg(limit);
            due = parsed(self.shards.call(&MEMBERSHIPS, call).await?)?;
        }
    }

    /// `due`: entries of the schedule. Entries that this version can't read are skipped there.
    async fn send_due_leaves(&self, due: &[Vec<u8>]) -> SentLeaves {
        let mut sent_leaves = SentLeaves { sent: 0, outcome: Ok(()) };
        let notices: Vec<_> = due.iter().filter_map(|entry| LeaveNotice::read(entry)).collect();
        count_unreadable(Unreadable::LeaveNotice, (due.len() - notices.len()) as u64);
        for batch in notices.chunks(BATCH_SIZE) {
            let calls: Vec<Call> = batch.iter().map(|notice| self.leave_due_call(notice)).collect();
            let mut sent = Vec::new();
            for (notice, value) in batch.iter().zip(self.shards.call_all(&MEMBERSHIPS, &calls).await) {
                match value {
                    Ok(_) => sent.push(notice.entry),
                    Err(error) => sent_leaves.outcome = Err(error),
                }
            }
            match self.index.complete_leaves(&sent).await {
                Ok(()) => sent_leaves.sent += sent.len(),
                Err(error) => sent_leaves.outcome = Err(error),
            }
        }
        sent_leaves
    }

    fn leave_due_call(&self, notice: &LeaveNotice<'_>) -> Call {
        let (keys, room) = (&self.keys, &notice.room);
        Call::new(&LEAVE_DUE, [keys.members(room), keys.pending_leaves(room), keys.announced_leaves(room)])
            .arg(keys.channel(room))
            .arg(self.announce_up_to)
            .arg(&notice.user)
            .arg(Uuid::new_v4())
            .arg(notice.token)
            .bytes(entry::user_bytes(&notice.user))
    }
}

/// The result of sending leave notices.
#[derive(Debug)]
struct SentLeaves {
    /// Number of notices that were sent and removed from the schedule.
    sent: usize,
    /// The last error.
    outcome: Result<()>,
}

/// A leave notice in the schedule: `<token> <user> <room>`.
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

/// Parses an entry of the list of nodes.
fn read_node(id: &str) -> Option<NodeId> {
    NodeId::parse(id).filter(|node| node.to_string() == id)
}
