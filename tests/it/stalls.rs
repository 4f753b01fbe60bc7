//! Slow readers, bursts, frozen nodes, silent sockets.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::raw::first_byte;
use crate::harness::roamer::outage;
use crate::harness::{Client, Cluster, LONG_DEADLINE, Node, RawSocket, eventually};

#[tokio::test]
async fn a_slow_reader_is_closed_and_resumes_without_delaying_others() {
    let settings = [
        ("limits.frame_bytes", "28672"),
        ("limits.outbox_bytes", "114688"),
        ("history.max_messages", "5000"),
    ];
    let node = Node::with(&settings).await;
    let mut writer = Client::full(&node, "writer").await;
    let mut reader = Client::full(&node, "reader").await;
    writer.join("general").await;
    reader.join("general").await;
    let mut stalled = RawSocket::narrow(node.port, "/ws?username=stalled", Some("adda.v1")).await;
    stalled.frame(first_byte::TEXT, br#"{"type":"join","room_id":"general"}"#).await;
    writer.sees_join("stalled").await;

    let content = "আ".repeat(4000);
    let mut said = 0;
    while node.http().connections("general").await.len() == 3 {
        assert!(said < 5000, "60 MB wait for a session that reads nothing");
        for _ in 0..20 {
            writer.posts("general", &content).await;
            said += 1;
        }
        writer.texts(20).await;
        for message in reader.texts(20).await {
            assert_eq!(message["content"], *content);
        }
    }
    let (mut place, mut code) = (Value::Null, None);
    while let Some((first_byte, payload)) = stalled.read_frame().await {
        if first_byte == first_byte::CLOSE {
            code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            break;
        }
        let frame: Value = serde_json::from_slice(&payload).expect("JSON");
        match frame["type"].as_str() {
            Some("joined") => place = frame,
            Some("text") => {
                assert_eq!(frame["seq"].as_u64(), place["seq"].as_u64().map(|seq| seq + 1), "in order");
                place["seq"] = frame["seq"].clone();
            }
            _ => {}
        }
    }
    assert_eq!(code, Some(4009));
    assert!(reader.untaken("gap").is_empty(), "{reader}");

    let last = place["seq"].as_u64().expect("a place");
    assert!(last < said, "something was missed");
    let mut back = Client::full(&node, "stalled").await;
    let joined = back.resume("general", &place["epoch"], last).await;
    assert_eq!(joined["recovered"], true, "{}", joined["recovered"]);
    let mut missed = joined["messages"].as_array().expect("messages").clone();
    missed.extend(back.texts((said - last) as usize - missed.len()).await);
    let missed: Vec<_> = missed.iter().filter_map(|message| message["seq"].as_u64()).collect();
    assert_eq!(missed, (last + 1..=said).collect::<Vec<_>>());
}

/// A burst that is larger than an outbox and faster than the hub delivers one by one.
#[tokio::test]
async fn a_burst_does_not_make_a_slow_reader() {
    const BURST: usize = 200;
    let node = Node::memory().await;
    let mut writer = Client::full(&node, "writer").await;
    let mut reader = Client::full(&node, "reader").await;
    writer.join("general").await;
    reader.join("general").await;
    let frame = json!({ "type": "text", "room_id": "general", "content": "আ".repeat(4000) });
    let burst = async {
        for _ in 0..BURST {
            writer.send(frame.clone()).await;
        }
        writer.texts(BURST).await
    };
    let (written, read) = tokio::join!(burst, reader.texts(BURST));
    assert!(written == read, "both get all of it");
}

#[tokio::test]
async fn the_sessions_of_a_frozen_node_are_gone_until_it_thaws() {
    let Some(cluster) = Cluster::with(2, &[("presence.leave_grace", "500ms")]).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    rahim.join("general").await;
    karim.join("general").await;
    cluster.nodes[0].freeze();
    let alone = [karim.connection_id.clone()];
    eventually("the frozen node's session is gone", LONG_DEADLINE, async || {
        (cluster.nodes[1].http().connections("general").await == alone).then_some(())
    })
    .await;
    karim.sees_leave("রহিম").await;
    karim.posts("general", "while frozen").await;
    cluster.nodes[0].thaw();
    cluster.until_agreed("general", &[&rahim.connection_id, &karim.connection_id]).await;
    rahim.receives("while frozen").await;
    rahim.posts("general", "back").await;
    karim.receives("back").await;
}

/// After a freeze the node does not know yet which users have left meanwhile.
#[tokio::test]
async fn a_user_who_left_during_a_freeze_stays_gone_after_it() {
    let Some(cluster) = Cluster::with(2, &[("presence.leave_grace", "500ms")]).await else { return };
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    karim.join("general").await;
    let mut stays = Client::full(&cluster.nodes[0], "stays").await;
    stays.join("general").await;
    let mut leaving = Vec::new();
    for number in 0..20 {
        let mut client = Client::full(&cluster.nodes[0], &format!("leaves {number}")).await;
        client.join("general").await;
        leaving.push(client);
    }
    cluster.nodes[0].freeze();
    for number in 0..20 {
        karim.sees_leave(&format!("leaves {number}")).await;
    }
    drop(leaving);
    for number in 0..500 {
        karim.posts("general", &format!("meanwhile {number}")).await;
    }
    karim.sees_leave("stays").await;
    karim.take_all();
    cluster.nodes[0].thaw();
    karim.sees_join("stays").await;
    cluster.until_agreed("general", &[&karim.connection_id, &stays.connection_id]).await;
    // After the grace period a second leave would be announced.
    outage(Duration::from_secs(2)).await;
    karim.catch_up().await;
    let notices = [karim.untaken("join"), karim.untaken("leave")].concat();
    assert!(notices.is_empty(), "the user that left stays gone: {notices:?}");
}

#[tokio::test]
async fn a_node_that_was_frozen_closes_no_session_for_its_own_silence() {
    let settings = [("session.ping_every", "1s"), ("session.idle_timeout", "4s")];
    let node = Node::with(&settings).await;
    let mut sessions = Vec::new();
    for number in 0..20 {
        sessions.push(Client::full(&node, &format!("sits {number}")).await);
    }
    for client in &mut sessions {
        client.join("general").await;
    }
    node.freeze();
    for client in &mut sessions {
        client.send(serde_json::json!({ "type": "ping" })).await;
    }
    // Longer than the idle time-out.
    outage(Duration::from_secs(6)).await;
    node.thaw();
    for client in &mut sessions {
        client.expect("pong").await;
        client.posts("general", "still here").await;
    }
}

/// The rest of it waits in the socket, and is more than one read takes.
#[tokio::test]
async fn a_message_that_comes_while_the_node_is_frozen_is_in_time() {
    let node = Node::with(&[("session.message_timeout", "1s")]).await;
    let mut socket = RawSocket::upgraded(node.port, "/ws?username=in%20time", Some("adda.v1")).await;
    socket.read_frame().await.expect("its welcome");
    socket.frame(first_byte::TEXT_BEGIN, br#"{"type":"ping","#).await;
    // Its time runs once the node waits for more, which it does before it takes the second.
    for _ in 0..2 {
        socket.frame(first_byte::PING, b"begun").await;
        let (first_byte, _) = socket.read_frame().await.expect("a pong");
        assert_eq!(first_byte, first_byte::PONG);
    }
    node.freeze();
    let rest = format!(r#""x":"{}"}}"#, "x".repeat(60_000));
    socket.frame(first_byte::CONTINUE | 0x80, rest.as_bytes()).await;
    // Longer than a message may take.
    outage(Duration::from_secs(2)).await;
    node.thaw();
    let (_, answer) = socket.read_frame().await.expect("an answer");
    assert_eq!(String::from_utf8_lossy(&answer), r#"{"type":"pong"}"#);
}

#[tokio::test]
async fn a_session_without_pongs_is_closed_and_one_with_pongs_stays() {
    let settings = [("session.ping_every", "1s"), ("session.idle_timeout", "3s")];
    let node = Node::with(&settings).await;
    let mut quiet = Client::full(&node, "quiet").await;
    quiet.join("general").await;
    let mut dead = RawSocket::upgraded(node.port, "/ws?username=dead", None).await;
    let dies = async {
        let mut was_pinged = false;
        while let Some((first_byte, _)) = dead.read_frame().await {
            was_pinged |= first_byte == first_byte::PING;
        }
        assert!(was_pinged, "a silent session is asked before it is dropped");
    };
    tokio::select! {
        () = dies => {}
        // Answers pings while it waits.
        leave = quiet.sees_leave("nobody") => panic!("{leave}"),
    }
    quiet.posts("general", "still here").await;
    quiet.receives("still here").await;
}
