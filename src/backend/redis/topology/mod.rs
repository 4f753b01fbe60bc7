//! The topology: a single server has all keys, or a Redis Cluster divides them by slots. Calls go to the server of
//! their key, and follow a key that moves.

mod attempt;
pub mod pooled;
mod refresh;
pub(super) mod slot_map;

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use redis::{ConnectionInfo, Value};
use tokio::sync::{Mutex, watch};
use tracing::debug;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::complaints::Complaints;
use crate::backend::redis::client::dialer::Dialer;
use crate::backend::redis::client::dialer::sentinels::Sentinels;
use crate::backend::redis::client::role::{ConnectionObserver, Role};
use crate::backend::redis::client::script::Publishing;
use crate::backend::redis::client::server::{Atomicity, Server, unavailable};
use crate::backend::redis::client::target::Target;
use crate::backend::redis::keys::{SLOTS, slot_of};
use crate::backend::redis::topology::attempt::Attempt;
use crate::backend::redis::topology::slot_map::SlotMap;
use crate::backend::{BackendError, Result};
use crate::config::Redis as Settings;

/// Number of slot ranges with queues of their own.
const RANGES: usize = 64;

/// Number of queues in a range.
const QUEUES_PER_RANGE: usize = 4;

/// Delay before another attempt for a key that is moving, or whose shard has no master.
const REDIRECT_DELAY: Duration = Duration::from_millis(25);

/// Queries of the topology.
pub const TOPOLOGY: Role = Role::Ordered("topology");

/// All servers of a Redis.
#[derive(Debug)]
pub struct Shards {
    target: Target,
    settings: Settings,
    observer: Arc<dyn ConnectionObserver>,
    complaints: Complaints,
    map: RwLock<Arc<SlotMap>>,
    /// The servers of a cluster in `redis.url`, masters or not.
    seeds: Vec<Arc<Server>>,
    /// Servers without slots that others redirected to: their first slot is moving.
    importing: Mutex<Vec<Arc<Server>>>,
    /// Notified of each new map.
    changes: watch::Sender<()>,
    /// Held during a refresh: one task refreshes for all that wait.
    refresh_lock: Mutex<()>,
}

impl Shards {
    pub fn new(target: Target, settings: &Settings, observer: Arc<dyn ConnectionObserver>) -> Result<Self> {
        let mut shards = Self {
            seeds: Vec::new(),
            importing: Mutex::default(),
            map: RwLock::default(),
            target,
            settings: settings.clone(),
            observer,
            complaints: Complaints::default(),
            changes: watch::Sender::new(()),
            refresh_lock: Mutex::default(),
        };
        let dialer = match &shards.target {
            Target::One(info) => Some(Dialer::fixed(info)),
            Target::Sentinel { sentinels, master, redis } => {
                Some(Ok(Dialer::Sentinels(Box::new(Sentinels::new(sentinels, master, redis)))))
            }
            Target::Cluster(_) => None,
        };
        if let Some(dialer) = dialer {
            let server = shards.server(shards.target.address(), dialer.map_err(unavailable)?);
            *shards.write() = Arc::new(SlotMap::single(server));
        }
        if let Target::Cluster(infos) = &shards.target {
            let seed = |info: &ConnectionInfo| shards.at(info.addr().to_string(), info, &[]);
            shards.seeds = infos.iter().filter_map(seed).collect();
        }
        Ok(shards)
    }

    /// Whether keys and publications are divided by slot.
    pub fn is_cluster(&self) -> bool {
        matches!(self.target, Target::Cluster(_))
    }

    /// The reach of publications.
    pub fn publishing(&self) -> Publishing {
        if self.is_cluster() { Publishing::Sharded } else { Publishing::Everywhere }
    }

    /// The number of queues for writes, each by the slots of its keys.
    pub fn queues(&self) -> usize {
        if self.is_cluster() { RANGES * QUEUES_PER_RANGE } else { 1 }
    }

    /// The queue of a key. Neighbouring slots mostly share a master, so a range of them shares queues. Rooms with
    /// similar names may be neighbours, so a range has several queues: a key that is moving delays few others.
    pub fn queue_of(&self, key: &str) -> usize {
        if !self.is_cluster() {
            return 0;
        }
        let slot = usize::from(slot_of(key));
        slot * RANGES / usize::from(SLOTS) * QUEUES_PER_RANGE + slot % QUEUES_PER_RANGE
    }

    /// Hosts and ports, for logs.
    pub fn address(&self) -> String {
        self.target.address()
    }

    /// The current map.
    pub fn map(&self) -> Arc<SlotMap> {
        self.map.read().expect("no code panics while it holds this lock").clone()
    }

    /// The name of the server that has a key now.
    pub fn server_of(&self, key: &str) -> Option<String> {
        self.map().server(key).map(|server| server.name.clone())
    }

    /// Items by the server that has their keys now, so that a server that does not answer holds up its own items alone.
    pub fn by_server<T>(&self, items: Vec<T>, key: impl Fn(&T) -> String) -> Vec<Vec<T>> {
        let mut by_server: HashMap<Option<String>, Vec<T>> = HashMap::new();
        for item in items {
            by_server.entry(self.server_of(&key(&item))).or_default().push(item);
        }
        by_server.into_values().collect()
    }

    /// Notifies of each new map.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Arc<SlotMap>> {
        self.map.write().expect("no code panics while it holds this lock")
    }

    fn server(&self, name: String, dialer: Dialer) -> Arc<Server> {
        self.observed(name, dialer, Some(self.observer.clone()))
    }

    fn observed(
        &self,
        name: String,
        dialer: Dialer,
        observer: Option<Arc<dyn ConnectionObserver>>,
    ) -> Arc<Server> {
        Server::new(name, dialer, &self.settings, observer, self.complaints.clone(), self.publishing())
    }

    /// Connects to a server, to detect a configuration that can never work.
    ///
    /// # Errors
    /// The error of the network or of Redis.
    pub async fn connect_first(&self) -> redis::RedisResult<()> {
        if self.is_cluster() {
            let mut refusal = None;
            for server in &self.seeds {
                match server.connect(&TOPOLOGY).await {
                    Ok(()) => {
                        self.refresh().await;
                        return Ok(());
                    }
                    Err(error) => refusal = Some(error),
                }
            }
            return refusal.map_or(Ok(()), Err);
        }
        match self.map().servers().first() {
            Some(server) => server.connect(&Role::Pooled).await,
            None => Ok(()),
        }
    }

    /// Opens all connections to all servers while there are descriptors, because clients may use the others. A
    /// failed connection is opened on first use. `roles`: those with connections of their own.
    pub async fn connect_all(&self, roles: &[Role]) {
        let servers = self.map().servers();
        let own = servers.iter().flat_map(|server| roles.iter().map(async |role| server.connect(role).await));
        let pools = servers.iter().map(async |server| server.fill_pool().await);
        let (own, pools) = tokio::join!(join_all(own), join_all(pools));
        for outcome in own.into_iter().chain(pools) {
            if let Err(error) = outcome {
                debug!(%error, "could not open a connection to Redis");
            }
        }
    }

    /// Fetches the replication id of each server. A single server reports its own with each renewal; of several,
    /// all others must be asked.
    pub async fn refresh_replids(&self, role: &Role) {
        let servers = self.map().servers();
        let outcomes = join_all(servers.iter().map(async |server| {
            let outcome = if self.is_cluster() {
                server.fetch_replid(role).await
            } else {
                server.connect(role).await.map_err(unavailable)
            };
            (server, outcome)
        }));
        for (server, outcome) in outcomes.await {
            if let Err(error) = outcome {
                debug!(error = %error.root_cause(), redis = %server.name, "could not fetch a replication id");
            }
        }
    }

    // --- calls ---

    /// Makes one call.
    pub async fn call(&self, role: &Role, call: Call) -> Result<Value> {
        self.call_all(role, &[call]).await.pop().unwrap_or_else(no_master)
    }

    /// Makes calls concurrently; those of one server in order. One result for each.
    pub async fn call_all(&self, role: &Role, calls: &[Call]) -> Vec<Result<Value>> {
        self.run(role, calls, Atomicity::None).await
    }

    /// Makes calls, and follows redirects until the deadline.
    pub async fn run(&self, role: &Role, calls: &[Call], atomicity: Atomicity) -> Vec<Result<Value>> {
        let deadline = Instant::now() + self.settings.command_timeout;
        let mut attempts: Vec<Attempt<'_>> = calls.iter().map(Attempt::new).collect();
        loop {
            self.send_pending(role, atomicity, &mut attempts).await;
            if Instant::now() + REDIRECT_DELAY > deadline {
                attempts.iter_mut().for_each(|attempt| attempt.give_up(&self.complaints));
            }
            if attempts.iter().all(Attempt::is_done) {
                return attempts.into_iter().map(Attempt::into_result).collect();
            }
            self.follow_redirects(&mut attempts).await;
        }
    }
}

fn no_master() -> Result<Value> {
    Err(BackendError::Unavailable("no master has this slot".into()))
}
