//! Which nodes live: leases by Redis' clock.

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

use crate::backend::lease::Lease;
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::script::{Memory, REPLID, Script};
use crate::backend::redis::client::server::parsed;
use crate::backend::redis::cluster::orphans::Sweeper;
use crate::backend::redis::cluster::reaper::Reaper;
use crate::backend::redis::cluster::renewal::Renewal;
use crate::backend::redis::cluster::skew::Skew;
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::generation::{Awaited, Generations, Heard};
use crate::backend::redis::presence::index::Index;
use crate::backend::redis::presence::{CLOCK, MEMBERSHIPS};
use crate::backend::redis::topology::Shards;
use crate::backend::{BackendError, NodeInfo, NodeStats, Result, Secrets, within};
use crate::config::Config;
use crate::model::NodeId;
use crate::supervisor::Supervisor;
use crate::telemetry::{Unreadable, count_unreadable};

static RENEW: Script = Script::new(Memory::Spares, &[REPLID, CLOCK, include_str!("renew.lua")]);

/// Keeps a secret of the cluster.
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
    /// What is being done, if it has outlasted a renewal.
    housework: Mutex<Option<AbortOnDropHandle<()>>>,
    /// When this node first renewed.
    first: OnceLock<Instant>,
    renew_every: Duration,
    sweeper: Sweeper,
    /// Apart from the housework: it may take long, and the dead must not wait for it.
    sweeping: StdMutex<Option<AbortOnDropHandle<()>>>,
    lease: Duration,
    linger_ms: u128,
    /// Without any renewal for so long, Redis was away.
    away_ms: u128,
    skew: Skew,
    generations: Generations,
    supervisor: Supervisor,
    deadline: Duration,
    _topology: AbortOnDropHandle<()>,
}

impl Leases {
    pub fn new(
        node: NodeId,
        keys: Keys,
        shards: Arc<Shards>,
        generations: Generations,
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
            housework: Mutex::default(),
            first: OnceLock::new(),
            renew_every: settings.renew_every,
            sweeping: StdMutex::default(),
            lease: settings.lease,
            linger_ms: settings.leave_grace.as_millis(),
            away_ms: settings.lease.div_f64(2.0).max(settings.renew_every * 2).as_millis(),
            skew: Skew::default(),
            generations,
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

    pub async fn renew(&self, stats: &NodeStats) -> Result<Lease> {
        let looking = self.shards.refresh_replids(&MEMBERSHIPS);
        let _ = tokio::time::timeout(self.patience(), looking).await;
        let histories = self.generations.histories();
        let asked = Instant::now();
        let call = self.renewal_call(stats, &histories);
        let renewal = Renewal::read(self.shards.call(&MEMBERSHIPS, call).await?)?;
        self.skew.take_in(renewal.redis_ms, asked.elapsed());
        count_unreadable(Unreadable::Lease, renewal.foreign);
        check_format(renewal.format)?;
        let heard = Heard {
            told: &histories,
            history: &renewal.history,
            generation: &renewal.generation,
            living: &renewal.living,
        };
        let lease = self.generations.see(&heard, self.awaited(renewal.age_ms), self.node);
        if renewal.is_unswept {
            self.sweep(renewal.generation);
        }
        self.keep_house(renewal.dead, renewal.due).await;
        Ok(if renewal.is_lost { Lease::Expired } else { lease })
    }

    fn renewal_call(&self, stats: &NodeStats, histories: &[String]) -> Call {
        let (keys, node) = (&self.keys, self.node.to_string());
        let script_keys =
            [keys.nodes(), keys.clock(), keys.vitals(), keys.due(), keys.restored(), keys.reaper(&node)];
        let call = Call::new(&RENEW, script_keys)
            .arg(&node)
            .arg(self.lease.as_millis())
            .arg(self.linger_ms)
            .arg(self.away_ms)
            .arg(stats.uptime_s * 1000)
            .arg(vitals::write(stats))
            .arg(self.generations.restored());
        histories.iter().fold(call, |call, history| call.arg(history))
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
        } else if u128::from(age_ms) < self.lease.as_millis() {
            Awaited::Known
        } else {
            Awaited::Nobody
        }
    }

    /// Sees to what is due, or goes on waiting for what was begun with a renewal before. What fails is
    /// tried again with the next one, by this node or another, and what lasts is waited for no longer
    /// than the lease allows; nor is it broken off, for a call that is on its way may be carried out late.
    async fn keep_house(&self, dead: Vec<String>, due: Vec<Vec<u8>>) {
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

    async fn give_back(&self) -> Result<()> {
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

    /// Leaves out nodes that have said nothing yet, or in a later format, and what is no node's.
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
        let [time, clock, renewals, said]: [Value; 4] = values.try_into().expect("one value for each call");
        let (seconds, micros): (u64, u64) = parsed(time)?;
        let redis_ms = (seconds * 1000 + micros / 1000) as f64;
        let renewals: Vec<(Vec<u8>, f64)> = parsed(renewals)?;
        let said: std::collections::HashMap<Vec<u8>, Vec<u8>> = parsed(said)?;
        let moment = Moment::read(redis_ms, parsed(clock)?);
        let since = moment.oldest_of_the_living(self.lease.as_millis() as f64);
        let living = renewals.iter().filter(|(_, renewed)| *renewed > since);
        let mut nodes: Vec<NodeInfo> = living
            .filter_map(|(id, _)| {
                let vitals = said.get(id).and_then(|said| vitals::read(said, moment.now));
                let node = NodeId::parse(std::str::from_utf8(id).ok()?);
                Some(NodeInfo { id: node?, stats: vitals? })
            })
            .collect();
        nodes.sort_unstable_by_key(|node| node.id);
        Ok(nodes)
    }
}

/// A node must not write what those beside it would misread.
fn check_format(oldest: u64) -> Result<()> {
    if oldest <= vitals::FORMAT {
        return Ok(());
    }
    Err(BackendError::Misconfigured(format!(
        "this Redis belongs to nodes of a later version of adda (format {oldest}, this one knows {}); update this node",
        vitals::FORMAT
    )))
}

/// The cluster's time, as `clock.lua` tells it, and when renewals were interrupted.
#[derive(Debug)]
struct Moment {
    now: f64,
    steady_since: Option<f64>,
    away_since: Option<f64>,
}

impl Moment {
    fn read(redis_ms: f64, clock: [Option<Vec<u8>>; 4]) -> Self {
        let [last, ahead, steady_since, away_since] = clock.map(|field| millis_of(&field?));
        let now = (redis_ms + ahead.unwrap_or(0.0)).max(last.unwrap_or(0.0));
        Self { now, steady_since, away_since }
    }

    /// Whoever has renewed after that lives.
    fn oldest_of_the_living(&self, lease_ms: f64) -> f64 {
        match (self.steady_since, self.away_since) {
            // Lately nobody could renew: who lived when Redis went away still has time to.
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
