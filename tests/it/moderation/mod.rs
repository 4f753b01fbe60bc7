//! What ends a session, takes it out of a room or keeps it from speaking, over every door and on every node.

mod revocation;

use adda::backend::{self, Backend, Events, StandingChange};
use adda::config::Config;
use adda::model::{NodeId, UserId};
use adda::supervisor::Supervisor;

use crate::harness::Cluster;
use crate::harness::store::Store;

/// Nodes that share the keys below `adda:`.
async fn cluster(count: usize) -> Option<Cluster> {
    Cluster::with(count, &[("redis.prefix", "adda:")]).await
}

/// An operator of a cluster, who reaches its Redis beside the nodes.
struct Operator {
    backend: Backend,
    // Its events have no reader.
    _events: Events,
}

impl Operator {
    async fn of(cluster: &Cluster) -> Self {
        Self::with(&cluster.redis).await
    }

    async fn with(redis: &Store) -> Self {
        let mut config = Config::defaults();
        config.redis.url = redis.url();
        let started = backend::start(&config, NodeId::random(), &Supervisor::default()).await;
        let (backend, events) = started.expect("Redis is there");
        Self { backend, _events: events }
    }

    /// Changes the standing of a user, and tells the nodes.
    async fn change(&self, user_id: &str, change: StandingChange) {
        self.backend.change_standing(&user(user_id), change).await.expect("Redis answers");
    }

    /// Changes the standing of a user without telling the nodes.
    async fn change_silently(&self, user_id: &str, change: StandingChange) {
        self.backend.standings.change(&user(user_id), change).await.expect("Redis answers");
    }
}

fn user(id: &str) -> UserId {
    UserId::parse(id).expect("a user id")
}

fn ban() -> StandingChange {
    StandingChange::Ban { lasts: None, reason: Some("spam".to_owned()) }
}

/// Cuts the subscriptions of all nodes.
async fn kill_subscriptions(cluster: &Cluster) {
    cluster.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
}
