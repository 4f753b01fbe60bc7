//! The Redis of a cluster of nodes: one server, a Redis Cluster, or a master with Sentinels.

use std::ops::{Deref, DerefMut};

use super::redis::RedisServer;
use super::{RedisCluster, Sentinels};

/// The Redis of the nodes. It dereferences to its first server.
#[derive(Debug)]
pub enum Store {
    /// One server.
    One(RedisServer),
    /// A Redis Cluster.
    Cluster(RedisCluster),
    /// A master with a replica and Sentinels.
    Sentinels(Sentinels),
}

impl Store {
    /// Its URL for `redis.url`.
    pub fn url(&self) -> String {
        match self {
            Self::One(server) => server.url(),
            Self::Cluster(cluster) => cluster.url(),
            Self::Sentinels(sentinels) => sentinels.url(),
        }
    }
}

impl From<RedisServer> for Store {
    fn from(server: RedisServer) -> Self {
        Self::One(server)
    }
}

impl From<RedisCluster> for Store {
    fn from(cluster: RedisCluster) -> Self {
        Self::Cluster(cluster)
    }
}

impl From<Sentinels> for Store {
    fn from(sentinels: Sentinels) -> Self {
        Self::Sentinels(sentinels)
    }
}

impl Deref for Store {
    type Target = RedisServer;

    fn deref(&self) -> &RedisServer {
        match self {
            Self::One(server) => server,
            Self::Cluster(cluster) => &cluster.servers[0],
            Self::Sentinels(sentinels) => &sentinels.servers[0],
        }
    }
}

impl DerefMut for Store {
    fn deref_mut(&mut self) -> &mut RedisServer {
        match self {
            Self::One(server) => server,
            Self::Cluster(cluster) => &mut cluster.servers[0],
            Self::Sentinels(sentinels) => &mut sentinels.servers[0],
        }
    }
}
