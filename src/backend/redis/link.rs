//! Connections to Redis: one, shared, for all commands of a kind. Redis answers a connection in the order of
//! its commands, so what must keep its order goes over one link; what arrives while a command is
//! on its way is pipelined behind it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard as StdMutexGuard};
use std::time::{Duration, Instant};

use deadpool_redis::Pool;
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, RedisError, ServerErrorKind, Value};
use tokio::sync::Mutex;
use tracing::debug;

use crate::backend::{BackendError, Result};
use crate::telemetry::meters;

/// Opens connections to one Redis, and remembers when they became suspect: what breaks one has
/// most likely broken all, and each would cost somebody a refusal to find out.
#[derive(Clone)]
pub(super) struct Connector {
    pool: Pool,
    deadline: Duration,
    /// Raised by each failure; connections from before it are not used again.
    failures: Arc<AtomicU64>,
    /// Connections, by Redis' id, on which a command was given up.
    given_up: Arc<StdMutex<Vec<i64>>>,
}

impl Connector {
    /// Over a pool; each command is given `deadline`.
    pub(super) fn new(pool: Pool, deadline: Duration) -> Self {
        Self { pool, deadline, failures: Arc::default(), given_up: Arc::default() }
    }

    /// A connection of its own, opened when first needed and anew after each failure.
    pub(super) fn link(&self) -> Link {
        Link { connector: self.clone(), current: Arc::default() }
    }

    /// From now on every link opens a new connection.
    pub(super) fn suspect(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// One failure raises the count once, however many commands it took with it.
    fn fail(&self, failures: u64) {
        let (before, after) = (failures, failures + 1);
        let _ = self.failures.compare_exchange(before, after, Ordering::Relaxed, Ordering::Relaxed);
    }

    async fn connect(&self) -> std::result::Result<Open, RedisError> {
        let failures = self.failures.load(Ordering::Relaxed);
        let pooled = self.pool.get().await.map_err(|error| match error {
            deadpool_redis::PoolError::Backend(error) => error,
            other => std::io::Error::other(other).into(),
        })?;
        let mut connection = deadpool_redis::Connection::take(pooled);
        let id = redis::cmd("CLIENT").arg("ID").query_async(&mut connection).await?;
        debug!(id, "Opened a connection to Redis");
        Ok(Open { connection, id, failures })
    }

    /// What was given up may still lie in a socket and take effect at any time. Before anything
    /// else is sent, Redis is told to forget those sockets.
    async fn bury_given_up(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> std::result::Result<(), RedisError> {
        let given_up = self.lock_given_up().clone();
        if given_up.is_empty() {
            return Ok(());
        }
        let mut kill = Pipeline::with_capacity(given_up.len());
        for id in &given_up {
            kill.cmd("CLIENT").arg("KILL").arg("ID").arg(id);
        }
        connection.send_packed_commands(&kill, 0, given_up.len()).await?;
        self.lock_given_up().retain(|id| !given_up.contains(id));
        Ok(())
    }

    fn lock_given_up(&self) -> StdMutexGuard<'_, Vec<i64>> {
        self.given_up.lock().expect("no code panics while it holds this lock")
    }
}

/// One shared connection; a cheap handle.
#[derive(Clone)]
pub(super) struct Link {
    connector: Connector,
    // A tokio mutex because one opener opens for all that wait.
    current: Arc<Mutex<Option<Open>>>,
}

/// A connection that stands.
#[derive(Clone)]
pub(super) struct Open {
    connection: MultiplexedConnection,
    /// Redis' name for it.
    id: i64,
    /// [`Connector::failures`] when it was opened.
    failures: u64,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("deadline", &self.connector.deadline).finish_non_exhaustive()
    }
}

impl Link {
    /// Sends the commands as one pipeline and returns one value for each; an error that Redis
    /// answers to a single command is a [`Value::ServerError`] at its place.
    pub(super) async fn run(&self, pipeline: &Pipeline) -> Result<Vec<Value>> {
        let open = self.open().await?;
        self.run_on(&open, pipeline).await
    }

    /// [`Link::run`] over a connection at hand, for what must reach the same Redis as before.
    pub(super) async fn run_on(&self, open: &Open, pipeline: &Pipeline) -> Result<Vec<Value>> {
        let started = Instant::now();
        let mut connection = open.connection.clone();
        let sending = connection.send_packed_commands(pipeline, 0, pipeline.len());
        let outcome = tokio::time::timeout(self.connector.deadline, sending).await;
        meters().redis_command.record(started.elapsed());
        let refused = match outcome {
            Ok(Ok(values)) => {
                if values.iter().any(is_demoted) {
                    self.connector.fail(open.failures);
                }
                return Ok(values);
            }
            Ok(Err(error)) => unavailable(error),
            Err(elapsed) => BackendError::Unavailable(elapsed.into()),
        };
        self.connector.lock_given_up().push(open.id);
        self.connector.fail(open.failures);
        Err(refused)
    }

    /// The connection, opened if need be.
    pub(super) async fn open(&self) -> Result<Open> {
        match tokio::time::timeout(self.connector.deadline, self.try_open()).await {
            Ok(opened) => opened.map_err(unavailable),
            Err(elapsed) => Err(BackendError::Unavailable(elapsed.into())),
        }
    }

    async fn try_open(&self) -> std::result::Result<Open, RedisError> {
        let mut current = self.current.lock().await;
        let failures = self.connector.failures.load(Ordering::Relaxed);
        let mut open = match current.take().filter(|open| open.failures == failures) {
            Some(open) => open,
            None => self.connector.connect().await?,
        };
        self.connector.bury_given_up(&mut open.connection).await?;
        *current = Some(open.clone());
        Ok(open)
    }
}

/// Whether this Redis became a replica: another is the master now.
fn is_demoted(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::ReadOnly))
}

/// Redis' own refusals (out of memory, read-only replica, loading) are as temporary for a client
/// as a missing connection.
pub(super) fn unavailable(error: RedisError) -> BackendError {
    BackendError::Unavailable(error.into())
}

/// Turns Redis' own error at one place of a pipeline into ours.
pub(super) fn value_or_error(value: Value) -> Result<Value> {
    value.extract_error().map_err(unavailable)
}

/// The answer to a pipeline of one command.
pub(super) fn first<T: redis::FromRedisValue>(values: Vec<Value>) -> Result<T> {
    let value = values.into_iter().next().unwrap_or(Value::Nil);
    parsed(value_or_error(value)?)
}

/// Reads a value that adda's own commands and scripts shape.
pub(super) fn parsed<T: redis::FromRedisValue>(value: Value) -> Result<T> {
    redis::from_redis_value(value).map_err(|error| unavailable(error.into()))
}
