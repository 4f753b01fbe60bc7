//! A user's sessions, reached on their node: what moderation stands on.

use std::future::pending;

use adda::chat::{Chat, LeaveReason};
use adda::config::{Config, Flags};
use adda::model::{RoomName, UserId};
use adda::server::Server;
use adda::websocket::CloseCode;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;

use crate::harness::raw::first_byte;
use crate::harness::{Client, Dial, LONG_DEADLINE, RawSocket, eventually};

/// A node of this very process, alone.
struct LocalNode {
    chat: Chat,
    port: u16,
    _serving: AbortOnDropHandle<()>,
}

impl LocalNode {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let flags = Flags { bind: Some("127.0.0.1:0".to_owned()), ..Flags::default() };
        let mut config = Config::load(&flags).expect("good settings");
        change(&mut config);
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let server = Server::start(config, metrics).await.expect("a free port");
        let (chat, port) = (server.chat(), server.address().port());
        let serving = tokio::spawn(async { drop(server.run(pending()).await) });
        chat.started().await;
        Self { chat, port, _serving: AbortOnDropHandle::new(serving) }
    }

    async fn session(&self, token: Option<&str>) -> Client {
        let dial = Dial::full(self.port, "/ws");
        let dial = match token {
            Some(token) => dial.header("authorization", format!("Bearer {token}")),
            None => dial,
        };
        let mut client = dial.open().await;
        client.welcomed().await;
        client
    }

    /// Waits until no session of the user is open here.
    async fn until_gone(&self, user: &UserId) {
        eventually("the user has no session", LONG_DEADLINE, async || {
            (self.chat.close_user(user, CloseCode::Restarting) == 0).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn all_sessions_of_a_user_are_made_to_leave_a_room() {
    let node = LocalNode::start().await;
    let mut first = node.session(None).await;
    let mut second = node.session(Some(&first.token)).await;
    let mut other = node.session(None).await;
    for client in [&mut first, &mut second, &mut other] {
        client.join("general").await;
        client.join("quiet").await;
    }
    let user = UserId::parse(&first.user_id).expect("a user");
    let room = RoomName::parse("general", 64).expect("a name");
    assert_eq!(node.chat.remove_user_from_room(&user, &room, LeaveReason::Kicked), 2);
    for client in [&mut first, &mut second] {
        assert_eq!(client.expect("left").await["room_id"], "general");
        client.send(json!({ "type": "text", "room_id": "general", "content": "x", "nonce": "n" })).await;
        let rejection = client.expect("error").await;
        assert_eq!((&rejection["code"], &rejection["nonce"]), (&json!("not_in_room"), &json!("n")));
        client.send(json!({ "type": "text", "room_id": "quiet", "content": "x" })).await;
        client.expect("ack").await;
    }
    let leave = other.expect_that("a leave", |frame| frame["type"] == "leave").await;
    assert_eq!((&leave["room_id"], &leave["client_count"]), (&json!("general"), &json!(1)));
    assert!(other.untaken("left").is_empty());
}

#[tokio::test]
async fn all_sessions_of_a_user_are_closed_and_then_no_longer_there() {
    let node = LocalNode::start().await;
    let mut first = node.session(None).await;
    let mut second = node.session(Some(&first.token)).await;
    let other = node.session(None).await;
    let user = UserId::parse(&first.user_id).expect("a user");
    assert_eq!(node.chat.close_user(&user, CloseCode::TooMuch), 2);
    assert_eq!((first.closed().await, second.closed().await), (4429, 4429));
    node.until_gone(&user).await;
    let other_user = UserId::parse(&other.user_id).expect("a user");
    other.close().await;
    node.until_gone(&other_user).await;
}

#[tokio::test]
async fn a_session_is_reached_by_the_user_that_it_became() {
    let node = LocalNode::start().await;
    let owner = node.session(None).await;
    let mut session = node.session(None).await;
    session.send(json!({ "type": "auth", "token": owner.token })).await;
    session.expect("auth_success").await;
    let guest = UserId::parse(&session.user_id).expect("a user");
    assert_eq!(node.chat.close_user(&guest, CloseCode::TooMuch), 0);
    assert_eq!(node.chat.close_user(&UserId::parse(&owner.user_id).expect("a user"), CloseCode::TooMuch), 2);
    assert_eq!(session.closed().await, 4429);
}

/// A session whose client reads slowly what it has missed. The client goes on reading once the node has asked the session to end.
#[tokio::test]
async fn a_session_is_closed_during_a_replay() {
    const MISSED: usize = 400;
    let node = LocalNode::with(|config| {
        config.limits.frame_bytes = 28_672;
        config.limits.outbox_bytes = 114_688;
        config.limits.unsent_bytes = 16_384;
        config.limits.messages_per_s = 0;
        config.limits.guest_messages_per_s = 0;
    })
    .await;
    let mut writer = node.session(None).await;
    writer.join("general").await;
    let content = "আ".repeat(4000);
    let first = writer.posts("general", &content).await;
    for _ in 0..MISSED {
        writer.posts("general", &content).await;
    }
    let mut reader = RawSocket::narrow(node.port, "/ws", Some("adda.v1")).await;
    let since = json!({ "epoch": first["epoch"], "seq": first["seq"] });
    let join = json!({ "type": "join", "room_id": "general", "since": since });
    assert!(reader.frame(first_byte::TEXT, join.to_string().as_bytes()).await);
    let mut user = None;
    let (mut given, mut code) = (0, None);
    while let Some((first_byte, payload)) = reader.read_frame().await {
        if first_byte == first_byte::CLOSE {
            code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            break;
        }
        let frame: Value = serde_json::from_slice(&payload).expect("JSON");
        match frame["type"].as_str() {
            Some("welcome") => user = frame["user_id"].as_str().and_then(UserId::parse),
            Some("joined") => {
                let user = user.as_ref().expect("a welcome came before");
                assert_eq!(node.chat.close_user(user, CloseCode::TooMuch), 1);
            }
            Some("text") => given += 1,
            _ => {}
        }
    }
    assert_eq!(code, Some(4429));
    assert!(given < MISSED / 2, "the replay went on: {given}");
}

#[tokio::test]
async fn a_session_that_waits_for_a_replay_leaves_a_room_and_is_closed() {
    let node = LocalNode::with(|config| {
        config.limits.replay_bytes = 1;
        // The second join waits for hours.
        config.limits.replay_bytes_per_second = 1;
    })
    .await;
    let mut client = node.session(None).await;
    client.join("general").await;
    client.send(json!({ "type": "join", "room_id": "quiet" })).await;
    client.send(json!({ "type": "ping" })).await;
    // A session answers pings while it waits.
    client.expect("pong").await;
    let user = UserId::parse(&client.user_id).expect("a user");
    let room = RoomName::parse("general", 64).expect("a name");
    assert_eq!(node.chat.remove_user_from_room(&user, &room, LeaveReason::Kicked), 1);
    assert_eq!(client.expect("left").await["room_id"], "general");
    assert_eq!(node.chat.close_user(&user, CloseCode::TooMuch), 1);
    assert_eq!(client.closed().await, 4429);
    node.until_gone(&user).await;
    assert!(client.untaken("joined").is_empty());
}
