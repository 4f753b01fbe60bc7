//! Bounds on how often a user asks for what is its own.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Client, Node, Reply};

/// More calls than a full bucket and its refill let pass.
const MANY: usize = 2000;

async fn asks(node: &Node, client: &Client, method: &str, path: &str) -> Reply {
    let bearer = format!("Bearer {}", client.token);
    node.http().call(method, path).header("authorization", &bearer).send().await
}

/// Repeats a call until it is refused, and returns the statuses of before.
async fn until_refused(node: &Node, client: &Client, method: &str, path: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..MANY {
        let reply = asks(node, client, method, path).await;
        if reply.status == 429 {
            assert_eq!(reply.error(429), "too_fast");
            assert!(reply.header("retry-after").parse::<u64>().expect("a number") >= 1);
            return statuses;
        }
        statuses.push(reply.status);
    }
    panic!("{method} {path} has no limit");
}

#[tokio::test]
async fn a_user_asks_for_its_rooms_so_often() {
    let node = Node::memory().await;
    let client = Client::full(&node, "Rahim").await;
    let answered = until_refused(&node, &client, "GET", "/api/me/rooms").await;
    assert!(answered.len() >= 30 && answered.iter().all(|status| *status == 200), "{answered:?}");
}

#[tokio::test]
async fn a_user_asks_for_its_notifications_and_sees_them_so_often() {
    let node = Node::memory().await;
    for (method, path, status) in [
        ("GET", "/api/me/notifications", 200),
        ("POST", "/api/me/notifications/00000000-0000-0000-0000-000000000000/seen", 404),
    ] {
        // Guests of one address share the limit, so the second call finds little left.
        let client = Client::full(&node, "Rahim").await;
        let answered = until_refused(&node, &client, method, path).await;
        assert!(answered.iter().all(|answer| *answer == status), "{answered:?}");
    }
    let mut client = Client::full(&node, "Mita").await;
    for _ in 0..MANY {
        client.send(json!({ "type": "seen", "id": "00000000-0000-0000-0000-000000000000" })).await;
        if client.next_of(&["seen", "error"]).await["code"] == "too_fast" {
            return;
        }
    }
    panic!("a frame has no limit");
}

/// Sends a frame many times, and returns the close code of the session.
async fn floods(client: &mut Client, frame: &Value) -> u16 {
    for _ in 0..3_000 {
        if !client.try_send(Message::text(frame.to_string())).await {
            break;
        }
    }
    client.closed().await
}

#[tokio::test]
async fn a_session_that_goes_on_asking_too_fast_is_closed() {
    let node = Node::with(&[("limits.joins_per_s", "1"), ("limits.joins_burst", "2")]).await;
    let mut other = Client::full(&node, "Mita").await;
    other.join("general").await;
    for frame in [
        json!({ "type": "join", "room_id": "general" }),
        json!({ "type": "auth", "token": other.token }),
        json!({ "type": "read", "room_id": "general", "seq": 1 }),
        json!({ "type": "seen", "id": "00000000-0000-0000-0000-000000000000" }),
    ] {
        let mut flood = Client::full(&node, "Rahim").await;
        assert_eq!(floods(&mut flood, &frame).await, 4429, "{frame}");
    }
    other.posts("general", "I go on").await;
}
