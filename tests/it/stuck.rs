//! Clients that flood, clients that do not read, and clients that leave while Redis is frozen: none delays another.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::raw::first_byte;
use crate::harness::redis::RedisServer;
use crate::harness::{Client, Cluster, DEADLINE, Dial, LONG_DEADLINE, Launch, Node, RawSocket, eventually};

/// An unsolicited masked pong without payload.
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

/// A client that receives nothing for seconds takes the connection for dead, as the page does.
#[tokio::test]
async fn a_ping_is_answered_while_a_join_waits_for_redis() {
    let Some(redis) = RedisServer::start().await else { return };
    let node = Launch::new().redis(&redis.url()).set("redis.command_timeout", "20s").start().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    redis.freeze();
    // A join by frame, and one by the upgrade.
    rahim.send(json!({ "type": "join", "room_id": "tearoom" })).await;
    let mut mita = Dial::full(node.port, "/ws?room=tearoom&username=mita").open().await;
    mita.welcomed().await;
    for client in [&mut rahim, &mut mita] {
        for _ in 0..3 {
            client.send(json!({ "type": "ping" })).await;
            let answer = client.next_of(&["pong", "joined", "error"]).await;
            assert_eq!(answer["type"], "pong", "{answer}");
        }
    }
    redis.thaw();
    for client in [&mut rahim, &mut mita] {
        client.next_of(&["joined", "error"]).await;
    }
}

/// A plain session has only WebSocket pings, and posts before it has received anything.
#[tokio::test]
async fn a_plain_session_waits_for_its_room_while_redis_stands_still() {
    let settings = [("redis.command_timeout", "2s"), ("presence.lease", "60s")];
    let Some(cluster) = Cluster::with(1, &settings).await else { return };
    let node = &cluster.nodes[0];
    let mut witness = Client::full(node, "witness").await;
    witness.join("general").await;
    cluster.redis.freeze();
    let mut plain = RawSocket::upgraded(node.port, "/ws?username=plain", None).await;
    assert!(plain.frame(first_byte::TEXT, r#"{"content":"হ্যালো"}"#.as_bytes()).await);
    for payload in [b"1", b"2"] {
        assert!(plain.frame(first_byte::PING, payload).await);
        assert_eq!(plain.read_frame().await, Some((first_byte::PONG, payload.to_vec())));
    }
    eventually("a join has timed out", DEADLINE, async || {
        (node.http().status("/readyz").await == Some(503)).then_some(())
    })
    .await;
    cluster.redis.thaw();
    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|kind| kind != "text") {
        let (_, payload) = plain.read_frame().await.expect("the session lives");
        let frame: Value = serde_json::from_slice(&payload).expect("JSON");
        kinds.push(frame["type"].as_str().expect("a type").to_owned());
    }
    assert_eq!(kinds, ["join", "text"]);
    witness.receives("হ্যালো").await;
}

/// The twin: after `session.idle_timeout` it is closed for another node.
#[tokio::test]
async fn a_plain_session_whose_room_stays_unreachable_is_closed_for_another_node() {
    let settings = [
        ("redis.command_timeout", "200ms"),
        ("session.ping_every", "1s"),
        ("session.idle_timeout", "2s"),
        ("server.drain", "0s"),
    ];
    let Some(cluster) = Cluster::with(1, &settings).await else { return };
    cluster.redis.freeze();
    let mut plain = RawSocket::upgraded(cluster.nodes[0].port, "/ws?username=plain", None).await;
    let mut told = Vec::new();
    let code = loop {
        let (first, payload) = plain.read_frame().await.expect("a close frame");
        match first {
            first_byte::PING => assert!(plain.frame(first_byte::PONG, &payload).await),
            first_byte::CLOSE => break payload.first_chunk().map(|code| u16::from_be_bytes(*code)),
            _ => told.push(serde_json::from_slice::<Value>(&payload).expect("JSON")["code"].clone()),
        }
    };
    cluster.redis.thaw();
    assert_eq!((told, code), (vec![json!("unavailable")], Some(1012)));
}

/// The pauses are longer than a lease and than `redis.command_timeout`.
#[tokio::test]
async fn no_session_is_dropped_while_redis_pauses_twice() {
    let Some(cluster) = Cluster::start(1).await else { return };
    let node = &cluster.nodes[0];
    let mut full = Client::full(node, "full").await;
    full.join("general").await;
    // On an open connection, since a paused Redis accepts no new one. The second pause begins as the first ends.
    let mut admin = TcpStream::connect(("127.0.0.1", cluster.redis.port())).await.expect("Redis listens");
    admin.write_all(&b"CLIENT PAUSE 4000 ALL\r\n".repeat(2)).await.expect("Redis reads");
    let mut answer = [0; 5];
    admin.read_exact(&mut answer).await.expect("Redis answers");
    assert_eq!(&answer, b"+OK\r\n");
    let mut plain = Dial::plain(node.port, "/ws?username=plain").open().await;
    let mut named = Dial::full(node.port, "/ws?room=general&username=named").open().await;
    named.welcomed().await;
    plain
        .find_within(LONG_DEADLINE, "its own join", |frame| frame["type"] == "join")
        .await
        .expect("a plain session outlasts the pauses");
    eventually("the node can post again", LONG_DEADLINE, async || {
        (full.post("general", "after the pauses", "n-1").await["type"] == "ack").then_some(())
    })
    .await;
    for client in [&mut full, &mut plain] {
        client.receives("after the pauses").await;
    }
    named.send(json!({ "type": "ping" })).await;
    named.expect("pong").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flooding_client_does_not_delay_other_sessions() {
    let node = Node::with(&[("server.worker_threads", "1")]).await;
    let mut writer = Client::full(&node, "writer").await;
    let mut reader = Client::full(&node, "reader").await;
    writer.join("general").await;
    reader.join("general").await;
    let mut flooder = RawSocket::upgraded(node.port, "/ws?username=flooder", Some("adda.v1")).await;
    let pongs = PONG.repeat(16 * 1024);
    let flood = tokio::spawn(async move { while flooder.write(&pongs).await {} });
    for number in 0..50 {
        writer.posts("general", &format!("message {number}")).await;
        reader.receives(&format!("message {number}")).await;
    }
    assert!(!flood.is_finished(), "the flood lasts all the while");
    flood.abort();
}

#[tokio::test]
async fn an_unread_echo_times_out() {
    let mut node = Node::with(&[("session.write_timeout", "1s"), ("server.drain", "0s")]).await;
    let mut echo = RawSocket::narrow(node.port, "/ws/echo", None).await;
    let said = [b'x'; 60_000];
    while echo.frame(first_byte::TEXT, &said).await {}
    assert!(echo.is_cut(), "the node still waits for its reader");
    node.terminate();
    assert!(node.exited().await.success());
}

/// A client that resumes in a room with a long log and reads nothing.
async fn non_reading(node: &Node, username: &str, epoch: &Value) -> RawSocket {
    let mut socket = RawSocket::narrow(node.port, &format!("/ws?username={username}"), Some("adda.v1")).await;
    let join = json!({ "type": "join", "room_id": "general", "since": { "epoch": epoch, "seq": 0 } });
    assert!(socket.frame(first_byte::TEXT, join.to_string().as_bytes()).await);
    socket
}

#[tokio::test]
async fn a_client_that_does_not_read_a_long_log_is_removed_from_the_room() {
    const LOG: usize = 800;
    let settings = [("session.write_timeout", "1s"), ("server.drain", "0s")];
    let mut node = Node::with(&settings).await;
    let mut writer = Client::full(&node, "writer").await;
    let joined = writer.join("general").await;
    let frame = json!({ "type": "text", "room_id": "general", "content": "আ".repeat(4000) });
    for _ in 0..LOG / 50 {
        for _ in 0..50 {
            writer.send(frame.clone()).await;
        }
        writer.texts(50).await;
    }
    let _first = non_reading(&node, "first", &joined["epoch"]).await;
    writer.sees_join("first").await;
    let only = [writer.connection_id.clone()];
    eventually("the session that does not read has left the room", DEADLINE, async || {
        (node.http().connections("general").await == only).then_some(())
    })
    .await;
    let _second = non_reading(&node, "second", &joined["epoch"]).await;
    writer.sees_join("second").await;
    node.terminate();
    assert_eq!(writer.closed().await, 1012);
    assert!(node.exited().await.success());
}

#[tokio::test]
async fn a_close_frame_is_answered_while_redis_is_frozen() {
    const ROOMS: usize = 10;
    let Some(cluster) = Cluster::with(1, &[("redis.command_timeout", "2s")]).await else { return };
    let mut client = RawSocket::upgraded(cluster.nodes[0].port, "/ws?username=guest", Some("adda.v1")).await;
    for number in 0..ROOMS {
        let join = json!({ "type": "join", "room_id": format!("room {number}") });
        client.frame(first_byte::TEXT, join.to_string().as_bytes()).await;
    }
    let mut joined = 0;
    while joined < ROOMS {
        let (_, payload) = client.read_frame().await.expect("the session lives");
        let frame: Value = serde_json::from_slice(&payload).expect("JSON");
        joined += usize::from(frame["type"] == "joined");
    }
    cluster.redis.freeze();
    client.frame(first_byte::CLOSE, &1000_u16.to_be_bytes()).await;
    let parting = async {
        let code = client.close_code().await;
        client.read_to_end().await;
        code
    };
    // One deadline for commands in flight, not one for each of the ten rooms.
    let parted = timeout(Duration::from_secs(8), parting).await;
    cluster.redis.thaw();
    assert_eq!(parted, Ok(Some(1000)), "a close waits for no room");
}

#[tokio::test]
async fn a_client_that_rejoins_a_busy_room_receives_each_message_once_and_in_order() {
    const ROUNDS: usize = 40;
    const EACH: usize = 30;
    let Some(cluster) = Cluster::start(1).await else { return };
    let mut writer = Client::full(&cluster.nodes[0], "writer").await;
    let mut listener = Client::full(&cluster.nodes[0], "listener").await;
    writer.join("general").await;
    listener.join("general").await;
    let mut last = 0;
    for round in 1..=ROUNDS {
        let mut awaited = 0;
        for number in 0..EACH {
            writer.send(json!({ "type": "text", "room_id": "general", "content": "x" })).await;
            if number % 6 == 0 {
                // More history than can have been posted since its last frame.
                listener.send(json!({ "type": "join", "room_id": "general", "history": 200 })).await;
                awaited += 1;
            }
        }
        while awaited > 0 || last < (round * EACH) as u64 {
            let frame = listener.next().await;
            let seq = frame["seq"].as_u64();
            if frame["type"] == "text" {
                assert_eq!(seq, Some(last + 1), "{frame}");
                last += 1;
            } else if frame["type"] == "joined" {
                awaited -= 1;
                let known = frame["messages"].as_array().expect("messages");
                let known: Vec<_> = known.iter().filter_map(|message| message["seq"].as_u64()).collect();
                let place = seq.expect("a place");
                assert!(place >= last, "after {last} it receives the position {place}");
                let oldest = (place + 1).saturating_sub(known.len() as u64);
                assert_eq!(known, (oldest..=place).collect::<Vec<_>>(), "no hole, no double");
                assert!(oldest <= last + 1, "{last} and {oldest} are neighbours");
                last = place;
            }
        }
        writer.texts(EACH).await;
    }
}

#[tokio::test]
async fn a_join_while_redis_is_frozen_waits_for_no_other_join() {
    const CLIENTS: usize = 12;
    let Some(cluster) = Cluster::with(1, &[("redis.command_timeout", "1s")]).await else { return };
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        clients.push(Client::full(&cluster.nodes[0], &format!("client {number}")).await);
    }
    cluster.redis.freeze();
    let joins = join_all(clients.iter_mut().map(async |client| {
        client.send(json!({ "type": "join", "room_id": "new" })).await;
        client.expect("error").await["code"].clone()
    }));
    let refusals = timeout(Duration::from_secs(8), joins).await;
    cluster.redis.thaw();
    assert_eq!(refusals.expect("no join waits for the others"), vec![json!("unavailable"); CLIENTS]);
}
