//! A node with few descriptors: sessions end below the limit; Redis, health checks and metrics keep theirs.

use crate::files::{Folder, upload};
use crate::harness::redis::RedisServer;
use crate::harness::{Client, DEADLINE, Dial, Launch, Node, RawSocket, eventually};

/// Its limit; the node keeps half of so few for itself.
const LIMIT: u32 = 64;

/// Opens sessions in a room until the node refuses; returns them.
async fn fill(node: &Node) -> Vec<Client> {
    let mut sessions = Vec::new();
    while let Ok(mut client) =
        Dial::full(node.port, format!("/ws?username=n{}", sessions.len())).try_open().await
    {
        client.welcomed().await;
        client.join("general").await;
        sessions.push(client);
        assert!(sessions.len() < LIMIT as usize, "no upgrade was refused");
    }
    sessions
}

#[tokio::test]
async fn a_full_node_refuses_upgrades_and_answers_all_else() {
    let Some(redis) = RedisServer::start().await else { return };
    let node = Launch::new().redis(&redis.url()).descriptors(LIMIT).start().await;
    let mut sessions = fill(&node).await;
    let metrics = node.http().metrics().await;
    assert_eq!(sessions.len() as f64, metrics.value("adda_sessions_limit"));
    assert_eq!(metrics.value("adda_descriptors_limit"), f64::from(LIMIT));
    assert!(metrics.value("adda_descriptors_open") < f64::from(LIMIT));
    let call = node.http().call("GET", "/ws").header("connection", "upgrade").header("upgrade", "websocket");
    let call =
        call.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let refused = call.send().await;
    assert_eq!(refused.error(503), "unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(node.http().get("/readyz").await.status, 200);
    sessions[0].posts("general", "for all").await;
    for session in &mut sessions[1..] {
        session.receives("for all").await;
    }
    // A freed slot can be used again.
    sessions.pop().expect("there are some").close().await;
    eventually("there is room for one", DEADLINE, async || {
        Dial::full(node.port, "/ws").try_open().await.ok().map(drop)
    })
    .await;
}

#[tokio::test]
async fn sockets_that_send_nothing_do_not_keep_out_a_health_check() {
    let node = Launch::new().descriptors(LIMIT).start().await;
    let mut silent = Vec::new();
    for _ in 0..3 * LIMIT {
        silent.push(RawSocket::connect(node.port).await);
    }
    assert_eq!(node.http().get("/readyz").await.status, 200);
    let warnings = || node.log().matches("limit of open files does not suffice").count();
    eventually("it is logged", DEADLINE, async || (warnings() > 0).then_some(())).await;
    assert_eq!(warnings(), 1, "once a minute: {}", node.log());
}

/// The head of a post, whose body the node asks for and never gets.
const HEAD: &str = "POST /api/rooms/general/messages HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
    content-length: 100\r\nexpect: 100-continue\r\n\r\n";

#[tokio::test]
async fn sockets_that_send_half_a_request_do_not_keep_out_a_health_check() {
    let node = Launch::new().descriptors(LIMIT).set("server.body_timeout", "1h").start().await;
    let mut halves = Vec::new();
    for number in 0..3 * LIMIT {
        let mut socket = RawSocket::connect(node.port).await;
        socket.write(HEAD.as_bytes()).await;
        assert!(socket.read_head().await.starts_with("HTTP/1.1 100"), "socket {number} is not served");
        halves.push(socket);
    }
    assert_eq!(node.http().get("/readyz").await.status, 200);
    assert_eq!(node.http().get("/metrics").await.status, 200);
}

/// Bytes that the node gives to a socket at once.
const PIECE: usize = 64 * 1024;

#[tokio::test]
async fn a_download_that_is_taken_outlasts_sockets_that_send_nothing() {
    let folder = Folder::new();
    let node = Launch::new().descriptors(LIMIT).set("files.url", folder.path()).start().await;
    let guest = Client::full(&node, "rahim").await;
    let pieces = LIMIT as usize;
    let file = upload(&node, &guest.token, "general", "long.bin", &vec![7; pieces * PIECE]).await;
    drop(guest);
    let mut download = RawSocket::connect_narrow(node.port).await;
    let url = file["url"].as_str().unwrap();
    download.write(format!("GET {url} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await;
    assert!(download.read_head().await.starts_with("HTTP/1.1 200"));
    let mut silent = Vec::new();
    for piece in 0..pieces {
        silent.push(RawSocket::connect(node.port).await);
        assert!(download.read_exactly(PIECE).await.is_some(), "piece {piece} does not come");
    }
}

#[tokio::test]
async fn a_full_node_gets_its_redis_back_and_keeps_its_sessions() {
    let Some(redis) = RedisServer::start().await else { return };
    let node = Launch::new().redis(&redis.url()).descriptors(LIMIT).start().await;
    let mut sessions = fill(&node).await;
    let mut knocking = Vec::new();
    for round in 0..5 {
        for _ in 0..LIMIT {
            knocking.push(RawSocket::connect(node.port).await);
        }
        for kind in ["normal", "pubsub"] {
            redis.command(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]).await;
        }
        let content = format!("after loss {round}");
        eventually("ready again", DEADLINE, async || {
            (node.http().status("/readyz").await == Some(200)).then_some(())
        })
        .await;
        sessions[0].posts("general", &content).await;
        for session in &mut sessions {
            session.receives(&content).await;
        }
    }
}

#[tokio::test]
async fn sessions_end_at_the_setting() {
    let node = Node::with(&[("limits.sessions", "3")]).await;
    assert_eq!(fill(&node).await.len(), 3);
}
