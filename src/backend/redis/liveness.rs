//! Which nodes live: leases by Redis' clock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, OnceLock};
use std::time::{Duration, Instant};

use redis::Value;
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

use super::generation::{Awaited, Generations};
use super::keys::Keys;
use super::reaper::Reaper;
use super::scripts::{Call, Script};
use super::server::{Lane, parsed};
use super::shards::Shards;
use super::sweep::Sweeper;
use crate::backend::{Lease, NodeInfo, Result, Vitals};
use crate::config::Presence as Settings;
use crate::model::NodeId;
use crate::supervisor::Supervisor;

/// What `renew.lua` returns.
type Renewal = (u8, Vec<String>, Vec<(String, String)>, String, u64, Vec<(String, String)>, u8);

/// The leases in Redis.
#[derive(Debug)]
pub(super) struct Liveness {
    node: NodeId,
    keys: Keys,
    shards: Arc<Shards>,
    reaper: Reaper,
    /// What is being done, if it has outlasted a renewal.
    housework: Mutex<Option<AbortOnDropHandle<()>>>,
    /// When this node first renewed.
    first: OnceLock<Instant>,
    renew_every: Duration,
    sweeper: Sweeper,
    /// Apart from the housework: it may take long, and the dead must not wait for it.
    sweeping: StdMutex<Option<AbortOnDropHandle<()>>>,
    lease: Duration,
    lease_ms: u128,
    /// Without any renewal for so long, Redis was away.
    away_ms: u128,
    generations: Generations,
    supervisor: Supervisor,
}

impl Liveness {
    pub(super) fn new(
        node: NodeId,
        keys: Keys,
        shards: Arc<Shards>,
        generations: Generations,
        settings: &Settings,
        supervisor: &Supervisor,
    ) -> Self {
        Self {
            node,
            reaper: Reaper::new(node, keys.clone(), shards.clone(), settings),
            sweeper: Sweeper::new(node, keys.clone(), shards.clone(), settings),
            keys,
            shards,
            housework: Mutex::default(),
            first: OnceLock::new(),
            renew_every: settings.renew_every,
            sweeping: StdMutex::default(),
            lease: settings.lease,
            lease_ms: settings.lease.as_millis(),
            away_ms: settings.lease.div_f64(2.0).max(settings.renew_every * 2).as_millis(),
            generations,
            supervisor: supervisor.clone(),
        }
    }

    pub(super) async fn renew(&self, vitals: &Vitals) -> Result<Lease> {
        let keys = &self.keys;
        let node = self.node.to_string();
        let said = serde_json::to_string(vitals).expect("vitals are always JSON");
        let looking = self.shards.look_at_histories(Lane::Memberships);
        let _ = tokio::time::timeout(self.patience(), looking).await;
        let histories = self.generations.histories();
        let script_keys =
            [keys.nodes(), keys.clock(), keys.vitals(), keys.due(), keys.restored(), keys.reaper(&node)];
        let call = Call::new(Script::Renew, script_keys)
            .arg(&node)
            .arg(self.lease_ms)
            .arg(said)
            .arg(self.away_ms)
            .arg(self.generations.restored());
        let call = histories.iter().fold(call, |call, history| call.arg(history));
        let renewal: Renewal = parsed(self.shards.call(Lane::Memberships, call).await?)?;
        let (is_lost, dead, due, generation, age_ms, living, is_unswept) = renewal;
        let lease = self.generations.see(&histories, &generation, &living, self.awaited(age_ms), self.node);
        if is_unswept == 1 {
            self.sweep(generation);
        }
        self.keep_house(dead, due).await;
        Ok(if is_lost == 1 { Lease::Lost } else { lease })
    }

    /// How long a renewal waits for what lies at other shards: twice between two renewals, and one that
    /// does not answer must not cost this node its lease.
    fn patience(&self) -> Duration {
        self.lease / 8
    }

    /// Who is waited for in a generation of this age.
    fn awaited(&self, age_ms: u64) -> Awaited {
        // Whoever lives has renewed within this time, and somewhat more as nobody is punctual.
        let is_known = self.first.get_or_init(Instant::now).elapsed() >= self.renew_every.mul_f64(1.1);
        if !is_known {
            Awaited::Unknown
        } else if u128::from(age_ms) < self.lease_ms {
            Awaited::Known
        } else {
            Awaited::Nobody
        }
    }

    /// Sees to what is due, or goes on waiting for what was begun with a renewal before. What fails is
    /// tried again with the next one, by this node or another, and what lasts is waited for no longer
    /// than the lease allows; nor is it broken off, for a call that is on its way may be carried out late.
    async fn keep_house(&self, dead: Vec<String>, due: Vec<(String, String)>) {
        let mut housework = self.housework.lock().await;
        let reaper = &self.reaper;
        let working = housework
            .get_or_insert_with(|| self.supervisor.keep_once("reaper", reaper.clone().see_to(dead, due)));
        if tokio::time::timeout(self.patience(), working).await.is_ok() {
            *housework = None;
        }
    }

    fn sweep(&self, generation: String) {
        let mut sweeping = self.sweeping.lock().expect("no code panics while it holds this lock");
        if sweeping.as_ref().is_none_or(|task| task.is_finished()) {
            let sweep = self.sweeper.clone().sweep(generation);
            *sweeping = Some(self.supervisor.keep_once("sweep", sweep));
        }
    }

    pub(super) async fn retire(&self) -> Result<()> {
        let node = self.node.to_string();
        let calls = [
            Call::plain("ZREM", self.keys.nodes()).arg(&node),
            Call::plain("HDEL", self.keys.vitals()).arg(&node),
            Call::plain("HDEL", self.keys.restored()).arg(&node),
            Call::plain("DEL", self.keys.node_rooms(&node)),
        ];
        let values = self.shards.call_all(Lane::Memberships, &calls).await;
        values.into_iter().try_for_each(|value| value.map(drop))
    }

    pub(super) async fn nodes(&self) -> Result<Vec<NodeInfo>> {
        let keys = &self.keys;
        let calls = [
            Call::beside("TIME", keys.nodes()),
            Call::plain("HMGET", keys.clock()).arg("steady_since").arg("away_since"),
            Call::plain("ZRANGE", keys.nodes()).arg(0).arg(-1).arg("WITHSCORES"),
            Call::plain("HGETALL", keys.vitals()),
        ];
        let values = self.shards.call_all(Lane::Memberships, &calls).await;
        let values: Vec<Value> = values.into_iter().collect::<Result<_>>()?;
        let [time, clock, renewals, vitals]: [Value; 4] = values.try_into().expect("one value for each call");
        let ((seconds, micros), renewals): ((u64, u64), Vec<(String, f64)>) =
            (parsed(time)?, parsed(renewals)?);
        let [steady_since, away_since] =
            parsed::<[Option<String>; 2]>(clock)?.map(|millis| millis?.parse::<f64>().ok());
        let vitals: HashMap<String, String> = parsed(vitals)?;
        let (now, lease) = ((seconds * 1000 + micros / 1000) as f64, self.lease_ms as f64);
        // Lately nobody could renew: who lived when Redis went away still has time to.
        let since = match (steady_since, away_since) {
            (Some(steady_since), Some(away_since)) if now - steady_since < lease => away_since - lease,
            _ => now - lease,
        };
        let living = renewals.iter().filter(|(_, renewed)| *renewed > since);
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
