//! Nodes and their leases, by Redis' clock.

mod figures;
mod orphans;
mod reaper;
mod redis_cluster;
mod renewal;
pub(super) mod rights;
mod skew;
mod vitals;

use std::sync::{Arc, Mutex as StdMutex, OnceLock};
use std::time::{Duration, Instant};

use redis::Value;
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

pub use self::redis_cluster::RedisCluster;

use crate::backend::node::lease::Lease;
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::script::{Memory, REPLID, Script};
use crate::backend::redis::client::server::parsed;
use crate::backend::redis::cluster::orphans::Sweeper;
use crate::backend::redis::cluster::reaper::Reaper;
use crate::backend::redis::cluster::renewal::Renewal;
use crate::backend::redis::cluster::skew::Skew;
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::generation::{DataGeneration, RenewalReport, WaitFor};
use crate::backend::redis::presence::index::Index;
use crate::backend::redis::presence::{CLOCK, MEMBERSHIPS};
use crate::backend::redis::topology::Shards;
use crate::backend::{BackendError, FIGURES_KEPT, NodeInfo, NodeStats, Result, Secrets, within};
use crate::config::Config;
use crate::model::NodeId;
use crate::supervisor::Supervisor;
use crate::telemetry::{Figures, Unreadable, count_unreadable};

static RENEW: Script = Script::new(Memory::Spares, &[REPLID, CLOCK, include_str!("renew.lua")]);

/// Stores a secret of the cluster.
static SECRET: Script = Script::new(Memory::Spares, &[include_str!("secret.lua")]);

/// The scripts of this folder.
pub(super) fn scripts() -> Vec<&'static Script> {
    [&[&RENEW, &SECRET, &rights::RIGHTS], orphans::SCRIPTS, reaper::SCRIPTS].concat()
}

/// The leases in Redis.
#[derive(Debug)]
pub struct Leases {
    node: NodeId,
    keys: Keys,
    shards: Arc<Shards>,
    reaper: Reaper,
    /// The running maintenance, if it has outlasted a renewal.
    maintenance: Mutex<Option<AbortOnDropHandle<()>>>,
    /// The time of this node's first renewal.
    first_renewal: OnceLock<Instant>,
    renew_every: Duration,
    sweeper: Sweeper,
    /// The running sweep. Separate from the maintenance because it may take long, and reaping must not wait for it.
    sweep_task: StdMutex<Option<AbortOnDropHandle<()>>>,
    lease: Duration,
    leave_grace_ms: u128,
    /// A pause of all renewals for longer than this means that Redis was unavailable.
    away_ms: u128,
    skew: Skew,
    data_generation: DataGeneration,
    supervisor: Supervisor,
    deadline: Duration,
    _topology: AbortOnDropHandle<()>,
}

impl Leases {
    pub fn new(
        node: NodeId,
        keys: Keys,
        shards: Arc<Shards>,
        data_generation: DataGeneration,
        index: Index,
        config: &Config,
        supervisor: &Supervisor,
    ) -> Self {
        let settings = &config.presence;
        Self {
            _topology: supervisor.keep("topology", shards.clone().keep_refreshed()),
            deadline: config.redis.command_timeout,
            node,
            reaper: Reaper::new(node, keys.clone(), shards.clone(), index, settings),
            sweeper: Sweeper::new(node, keys.clone(), shards.clone(), settings),
            keys,
            shards,
            maintenance: Mutex::default(),
            first_renewal: OnceLock::new(),
            renew_every: settings.renew_every,
            sweep_task: StdMutex::default(),
            lease: settings.lease,
            leave_grace_ms: settings.leave_grace.as_millis(),
            away_ms: settings.lease.div_f64(2.0).max(settings.renew_every * 2).as_millis(),
            skew: Skew::default(),
            data_generation,
            supervisor: supervisor.clone(),
        }
    }

    /// `own`: empty if this node has none.
    async fn exchange_secrets(&self, own: &str) -> Result<Option<Secrets>> {
        let keys = [self.keys.secret(), self.keys.earlier_secrets()];
        let call = Call::new(&SECRET, keys).arg(own);
        let kept = within(self.deadline, self.shards.call(&MEMBERSHIPS, call)).await?;
        let mut kept = parsed::<Vec<String>>(kept)?.into_iter();
        Ok(kept.next().map(|current| Secrets { current, earlier: kept.collect() }))
    }

    pub async fn renew(&self, stats: &NodeStats, figures: Option<&Figures>) -> Result<Lease> {
        let refreshing = self.shards.refresh_replids(&MEMBERSHIPS);
        let _ = tokio::time::timeout(self.shard_budget(), refreshing).await;
        let replids = self.data_generation.replids();
        let asked = Instant::now();
        let call = self.renewal_call(stats, figures, &replids);
        let renewal: Renewal = parsed(self.shards.call(&MEMBERSHIPS, call).await?)?;
        self.skew.record(renewal.redis_ms, asked.elapsed());
        count_unreadable(Unreadable::Lease, renewal.foreign);
        check_format(renewal.format)?;
        let report = RenewalReport {
            reported: &replids,
            replid: &renewal.replid,
            generation: &renewal.generation,
            living: &renewal.living,
        };
        let lease = self.data_generation.on_renewal(&report, self.wait_for(renewal.age_ms), self.node);
        if renewal.is_unswept {
            self.sweep(renewal.generation);
        }
        self.run_maintenance(renewal.dead, renewal.due).await;
        Ok(if renewal.is_lost { Lease::Expired } else { lease })
    }

    fn renewal_call(&self, stats: &NodeStats, figures: Option<&Figures>, replids: &[String]) -> Call {
        let (keys, node) = (&self.keys, self.node.to_string());
        let script_keys = [
            keys.nodes(),
            keys.clock(),
            keys.vitals(),
            keys.leave_schedule(),
            keys.restored(),
            keys.reaper(&node),
            keys.figures(),
        ];
        let call = Call::new(&RENEW, script_keys)
            .arg(&node)
            .arg(self.lease.as_millis())
            .arg(self.leave_grace_ms)
            .arg(self.away_ms)
            .arg(stats.uptime_s * 1000)
            .arg(vitals::write(stats))
            .arg(self.data_generation.restored())
            .arg(figures.map(Figures::write).unwrap_or_default())
            .arg(FIGURES_KEPT.as_millis());
        replids.iter().fold(call, |call, replid| call.arg(replid))
    }

    /// How long a renewal waits for other shards, twice in a row. A shard that does not answer must not cost this
    /// node its lease.
    fn shard_budget(&self) -> Duration {
        self.lease / 8
    }

    /// The nodes to wait for in a generation of this age.
    fn wait_for(&self, age_ms: u64) -> WaitFor {
        // Every living node has renewed within this time; the tenth on top allows for late timers.
        let is_known =
            self.first_renewal.get_or_init(Instant::now).elapsed() >= self.renew_every.mul_f64(1.1);
        if !is_known {
            WaitFor::Discovery
        } else if u128::from(age_ms) < self.lease.as_millis() {
            WaitFor::ExpectedNodes
        } else {
            WaitFor::NoOther
        }
    }

    /// Starts the due maintenance, or waits for that of an earlier renewal. A failed step is repeated with the next
    /// renewal, by this node or another. A long one is waited for no longer than the lease allows. It is not
    /// cancelled, because a command in a socket may still take effect.
    async fn run_maintenance(&self, dead: Vec<String>, due: Vec<Vec<u8>>) {
        let mut maintenance = self.maintenance.lock().await;
        let reaper = &self.reaper;
        let working = maintenance
            .get_or_insert_with(|| self.supervisor.keep_once("reaper", reaper.clone().run(dead, due)));
        if tokio::time::timeout(self.shard_budget(), working).await.is_ok() {
            *maintenance = None;
        }
    }

    fn sweep(&self, generation: String) {
        let mut sweep_task = self.sweep_task.lock().expect("no code panics while it holds this lock");
        if sweep_task.as_ref().is_none_or(|task| task.is_finished()) {
            let sweep = self.sweeper.clone().sweep(generation);
            *sweep_task = Some(self.supervisor.keep_once("sweep", sweep));
        }
    }

    async fn remove(&self) -> Result<()> {
        let node = self.node.to_string();
        let calls = [
            Call::plain("ZREM", self.keys.nodes()).arg(&node),
            Call::plain("HDEL", self.keys.vitals()).arg(&node),
            Call::plain("HDEL", self.keys.restored()).arg(&node),
            Call::plain("DEL", self.keys.node_rooms(&node)),
        ];
        let values = self.shards.call_all(&MEMBERSHIPS, &calls).await;
        values.into_iter().try_for_each(|value| value.map(drop))
    }

    /// Skips nodes without vitals or with vitals of a later format, and entries that are not of adda.
    async fn living(&self) -> Result<Vec<NodeInfo>> {
        let keys = &self.keys;
        let clock = ["last", "ahead", "steady_since", "away_since"];
        let calls = [
            Call::beside("TIME", keys.nodes()),
            clock.iter().fold(Call::plain("HMGET", keys.clock()), |call, field| call.arg(field)),
            Call::plain("ZRANGE", keys.nodes()).arg(0).arg(-1).arg("WITHSCORES"),
            Call::plain("HGETALL", keys.vitals()),
        ];
        let values = self.shards.call_all(&Role::Pooled, &calls).await;
        let values: Vec<Value> = values.into_iter().collect::<Result<_>>()?;
        let [time, clock, renewals, vitals_by_node]: [Value; 4] =
            values.try_into().expect("one value for each call");
        let (seconds, micros): (u64, u64) = parsed(time)?;
        let redis_ms = (seconds * 1000 + micros / 1000) as f64;
        let renewals: Vec<(Vec<u8>, f64)> = parsed(renewals)?;
        let vitals_by_node: std::collections::HashMap<Vec<u8>, Vec<u8>> = parsed(vitals_by_node)?;
        let cluster_time = ClusterTime::read(redis_ms, parsed(clock)?);
        let since = cluster_time.lease_cutoff(self.lease.as_millis() as f64);
        let living = renewals.iter().filter(|(_, renewed)| *renewed > since);
        let mut nodes: Vec<NodeInfo> = living
            .filter_map(|(id, _)| {
                let vitals = vitals_by_node.get(id).and_then(|stored| vitals::read(stored, cluster_time.now));
                let node = NodeId::parse(std::str::from_utf8(id).ok()?);
                Some(NodeInfo { id: node?, stats: vitals? })
            })
            .collect();
        nodes.sort_unstable_by_key(|node| node.id);
        Ok(nodes)
    }
}

/// A node must not write data that the other nodes would misread.
fn check_format(oldest: u64) -> Result<()> {
    if oldest <= vitals::FORMAT {
        return Ok(());
    }
    Err(BackendError::Misconfigured(format!(
        "this Redis belongs to nodes of a later version of adda (format {oldest}, this one knows {}); update this node",
        vitals::FORMAT
    )))
}

/// The cluster's time, as in `clock.lua`, and the last pause of renewals.
#[derive(Debug)]
struct ClusterTime {
    now: f64,
    steady_since: Option<f64>,
    away_since: Option<f64>,
}

impl ClusterTime {
    fn read(redis_ms: f64, clock: [Option<Vec<u8>>; 4]) -> Self {
        let [last, ahead, steady_since, away_since] = clock.map(|field| millis_of(&field?));
        let now = (redis_ms + ahead.unwrap_or(0.0)).max(last.unwrap_or(0.0));
        Self { now, steady_since, away_since }
    }

    /// A node that has renewed after this time is living.
    fn lease_cutoff(&self, lease_ms: f64) -> f64 {
        match (self.steady_since, self.away_since) {
            // After a pause of all renewals, the nodes that lived before it still have time to renew.
            (Some(steady_since), Some(away_since)) if self.now - steady_since < lease_ms => {
                away_since - lease_ms
            }
            _ => self.now - lease_ms,
        }
    }
}

fn millis_of(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.parse().ok().filter(|millis| (0.0..1e15).contains(millis))
}
