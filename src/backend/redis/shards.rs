//! Which server has which keys: one has all, or a Redis Cluster divides them by slots. Calls are sent
//! where their key is, and after it if it moves meanwhile.

use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use redis::{ConnectionInfo, Value};
use tokio::sync::{Mutex, watch};
use tracing::{debug, warn};

use super::batch::Elsewhere;
use super::dialer::Dialer;
use super::generation::Generations;
use super::keys::{SLOTS, slot_of};
use super::map::{Map, masters};
use super::scripts::Call;
use super::server::{Lane, Manner, Server, parsed, unavailable, value_or_error};
use super::target::{Target, at};
use super::watch::Watch;
use crate::backend::{BackendError, Result};
use crate::config::Redis as Settings;

/// Time between two looks at a cluster's map. A key that has moved is found sooner: the old place
/// says so.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Wait before a key that is on its way, or whose shard has no master, is asked for again.
const PATIENCE: Duration = Duration::from_millis(25);

/// All servers of a Redis.
#[derive(Debug)]
pub(super) struct Shards {
    target: Target,
    settings: Settings,
    generations: Generations,
    watch: Watch,
    map: RwLock<Arc<Map>>,
    /// The servers of a cluster that are named in `redis.url`, whether masters now or not.
    seeds: Vec<Arc<Server>>,
    /// Told of each new map.
    changes: watch::Sender<()>,
    /// Held while the map is asked for: one asks for all that wait.
    looking: Mutex<()>,
}

impl Shards {
    pub(super) fn new(
        target: Target,
        settings: &Settings,
        generations: Generations,
        watch: Watch,
    ) -> Result<Self> {
        let mut shards = Self {
            seeds: Vec::new(),
            map: RwLock::default(),
            target,
            settings: settings.clone(),
            generations,
            watch,
            changes: watch::Sender::new(()),
            looking: Mutex::default(),
        };
        let dialer = match &shards.target {
            Target::One(info) => Some(Dialer::fixed(info, settings)),
            Target::Sentinel { sentinels, master, redis, tls } => {
                Some(Dialer::sentinels(sentinels, master, redis, tls.as_ref()))
            }
            Target::Cluster(_) => None,
        };
        if let Some(dialer) = dialer {
            let server = shards.server(shards.target.address(), dialer.map_err(unavailable)?);
            *shards.write() = Arc::new(Map::whole(server));
        }
        if let Target::Cluster(infos) = &shards.target {
            let seed = |info: &ConnectionInfo| shards.at(info.addr().to_string(), info, &[]);
            shards.seeds = infos.iter().filter_map(seed).collect();
        }
        Ok(shards)
    }

    /// Whether the keys are divided, and publications with them.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.target, Target::Cluster(_))
    }

    /// How many queues of writes there should be, each by the slots of its keys.
    pub(super) fn queues(&self) -> usize {
        if self.is_cluster() { 64 } else { 1 }
    }

    /// For messages: hosts and ports.
    pub(super) fn address(&self) -> String {
        self.target.address()
    }

    /// The map of the moment.
    pub(super) fn map(&self) -> Arc<Map> {
        self.map.read().expect("no code panics while it holds this lock").clone()
    }

    /// The name of the server that has a key now.
    pub(super) fn server_of(&self, key: &str) -> Option<String> {
        self.map().server(key).map(|server| server.name.clone())
    }

    /// Tells of each new map.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Arc<Map>> {
        self.map.write().expect("no code panics while it holds this lock")
    }

    fn server(&self, name: String, dialer: Dialer) -> Arc<Server> {
        let (generations, watch) = (self.generations.clone(), self.watch.clone());
        Arc::new(Server::new(name, dialer, &self.settings, generations, watch, self.is_cluster()))
    }

    /// Connects to a server, to see whether that can work at all.
    ///
    /// # Errors
    /// What the network or Redis says.
    pub(super) async fn connect_first(&self) -> redis::RedisResult<()> {
        if self.is_cluster() {
            let mut refusal = None;
            for server in &self.seeds {
                match server.connect(Lane::Reads).await {
                    Ok(()) => {
                        self.look().await;
                        return Ok(());
                    }
                    Err(error) => refusal = Some(error),
                }
            }
            return refusal.map_or(Ok(()), Err);
        }
        match self.map().servers().first() {
            Some(server) => server.connect(Lane::Reads).await,
            None => Ok(()),
        }
    }

    /// Learns which history each server continues. One server tells with each renewal itself; of
    /// several, all but one must be asked.
    pub(super) async fn look_at_histories(&self, lane: Lane) {
        let servers = self.map().servers();
        let outcomes = join_all(servers.iter().map(async |server| match self.is_cluster() {
            true => (server, server.ask_history(lane).await),
            false => (server, server.connect(lane).await.map_err(unavailable)),
        }));
        for (server, outcome) in outcomes.await {
            if let Err(error) = outcome {
                debug!(error = %super::reason(&error), redis = %server.name, "A server does not answer");
            }
        }
    }

    // --- calls ---

    /// Makes one call.
    pub(super) async fn call(&self, lane: Lane, call: Call) -> Result<Value> {
        self.call_all(lane, &[call]).await.pop().unwrap_or_else(no_master)
    }

    /// Makes calls at once; those of one server in their order. One result for each.
    pub(super) async fn call_all(&self, lane: Lane, calls: &[Call]) -> Vec<Result<Value>> {
        self.run(lane, calls, Manner::Loose).await
    }

    /// Makes calls, following their keys for as long as the deadline allows.
    pub(super) async fn run(&self, lane: Lane, calls: &[Call], manner: Manner) -> Vec<Result<Value>> {
        let deadline = Instant::now() + self.settings.command_timeout;
        let mut results: Vec<Option<Result<Value>>> = calls.iter().map(|_| None).collect();
        let mut pending: Vec<Pending> = (0..calls.len()).map(Pending::new).collect();
        while !pending.is_empty() {
            let mut again = Vec::new();
            let groups = self.grouped(std::mem::take(&mut pending), calls, &mut results);
            let outcomes = join_all(groups.into_iter().map(async |(server, is_asking, group)| {
                let group_calls: Vec<&Call> = group.iter().map(|pending| &calls[pending.at]).collect();
                (server.run(lane, &group_calls, manner, is_asking).await, server, group)
            }));
            for (outcome, server, group) in outcomes.await {
                match outcome {
                    Ok(values) => {
                        for (pending, value) in group.into_iter().zip(values) {
                            match Elsewhere::of(&value, server.host()) {
                                Some(elsewhere) => again.push((pending, elsewhere, value)),
                                None => results[pending.at] = Some(value_or_error(value)),
                            }
                        }
                    }
                    Err(error) => spread(error, &group, &mut results),
                }
            }
            if Instant::now() + PATIENCE > deadline {
                for (pending, _, value) in again.drain(..) {
                    results[pending.at] = Some(value_or_error(value));
                }
            }
            pending = self.redirected(again).await;
        }
        results.into_iter().map(|result| result.unwrap_or_else(no_master)).collect()
    }

    /// What goes to each server, in order. What no server has is answered at once.
    fn grouped(
        &self,
        pending: Vec<Pending>,
        calls: &[Call],
        results: &mut [Option<Result<Value>>],
    ) -> Vec<(Arc<Server>, bool, Vec<Pending>)> {
        let map = self.map();
        let mut groups: Vec<(Arc<Server>, bool, Vec<Pending>)> = Vec::new();
        for pending in pending {
            let is_asking = pending.asked.is_some();
            let owner = pending.asked.as_ref().or_else(|| map.server(calls[pending.at].key()));
            let Some(server) = owner.cloned() else {
                results[pending.at] = Some(no_master());
                continue;
            };
            let is_same =
                |group: &&mut (Arc<Server>, bool, _)| Arc::ptr_eq(&group.0, &server) && group.1 == is_asking;
            match groups.iter_mut().find(is_same) {
                Some((_, _, group)) => group.push(pending),
                None => groups.push((server, is_asking, vec![pending])),
            }
        }
        groups
    }

    /// Finds out where to look for the keys of calls that were refused.
    async fn redirected(&self, refused: Vec<(Pending, Elsewhere, Value)>) -> Vec<Pending> {
        let before = self.map();
        let is_known = |elsewhere: &Elsewhere, map: &Map| match elsewhere {
            Elsewhere::Asked(address) => map.has(address),
            Elsewhere::Moved | Elsewhere::Later => false,
        };
        let mut is_early = refused.iter().any(|(_, elsewhere, _)| *elsewhere == Elsewhere::Later);
        let away = |(_, elsewhere, _): &(_, Elsewhere, _)| {
            *elsewhere != Elsewhere::Later && !is_known(elsewhere, &before)
        };
        if refused.iter().any(away) {
            self.look().await;
            // Nobody knows more than the server that refused.
            is_early |= self.map().is_as(&before);
        }
        if is_early {
            tokio::time::sleep(PATIENCE).await;
        }
        let map = self.map();
        let target = |(pending, elsewhere, _): (Pending, Elsewhere, Value)| match elsewhere {
            Elsewhere::Asked(address) => {
                Pending { asked: map.servers().into_iter().find(|server| server.name == address), ..pending }
            }
            Elsewhere::Moved | Elsewhere::Later => Pending { asked: None, ..pending },
        };
        refused.into_iter().map(target).collect()
    }

    // --- the map of a cluster ---

    /// Keeps the map up to date, for ever.
    pub(super) async fn keep_up(self: Arc<Self>) {
        if self.is_cluster() {
            let mut ticks = tokio::time::interval(LOOK_EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                self.look().await;
            }
        }
    }

    /// Asks the cluster who has which slots; if nobody answers, all stays as it is.
    pub(super) async fn look(&self) {
        if !self.is_cluster() {
            return;
        }
        let Ok(_looking) = self.looking.try_lock() else {
            // Somebody is asking: what he learns serves all.
            drop(self.looking.lock().await);
            return;
        };
        let (before, mut known) = (self.map(), self.map().servers());
        known.extend(self.seeds.iter().filter(|seed| !before.has(&seed.name)).cloned());
        let mut asking: FuturesUnordered<_> =
            known.iter().map(async |server| (server, self.ask(server, &known).await)).collect();
        let (mut newest, mut refusal): (Option<Map>, _) = (None, None);
        loop {
            // A dead server must not hold up the others, and one that was cut off from them knows less:
            // so once one has said what is not older than before, the others have a moment.
            let is_enough = newest.as_ref().is_some_and(|map| map.epoch >= before.epoch);
            let moment = if is_enough { PATIENCE } else { Duration::MAX };
            match tokio::time::timeout(moment, asking.next()).await {
                Ok(Some((_, Ok(map)))) if newest.as_ref().is_none_or(|newest| newest.epoch < map.epoch) => {
                    newest = Some(map);
                }
                Ok(Some((_, Ok(_)))) => {}
                Ok(Some((server, Err(error)))) => {
                    debug!(error = %super::reason(&error), redis = %server.name, "No map from a server");
                    refusal = Some(error);
                }
                Ok(None) | Err(_) => break,
            }
        }
        match (newest, refusal) {
            (Some(map), _) => self.adopt(map),
            (None, Some(error)) => {
                warn!(error = %super::reason(&error), "No server of the Redis Cluster says who has which slots");
            }
            (None, None) => {}
        }
    }

    fn adopt(&self, map: Map) {
        if map.is_as(&self.map()) {
            *self.write() = Arc::new(map);
            return;
        }
        let servers: Vec<String> = map.servers().iter().map(|server| server.name.clone()).collect();
        tracing::info!(masters = servers.join(", "), "The Redis Cluster has another map");
        *self.write() = Arc::new(map);
        self.generations.keep_histories(&servers);
        self.changes.send_replace(());
    }

    /// A server of the map, or one not known yet.
    fn at(&self, name: String, like: &ConnectionInfo, known: &[Arc<Server>]) -> Option<Arc<Server>> {
        if let Some(server) = known.iter().find(|server| server.name == name) {
            return Some(server.clone());
        }
        let dialer = Dialer::fixed(like, &self.settings);
        dialer.ok().map(|dialer| self.server(name, dialer))
    }

    async fn ask(&self, server: &Arc<Server>, known: &[Arc<Server>]) -> Result<Map> {
        let Target::Cluster(seeds) = &self.target else { return Ok(Map::default()) };
        let [slots, info] = ["SLOTS", "INFO"].map(|what| Call::beside("CLUSTER", String::new()).arg(what));
        let mut values = server.run(Lane::Reads, &[&slots, &info], Manner::Loose, false).await?;
        // Who may not ask for it takes the maps as they come.
        let info: String = parsed(values.pop().unwrap_or(Value::Nil)).unwrap_or_default();
        let epoch = info.lines().find_map(|line| line.strip_prefix("cluster_current_epoch:"));
        let epoch = epoch.and_then(|epoch| epoch.trim().parse().ok()).unwrap_or(0);
        let mut ranges: Vec<(u16, u16, Arc<Server>)> = Vec::new();
        for (first, last, host, port) in masters(value_or_error(values.pop().unwrap_or(Value::Nil))?)? {
            // A server that has not been told its own name leaves it out.
            let info = at(&seeds[0], host.as_deref().unwrap_or(server.host()), port);
            let name = info.addr().to_string();
            let named =
                ranges.iter().map(|(_, _, server)| server).find(|server| server.name == name).cloned();
            let Some(owner) = named.or_else(|| self.at(name, &info, known)) else { continue };
            ranges.push((first, last, owner));
        }
        ranges.sort_by_key(|&(first, _, _)| first);
        match ranges.is_empty() {
            true => Err(BackendError::Unavailable("the Redis Cluster has no slots yet".into())),
            false => Ok(Map { ranges, epoch }),
        }
    }
}

/// A call that has no result yet.
struct Pending {
    /// Its place among the calls.
    at: usize,
    /// Where the server that had its key sent us, for this once.
    asked: Option<Arc<Server>>,
}

impl Pending {
    fn new(at: usize) -> Self {
        Self { at, asked: None }
    }
}

/// The queue for a key. Neighbouring slots share one, as they mostly share a master.
pub(super) fn queue_of(key: &str, queues: usize) -> usize {
    if queues == 1 { 0 } else { usize::from(slot_of(key)) * queues / usize::from(SLOTS) }
}

fn no_master() -> Result<Value> {
    Err(BackendError::Unavailable("no Redis has these keys now".into()))
}

/// One failure is that of all calls that were sent together.
fn spread(error: BackendError, group: &[Pending], results: &mut [Option<Result<Value>>]) {
    let sentence = super::reason(&error);
    for pending in group {
        results[pending.at] = Some(Err(BackendError::Unavailable(sentence.clone().into())));
    }
}
