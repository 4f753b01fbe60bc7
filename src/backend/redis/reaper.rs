//! What a dead node leaves to be done: its sessions out of their rooms, and leave notices that have
//! waited long enough. Every node sees what is due; whoever comes first does it.

use std::sync::Arc;

use tracing::{info, warn};
use uuid::Uuid;

use super::index::{Aftermath, Index};
use super::keys::Keys;
use super::scripts::{Call, Script};
use super::server::{Lane, parsed};
use super::shards::Shards;
use crate::backend::Result;
use crate::config::Presence as Settings;
use crate::model::{NodeId, RoomName};

/// Rooms reaped, or notices said, together, at most.
const GROUP: usize = 256;

/// Does what is due.
#[derive(Debug)]
pub(super) struct Reaper {
    node: NodeId,
    keys: Keys,
    shards: Arc<Shards>,
    index: Index,
    announce_up_to: usize,
    lease_ms: u128,
    linger_ms: u128,
}

impl Reaper {
    pub(super) fn new(node: NodeId, keys: Keys, shards: Arc<Shards>, settings: &Settings) -> Self {
        Self {
            node,
            index: Index::new(keys.clone(), shards.clone()),
            keys,
            shards,
            announce_up_to: settings.announce_up_to,
            lease_ms: settings.lease.as_millis(),
            linger_ms: settings.linger.as_millis(),
        }
    }

    /// The first to claim a dead node undoes it. If that one dies half-way, its claim runs out and
    /// another goes on where it stopped. A node that wakes up finds the claim, and puts its sessions
    /// back until it is gone.
    pub(super) async fn reap(&self, dead: &str) -> Result<()> {
        if !self.claim(dead).await? {
            return Ok(());
        }
        let rooms = Call::plain("SMEMBERS", self.keys.node_rooms(dead));
        let rooms: Vec<String> = parsed(self.shards.call(Lane::Memberships, rooms).await?)?;
        let rooms: Vec<RoomName> = rooms.iter().map(|room| RoomName::from_trusted(room)).collect();
        warn!(dead_node = %dead, rooms = rooms.len(), "A node died; taking its sessions out of their rooms");
        let mut removed = 0;
        for (at, group) in rooms.chunks(GROUP).enumerate() {
            if at > 0 && !self.claim(dead).await? {
                return Ok(());
            }
            removed += self.reap_rooms(dead, group).await?;
        }
        let keys = &self.keys;
        let script_keys =
            [keys.nodes(), keys.vitals(), keys.node_rooms(dead), keys.restored(), keys.reaper(dead)];
        let forget = Call::new(Script::Forget, script_keys).arg(dead).arg(self.lease_ms);
        self.shards.call(Lane::Memberships, forget).await?;
        info!(dead_node = %dead, sessions = removed, "Forgot a dead node");
        Ok(())
    }

    async fn claim(&self, dead: &str) -> Result<bool> {
        let call = Call::new(Script::Claim, [self.keys.nodes(), self.keys.reaper(dead)]);
        let call = call.arg(dead).arg(self.lease_ms).arg(self.node);
        Ok(parsed::<u8>(self.shards.call(Lane::Memberships, call).await?)? == 1)
    }

    async fn reap_rooms(&self, dead: &str, rooms: &[RoomName]) -> Result<u64> {
        let calls: Vec<Call> = rooms.iter().map(|room| self.reap_call(dead, room)).collect();
        let values = self.shards.call_all(Lane::Memberships, &calls).await;
        let mut aftermath = Aftermath { gone: rooms.to_vec(), ..Aftermath::default() };
        let mut removed = 0;
        for (room, value) in rooms.iter().zip(values) {
            removed += aftermath.take_in(room, value?)?;
        }
        self.index.put_due(&aftermath.due).await?;
        self.index.vacate(&aftermath.empty).await?;
        // Last: whoever goes on after us must see what is not done yet.
        self.index.unnote(dead, &aftermath.gone).await?;
        Ok(removed)
    }

    fn reap_call(&self, dead: &str, room: &RoomName) -> Call {
        Call::new(Script::Reap, [self.keys.members(room), self.keys.lingering(room)])
            .arg(self.keys.channel(room))
            .arg(self.announce_up_to)
            .arg(dead)
            .arg(self.linger_ms)
    }

    /// Says leave notices; `due` are entries of the index with their time.
    pub(super) async fn say_farewells(&self, due: &[(String, String)]) -> Result<()> {
        for group in due.chunks(GROUP) {
            let (entries, calls): (Vec<_>, Vec<Call>) =
                group.iter().filter_map(|entry| Some((entry.clone(), self.farewell_call(&entry.0)?))).unzip();
            let mut said = Vec::new();
            for (entry, value) in
                entries.into_iter().zip(self.shards.call_all(Lane::Memberships, &calls).await)
            {
                if parsed::<u8>(value?)? == 1 {
                    said.push(entry);
                }
            }
            self.index.settle(&said).await?;
        }
        Ok(())
    }

    fn farewell_call(&self, entry: &str) -> Option<Call> {
        let (user, room) = entry.split_once(' ')?;
        let room = RoomName::from_trusted(room);
        let keys = [self.keys.members(&room), self.keys.lingering(&room), self.keys.farewells(&room)];
        let call = Call::new(Script::Farewell, keys)
            .arg(self.keys.channel(&room))
            .arg(self.announce_up_to)
            .arg(user)
            .arg(Uuid::new_v4());
        Some(call)
    }
}
