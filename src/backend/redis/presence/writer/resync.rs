//! Resync: makes Redis' entries of this node equal to its sessions.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

use futures_util::future::join_all;
use tokio::sync::oneshot;
use tracing::info;
use uuid::Uuid;

use super::{MAX_BATCH, MembershipWriter, Memberships, Op, stopped};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::parsed_if_ours;
use crate::backend::redis::presence::index::IndexUpdates;
use crate::backend::redis::presence::{MEMBERS, MEMBERSHIPS, SHARE, entry, reads};
use crate::backend::redis::pubsub::codec::PUBLISH;
use crate::backend::{BackendError, LocalNode, Result};
use crate::model::{Member, RoomName};

pub(super) static RESTORE: Script =
    Script::new(Memory::Spares, &[TYPES, SHARE, PUBLISH, MEMBERS, include_str!("restore.lua")]);

/// Whether a resync announces counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountPolicy {
    /// The new count is announced.
    Announce,
    /// Nothing is announced: the count may be too low. A node reads it once membership is complete.
    Silent,
}

/// A resync of rooms of one queue, at most [`MAX_BATCH`].
pub(super) struct Resync {
    rooms: Vec<RoomName>,
    policy: CountPolicy,
    reply: oneshot::Sender<Resynced>,
}

/// The result of a resync.
#[derive(Debug, Default)]
pub struct Resynced {
    /// Rooms whose entries differed.
    pub changed: HashSet<RoomName>,
    /// Rooms whose entries may still differ.
    pub failed: Vec<RoomName>,
    /// One of the errors.
    pub error: Option<BackendError>,
}

impl Resynced {
    fn fail(&mut self, rooms: impl IntoIterator<Item = RoomName>, error: BackendError) {
        self.failed.extend(rooms);
        self.error = Some(error);
    }

    /// Adds the result for other rooms. The first error is kept.
    fn merge(&mut self, other: Self) {
        self.changed.extend(other.changed);
        self.failed.extend(other.failed);
        self.error = self.error.take().or(other.error);
    }
}

impl Memberships {
    /// Makes all of Redis' entries of this node equal to its sessions. Also visits rooms that are on the node's
    /// list in Redis alone.
    pub async fn resync_all(&self) -> Result<()> {
        let writer = &self.writer;
        let generation = writer.data_generation.current();
        // After a loss of all data other nodes are restoring their sessions, too, so counts are too low.
        let is_announced = generation == writer.data_generation.restored();
        let policy = if is_announced { CountPolicy::Announce } else { CountPolicy::Silent };
        let dirty = writer.pending.take_dirty();
        let believed = Call::plain("SMEMBERS", writer.keys.node_rooms(&writer.node.to_string()));
        let believed = writer.shards.call(&MEMBERSHIPS, believed).await;
        let believed: Vec<Vec<u8>> = parsed_if_ours(believed).inspect_err(|_| {
            writer.pending.mark_dirty(dirty.iter().cloned());
        })?;
        let mut rooms: HashSet<RoomName> = believed.iter().filter_map(|name| reads::room(name)).collect();
        rooms.extend(dirty);
        rooms.extend(writer.pending.rooms());
        rooms.extend(writer.lock_local_members().keys().cloned());
        let local = writer.local_node().map(|node| node.rooms()).unwrap_or_default();
        let occupied = local.len();
        rooms.extend(local.into_iter().map(|room| room.name));
        let Resynced { failed, error, .. } = self.resync(rooms, policy).await;
        writer.pending.mark_dirty(failed);
        if let Some(error) = error {
            return Err(error);
        }
        writer.data_generation.restore(generation);
        if occupied > 0 {
            info!(rooms = occupied, "restored local sessions in Redis");
        }
        Ok(())
    }

    /// Makes Redis' entries of this node in some rooms equal to its sessions. Unreachable rooms do not delay other
    /// queues; their own queue waits for them once.
    pub async fn resync(&self, rooms: impl IntoIterator<Item = RoomName>, policy: CountPolicy) -> Resynced {
        let mut queues: HashMap<usize, Vec<RoomName>> = HashMap::new();
        for room in rooms {
            let queue = self.writer.shards.queue_of(&self.writer.keys.channel(&room));
            queues.entry(queue).or_default().push(room);
        }
        let resyncs = queues.into_iter().map(|(queue, rooms)| self.resync_queue(queue, rooms, policy));
        let mut all = Resynced::default();
        for part in join_all(resyncs).await {
            all.merge(part);
        }
        all
    }

    async fn resync_queue(&self, queue: usize, rooms: Vec<RoomName>, policy: CountPolicy) -> Resynced {
        let mut all = Resynced::default();
        let mut groups = rooms.chunks(MAX_BATCH);
        while let Some(group) = groups.next() {
            let (reply, resynced) = oneshot::channel();
            let resync = Resync { rooms: group.to_vec(), policy, reply };
            // If the queue is closed, `resynced` fails.
            let _ = self.queues[queue].send(Op::Resync(resync)).await;
            let part = resynced.await.unwrap_or_else(|_| {
                let mut part = Resynced::default();
                part.fail(group.to_vec(), stopped());
                part
            });
            let is_silent = part.failed.len() == group.len();
            all.merge(part);
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
        // The caller may have been dropped.
        let _ = reply.send(self.sync_rooms(&rooms, policy).await);
    }

    /// Continues after unreachable rooms. Fails if the node's list cannot be written: sessions must not enter
    /// unlisted rooms, and the lease is on the same shard.
    async fn sync_rooms(&self, rooms: &[(RoomName, Vec<Member>)], policy: CountPolicy) -> Resynced {
        let mut resynced = Resynced::default();
        let names = || rooms.iter().map(|(room, _)| room.clone());
        let nonempty: Vec<&RoomName> =
            rooms.iter().filter(|(_, members)| !members.is_empty()).map(|(room, _)| room).collect();
        if let Err(error) = self.index.add_node_rooms_back(self.node, &nonempty).await {
            resynced.fail(names(), error);
            return resynced;
        }
        let calls: Vec<Call> =
            rooms.iter().map(|(room, members)| self.restore_call(room, members, policy)).collect();
        let values = self.shards.call_all(&MEMBERSHIPS, &calls).await;
        self.index.measure(rooms.iter().map(|(room, _)| room));
        let (mut updates, mut occupied) = (IndexUpdates::default(), Vec::new());
        for ((room, members), value) in rooms.iter().zip(values) {
            match value.and_then(|value| updates.record(room, value)) {
                Err(error) => {
                    resynced.fail([room.clone()], error);
                    continue;
                }
                Ok(changed) if changed > 0 => drop(resynced.changed.insert(room.clone())),
                Ok(_) => {}
            }
            if members.is_empty() {
                updates.gone.push(room.clone());
            } else {
                occupied.push((room, members));
            }
        }
        if let Err(error) = self.finish_batch(occupied.iter().map(|(room, _)| *room), &updates).await {
            resynced.failed = names().collect();
            resynced.error = Some(error);
        }
        let mut all = self.lock_local_members();
        for (room, members) in occupied {
            all.insert(room.clone(), members.iter().map(|member| member.id).collect());
        }
        resynced
    }

    /// The third step for a batch of rooms.
    async fn finish_batch<'a>(
        &self,
        occupied: impl Iterator<Item = &'a RoomName>,
        updates: &IndexUpdates,
    ) -> Result<()> {
        self.index.add_rooms(occupied).await?;
        self.update_index(updates).await
    }

    fn restore_call(&self, room: &RoomName, members: &[Member], policy: CountPolicy) -> Call {
        let keys = &self.keys;
        let call =
            Call::new(&RESTORE, [keys.members(room), keys.pending_leaves(room), keys.announced_leaves(room)])
                .arg(keys.channel(room))
                .arg(self.announce_up_to)
                .bytes(self.node.0.as_bytes())
                .arg(self.leave_grace_ms)
                .arg(Uuid::new_v4())
                .arg(u8::from(policy == CountPolicy::Announce));
        members.iter().fold(call, |call, member| call.bytes(entry::encode(self.node, member)))
    }
}
