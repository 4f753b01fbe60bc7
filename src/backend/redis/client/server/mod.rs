//! One Redis server as this node uses it. Redis answers a connection in the order of its commands, so ordered
//! commands share one connection, that of a role. Commands that arrive while another is in flight are pipelined
//! behind it.

mod access;
mod connections;
mod pool;
mod reply;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex as StdMutex, RwLock};
use std::time::{Duration, Instant};

use redis::{Cmd, Pipeline, Value};
use tokio::sync::Notify;

use self::connections::{ClientId, LiveConnection, Own, is_master, replid};
use self::pool::Pool;
use self::reply::{is_demoted, is_error, is_unknown_script};
pub use self::reply::{is_refusal, parsed, parsed_if_ours, unavailable, value_or_error};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::complaints::{Complaints, kind_of};
use crate::backend::redis::client::dialer::Dialer;
use crate::backend::redis::client::pipeline::{Answers, Builder, Single, Transaction};
use crate::backend::redis::client::role::{ConnectionObserver, Role};
use crate::backend::redis::client::script::Publishing;
use crate::backend::redis::client::target::certificates::Certificates;
use crate::backend::{BackendError, Result};
use crate::config::Redis as Settings;
use crate::telemetry::{RedisFailure, meters};

/// A connection that was idle for this long is pinged before commands that must not be sent twice: a NAT or a
/// balancer may have dropped it silently.
const IDLE_BEFORE_PING: Duration = Duration::from_secs(2);

/// The atomicity of calls in one pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Atomicity {
    /// None: after a refused call, Redis may execute the next.
    None,
    /// Adjacent calls for the same key are executed together or not at all, so no call overtakes an earlier one. If
    /// fewer than `min_replicas` replicas have written them in half the deadline, they count as failed.
    PerKey { min_replicas: usize },
}

/// How calls are sent to a server.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// The connection.
    pub role: &'a Role,
    /// The atomicity of the calls.
    pub atomicity: Atomicity,
    /// The reason for this server.
    pub reason: Reason,
}

/// Why calls go to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The server has the keys.
    Owner,
    /// Another server, whose slot is moving to this one, has redirected them (`ASK`).
    Asked,
}

/// A server and its connections.
pub struct Server {
    /// Its address, or a name for logs.
    pub name: String,
    // Replaced with a password or a certificate that has changed in its file.
    dialer: RwLock<Arc<Dialer>>,
    /// The certificates of the dialer, once the files have been read.
    certificates: StdMutex<Option<Certificates>>,
    settings: Settings,
    complaints: Complaints,
    /// Raised by each failure. Connections of an earlier epoch are not used again: a failure of one most likely
    /// affects all, and each would fail another command.
    epoch: AtomicU64,
    /// Connections on which a command was abandoned.
    abandoned: StdMutex<Vec<ClientId>>,
    /// Notified of each new connection: the server is reachable.
    connected: Notify,
    /// By the name of their role. Tokio mutexes inside, because one task opens a connection for all that wait.
    own: StdMutex<HashMap<&'static str, Own>>,
    pool: Pool,
    /// `None` for a server whose data does not count.
    observer: Option<Arc<dyn ConnectionObserver>>,
    publishing: Publishing,
    /// Whether its eviction policy was logged.
    is_policy_reported: AtomicBool,
    /// Whether its refusal to end connections was logged.
    is_kill_refused: AtomicBool,
}

/// A place in a pipeline.
enum Slot {
    /// One call.
    Single(Single),
    /// Calls that are executed together.
    Transaction(Transaction),
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Server {
    pub fn new(
        name: String,
        dialer: Dialer,
        settings: &Settings,
        observer: Option<Arc<dyn ConnectionObserver>>,
        complaints: Complaints,
        publishing: Publishing,
    ) -> Arc<Self> {
        Arc::new_cyclic(|server| Self {
            name,
            dialer: RwLock::new(Arc::new(dialer)),
            certificates: StdMutex::default(),
            settings: settings.clone(),
            complaints,
            epoch: AtomicU64::new(0),
            abandoned: StdMutex::default(),
            connected: Notify::new(),
            own: StdMutex::default(),
            pool: pool::pool(server.clone(), settings),
            observer,
            publishing,
            is_policy_reported: AtomicBool::new(false),
            is_kill_refused: AtomicBool::new(false),
        })
    }

    /// Its host, as in its address.
    pub fn host(&self) -> &str {
        self.name.rsplit_once(':').map_or("", |(host, _)| host)
    }

    /// Makes every role reconnect.
    pub fn invalidate_connections(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
    }

    /// Invalidates the connections of an epoch, once for all commands that have failed with it.
    fn invalidate_if(&self, epoch: u64) {
        let _ = self.epoch.compare_exchange(epoch, epoch + 1, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Makes the calls in one pipeline and returns one value for each. An error reply to a call is a
    /// [`Value::ServerError`] at its index.
    pub async fn run(&self, sending: Sending<'_>, calls: &[&Call]) -> Result<Vec<Value>> {
        let connection = self.lease(sending.role).await?;
        let mut values = self.try_run(&connection, sending, calls).await?;
        // Redis has lost its scripts. Calls of unknown scripts were not executed; the others keep their result.
        let unknown: Vec<usize> = (0..values.len()).filter(|&i| is_unknown_script(&values[i])).collect();
        if !unknown.is_empty() {
            connection.forget_loaded();
            let again: Vec<&Call> = unknown.iter().map(|&i| calls[i]).collect();
            let results = self.try_run(&connection, sending, &again).await?;
            unknown.into_iter().zip(results).for_each(|(i, value)| values[i] = value);
        }
        Ok(values)
    }

    async fn try_run(
        &self,
        connection: &LiveConnection,
        sending: Sending<'_>,
        calls: &[&Call],
    ) -> Result<Vec<Value>> {
        let mut builder = Builder::default();
        // Before the calls, not after a first refusal: `WAIT` would wait for the refused call.
        let missing = connection.missing(calls.iter().filter_map(|call| call.script()));
        let loads: Vec<Single> = missing.iter().map(|script| builder.command(self.load(script))).collect();
        let slots = self.add_calls(&mut builder, sending, calls);
        let min_replicas = match sending.atomicity {
            Atomicity::PerKey { min_replicas } => min_replicas,
            Atomicity::None => 0,
        };
        let wait = (min_replicas > 0).then(|| builder.command(self.wait(min_replicas)));
        let mut answers = Answers::new(self.send(connection, &builder.build()).await?);
        let load_refusal = loads.into_iter().map(|load| answers.take(load)).find(is_error);
        let mut values = Vec::with_capacity(calls.len());
        for slot in slots {
            match slot {
                Slot::Single(single) => values.push(answers.take(single)),
                Slot::Transaction(transaction) => values.extend(answers.take_all(transaction)),
            }
        }
        match load_refusal {
            Some(refusal) => {
                let unknown = values.iter_mut().filter(|value| is_unknown_script(value));
                unknown.for_each(|value| *value = refusal.clone());
            }
            None => connection.note_loaded(&missing),
        }
        // Refused calls have written nothing, and another server may execute them.
        let is_refused = values.iter().all(is_error);
        if let Some(wait) = wait.filter(|_| !is_refused) {
            let written: usize = parsed(value_or_error(answers.take(wait))?)?;
            self.check_replicas(written, min_replicas)?;
        }
        Ok(values)
    }

    fn load(&self, script: &crate::backend::redis::client::script::Script) -> Cmd {
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD").arg(script.text(self.publishing));
        load
    }

    fn wait(&self, min_replicas: usize) -> Cmd {
        let timeout_ms = self.settings.command_timeout.as_millis() as u64 / 2;
        let mut wait = redis::cmd("WAIT");
        wait.arg(min_replicas).arg(timeout_ms);
        wait
    }

    fn add_calls(&self, builder: &mut Builder, sending: Sending<'_>, calls: &[&Call]) -> Vec<Slot> {
        let is_together =
            |one: &&Call, next: &&Call| sending.atomicity != Atomicity::None && one.key() == next.key();
        let mut slots = Vec::with_capacity(calls.len());
        for group in calls.chunk_by(is_together) {
            if sending.reason == Reason::Asked {
                builder.command(redis::cmd("ASKING"));
            }
            let slot = match group {
                [call] => Slot::Single(builder.command(call.command(self.publishing))),
                calls => Slot::Transaction(
                    builder.transaction(calls.iter().map(|call| call.command(self.publishing))),
                ),
            };
            slots.push(slot);
        }
        slots
    }

    fn check_replicas(&self, written: usize, min_replicas: usize) -> Result<()> {
        if written >= min_replicas {
            return Ok(());
        }
        let sentence =
            format!("only {written} replicas have written the data; redis.min_replicas_acked is more");
        self.complaints.note_failure(&self.name, RedisFailure::TooFewReplicas, &sentence);
        Err(BackendError::Unavailable(sentence.into()))
    }

    async fn send(&self, connection: &LiveConnection, pipeline: &Pipeline) -> Result<Vec<Value>> {
        let started = Instant::now();
        let mut socket = connection.connection.clone();
        let sending = socket.send_packed_commands(pipeline, 0, pipeline.len());
        let outcome = tokio::time::timeout(self.settings.command_timeout, sending).await;
        meters().redis_pipeline.record(started.elapsed());
        let refused = match outcome {
            Ok(Ok(values)) => {
                connection.note_answer();
                if values.iter().any(is_demoted) {
                    self.invalidate_if(connection.epoch);
                }
                return Ok(values);
            }
            Ok(Err(error)) => {
                self.complaints.note_failure(&self.name, kind_of(&error), &error);
                unavailable(error)
            }
            Err(elapsed) => {
                self.complaints.note_failure(&self.name, RedisFailure::Timeout, &"no answer in time");
                BackendError::Unavailable(elapsed.into())
            }
        };
        self.abandon(connection);
        self.invalidate_if(connection.epoch);
        Err(refused)
    }

    /// Fetches the replication id of this server, and reports it. A replica has its master's.
    pub async fn fetch_replid(&self, role: &Role) -> Result<()> {
        let call = Call::beside("INFO", String::new()).arg("replication");
        let sending = Sending { role, atomicity: Atomicity::None, reason: Reason::Owner };
        let mut values = self.run(sending, &[&call]).await?;
        let info: String = parsed(value_or_error(values.pop().unwrap_or(Value::Nil))?)?;
        if is_master(&info) {
            self.report_replid(replid(&info));
        }
        Ok(())
    }

    fn report_replid(&self, replid: &str) {
        if let Some(observer) = &self.observer {
            observer.found_replid(&self.name, replid);
        }
    }
}
