//! One shared connection for all commands of a kind. Redis answers a connection in the order of
//! its commands, so what must keep its order goes over one link; what arrives while a command is
//! on its way is pipelined behind it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_redis::Pool;
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, RedisError, Value};
use tokio::sync::Mutex;
use tracing::debug;

use crate::backend::{BackendError, Result};
use crate::telemetry::meters;

/// A connection that is opened when first needed and anew after each failure.
#[derive(Clone)]
pub(super) struct Link {
    pool: Pool,
    deadline: Duration,
    // A tokio mutex because one opener opens for all that wait.
    current: Arc<Mutex<Option<MultiplexedConnection>>>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(pool: Pool, deadline: Duration) -> Self {
        Self { pool, deadline, current: Arc::default() }
    }

    /// Sends the commands as one pipeline and returns one value for each; an error that Redis
    /// answers to a single command is a [`Value::ServerError`] at its place.
    pub(super) async fn run(&self, pipeline: &Pipeline) -> Result<Vec<Value>> {
        let started = Instant::now();
        let outcome = tokio::time::timeout(self.deadline, self.try_run(pipeline)).await;
        meters().redis_command.record(started.elapsed());
        match outcome {
            Ok(Ok(values)) => Ok(values),
            Ok(Err(error)) => {
                self.discard().await;
                Err(unavailable(error))
            }
            Err(elapsed) => {
                self.discard().await;
                Err(BackendError::Unavailable(elapsed.into()))
            }
        }
    }

    async fn try_run(&self, pipeline: &Pipeline) -> std::result::Result<Vec<Value>, RedisError> {
        let mut connection = self.connection().await?;
        connection.send_packed_commands(pipeline, 0, pipeline.len()).await
    }

    async fn connection(&self) -> std::result::Result<MultiplexedConnection, RedisError> {
        let mut current = self.current.lock().await;
        if let Some(connection) = &*current {
            return Ok(connection.clone());
        }
        let pooled = self.pool.get().await.map_err(|error| match error {
            deadpool_redis::PoolError::Backend(error) => error,
            other => std::io::Error::other(other).into(),
        })?;
        let connection = deadpool_redis::Connection::take(pooled);
        *current = Some(connection.clone());
        Ok(connection)
    }

    async fn discard(&self) {
        if self.current.lock().await.take().is_some() {
            debug!("Gave up a connection to Redis");
        }
    }
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
