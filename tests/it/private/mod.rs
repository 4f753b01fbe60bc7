//! Private rooms and conversations, over WebSocket and REST and on every node.

mod conversations;
mod elsewhere;
mod inbox;
mod removal;
mod reports;
mod rooms;
mod search;
mod secrecy;
mod sharing;
mod unread;
mod work;

use serde_json::{Value, json};

use crate::harness::http::{encode, text};
use crate::harness::{Client, Cluster, Node, Reply};
use crate::registration::{SETTINGS, register};

/// Nodes that share the keys below `adda:`, with cheap log-ins.
async fn cluster(count: usize) -> Option<Cluster> {
    cluster_with(count, &[]).await
}

async fn cluster_with(count: usize, settings: &[(&str, &str)]) -> Option<Cluster> {
    let settings = [&SETTINGS[..], &[("redis.prefix", "adda:")], settings].concat();
    Cluster::with(count, &settings).await
}

/// A user with an account.
struct Person {
    user_id: String,
    username: String,
    token: String,
}

impl Person {
    async fn register(node: &Node, username: &str) -> Self {
        let made = register(node, username, "correct horse battery").await;
        assert_eq!(made.status, 201, "{made:?}");
        let made = made.json();
        Self { user_id: text(&made["user_id"]), username: username.to_owned(), token: text(&made["token"]) }
    }

    async fn asks(&self, node: &Node, method: &str, path: &str, body: Option<Value>) -> Reply {
        let call = node.http().call(method, path).header("authorization", &format!("Bearer {}", self.token));
        match body {
            Some(body) => call.json(&body).send().await,
            None => call.send().await,
        }
    }

    /// A request that must succeed with a status.
    async fn does(&self, node: &Node, method: &str, path: &str, body: Option<Value>, status: u16) -> Reply {
        let reply = self.asks(node, method, path, body).await;
        assert_eq!(reply.status, status, "{method} {path}: {reply:?}");
        reply
    }

    /// Makes a private room and returns its id.
    async fn makes_room(&self, node: &Node, title: &str) -> String {
        let made = self.does(node, "POST", "/api/rooms", Some(json!({ "title": title })), 201).await.json();
        assert_eq!((&made["title"], &made["owner"]), (&json!(title), &json!(self.user_id)));
        text(&made["id"])
    }

    async fn adds(&self, node: &Node, room: &str, member: &Self) {
        self.does(node, "PUT", &path(&["rooms", room, "members", &member.user_id]), None, 204).await;
    }

    async fn removes(&self, node: &Node, room: &str, member: &Self) {
        self.does(node, "DELETE", &path(&["rooms", room, "members", &member.user_id]), None, 204).await;
    }

    async fn converses(&self, node: &Node, other: &Self) -> String {
        let body = json!({ "user_id": other.user_id });
        let made = self.does(node, "POST", "/api/conversations", Some(body), 200).await.json();
        assert_eq!(made["with"], json!({ "user_id": other.user_id, "username": other.username }));
        text(&made["id"])
    }

    async fn posts(&self, node: &Node, room: &str, content: &str) -> u64 {
        let body = Some(json!({ "content": content }));
        let posted = self.does(node, "POST", &path(&["rooms", room, "messages"]), body, 201).await;
        posted.json()["seq"].as_u64().expect("a number")
    }

    /// The list of its rooms.
    async fn rooms(&self, node: &Node) -> Vec<Value> {
        let listed = self.does(node, "GET", "/api/me/rooms", None, 200).await.json();
        listed["data"].as_array().expect("a list").clone()
    }

    async fn session(&self, node: &Node) -> Client {
        Client::returning(node, &self.token).await
    }
}

/// A path of REST.
fn path(parts: &[&str]) -> String {
    parts.iter().fold("/api".to_owned(), |path, part| format!("{path}/{}", encode(part)))
}
