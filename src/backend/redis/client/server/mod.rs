//! One Redis process as this node uses it. Redis answers a connection in the order of its commands,
//! so what must keep its order goes over one lane; what arrives while a command is on its way is
//! pipelined behind it.

mod access;
mod connections;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex as StdMutex, RwLock};
use std::time::{Duration, Instant};

use redis::{Pipeline, RedisError, ServerErrorKind, Value};
use tokio::sync::{Mutex, Notify};

use self::connections::{Named, Open, history, is_master};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::certificates::Certificates;
use crate::backend::redis::client::complaints::{Complaints, kind_of};
use crate::backend::redis::client::dialer::Dialer;
use crate::backend::redis::client::pipeline::Batch;
use crate::backend::redis::client::script::Publishing;
use crate::backend::redis::presence::generation::Generations;
use crate::backend::redis::presence::tracking::Watch;
use crate::backend::{BackendError, Result};
use crate::config::Redis as Settings;
use crate::telemetry::{RedisFailure, Unreadable, count_unreadable, meters};

/// What a connection is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Messages.
    Posts,
    /// Who is where, and leases.
    Memberships,
    /// What joins and repairs read, typing notices: a slow one delays neither of the above.
    Reads,
    /// Answers over REST, which are as many and as long as strangers ask for.
    Queries,
    /// The node's messages to itself.
    Canaries,
    /// Looks at what was changed, of which Redis tells on this connection.
    Watches,
}

const LANES: usize = 6;

impl Lane {
    pub const ALL: [Self; LANES] =
        [Self::Posts, Self::Memberships, Self::Reads, Self::Queries, Self::Canaries, Self::Watches];
}

/// A connection on which nothing went for so long is asked for a sign of life before anything that must
/// not be sent twice goes over it: a NAT or a balancer may have forgotten it, and tells nobody.
const IDLE: Duration = Duration::from_secs(2);

/// How calls are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// One behind the other; if Redis refuses one it may yet carry out the next.
    Loose,
    /// Those for the same key are carried out together or not at all, so that none is overtaken by
    /// one behind it. If so many replicas have not written them in half the deadline, they count as
    /// not done.
    Strict { min_replicas: usize },
}

/// A server, and how to speak to it.
pub struct Server {
    /// Its address, or what stands for it in messages.
    pub name: String,
    // Replaced when a password or a certificate that stands in a file has been.
    dialer: RwLock<Arc<Dialer>>,
    /// Those that the dialer has, once the files have been looked at.
    certificates: StdMutex<Option<Certificates>>,
    settings: Settings,
    complaints: Complaints,
    /// Raised by each failure; connections from before it are not used again, for what breaks one
    /// has most likely broken all, and each would cost somebody a refusal to find out.
    failures: AtomicU64,
    /// Connections on which a command was given up.
    given_up: StdMutex<Vec<Named>>,
    /// Notified of each new connection: the server can be reached.
    opened: Notify,
    /// Notified when another server has taken its place.
    replaced: Notify,
    // Tokio mutexes because one opener opens for all that wait.
    lanes: [Mutex<Option<Open>>; LANES],
    generations: Generations,
    watch: Watch,
    publishing: Publishing,
    /// Whether its settings were complained of.
    is_warned: AtomicBool,
    /// Whether its refusal to end connections was complained of.
    is_kill_refused: AtomicBool,
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
        generations: Generations,
        watch: Watch,
        complaints: Complaints,
        publishing: Publishing,
    ) -> Self {
        let lanes = std::array::from_fn(|_| Mutex::default());
        let (failures, given_up) = (AtomicU64::new(0), StdMutex::default());
        let (is_warned, is_kill_refused) = (AtomicBool::new(false), AtomicBool::new(false));
        Self {
            name,
            dialer: RwLock::new(Arc::new(dialer)),
            certificates: StdMutex::default(),
            settings: settings.clone(),
            complaints,
            failures,
            given_up,
            opened: Notify::new(),
            replaced: Notify::new(),
            lanes,
            generations,
            watch,
            publishing,
            is_warned,
            is_kill_refused,
        }
    }

    /// Its host, as in its address.
    pub fn host(&self) -> &str {
        self.name.rsplit_once(':').map_or("", |(host, _)| host)
    }

    /// From now on every lane opens a new connection.
    pub fn suspect(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// One failure raises the count once, however many commands it took with it.
    fn fail(&self, failures: u64) {
        let (before, after) = (failures, failures + 1);
        let _ = self.failures.compare_exchange(before, after, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Makes the calls in one pipeline and returns one value for each; an error that Redis answers
    /// to a single one is a [`Value::ServerError`] at its place. `is_asking`: this server is told
    /// that another one sent us here.
    pub async fn run(
        &self,
        lane: Lane,
        calls: &[&Call],
        manner: Manner,
        is_asking: bool,
    ) -> Result<Vec<Value>> {
        let open = self.open(lane).await?;
        let mut values = self.try_run(&open, calls, manner, is_asking).await?;
        // Redis has forgotten its scripts. Calls that it did not know were not run; the others keep their result.
        let unknown: Vec<usize> = (0..values.len()).filter(|&i| is_unknown_script(&values[i])).collect();
        if !unknown.is_empty() {
            open.forget_loaded();
            let again: Vec<&Call> = unknown.iter().map(|&i| calls[i]).collect();
            let results = self.try_run(&open, &again, manner, is_asking).await?;
            unknown.into_iter().zip(results).for_each(|(i, value)| values[i] = value);
        }
        Ok(values)
    }

    async fn try_run(
        &self,
        open: &Open,
        calls: &[&Call],
        manner: Manner,
        is_asking: bool,
    ) -> Result<Vec<Value>> {
        let mut batch = Batch::default();
        // In front of what calls them, not after a first refusal: `WAIT` would wait for what was refused.
        let missing = open.missing(calls.iter().filter_map(|call| call.script()));
        for script in &missing {
            batch.pipeline.cmd("SCRIPT").arg("LOAD").arg(script.text(self.publishing));
        }
        for group in calls.chunk_by(|one, next| manner != Manner::Loose && one.key() == next.key()) {
            batch.add(group, self.publishing, is_asking);
        }
        let min_replicas = match manner {
            Manner::Strict { min_replicas } => min_replicas,
            Manner::Loose => 0,
        };
        if min_replicas > 0 {
            let patience = self.settings.command_timeout.as_millis() as u64 / 2;
            batch.pipeline.cmd("WAIT").arg(min_replicas).arg(patience);
        }
        let mut answers = self.send(open, &batch.pipeline).await?;
        let waited = (min_replicas > 0).then(|| answers.pop().unwrap_or(Value::Nil));
        let load_refusal = answers[..missing.len()].iter().find(|answer| is_error(answer)).cloned();
        let mut values = batch.values(answers);
        match load_refusal {
            Some(refusal) => {
                let unknown = values.iter_mut().filter(|value| is_unknown_script(value));
                unknown.for_each(|value| *value = refusal.clone());
            }
            None => open.note_loaded(&missing),
        }
        // Nothing was written by what was refused, for another server to carry out perhaps.
        let is_refused = values.iter().all(is_error);
        if let Some(waited) = waited.filter(|_| !is_refused) {
            let written: usize = parsed(value_or_error(waited)?)?;
            if written < min_replicas {
                let sentence =
                    format!("only {written} replicas have written it, redis.min_replicas_acked is more");
                self.complaints.note_failure(&self.name, RedisFailure::TooFewReplicas, &sentence);
                return Err(BackendError::Unavailable(sentence.into()));
            }
        }
        Ok(values)
    }

    async fn send(&self, open: &Open, pipeline: &Pipeline) -> Result<Vec<Value>> {
        let started = Instant::now();
        let mut connection = open.connection.clone();
        let sending = connection.send_packed_commands(pipeline, 0, pipeline.len());
        let outcome = tokio::time::timeout(self.settings.command_timeout, sending).await;
        meters().redis_pipeline.record(started.elapsed());
        let refused = match outcome {
            Ok(Ok(values)) => {
                open.use_now();
                if values.iter().any(is_demoted) {
                    self.fail(open.failures);
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
        self.give_up(open);
        self.fail(open.failures);
        Err(refused)
    }

    /// Asks which history this server continues now. A replica continues none.
    pub async fn ask_history(&self, lane: Lane) -> Result<()> {
        let call = Call::beside("INFO", String::new()).arg("replication");
        let mut values = self.run(lane, &[&call], Manner::Loose, false).await?;
        let info: String = parsed(value_or_error(values.pop().unwrap_or(Value::Nil))?)?;
        if is_master(&info) {
            self.generations.see_history(&self.name, history(&info));
        }
        Ok(())
    }
}

fn is_error(value: &Value) -> bool {
    matches!(value, Value::ServerError(_))
}

fn is_unknown_script(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}

/// Whether this Redis became a replica: another is the master now. A script between MULTI and EXEC says
/// so within the answer.
fn is_demoted(value: &Value) -> bool {
    match value {
        Value::ServerError(error) => error.kind() == Some(ServerErrorKind::ReadOnly),
        Value::Array(values) => values.iter().any(is_demoted),
        _ => false,
    }
}

/// Redis' own refusals (out of memory, read-only replica, loading) are as temporary for a client
/// as a missing connection.
pub fn unavailable(error: RedisError) -> BackendError {
    BackendError::Unavailable(error.into())
}

/// Whether Redis has answered, and refused.
pub fn is_refusal(error: &BackendError) -> bool {
    let BackendError::Unavailable(source) = error else { return false };
    source.downcast_ref::<RedisError>().is_some_and(|error| error.code().is_some())
}

/// Turns Redis' own error at one place of a pipeline into ours.
pub fn value_or_error(value: Value) -> Result<Value> {
    value.extract_error().map_err(unavailable)
}

/// Reads what a key holds. A key of another type than adda gives it holds nothing.
pub fn parsed_if_ours<T: redis::FromRedisValue + Default>(value: Result<Value>) -> Result<T> {
    match value {
        Err(BackendError::Unavailable(error)) if is_wrong_type(&*error) => {
            count_unreadable(Unreadable::Key, 1);
            Ok(T::default())
        }
        value => parsed(value?),
    }
}

fn is_wrong_type(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<RedisError>().is_some_and(|error| error.code() == Some("WRONGTYPE"))
}

/// Reads a value that adda's own commands and scripts shape.
pub fn parsed<T: redis::FromRedisValue>(value: Value) -> Result<T> {
    redis::from_redis_value(value).map_err(|error| unavailable(error.into()))
}
