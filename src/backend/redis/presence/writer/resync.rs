//! Makes what Redis holds of this node's sessions what it should be.

use uuid::Uuid;

use super::{Desk, GROUP};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::parsed_if_ours;
use crate::backend::redis::presence::index::{Aftermath, Silent};
use crate::backend::redis::presence::{MEMBERS, MEMBERSHIPS, SHARE, entry, reads};
use crate::backend::redis::pubsub::codec::PUBLISH;
use crate::backend::{Membership, Result};
use crate::model::{Member, RoomName};

pub(super) static RESTORE: Script =
    Script::new(Memory::Spares, &[TYPES, SHARE, PUBLISH, MEMBERS, include_str!("restore.lua")]);

/// What rooms are told of sessions that are put back or taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    /// How many are there now.
    Counts,
    /// Nothing: whoever can say how many there are asks for it later.
    Nothing,
}

impl Desk {
    pub async fn restore(&self, membership: &Membership) -> Result<()> {
        let _restoring = self.gate.write().await;
        let generation = self.generations.current();
        // Of a Redis that has forgotten all: the others put theirs back as well, so the numbers are short.
        let telling = match generation == self.generations.restored() {
            true => Telling::Counts,
            false => Telling::Nothing,
        };
        let believed = Call::plain("SMEMBERS", self.keys.node_rooms(&self.node.to_string()));
        let believed: Vec<Vec<u8>> = parsed_if_ours(self.shards.call(&MEMBERSHIPS, believed).await)?;
        let stale = believed.iter().filter_map(|name| reads::room(name));
        let stale = stale.filter(|room| !membership.contains_key(room)).map(|room| (room, &[][..]));
        let held = membership.iter().map(|(room, members)| (room.clone(), members.as_slice()));
        self.put_right(&held.chain(stale).collect::<Vec<_>>(), telling).await?;
        self.generations.restore(generation);
        Ok(())
    }

    pub async fn mend(&self, membership: &Membership) -> Result<()> {
        let _mending = self.gate.write().await;
        let rooms = membership.iter().map(|(room, members)| (room.clone(), members.as_slice()));
        self.put_right(&rooms.collect::<Vec<_>>(), Telling::Counts).await
    }

    /// Goes on past rooms that can't be reached, and past the index of rooms, and tells of one failure
    /// in the end: a shard that is down must not keep the rooms of others wrong. Without the node's own
    /// list it ends: what is not noted must not be entered, and the lease lies at the same shard.
    async fn put_right(&self, rooms: &[(RoomName, &[Member])], telling: Telling) -> Result<()> {
        let (mut silent, mut outcome, mut indexed) = (Silent::default(), Ok(()), Ok(()));
        for group in rooms.chunks(GROUP) {
            let server_of = |room: &RoomName| self.shards.server_of(&self.keys.channel(room));
            let group = group.iter().map(|(room, members)| (room, *members, server_of(room)));
            let group: Vec<_> = group.filter(|(_, _, server)| !silent.has(server)).collect();
            let held = group.iter().filter(|(_, members, _)| !members.is_empty()).map(|(room, _, _)| *room);
            self.index.note_back(self.node, &held.collect::<Vec<_>>()).await?;
            let calls: Vec<Call> =
                group.iter().map(|(room, members, _)| self.restore_call(room, members, telling)).collect();
            let values = self.shards.call_all(&MEMBERSHIPS, &calls).await;
            silent.take_in(
                group.iter().zip(&values).map(|((_, _, server), value)| (server.clone(), value.is_ok())),
            );
            let (mut aftermath, mut occupied) = (Aftermath::default(), Vec::new());
            self.index.measure(group.iter().map(|(room, ..)| *room));
            for ((room, members, _), value) in group.into_iter().zip(values) {
                match value.and_then(|value| aftermath.take_in(room, value)) {
                    Err(error) => outcome = Err(error),
                    Ok(_) if members.is_empty() => aftermath.gone.push(room.clone()),
                    Ok(_) => occupied.push((room, members)),
                }
            }
            // A frozen shard is waited for once: the next restoration comes by all of it again.
            if indexed.is_ok() {
                indexed = self.conclude_group(occupied.iter().map(|(room, _)| *room), &aftermath).await;
            }
            let mut all = self.lock_held();
            for (room, members) in occupied {
                all.insert(room.clone(), members.iter().map(|member| member.id).collect());
            }
        }
        outcome.and(indexed)
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

    fn restore_call(&self, room: &RoomName, members: &[Member], telling: Telling) -> Call {
        let keys = &self.keys;
        let call = Call::new(&RESTORE, [keys.members(room), keys.lingering(room), keys.farewells(room)])
            .arg(keys.channel(room))
            .arg(self.announce_up_to)
            .bytes(self.node.0.as_bytes())
            .arg(self.linger_ms)
            .arg(Uuid::new_v4())
            .arg(u8::from(telling == Telling::Counts));
        members.iter().fold(call, |call, member| call.bytes(entry::encode(self.node, member)))
    }
}
