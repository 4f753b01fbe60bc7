//! Which server has which keys: one has all, or a Redis Cluster divides them by slots. Calls are sent
//! where their key is, and after it if it moves meanwhile.

mod refresh;
pub(super) mod slot_map;

use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use redis::{ConnectionInfo, Value};
use tokio::sync::{Mutex, watch};
use tracing::debug;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::complaints::Complaints;
use crate::backend::redis::client::dialer::Dialer;
use crate::backend::redis::client::pipeline::Elsewhere;
use crate::backend::redis::client::script::Publishing;
use crate::backend::redis::client::sentinels::Sentinels;
use crate::backend::redis::client::server::{Lane, Manner, Server, unavailable, value_or_error};
use crate::backend::redis::client::target::Target;
use crate::backend::redis::keys::{SLOTS, slot_of};
use crate::backend::redis::presence::generation::Generations;
use crate::backend::redis::presence::tracking::Watch;
use crate::backend::redis::reason;
use crate::backend::redis::topology::slot_map::Map;
use crate::backend::{BackendError, Result};
use crate::config::Redis as Settings;

/// Ranges of slots that have queues of their own.
const RANGES: usize = 64;

/// Queues of a range.
const QUEUES_A_RANGE: usize = 4;

/// Wait before a key that is on its way, or whose shard has no master, is asked for again.
const PATIENCE: Duration = Duration::from_millis(25);

/// All servers of a Redis.
#[derive(Debug)]
pub struct Shards {
    target: Target,
    settings: Settings,
    generations: Generations,
    watch: Watch,
    complaints: Complaints,
    map: RwLock<Arc<Map>>,
    /// The servers of a cluster that are named in `redis.url`, whether masters now or not.
    seeds: Vec<Arc<Server>>,
    /// Servers without slots that others sent us to: the first slot of each is on its way.
    importing: Mutex<Vec<Arc<Server>>>,
    /// Told of each new map.
    changes: watch::Sender<()>,
    /// Held while the map is asked for: one asks for all that wait.
    looking: Mutex<()>,
}

impl Shards {
    pub fn new(target: Target, settings: &Settings, generations: Generations, watch: Watch) -> Result<Self> {
        let mut shards = Self {
            seeds: Vec::new(),
            importing: Mutex::default(),
            map: RwLock::default(),
            target,
            settings: settings.clone(),
            generations,
            watch,
            complaints: Complaints::default(),
            changes: watch::Sender::new(()),
            looking: Mutex::default(),
        };
        let dialer = match &shards.target {
            Target::One(info) => Some(Dialer::fixed(info, settings)),
            Target::Sentinel { sentinels, master, redis } => {
                Some(Ok(Dialer::Sentinels(Box::new(Sentinels::new(sentinels, master, redis)))))
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
    pub fn is_cluster(&self) -> bool {
        matches!(self.target, Target::Cluster(_))
    }

    /// Where publications go.
    pub fn publishing(&self) -> Publishing {
        if self.is_cluster() { Publishing::Sharded } else { Publishing::Everywhere }
    }

    /// How many queues of writes there should be, each by the slots of its keys.
    pub fn queues(&self) -> usize {
        if self.is_cluster() { RANGES * QUEUES_A_RANGE } else { 1 }
    }

    /// The queue for a key. Neighbouring slots mostly share a master, so a range of them shares queues; but
    /// names that begin alike are neighbours, and one that is on its way should hold up few others.
    pub fn queue_of(&self, key: &str) -> usize {
        if !self.is_cluster() {
            return 0;
        }
        let slot = usize::from(slot_of(key));
        slot * RANGES / usize::from(SLOTS) * QUEUES_A_RANGE + slot % QUEUES_A_RANGE
    }

    /// For messages: hosts and ports.
    pub fn address(&self) -> String {
        self.target.address()
    }

    /// The map of the moment.
    pub fn map(&self) -> Arc<Map> {
        self.map.read().expect("no code panics while it holds this lock").clone()
    }

    /// The name of the server that has a key now.
    pub fn server_of(&self, key: &str) -> Option<String> {
        self.map().server(key).map(|server| server.name.clone())
    }

    /// Tells of each new map.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Arc<Map>> {
        self.map.write().expect("no code panics while it holds this lock")
    }

    fn server(&self, name: String, dialer: Dialer) -> Arc<Server> {
        Arc::new(self.server_with(name, dialer, self.generations.clone()))
    }

    fn server_with(&self, name: String, dialer: Dialer, generations: Generations) -> Server {
        let (watch, complaints) = (self.watch.clone(), self.complaints.clone());
        Server::new(name, dialer, &self.settings, generations, watch, complaints, self.publishing())
    }

    /// Connects to a server, to see whether that can work at all.
    ///
    /// # Errors
    /// What the network or Redis says.
    pub async fn connect_first(&self) -> redis::RedisResult<()> {
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

    /// Opens all connections to all servers, while there are descriptors: clients may take the others. Those
    /// that can't be opened now are when they are needed.
    pub async fn connect_all(&self) {
        let servers = self.map().servers();
        let connecting =
            servers.iter().flat_map(|server| Lane::ALL.map(async |lane| server.connect(lane).await));
        for outcome in join_all(connecting).await {
            if let Err(error) = outcome {
                debug!(%error, "Can't open a connection to Redis yet");
            }
        }
    }

    /// Learns which history each server continues. One server tells with each renewal itself; of
    /// several, all but one must be asked.
    pub async fn look_at_histories(&self, lane: Lane) {
        let servers = self.map().servers();
        let outcomes = join_all(servers.iter().map(async |server| match self.is_cluster() {
            true => (server, server.ask_history(lane).await),
            false => (server, server.connect(lane).await.map_err(unavailable)),
        }));
        for (server, outcome) in outcomes.await {
            if let Err(error) = outcome {
                debug!(error = %reason(&error), redis = %server.name, "A server does not answer");
            }
        }
    }

    // --- calls ---

    /// Makes one call.
    pub async fn call(&self, lane: Lane, call: Call) -> Result<Value> {
        self.call_all(lane, &[call]).await.pop().unwrap_or_else(no_master)
    }

    /// Makes calls at once; those of one server in their order. One result for each.
    pub async fn call_all(&self, lane: Lane, calls: &[Call]) -> Vec<Result<Value>> {
        self.run(lane, calls, Manner::Loose).await
    }

    /// Makes calls, following their keys for as long as the deadline allows.
    pub async fn run(&self, lane: Lane, calls: &[Call], manner: Manner) -> Vec<Result<Value>> {
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
                                None => {
                                    let key = calls[pending.at].key();
                                    self.complaints.note_answer(&server.name, key, &value);
                                    results[pending.at] = Some(value_or_error(value));
                                }
                            }
                        }
                    }
                    Err(error) => spread(error, &group, &mut results),
                }
            }
            if Instant::now() + PATIENCE > deadline {
                for (pending, _, value) in again.drain(..) {
                    self.complaints.note_answer("", calls[pending.at].key(), &value);
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
        let mut is_early = refused.iter().any(|(_, elsewhere, _)| *elsewhere == Elsewhere::Later);
        if refused.iter().any(|(_, elsewhere, _)| *elsewhere == Elsewhere::Moved) {
            let before = self.map();
            self.look().await;
            // Nobody knows more than the server that refused.
            is_early |= self.map().is_as(&before);
        }
        if is_early {
            tokio::time::sleep(PATIENCE).await;
        }
        let mut redirected = Vec::with_capacity(refused.len());
        for (pending, elsewhere, _) in refused {
            let asked = match elsewhere {
                Elsewhere::Asked(address) => self.server_at(address).await,
                Elsewhere::Moved | Elsewhere::Later => None,
            };
            redirected.push(Pending { asked, ..pending });
        }
        redirected
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

fn no_master() -> Result<Value> {
    Err(BackendError::Unavailable("no Redis has these keys now".into()))
}

/// One failure is that of all calls that were sent together.
fn spread(error: BackendError, group: &[Pending], results: &mut [Option<Result<Value>>]) {
    let sentence = reason(&error);
    for pending in group {
        results[pending.at] = Some(Err(BackendError::Unavailable(sentence.clone().into())));
    }
}
