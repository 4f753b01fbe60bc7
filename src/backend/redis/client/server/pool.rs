//! The pool of a [`Server`]: connections for requests in any order. Each serves one request at a time, so a slow
//! request delays no other while the pool has another connection.
//!
//! deadpool manages them. The manager is not deadpool-redis', because a connection has more state than a socket:
//! the id by which Redis closes it if a command is abandoned, the scripts that were loaded over it, and the epoch
//! in which it was opened; and because Sentinels may name another server.

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

/// Opens connections for the pool, and checks them before reuse.
pub struct Manager {
    server: Weak<Server>,
}

/// Creates an empty pool.
pub fn pool(server: Weak<Server>, settings: &Settings) -> Pool {
    let timeouts = Timeouts {
        wait: Some(settings.pool_wait),
        create: Some(settings.command_timeout),
        recycle: Some(settings.command_timeout),
    };
    // The connection that was used last needs no ping.
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
        // Connections that were idle as long are most likely dead, too, and each would cost a time-out.
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
