//! The pool of a [`Server`]: connections for requests that no order binds. Each serves one request at a time, so a slow
//! one delays no other while the pool has another connection.
//!
//! deadpool keeps them; the manager is ours (and not deadpool-redis') because a connection carries more than a socket:
//! the id by which Redis closes it if a command is abandoned, the scripts that were loaded over it, and the epoch in
//! which it was opened; and because the server may be whichever the Sentinels name.

use std::sync::Weak;

use deadpool::Runtime;
use deadpool::managed::{
    self, Metrics, Object, PoolConfig, QueueMode, RecycleError, RecycleResult, Timeouts,
};
use redis::{ErrorKind, RedisError, RedisResult};

use super::Server;
use super::connections::LiveConnection;
use crate::backend::redis::client::role::Role;
use crate::config::Redis as Settings;

/// The connections of a server that may be borrowed.
pub type Pool = managed::Pool<Manager>;

/// A connection while it is borrowed.
pub type Borrowed = Object<Manager>;

/// Opens connections for the pool, and says which may be used again.
pub struct Manager {
    server: Weak<Server>,
}

/// A pool that is empty as yet.
pub fn pool(server: Weak<Server>, settings: &Settings) -> Pool {
    let timeouts = Timeouts {
        wait: Some(settings.pool_wait),
        create: Some(settings.command_timeout),
        recycle: Some(settings.command_timeout),
    };
    // The connection that was used last needs no sign of life.
    let config = PoolConfig { max_size: settings.pool_size, timeouts, queue_mode: QueueMode::Lifo };
    let pool = Pool::builder(Manager { server }).config(config).runtime(Runtime::Tokio1).build();
    pool.expect("a pool with a runtime may have time-outs")
}

impl managed::Manager for Manager {
    type Type = LiveConnection;
    type Error = RedisError;

    async fn create(&self) -> RedisResult<LiveConnection> {
        self.server()?.reconnect(&Role::Pooled).await
    }

    async fn recycle(&self, connection: &mut LiveConnection, _: &Metrics) -> RecycleResult<RedisError> {
        let server = self.server()?;
        if server.is_usable(connection).await {
            return Ok(());
        }
        // Those that were idle as long have most likely met the same end, and each would be waited for.
        server.pool.retain(|connection, _| !connection.is_idle());
        Err(RecycleError::message("the connection may be dead"))
    }
}

impl Manager {
    fn server(&self) -> RedisResult<std::sync::Arc<Server>> {
        let gone = || RedisError::from((ErrorKind::Io, "the server is no longer in use"));
        self.server.upgrade().ok_or_else(gone)
    }
}
