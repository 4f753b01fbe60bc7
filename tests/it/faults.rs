//! Redis fails in every way that it knows, and talk goes on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::raw::first_byte;
use crate::harness::roamer::outage;
use crate::harness::{Client, Cluster, LONG_DEADLINE, Node, RawSocket, Roamer, eventually};

/// One full session on each of two nodes, and a plain one, in the room `general`.
async fn three_friends(cluster: &Cluster) -> (Client, Client, Client) {
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    rahim.join("general").await;
    karim.join("general").await;
    let plain = Client::plain(&cluster.nodes[1], "general", "plain").await;
    rahim.sees_join("plain").await;
    karim.sees_join("plain").await;
    rahim.sees_join("করিম").await;
    rahim.say("general", "before").await;
    (rahim, karim, plain)
}

#[tokio::test]
async fn a_subscription_that_breaks_again_and_again_loses_nothing() {
    const WRITERS: usize = 4;
    const EACH: usize = 75;
    let Some(cluster) = Cluster::start(2).await else { return };
    let mut roamers = Vec::new();
    for place in 0..WRITERS + 2 {
        let node = &cluster.nodes[place % 2];
        roamers.push(Roamer::enter(&[node], &format!("roamer {place}"), "general").await);
    }
    for roamer in &mut roamers {
        // Arrivals of the others are no disturbance.
        roamer.client().catch_up().await;
        roamer.client().take_all();
    }
    let said = AtomicUsize::new(0);
    let talk = roamers.into_iter().enumerate().map(|(place, mut roamer)| {
        let said = &said;
        async move {
            for number in 0..if place < WRITERS { EACH } else { 0 } {
                roamer.say(&format!("{place} says {number}")).await;
                said.fetch_add(1, Ordering::Relaxed);
            }
            roamer.hear(WRITERS * EACH).await;
            roamer
        }
    });
    let breaks = async {
        for count in (0..WRITERS * EACH).step_by(15) {
            let reached = async || (said.load(Ordering::Relaxed) >= count).then_some(());
            eventually("the writers go on", LONG_DEADLINE, reached).await;
            cluster.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        }
    };
    let (roamers, ()) = tokio::join!(join_all(talk), breaks);
    for roamer in &roamers {
        roamer.assert_whole();
        roamer.assert_undisturbed();
        assert!(roamer.closes.is_empty(), "no session is dropped: {:?}", roamer.closes);
        assert_eq!(roamer.contents(), roamers[0].contents(), "one order");
    }
    let mut once = roamers[0].contents();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), WRITERS * EACH, "each message once");
}

#[tokio::test]
async fn a_redis_that_is_back_at_once_costs_nobody_a_word() {
    const EACH: usize = 40;
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let mut roamers = Vec::new();
    for place in 0..4 {
        let node = &cluster.nodes[place % 2];
        roamers.push(Roamer::enter(&[node], &format!("roamer {place}"), "general").await);
    }
    let said = AtomicUsize::new(0);
    let talk = join_all(roamers.iter_mut().enumerate().map(|(place, roamer)| {
        let said = &said;
        async move {
            for number in 0..EACH {
                roamer.say(&format!("{place} says {number}")).await;
                said.fetch_add(1, Ordering::Relaxed);
            }
        }
    }));
    let redis = &mut cluster.redis;
    let bounces = async {
        for count in [20, 60, 100] {
            let reached = async || (said.load(Ordering::Relaxed) >= count).then_some(());
            eventually("the writers go on", LONG_DEADLINE, reached).await;
            redis.kill();
            redis.restart().await;
        }
    };
    tokio::join!(talk, bounces);
    for roamer in &mut roamers {
        roamer.hear(4 * EACH).await;
        roamer.assert_whole();
        assert!(roamer.closes.is_empty(), "no session is dropped: {:?}", roamer.closes);
    }
    for roamer in &roamers {
        assert_eq!(roamer.contents(), roamers[0].contents(), "one order");
    }
    let mut once = roamers[0].contents();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), 4 * EACH, "each message once");
}

#[tokio::test]
async fn while_redis_is_down_sockets_stay_and_sends_are_refused() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let (mut rahim, mut karim, mut plain) = three_friends(&cluster).await;
    let members = cluster.nodes[0].http().connections("general").await;
    cluster.redis.kill();
    let refusal = rahim.post("general", "during", "n-1").await;
    assert_eq!((&refusal["type"], &refusal["code"]), (&json!("error"), &json!("unavailable")));
    assert!(refusal["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0), "{refusal}");
    plain.speak("refused too").await;
    assert_eq!(plain.expect("error").await["code"], "unavailable");
    for node in &mut cluster.nodes {
        node.until_readyz(503).await;
        assert_eq!(node.http().get("/healthz").await.status, 200);
        for path in ["/api/rooms", "/api/rooms/general", "/api/rooms/general/messages", "/api/nodes"] {
            assert_eq!(node.http().get(path).await.error(503), "unavailable", "{path}");
        }
        let post = node.http().call("POST", "/api/rooms/general/messages").json(&json!({ "content": "x" }));
        assert_eq!(post.send().await.error(503), "unavailable");
    }

    cluster.redis.restart().await;
    for node in &mut cluster.nodes {
        node.until_ready().await;
    }
    let members: Vec<_> = members.iter().map(String::as_str).collect();
    cluster.until_agreed("general", &members).await;
    assert_eq!(rahim.post("general", "during", "n-1").await["type"], "ack");
    for client in [&mut rahim, &mut karim, &mut plain] {
        assert_eq!(client.hears("before").await["seq"], 1);
        assert_eq!(client.hears("during").await["seq"], 2);
    }
    plain.speak("and on").await;
    karim.hears("and on").await;
    rahim.hears("and on").await;
    for client in [&rahim, &karim, &plain] {
        assert!(client.untaken("leave").is_empty() && client.untaken("join").is_empty(), "{client}");
        assert!(client.untaken("text").is_empty(), "nothing comes twice: {client}");
    }
}

#[tokio::test]
async fn a_session_that_comes_while_redis_is_down_is_told_so_and_may_come_in_later() {
    let Some(mut cluster) = Cluster::start(1).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    cluster.redis.kill();
    rahim.send(json!({ "type": "join", "room_id": "general" })).await;
    let error = rahim.expect("error").await;
    assert_eq!((&error["code"], &error["room_id"]), (&json!("unavailable"), &json!("general")));
    assert!(error["retry_after_ms"].is_u64(), "{error}");
    cluster.redis.restart().await;
    cluster.nodes[0].until_ready().await;
    rahim.join("general").await;
    rahim.say("general", "here at last").await;
    rahim.hears("here at last").await;
}

#[tokio::test]
async fn an_emptied_redis_is_filled_again_and_numbering_never_lies() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let (mut rahim, mut karim, mut plain) = three_friends(&cluster).await;
    let members = cluster.nodes[0].http().connections("general").await;
    let before = rahim.say("general", "two").await;
    for client in [&mut rahim, &mut karim, &mut plain] {
        client.texts(2).await;
    }
    cluster.redis.command(&["FLUSHALL"]).await;
    let after = rahim.say("general", "after").await;
    assert_ne!(after["epoch"], before["epoch"], "a number of the old epoch means nothing any more");
    for client in [&mut rahim, &mut karim] {
        let told = client
            .expect_that("reset or text", |frame| frame["type"] == "reset" || frame["type"] == "text")
            .await;
        assert_eq!(
            (&told["type"], &told["room_id"]),
            (&json!("reset"), &json!("general")),
            "before any text"
        );
        assert_eq!(told["epoch"], after["epoch"]);
        let text = client.hears("after").await;
        assert_eq!(
            (text["seq"].as_u64(), &text["seq"]),
            (told["seq"].as_u64().map(|seq| seq + 1), &after["seq"])
        );
    }
    plain.hears("after").await;
    let members: Vec<_> = members.iter().map(String::as_str).collect();
    cluster.until_agreed("general", &members).await;

    let mut back = Client::returning(&cluster.nodes[1], &rahim.token).await;
    let old = back.resume("general", &before["epoch"], before["seq"].as_u64().unwrap()).await;
    assert_eq!(old["recovered"], false, "{old}");
    back.leave("general").await;
    let new = back.resume("general", &after["epoch"], after["seq"].as_u64().unwrap()).await;
    assert_eq!(new["recovered"], true, "{new}");
    assert_eq!(plain.untaken("leave").len() + karim.untaken("leave").len(), 0, "nobody has left");
}

#[tokio::test]
async fn a_frozen_redis_kills_nobody() {
    let Some(mut cluster) = Cluster::with(2, &[("presence.linger", "500ms")]).await else { return };
    let (mut rahim, mut karim, mut plain) = three_friends(&cluster).await;
    let members = cluster.nodes[0].http().connections("general").await;
    cluster.redis.freeze();
    let refusal = rahim.post("general", "during", "n-1").await;
    assert_eq!(refusal["code"], "unavailable", "{refusal}");
    // Longer than a lease.
    outage(Duration::from_secs(6)).await;
    cluster.redis.thaw();
    for node in &mut cluster.nodes {
        node.until_ready().await;
    }
    // For longer than a lease and a linger, every answer is the whole truth or 503.
    for number in 0..60 {
        let ack = rahim.post("general", &format!("round {number}"), &format!("r-{number}")).await;
        assert!(ack["type"] == "ack" || ack["code"] == "unavailable", "{ack}");
        for node in &cluster.nodes {
            if node.http().status("/api/rooms/general").await != Some(503) {
                assert_eq!(node.http().connections("general").await, members, "nobody is reaped");
            }
        }
        outage(Duration::from_millis(100)).await;
    }
    rahim.post("general", "during", "n-1").await;
    rahim.say("general", "last").await;
    for client in [&mut rahim, &mut karim, &mut plain] {
        client.hears("during").await;
        client.hears("last").await;
        assert!(client.untaken("leave").is_empty() && client.untaken("join").is_empty(), "{client}");
    }
}

#[tokio::test]
async fn a_slow_reader_is_closed_and_harms_nobody() {
    let settings = [("limits.frame_bytes", "16384"), ("limits.outbox_bytes", "65536")];
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
            writer.say("general", &content).await;
            said += 1;
        }
        writer.texts(20).await;
        for message in reader.texts(20).await {
            assert_eq!(message["content"], *content);
        }
    }
    assert_eq!(stalled.close_code().await, Some(4009));
    assert!(reader.untaken("gap").is_empty(), "{reader}");
}

/// A burst that is larger than an outbox, faster than the hub can hand it on one by one.
#[tokio::test]
async fn a_burst_makes_nobody_a_slow_reader() {
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
    let Some(cluster) = Cluster::with(2, &[("presence.linger", "500ms")]).await else { return };
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
    karim.say("general", "while frozen").await;
    cluster.nodes[0].thaw();
    cluster.until_agreed("general", &[&rahim.connection_id, &karim.connection_id]).await;
    rahim.hears("while frozen").await;
    rahim.say("general", "back").await;
    karim.hears("back").await;
}
