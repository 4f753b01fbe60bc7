//! Which nodes live: leases by Redis' clock, and what a dead node's reaper undoes.

use std::time::Duration;

use redis::Pipeline;
use tracing::{info, warn};
use uuid::Uuid;

use super::generation::Generations;
use super::keys::Keys;
use super::link::{Link, first, parsed, value_or_error};
use super::scripts::{Call, Script, Scripts};
use crate::backend::{Lease, NodeInfo, Result, Vitals};
use crate::config::Presence as Settings;
use crate::model::{NodeId, RoomName};

/// Rooms reaped, or farewells said, in one pipeline, at most.
const GROUP: usize = 256;

/// What `renew.lua` returns.
type Renewal = (u8, Vec<String>, Vec<String>, String, u64, Vec<(String, String)>);

/// The leases in Redis.
#[derive(Debug, Clone)]
pub(super) struct Liveness {
    node: NodeId,
    keys: Keys,
    scripts: Scripts,
    link: Link,
    announce_up_to: usize,
    lease_ms: u128,
    linger_ms: u128,
    /// Without any renewal for so long, Redis was away.
    away_ms: u128,
    generations: Generations,
}

impl Liveness {
    pub(super) fn new(
        node: NodeId,
        keys: Keys,
        scripts: Scripts,
        link: Link,
        generations: Generations,
        settings: &Settings,
    ) -> Self {
        Self {
            node,
            keys,
            scripts,
            link,
            announce_up_to: settings.announce_up_to,
            lease_ms: settings.lease.as_millis(),
            linger_ms: settings.linger.as_millis(),
            away_ms: settings.lease.div_f64(2.0).max(settings.renew_every * 2).as_millis(),
            generations,
        }
    }

    pub(super) async fn renew(&self, vitals: &Vitals) -> Result<Lease> {
        let keys = &self.keys;
        let said = serde_json::to_string(vitals).expect("vitals are always JSON");
        let script_keys =
            [keys.nodes(), keys.clock(), keys.vitals(), keys.lingering_index(), keys.restored()];
        let call = Call::new(Script::Renew, script_keys)
            .arg(self.node)
            .arg(self.lease_ms)
            .arg(said)
            .arg(self.away_ms)
            .arg(self.generations.restored());
        let renewal: Renewal = parsed(self.scripts.call(&self.link, call).await?)?;
        let (is_lost, dead, due, generation, age_ms, living) = renewal;
        let is_old = u128::from(age_ms) >= self.lease_ms;
        let lease = self.generations.see(&generation, &living, is_old, self.node);
        // Housekeeping that fails is tried again with the next renewal, by this node or another; it
        // must not cost this one its lease.
        for node in dead {
            if let Err(error) = self.reap(&node).await {
                warn!(%error, dead_node = %node, "Could not take a dead node's sessions out of their rooms");
            }
        }
        for farewells in due.chunks(GROUP) {
            if let Err(error) = self.say_farewells(farewells).await {
                warn!(%error, "Could not say that some users have left");
            }
        }
        Ok(if is_lost == 1 { Lease::Lost } else { lease })
    }

    /// Every node sees a dead one; the first to claim it undoes it. If that one dies half-way, its
    /// claim runs out and another goes on where it stopped.
    async fn reap(&self, dead: &str) -> Result<()> {
        let mut claim = Pipeline::new();
        let claim_ttl = Duration::from_millis(u64::try_from(self.lease_ms).unwrap_or(u64::MAX));
        claim.cmd("SET").arg(self.keys.reaper(dead)).arg(self.node.to_string());
        claim.arg("NX").arg("PX").arg(claim_ttl.as_millis() as u64);
        claim.cmd("SMEMBERS").arg(self.keys.node_rooms(dead));
        let mut answers = self.link.run(&claim).await?;
        let rooms: Vec<String> = first(answers.split_off(1))?;
        if first::<Option<String>>(answers)?.is_none() {
            return Ok(());
        }
        warn!(dead_node = %dead, rooms = rooms.len(), "A node died; taking its sessions out of their rooms");
        let mut removed = 0;
        for rooms in rooms.chunks(GROUP) {
            let calls: Vec<Call> = rooms.iter().map(|room| self.reap_call(dead, room)).collect();
            for value in self.scripts.call_all(&self.link, &calls).await? {
                match parsed::<i64>(value?)? {
                    -1 => return Ok(()),
                    sessions => removed += sessions,
                }
            }
        }
        let keys = &self.keys;
        let forget =
            Call::new(Script::Forget, [keys.nodes(), keys.vitals(), keys.node_rooms(dead), keys.restored()]);
        self.scripts.call(&self.link, forget.arg(dead).arg(self.lease_ms)).await?;
        info!(dead_node = %dead, sessions = removed, "Forgot a dead node");
        Ok(())
    }

    fn reap_call(&self, dead: &str, room: &str) -> Call {
        let keys = &self.keys;
        let room = RoomName::from_trusted(room);
        let script_keys = keys.of_presence(&room, dead).into_iter().chain([keys.nodes()]);
        Call::new(Script::Reap, script_keys)
            .arg(&room)
            .arg(keys.channel(&room))
            .arg(self.announce_up_to)
            .arg(dead)
            .arg(self.linger_ms)
            .arg(self.lease_ms)
    }

    /// Each is said by whoever comes first.
    async fn say_farewells(&self, due: &[String]) -> Result<()> {
        let calls: Vec<Call> = due.iter().filter_map(|entry| self.farewell_call(entry)).collect();
        self.scripts.call_all(&self.link, &calls).await?.into_iter().try_for_each(|value| value.map(drop))
    }

    fn farewell_call(&self, entry: &str) -> Option<Call> {
        let (user, room) = entry.split_once(' ')?;
        let room = RoomName::from_trusted(room);
        let call = Call::new(
            Script::Farewell,
            [
                self.keys.members(&room),
                self.keys.lingering(&room),
                self.keys.lingering_index(),
                self.keys.farewells(&room),
            ],
        )
        .arg(self.keys.channel(&room))
        .arg(self.announce_up_to)
        .arg(user)
        .arg(Uuid::new_v4())
        .arg(entry);
        Some(call)
    }

    pub(super) async fn retire(&self) -> Result<()> {
        let node = self.node.to_string();
        let mut pipeline = Pipeline::new();
        pipeline.cmd("ZREM").arg(self.keys.nodes()).arg(&node);
        pipeline.cmd("HDEL").arg(self.keys.vitals()).arg(&node);
        pipeline.cmd("HDEL").arg(self.keys.restored()).arg(&node);
        pipeline.cmd("DEL").arg(self.keys.node_rooms(&node));
        self.link.run(&pipeline).await?.into_iter().try_for_each(|value| value_or_error(value).map(drop))
    }

    pub(super) async fn nodes(&self) -> Result<Vec<NodeInfo>> {
        let mut ask = Pipeline::new();
        ask.cmd("TIME");
        ask.cmd("ZRANGE").arg(self.keys.nodes()).arg(0).arg(-1).arg("WITHSCORES");
        ask.cmd("HGETALL").arg(self.keys.vitals());
        let mut answers = self.link.run(&ask).await?;
        let vitals: std::collections::HashMap<String, String> = first(answers.split_off(2))?;
        let renewals: Vec<(String, f64)> = first(answers.split_off(1))?;
        let (seconds, micros): (u64, u64) = first(answers)?;
        let now = (seconds * 1000 + micros / 1000) as f64;
        let living = renewals.iter().filter(|(_, renewed)| now - renewed < self.lease_ms as f64);
        let mut nodes: Vec<NodeInfo> = living
            .filter_map(|(id, _)| {
                let vitals = serde_json::from_str(vitals.get(id)?).ok()?;
                Some(NodeInfo { id: NodeId::parse(id)?, vitals })
            })
            .collect();
        nodes.sort_unstable_by_key(|node| node.id);
        Ok(nodes)
    }
}
