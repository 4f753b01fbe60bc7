//! What connections are for. Their users say so: this folder knows no concern.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use redis::PushInfo;
use redis::aio::MultiplexedConnection;

/// The use of a connection to each server.
#[derive(Debug, Clone)]
pub enum Role {
    /// A connection of its own: Redis carries out the commands in their order, and a slow one delays only those of
    /// the same name.
    Ordered(&'static str),
    /// The same, on which Redis also says something unasked.
    Pushed {
        /// Tells it from others.
        name: &'static str,
        /// Takes what is said.
        handler: Arc<dyn PushHandler>,
    },
    /// A connection that is borrowed from the server's pool, for requests that no order binds.
    Pooled,
}

/// Takes what Redis says unasked on a connection.
#[async_trait]
pub trait PushHandler: Debug + Send + Sync {
    /// A connection was opened; what earlier ones would have said is lost.
    async fn opened(&self, connection: &mut MultiplexedConnection, redis: &str);

    /// Redis said something, or the connection has ended.
    fn on_push(&self, push: PushInfo);
}

/// Told of the masters that are connected to.
pub trait ConnectionObserver: Debug + Send + Sync {
    /// A connection was opened, or a server was asked: the master of this name has this replication id now.
    fn found_replid(&self, server: &str, replid: &str);

    /// From now on these servers are the masters, and no other.
    fn masters_changed(&self, servers: &[String]);
}
