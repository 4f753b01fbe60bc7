//! Moderation: sessions are ended, taken out of a room or kept from speaking, over WebSocket and REST and on every node.

mod changes;
mod page;
mod reports;
mod rest;
mod revocation;
mod rooms;
mod traces;

use adda::backend::{self, Backend, Events, StandingChange};
use adda::chat::change_standing;
use adda::config::Config;
use adda::model::{NodeId, Role, UserId};
use adda::supervisor::Supervisor;
use serde_json::Value;

use crate::harness::http::encode;
use crate::harness::store::Store;
use crate::harness::{Client, Cluster, DEADLINE, Node, Reply, eventually};

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
        change_standing(&self.backend, &user(user_id), change).await.expect("Redis answers");
    }

    async fn give_role(&self, user_id: &str, role: Role) {
        self.change(user_id, StandingChange::SetRole(role)).await;
    }

    /// Changes the standing of a user without telling the nodes.
    async fn change_silently(&self, user_id: &str, change: StandingChange) {
        self.backend.standings.change(&user(user_id), change).await.expect("Redis answers");
    }
}

/// A user with a role, who has a token.
struct Moderator {
    operator: Operator,
    user_id: String,
    token: String,
    role: Role,
}

impl Moderator {
    async fn of(cluster: &Cluster, role: Role) -> Self {
        let operator = Operator::of(cluster).await;
        let Client { user_id, token, .. } = &Client::full(&cluster.nodes[0], role.as_str()).await;
        operator.give_role(user_id, role).await;
        let moderator = Self { user_id: user_id.clone(), token: token.clone(), operator, role };
        for node in &cluster.nodes {
            eventually("the node knows the role", DEADLINE, async || {
                let reply = moderator.asks(node, "GET", "/api/me", None).await;
                (reply.status == 404 || reply.json()["role"] == role.as_str()).then_some(())
            })
            .await;
        }
        moderator
    }

    async fn asks(&self, node: &Node, method: &str, path: &str, body: Option<Value>) -> Reply {
        let call = node.http().call(method, path).header("authorization", &format!("Bearer {}", self.token));
        match body {
            Some(body) => call.json(&body).send().await,
            None => call.send().await,
        }
    }

    /// A request that must succeed.
    async fn changes(&self, node: &Node, method: &str, path: &str, body: Value) {
        let reply = self.asks(node, method, path, Some(body)).await;
        assert_eq!(reply.status, 204, "{method} {path}: {reply:?}");
    }

    async fn reads(&self, node: &Node, path: &str) -> Value {
        let reply = self.asks(node, "GET", path, None).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.json()
    }
}

/// A path of REST.
fn path(parts: &[&str]) -> String {
    parts.iter().fold("/api".to_owned(), |path, part| format!("{path}/{}", encode(part)))
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
