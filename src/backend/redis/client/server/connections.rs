//! The connections of a [`Server`]: each role has its own or borrows from the pool. They are opened on first use,
//! and reconnected after a failure.

use std::ops::Deref;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard};
use std::time::Instant;

use deadpool::managed::PoolError;
use futures_util::FutureExt;
use redis::aio::{MultiplexedConnection, SendError};
use redis::{AsyncConnectionConfig, ErrorKind, Pipeline, RedisError, RedisResult, Value};
use tokio::sync::Mutex;
use tracing::{debug, warn};

use super::access::is_unauthenticated;
use super::pool::Borrowed;
use super::reply::{is_error, unavailable};
use super::{IDLE_BEFORE_PING, Server};
use crate::backend::redis::client::complaints::kind_of;
use crate::backend::redis::client::dialer::{self, Dialed};
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::script::{Publishing, Script};
use crate::backend::{BackendError, Result};
use crate::telemetry::RedisFailure;

/// An open connection.
#[derive(Clone)]
pub struct LiveConnection {
    pub connection: MultiplexedConnection,
    pub id: ClientId,
    /// [`Server::epoch`] when it was opened.
    pub epoch: u64,
    /// The number of the election of its master.
    election: u64,
    /// When Redis last answered on it.
    answered_at: Arc<StdMutex<Instant>>,
    /// Scripts that were loaded over it.
    loaded: Arc<StdMutex<Vec<&'static Script>>>,
}

/// Redis' identity of a connection. The address makes it unique over restarts of Redis, which count again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientId {
    id: String,
    address: String,
}

/// The connection of a role that has its own, once it was opened.
pub type Own = Arc<Mutex<Option<LiveConnection>>>;

/// A connection for one request.
pub enum Lease {
    /// The role's own connection, which other requests may use concurrently.
    Shared(LiveConnection),
    /// A connection of the pool, which returns there.
    Borrowed(Borrowed),
}

impl Deref for Lease {
    type Target = LiveConnection;

    fn deref(&self) -> &LiveConnection {
        match self {
            Self::Shared(connection) => connection,
            Self::Borrowed(connection) => connection,
        }
    }
}

impl LiveConnection {
    /// Records a reply.
    pub fn note_answer(&self) {
        *self.lock_answered_at() = Instant::now();
    }

    /// Whether the connection must be pinged first.
    pub(super) fn is_idle(&self) -> bool {
        self.lock_answered_at().elapsed() >= IDLE_BEFORE_PING
    }

    /// The scripts that were not loaded over it, each once.
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

    /// Records loaded scripts.
    pub fn note_loaded(&self, scripts: &[&'static Script]) {
        self.lock_loaded().extend_from_slice(scripts);
    }

    /// Forgets loaded scripts, as Redis has.
    pub fn forget_loaded(&self) {
        self.lock_loaded().clear();
    }

    fn lock_loaded(&self) -> MutexGuard<'_, Vec<&'static Script>> {
        self.loaded.lock().expect("no code panics while it holds this lock")
    }

    fn lock_answered_at(&self) -> MutexGuard<'_, Instant> {
        self.answered_at.lock().expect("no code panics while it holds this lock")
    }
}

impl Server {
    /// Opens the role's connection if need be.
    ///
    /// # Errors
    /// The error of Redis or of the network.
    pub async fn connect(&self, role: &Role) -> RedisResult<()> {
        self.try_lease(role).await.map(drop)
    }

    /// Opens all connections of the pool.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn fill_pool(&self) -> RedisResult<()> {
        let borrowing = (0..self.settings.pool_size).map(|_| self.borrow());
        // All are held at once, or one would be borrowed repeatedly.
        futures_util::future::try_join_all(borrowing).await.map(drop)
    }

    /// A connection for one request.
    pub async fn lease(&self, role: &Role) -> Result<Lease> {
        match tokio::time::timeout(self.settings.command_timeout, self.try_lease(role)).await {
            Ok(Ok(lease)) => Ok(lease),
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

    async fn try_lease(&self, role: &Role) -> RedisResult<Lease> {
        let (Role::Ordered(name) | Role::Pushed { name, .. }) = role else {
            let borrowed = self.borrow().await?;
            self.kill_abandoned(&borrowed.connection).await?;
            return Ok(Lease::Borrowed(borrowed));
        };
        let own = self.own(name);
        let mut current = own.lock().await;
        let connection = match current.take() {
            Some(connection) if self.is_usable(&connection).await => connection,
            // Boxed: rare, and by far the largest future.
            _ => self.reconnect(role).boxed().await?,
        };
        self.kill_abandoned(&connection.connection).await?;
        *current = Some(connection.clone());
        Ok(Lease::Shared(connection))
    }

    fn own(&self, role: &'static str) -> Own {
        let mut own = self.own.lock().expect("no code panics while it holds this lock");
        own.entry(role).or_default().clone()
    }

    async fn borrow(&self) -> RedisResult<Borrowed> {
        self.pool.get().boxed().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            other => RedisError::from((ErrorKind::Io, "no connection of the pool", other.to_string())),
        })
    }

    /// Whether a connection may be used again: no failure and no other master since it was opened, and if it was idle,
    /// it answers a ping. A missing answer does not affect other connections.
    pub(super) async fn is_usable(&self, connection: &LiveConnection) -> bool {
        let is_current = connection.epoch == self.epoch.load(Ordering::Relaxed)
            && connection.election == self.dialer().election();
        if !is_current {
            return false;
        }
        if !connection.is_idle() {
            return true;
        }
        let mut ping_over = connection.connection.clone();
        let ping = redis::cmd("PING");
        let asking = ping.exec_async(&mut ping_over);
        let is_alive =
            matches!(tokio::time::timeout(self.settings.command_timeout / 4, asking).await, Ok(Ok(())));
        if is_alive {
            connection.note_answer();
        } else {
            debug!(id = connection.id.id, redis = %self.name, "idle connection to Redis is dead");
        }
        is_alive
    }

    pub(super) async fn reconnect(&self, role: &Role) -> RedisResult<LiveConnection> {
        let epoch = self.epoch.load(Ordering::Relaxed);
        self.renew_certificates().await;
        let Dialed { mut connection, election } = match self.dial(role).await {
            Err(error) if is_unauthenticated(&error) && self.read_password().await => self.dial(role).await?,
            dialed => dialed?,
        };
        let mut ask = Pipeline::new();
        ask.cmd("CLIENT").arg("INFO").cmd("INFO").arg("server").arg("replication").arg("memory");
        let mut answers = connection.send_packed_commands(&ask, 0, ask.len()).await?.into_iter();
        let mut text = || -> RedisResult<String> {
            Ok(redis::from_redis_value(answers.next().unwrap_or(Value::Nil).extract_error()?)?)
        };
        let client = text()?;
        let info = text()?;
        check_version(&info)?;
        self.check_role(&info)?;
        self.check_policy(&info);
        let field = |name: &str| client.split_whitespace().find_map(|field| field.strip_prefix(name));
        let id = match (field("id="), field("addr=")) {
            (Some(id), Some(address)) => ClientId { id: id.into(), address: address.into() },
            _ => return Err(RedisError::from((ErrorKind::Parse, "Redis did not name the connection"))),
        };
        let replid = replid(&info);
        debug!(id = id.id, redis = %self.name, replid, "opened a connection to Redis");
        // A replica in a cluster serves only the slot map; its data does not count.
        if self.publishing == Publishing::Everywhere || is_master(&info) {
            self.report_replid(replid);
        }
        self.connected.notify_waiters();
        let answered_at = Arc::new(StdMutex::new(Instant::now()));
        Ok(LiveConnection { connection, id, epoch, election, answered_at, loaded: Arc::default() })
    }

    async fn dial(&self, role: &Role) -> RedisResult<Dialed> {
        let dialer = self.dialer();
        let Role::Pushed { handler, .. } = role else { return dialer.for_commands(&self.settings).await };
        let sender = handler.clone();
        let config = dialer::config(&self.settings).set_push_sender(move |push| {
            sender.on_push(push);
            Ok::<_, SendError>(())
        });
        let mut dialed = dialer.for_pushes(&config).await?;
        handler.opened(&mut dialed.connection, &self.name).await;
        Ok(dialed)
    }

    fn check_role(&self, info: &str) -> RedisResult<()> {
        if self.dialer().asks_for_masters() && !is_master(info) {
            return Err(RedisError::from((ErrorKind::Io, "the server that the Sentinels name is no master")));
        }
        Ok(())
    }

    /// A Redis that evicts keys removes members of rooms, or nonces, silently.
    fn check_policy(&self, info: &str) {
        let policy =
            info.lines().find_map(|line| line.strip_prefix("maxmemory_policy:")).unwrap_or("noeviction");
        if policy.trim() != "noeviction" && !self.is_policy_reported.swap(true, Ordering::Relaxed) {
            let redis = &self.name;
            let policy = policy.trim();
            warn!(%redis, policy, "Redis may evict keys of adda; set maxmemory-policy to noeviction");
        }
    }

    /// Asks the Sentinels for the current master. Connections to another are not used again.
    pub async fn follow_sentinels(&self) {
        self.dialer().refresh().await;
    }

    /// Waits until the Sentinels name another master than that of an election.
    pub async fn master_changed(&self, election: u64) {
        self.dialer().elected_since(election).await;
    }

    /// Waits for the next opened connection.
    pub async fn connected(&self) {
        self.connected.notified().await;
    }

    /// An abandoned command may still be in a socket buffer and take effect at any time. Before any other command
    /// is sent, Redis closes those connections.
    async fn kill_abandoned(&self, connection: &MultiplexedConnection) -> RedisResult<()> {
        let abandoned = self.lock_abandoned().clone();
        if abandoned.is_empty() {
            return Ok(());
        }
        let mut kill = Pipeline::with_capacity(abandoned.len());
        for ClientId { id, address } in &abandoned {
            kill.cmd("CLIENT").arg("KILL").arg("ID").arg(id).arg("ADDR").arg(address);
        }
        let mut connection = connection.clone();
        let answers = connection.send_packed_commands(&kill, 0, abandoned.len()).await?;
        if let Some(Value::ServerError(error)) = answers.iter().find(|answer| is_error(answer))
            && !self.is_kill_refused.swap(true, Ordering::Relaxed)
        {
            let redis = &self.name;
            let error = error.to_string();
            warn!(%redis, error, "CLIENT KILL refused; an abandoned command may take effect late");
        }
        self.lock_abandoned().retain(|id| !abandoned.contains(id));
        Ok(())
    }

    /// Records a connection with abandoned commands, once.
    pub(super) fn abandon(&self, connection: &LiveConnection) {
        let mut abandoned = self.lock_abandoned();
        if !abandoned.contains(&connection.id) {
            abandoned.push(connection.id.clone());
        }
    }

    fn lock_abandoned(&self) -> MutexGuard<'_, Vec<ClientId>> {
        self.abandoned.lock().expect("no code panics while it holds this lock")
    }

    /// A connection for subscriptions; `config` has the receiver of publications.
    pub async fn subscriber(&self, config: &AsyncConnectionConfig) -> RedisResult<Dialed> {
        self.renew_certificates().await;
        let mut dialed = match self.dialer().for_pushes(config).await {
            Err(error) if is_unauthenticated(&error) && self.read_password().await => {
                self.dialer().for_pushes(config).await?
            }
            dialed => dialed?,
        };
        let info: String = redis::cmd("INFO").arg("replication").query_async(&mut dialed.connection).await?;
        self.check_role(&info)?;
        Ok(dialed)
    }
}

/// The replication id of a Redis: see `replid.lua`.
pub fn replid(info: &str) -> &str {
    info.lines().find_map(|line| line.strip_prefix("master_replid:")).unwrap_or_default().trim()
}

pub fn is_master(info: &str) -> bool {
    info.contains("role:master")
}

/// Redis before version 7 replicates scripts instead of their effects.
fn check_version(info: &str) -> RedisResult<()> {
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or("0").trim();
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < 7 {
        let sentence = format!("Redis {version} is too old; 7.0 or newer is needed");
        return Err(RedisError::from((ErrorKind::InvalidClientConfig, "too old", sentence)));
    }
    Ok(())
}
