//! The connections of a [`Server`]: each lane opens its own when it is needed, and anew after a failure.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard};
use std::time::Instant;

use futures_util::FutureExt;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, Pipeline, RedisError, RedisResult, Value};
use tracing::{debug, info, warn};

use super::access::is_unauthenticated;
use super::{IDLE, Lane, Server, kind_of, unavailable};
use crate::backend::redis::client::script::{Publishing, Script};
use crate::backend::{BackendError, Result};
use crate::telemetry::RedisFailure;

/// A connection that stands.
#[derive(Clone)]
pub struct Open {
    pub connection: MultiplexedConnection,
    pub named: Named,
    /// [`Server::failures`] when it was opened.
    pub failures: u64,
    /// When Redis last answered on it.
    used: Arc<StdMutex<Instant>>,
    /// Scripts that were loaded over it.
    loaded: Arc<StdMutex<Vec<&'static Script>>>,
}

impl Open {
    /// Redis has answered.
    pub fn use_now(&self) {
        *self.lock_used() = Instant::now();
    }

    fn is_idle(&self) -> bool {
        self.lock_used().elapsed() >= IDLE
    }

    /// Those of the scripts that were not loaded over it, each once.
    pub fn missing(&self, scripts: impl Iterator<Item = &'static Script>) -> Vec<&'static Script> {
        let loaded = self.lock_loaded();
        let mut missing: Vec<&'static Script> = Vec::new();
        for script in scripts {
            let mut known = loaded.iter().chain(&missing);
            if !known.any(|known| std::ptr::eq(*known, script)) {
                missing.push(script);
            }
        }
        missing
    }

    /// Scripts were loaded over it.
    pub fn note_loaded(&self, scripts: &[&'static Script]) {
        self.lock_loaded().extend_from_slice(scripts);
    }

    /// Redis has forgotten its scripts.
    pub fn forget_loaded(&self) {
        self.lock_loaded().clear();
    }

    fn lock_loaded(&self) -> MutexGuard<'_, Vec<&'static Script>> {
        self.loaded.lock().expect("no code panics while it holds this lock")
    }

    fn lock_used(&self) -> MutexGuard<'_, Instant> {
        self.used.lock().expect("no code panics while it holds this lock")
    }
}

/// How Redis names a connection. The address makes it unique over restarts of Redis, which count
/// anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    id: String,
    address: String,
}

impl Server {
    /// Opens the lane's connection if need be.
    ///
    /// # Errors
    /// What Redis or the network says, to tell what will never work from what is not there yet.
    pub async fn connect(&self, lane: Lane) -> RedisResult<()> {
        self.try_open(lane).await.map(drop)
    }

    pub async fn open(&self, lane: Lane) -> Result<Open> {
        match tokio::time::timeout(self.settings.command_timeout, self.try_open(lane)).await {
            Ok(Ok(open)) => Ok(open),
            Ok(Err(error)) => {
                self.complaints.note_failure(&self.name, kind_of(&error), &error);
                Err(unavailable(error))
            }
            Err(elapsed) => {
                self.complaints.note_failure(&self.name, RedisFailure::Timeout, &"no connection in time");
                Err(BackendError::Unavailable(elapsed.into()))
            }
        }
    }

    async fn try_open(&self, lane: Lane) -> RedisResult<Open> {
        let mut current = self.lanes[lane as usize].lock().await;
        let failures = self.failures.load(Ordering::Relaxed);
        let mut open = match current.take().filter(|open| open.failures == failures) {
            Some(open) if !open.is_idle() || self.answers(&open).await => open,
            // Boxed: rare, and the largest of all that a call may wait for.
            _ => self.open_anew(lane, failures).boxed().await?,
        };
        self.bury_given_up(&mut open.connection).await?;
        *current = Some(open.clone());
        Ok(open)
    }

    /// Whether a connection that was idle still leads to Redis. If it does not, that says nothing of others.
    async fn answers(&self, open: &Open) -> bool {
        let mut connection = open.connection.clone();
        let ping = redis::cmd("PING");
        let asking = ping.exec_async(&mut connection);
        let is_alive =
            matches!(tokio::time::timeout(self.settings.command_timeout / 4, asking).await, Ok(Ok(())));
        if is_alive {
            open.use_now();
        } else {
            debug!(id = open.named.id, redis = %self.name, "An idle connection to Redis is dead");
        }
        is_alive
    }

    async fn open_anew(&self, lane: Lane, failures: u64) -> RedisResult<Open> {
        self.renew_certificates().await;
        let mut connection = match self.dial(lane).await {
            Err(error) if is_unauthenticated(&error) && self.read_password().await => self.dial(lane).await?,
            dialed => dialed?,
        };
        let mut ask = Pipeline::new();
        ask.cmd("CLIENT").arg("INFO").cmd("INFO").arg("server").arg("replication").arg("memory");
        let mut answers = connection.send_packed_commands(&ask, 0, ask.len()).await?.into_iter();
        let mut text = || -> RedisResult<String> {
            Ok(redis::from_redis_value(answers.next().unwrap_or(Value::Nil).extract_error()?)?)
        };
        let (client, info) = (text()?, text()?);
        check_version(&info)?;
        self.check_role(&info)?;
        self.check_policy(&info);
        let field = |name: &str| client.split_whitespace().find_map(|field| field.strip_prefix(name));
        let named = match (field("id="), field("addr=")) {
            (Some(id), Some(address)) => Named { id: id.into(), address: address.into() },
            _ => return Err(RedisError::from((ErrorKind::Parse, "Redis did not name the connection"))),
        };
        let history = history(&info);
        debug!(id = named.id, redis = %self.name, history, "Opened a connection to Redis");
        // A replica in a cluster is asked for the map alone; what it has is nobody's history.
        if self.publishing == Publishing::Everywhere || is_master(&info) {
            self.generations.see_history(&self.name, history);
        }
        self.opened.notify_waiters();
        let used = Arc::new(StdMutex::new(Instant::now()));
        Ok(Open { connection, named, failures, used, loaded: Arc::default() })
    }

    async fn dial(&self, lane: Lane) -> RedisResult<MultiplexedConnection> {
        let dialer = self.dialer();
        match lane {
            Lane::Watches => self.watch.connect(&dialer, &self.settings, &self.name).await,
            _ => dialer.for_commands(&self.settings).await,
        }
    }

    fn check_role(&self, info: &str) -> RedisResult<()> {
        if self.dialer().asks_for_masters() && !is_master(info) {
            return Err(RedisError::from((ErrorKind::Io, "the server that the Sentinels name is no master")));
        }
        Ok(())
    }

    /// A Redis that evicts takes away members of rooms, or what a nonce stands for, and says nothing.
    fn check_policy(&self, info: &str) {
        let policy =
            info.lines().find_map(|line| line.strip_prefix("maxmemory_policy:")).unwrap_or("noeviction");
        if policy.trim() != "noeviction" && !self.is_warned.swap(true, Ordering::Relaxed) {
            let (redis, policy) = (&self.name, policy.trim());
            warn!(%redis, policy, "Redis may evict what adda needs; set its maxmemory-policy to noeviction");
        }
    }

    /// Gives up all connections if the Sentinels name another master by now.
    pub async fn follow_sentinels(&self) {
        if self.dialer().is_elsewhere().await {
            info!(redis = %self.name, "The Sentinels name another master");
            self.suspect();
            self.replaced.notify_waiters();
        }
    }

    /// Ends when another server has taken the place of this one.
    pub async fn replaced(&self) {
        self.replaced.notified().await;
    }

    /// Ends with the next connection that is opened.
    pub async fn opened(&self) {
        self.opened.notified().await;
    }

    /// What was given up may still lie in a socket and take effect at any time. Before anything
    /// else is sent, Redis is told to forget those sockets.
    async fn bury_given_up(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let given_up = self.lock_given_up().clone();
        if given_up.is_empty() {
            return Ok(());
        }
        let mut kill = Pipeline::with_capacity(given_up.len());
        for Named { id, address } in &given_up {
            kill.cmd("CLIENT").arg("KILL").arg("ID").arg(id).arg("ADDR").arg(address);
        }
        let answers = connection.send_packed_commands(&kill, 0, given_up.len()).await?;
        if let Some(Value::ServerError(error)) = answers.first()
            && !self.is_kill_refused.swap(true, Ordering::Relaxed)
        {
            let (redis, error) = (&self.name, error.to_string());
            warn!(%redis, error, "Redis does not let adda end its own connections (CLIENT KILL): a command that was given up may be carried out late");
        }
        self.lock_given_up().retain(|named| !given_up.contains(named));
        Ok(())
    }

    /// A command was given up on this connection. It is noted once, however many were on their way.
    pub fn give_up(&self, open: &Open) {
        let mut given_up = self.lock_given_up();
        if !given_up.contains(&open.named) {
            given_up.push(open.named.clone());
        }
    }

    fn lock_given_up(&self) -> MutexGuard<'_, Vec<Named>> {
        self.given_up.lock().expect("no code panics while it holds this lock")
    }

    /// A connection of its own for subscriptions; `config` says where publications go.
    pub async fn subscriber(&self, config: &AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
        self.renew_certificates().await;
        let mut connection = match self.dialer().for_pushes(config).await {
            Err(error) if is_unauthenticated(&error) && self.read_password().await => {
                self.dialer().for_pushes(config).await?
            }
            dialed => dialed?,
        };
        let info: String = redis::cmd("INFO").arg("replication").query_async(&mut connection).await?;
        self.check_role(&info)?;
        Ok(connection)
    }
}

/// Names the history that a Redis continues: see `replid.lua`.
pub fn history(info: &str) -> &str {
    info.lines().find_map(|line| line.strip_prefix("master_replid:")).unwrap_or_default().trim()
}

pub fn is_master(info: &str) -> bool {
    info.contains("role:master")
}

/// Redis before version 7 replicates scripts, not what they did.
fn check_version(info: &str) -> RedisResult<()> {
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or("0").trim();
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < 7 {
        let sentence = format!("Redis {version} is too old; 7.0 or newer is needed");
        return Err(RedisError::from((ErrorKind::InvalidClientConfig, "too old", sentence)));
    }
    Ok(())
}
