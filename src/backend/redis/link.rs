//! Connections to Redis: one, shared, for all commands of a kind. Redis answers a connection in the order of
//! its commands, so what must keep its order goes over one link; what arrives while a command is
//! on its way is pipelined behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
}

impl Connector {
    /// Over a pool; each command is given `deadline`.
    pub(super) fn new(pool: Pool, deadline: Duration) -> Self {
        Self { pool, deadline, failures: Arc::default() }
    }

    /// A connection of its own, opened when first needed and anew after each failure.
    pub(super) fn link(&self) -> Link {
        Link { connector: self.clone(), current: Arc::default() }
    }

    /// From now on every link opens a new connection.
    pub(super) fn suspect(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    async fn connect(&self) -> std::result::Result<MultiplexedConnection, RedisError> {
        let pooled = self.pool.get().await.map_err(|error| match error {
            deadpool_redis::PoolError::Backend(error) => error,
            other => std::io::Error::other(other).into(),
        })?;
        Ok(deadpool_redis::Connection::take(pooled))
    }
}

/// One shared connection; a cheap handle.
#[derive(Clone)]
pub(super) struct Link {
    connector: Connector,
    // A tokio mutex because one opener opens for all that wait.
    current: Arc<Mutex<Option<Open>>>,
}

#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
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
        let started = Instant::now();
        let failures = self.connector.failures.load(Ordering::Relaxed);
        let outcome = tokio::time::timeout(self.connector.deadline, self.try_run(pipeline)).await;
        meters().redis_command.record(started.elapsed());
        let refused = match outcome {
            Ok(Ok(values)) if values.iter().any(is_demoted) => {
                self.fail(failures);
                return Ok(values);
            }
            Ok(Ok(values)) => return Ok(values),
            Ok(Err(error)) => unavailable(error),
            Err(elapsed) => BackendError::Unavailable(elapsed.into()),
        };
        self.fail(failures);
        Err(refused)
    }

    async fn try_run(&self, pipeline: &Pipeline) -> std::result::Result<Vec<Value>, RedisError> {
        let mut connection = self.connection().await?;
        connection.send_packed_commands(pipeline, 0, pipeline.len()).await
    }

    async fn connection(&self) -> std::result::Result<MultiplexedConnection, RedisError> {
        let mut current = self.current.lock().await;
        let failures = self.connector.failures.load(Ordering::Relaxed);
        if let Some(open) = &*current
            && open.failures == failures
        {
            return Ok(open.connection.clone());
        }
        let connection = self.connector.connect().await?;
        debug!("Opened a connection to Redis");
        *current = Some(Open { connection: connection.clone(), failures });
        Ok(connection)
    }

    /// One failure raises the count once, however many commands it took with it.
    fn fail(&self, failures: u64) {
        let (before, after) = (failures, failures + 1);
        let _ = self.connector.failures.compare_exchange(before, after, Ordering::Relaxed, Ordering::Relaxed);
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
