//! Notifications and schedules, over WebSocket and REST and on every node.

mod clocks;
mod rest;
mod schedules;
mod sessions;

use adda::chat::{Identity, Source, sign_token};
use adda::model::{Author, Role, UserId, Username};
use serde_json::{Value, json};

use crate::harness::http::text;
use crate::harness::{Client, Cluster, DEADLINE, LONG_DEADLINE, Node, Reply, eventually};

/// The secret of the nodes, with which the tests sign the token of an admin.
pub const SECRET: &str = "a secret of these tests alone, long enough";

const SETTINGS: [(&str, &str); 2] = [("redis.prefix", "adda:"), ("auth.secret", SECRET)];

async fn cluster(count: usize) -> Option<Cluster> {
    Cluster::with(count, &SETTINGS).await
}

/// An admin's requests.
struct Admin(String);

impl Admin {
    fn new() -> Self {
        Self(token("admin", Role::Admin))
    }

    async fn asks(&self, node: &Node, method: &str, path: &str, body: Option<Value>) -> Reply {
        asks(&self.0, node, method, path, body).await
    }

    /// Sends a notification, and returns its id.
    async fn notifies(&self, node: &Node, to: &str, content: &str) -> String {
        self.sends(node, json!({ "to": to, "content": content })).await
    }

    async fn sends(&self, node: &Node, notification: Value) -> String {
        let reply = self.asks(node, "POST", "/api/notifications", Some(notification)).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        text(&reply.json()["id"])
    }

    async fn takes_back(&self, node: &Node, id: &str) {
        let reply = self.asks(node, "DELETE", &format!("/api/notifications/{id}"), None).await;
        assert_eq!(reply.status, 204, "{reply:?}");
    }

    /// Makes a schedule, and returns its id.
    async fn schedules(&self, node: &Node, schedule: Value) -> String {
        let reply = self.asks(node, "POST", "/api/schedules", Some(schedule)).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        text(&reply.json()["id"])
    }
}

/// The token of a user with an account.
pub fn token(user: &str, role: Role) -> String {
    let author = Author {
        user_id: UserId::parse(user).expect("a user id"),
        username: Username::parse(user, 32).expect("a name"),
    };
    let identity = Identity { role, source: Source::Account, ..Identity::guest_with(author) };
    sign_token(SECRET, &identity, DEADLINE * 60).token
}

async fn asks(token: &str, node: &Node, method: &str, path: &str, body: Option<Value>) -> Reply {
    let call = node.http().call(method, path).header("authorization", &format!("Bearer {token}"));
    match body {
        Some(body) => call.json(&body).send().await,
        None => call.send().await,
    }
}

/// The notifications that a user has not seen, the newest first. A user that asks too often waits.
async fn unseen(token: &str, node: &Node) -> Vec<Value> {
    let reply = eventually("an answer", LONG_DEADLINE, async || {
        let reply = asks(token, node, "GET", "/api/me/notifications", None).await;
        (reply.status != 429).then_some(reply)
    })
    .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["data"].as_array().expect("a list").clone()
}

fn ids(notifications: &[Value]) -> Vec<String> {
    notifications.iter().map(|one| text(&one["id"])).collect()
}

async fn is_given(session: &mut Client, id: &str) -> Value {
    session
        .expect_that("the notification", |frame| frame["type"] == "notification" && frame["id"] == id)
        .await
}

async fn is_told(session: &mut Client, id: &str) {
    session.expect_that("that it was seen", |frame| frame["type"] == "seen" && frame["id"] == id).await;
}
