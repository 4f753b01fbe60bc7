//! The roles of connections, which their users define.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use redis::PushInfo;
use redis::aio::MultiplexedConnection;

/// The use of a connection to each server.
#[derive(Debug, Clone)]
pub enum Role {
    /// A connection of its own: Redis executes its commands in order, and a slow one delays only those of the same
    /// role.
    Ordered(&'static str),
    /// The same, on which Redis also pushes.
    Pushed {
        /// The name of the role.
        name: &'static str,
        /// Receives the pushes.
        handler: Arc<dyn PushHandler>,
    },
    /// A connection that is borrowed from the server's pool, for requests in any order.
    Pooled,
}

/// Receives the pushes of a connection.
#[async_trait]
pub trait PushHandler: Debug + Send + Sync {
    /// A connection was opened; pushes of earlier ones are lost.
    async fn opened(&self, connection: &mut MultiplexedConnection, redis: &str);

    /// A push has arrived, or the connection has ended.
    fn on_push(&self, push: PushInfo);
}

/// Observes the masters of the topology.
pub trait ConnectionObserver: Debug + Send + Sync {
    /// The replication id of the master of this name, after a connection was opened or the server was asked.
    fn found_replid(&self, server: &str, replid: &str);

    /// From now on these servers are the masters.
    fn masters_changed(&self, servers: &[String]);
}
