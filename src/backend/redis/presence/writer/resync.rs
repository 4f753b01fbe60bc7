//! Makes what Redis holds of this node's sessions what it should be.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

use futures_util::future::join_all;
use tokio::sync::oneshot;
use tracing::info;
use uuid::Uuid;

use super::{GROUP, MembershipWriter, Memberships, Op, stopped};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::parsed_if_ours;
use crate::backend::redis::presence::index::Aftermath;
use crate::backend::redis::presence::{MEMBERS, MEMBERSHIPS, SHARE, entry, reads};
use crate::backend::redis::pubsub::codec::PUBLISH;
use crate::backend::{BackendError, LocalNode, Result};
use crate::model::{Member, RoomName};

pub(super) static RESTORE: Script =
    Script::new(Memory::Spares, &[TYPES, SHARE, PUBLISH, MEMBERS, include_str!("restore.lua")]);

/// What rooms are told of sessions that are put back or taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountPolicy {
    /// How many are there now.
    Announce,
    /// Nothing: a node that can say how many there are asks for it later.
    Silent,
}

/// Rooms of one queue in which the node's share is to be made what the node says, at most [`GROUP`].
pub(super) struct Resync {
    rooms: Vec<RoomName>,
    policy: CountPolicy,
    reply: oneshot::Sender<Resynced>,
}

/// What came of a resync.
#[derive(Debug, Default)]
pub struct Resynced {
    /// Rooms in which Redis held other sessions of this node.
    pub changed: HashSet<RoomName>,
    /// Rooms in which it may still.
    pub failed: Vec<RoomName>,
    /// Why.
    pub error: Option<BackendError>,
}

impl Resynced {
    fn fail(&mut self, rooms: impl IntoIterator<Item = RoomName>, error: BackendError) {
        self.failed.extend(rooms);
        self.error = Some(error);
    }
}

impl Memberships {
    /// Makes Redis' view of all of this node's sessions what the node says. Also visits the rooms that Redis believes
    /// this node to be in and that it is not.
    pub async fn resync_all(&self) -> Result<()> {
        let writer = &self.writer;
        let generation = writer.generations.current();
        // Of a Redis that has forgotten all: the others put theirs back as well, so the numbers are short.
        let is_told = generation == writer.generations.restored();
        let policy = if is_told { CountPolicy::Announce } else { CountPolicy::Silent };
        let dirty = writer.pending.take_dirty();
        let believed = Call::plain("SMEMBERS", writer.keys.node_rooms(&writer.node.to_string()));
        let believed = writer.shards.call(&MEMBERSHIPS, believed).await;
        let believed: Vec<Vec<u8>> = parsed_if_ours(believed).inspect_err(|_| {
            writer.pending.mark_dirty(dirty.iter().cloned());
        })?;
        let mut rooms: HashSet<RoomName> = believed.iter().filter_map(|name| reads::room(name)).collect();
        rooms.extend(dirty);
        rooms.extend(writer.pending.rooms());
        rooms.extend(writer.lock_held().keys().cloned());
        let node = writer.local_node();
        rooms.extend(node.iter().flat_map(|node| node.rooms()).map(|room| room.name));
        let held = node.map_or(0, |node| node.rooms().len());
        let Resynced { failed, error, .. } = self.resync(rooms, policy).await;
        writer.pending.mark_dirty(failed);
        if let Some(error) = error {
            return Err(error);
        }
        writer.generations.restore(generation);
        if held > 0 {
            info!(rooms = held, "restored local sessions in Redis");
        }
        Ok(())
    }

    /// Makes Redis' view of this node's sessions in some rooms what the node says. Rooms that can't be reached keep
    /// none of another queue; of their own they are waited for once.
    pub async fn resync(&self, rooms: impl IntoIterator<Item = RoomName>, policy: CountPolicy) -> Resynced {
        let mut queues: HashMap<usize, Vec<RoomName>> = HashMap::new();
        for room in rooms {
            let queue = self.writer.shards.queue_of(&self.writer.keys.channel(&room));
            queues.entry(queue).or_default().push(room);
        }
        let resyncs = queues.into_iter().map(|(queue, rooms)| self.resync_queue(queue, rooms, policy));
        let mut all = Resynced::default();
        for part in join_all(resyncs).await {
            all.changed.extend(part.changed);
            all.failed.extend(part.failed);
            all.error = all.error.or(part.error);
        }
        all
    }

    async fn resync_queue(&self, queue: usize, rooms: Vec<RoomName>, policy: CountPolicy) -> Resynced {
        let mut all = Resynced::default();
        let mut groups = rooms.chunks(GROUP);
        while let Some(group) = groups.next() {
            let (reply, resynced) = oneshot::channel();
            let resync = Resync { rooms: group.to_vec(), policy, reply };
            // If the queue is gone, so is the answer.
            let _ = self.waiting[queue].send(Op::Resync(resync)).await;
            let part = resynced.await.unwrap_or_else(|_| {
                let mut part = Resynced::default();
                part.fail(group.to_vec(), stopped());
                part
            });
            let is_silent = part.failed.len() == group.len();
            all.changed.extend(part.changed);
            all.failed.extend(part.failed);
            all.error = all.error.or(part.error);
            if is_silent {
                all.failed.extend(groups.flatten().cloned());
                break;
            }
        }
        all
    }
}

impl MembershipWriter {
    pub(super) fn local_node(&self) -> Option<Arc<dyn LocalNode>> {
        self.local.lock().expect("no code panics while it holds this lock").as_ref().and_then(Weak::upgrade)
    }

    pub(super) async fn resync_rooms(&self, Resync { rooms, policy, reply }: Resync) {
        let node = self.local_node();
        let members = |room: &RoomName| match &node {
            Some(node) => self.pending.expected(&**node, room),
            None => Vec::new(),
        };
        let rooms: Vec<(RoomName, Vec<Member>)> =
            rooms.into_iter().map(|room| (room.clone(), members(&room))).collect();
        // Whoever asked may have gone.
        let _ = reply.send(self.sync_rooms(&rooms, policy).await);
    }

    /// Goes on past rooms that can't be reached. Without the node's own list it ends: what is not noted must not be
    /// entered, and the lease lies at the same shard.
    async fn sync_rooms(&self, rooms: &[(RoomName, Vec<Member>)], policy: CountPolicy) -> Resynced {
        let mut resynced = Resynced::default();
        let names = || rooms.iter().map(|(room, _)| room.clone());
        let held: Vec<&RoomName> =
            rooms.iter().filter(|(_, members)| !members.is_empty()).map(|(room, _)| room).collect();
        if let Err(error) = self.index.note_back(self.node, &held).await {
            resynced.fail(names(), error);
            return resynced;
        }
        let calls: Vec<Call> =
            rooms.iter().map(|(room, members)| self.restore_call(room, members, policy)).collect();
        let values = self.shards.call_all(&MEMBERSHIPS, &calls).await;
        self.index.measure(rooms.iter().map(|(room, _)| room));
        let (mut aftermath, mut occupied) = (Aftermath::default(), Vec::new());
        for ((room, members), value) in rooms.iter().zip(values) {
            match value.and_then(|value| aftermath.take_in(room, value)) {
                Err(error) => {
                    resynced.fail([room.clone()], error);
                    continue;
                }
                Ok(changed) if changed > 0 => drop(resynced.changed.insert(room.clone())),
                Ok(_) => {}
            }
            if members.is_empty() {
                aftermath.gone.push(room.clone());
            } else {
                occupied.push((room, members));
            }
        }
        if let Err(error) = self.conclude_group(occupied.iter().map(|(room, _)| *room), &aftermath).await {
            resynced.failed = names().collect();
            resynced.error = Some(error);
        }
        let mut all = self.lock_held();
        for (room, members) in occupied {
            all.insert(room.clone(), members.iter().map(|member| member.id).collect());
        }
        resynced
    }

    /// The third step for a group of rooms.
    async fn conclude_group<'a>(
        &self,
        occupied: impl Iterator<Item = &'a RoomName>,
        aftermath: &Aftermath,
    ) -> Result<()> {
        self.index.occupy(occupied).await?;
        self.finish(aftermath).await
    }

    fn restore_call(&self, room: &RoomName, members: &[Member], policy: CountPolicy) -> Call {
        let keys = &self.keys;
        let call = Call::new(&RESTORE, [keys.members(room), keys.lingering(room), keys.farewells(room)])
            .arg(keys.channel(room))
            .arg(self.announce_up_to)
            .bytes(self.node.0.as_bytes())
            .arg(self.linger_ms)
            .arg(Uuid::new_v4())
            .arg(u8::from(policy == CountPolicy::Announce));
        members.iter().fold(call, |call, member| call.bytes(entry::encode(self.node, member)))
    }
}
