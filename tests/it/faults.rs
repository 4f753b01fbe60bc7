//! Failures of Redis: messages still arrive once and in order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::roamer::{assert_received_once, outage};
use crate::harness::{Client, Cluster, LONG_DEADLINE, Roamer, eventually};

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
    rahim.posts("general", "before").await;
    (rahim, karim, plain)
}

/// Each client posts so many messages; counts the acknowledged ones.
async fn talk(roamers: &mut [Roamer], each: usize, said: &AtomicUsize) {
    let talk = roamers.iter_mut().enumerate().map(|(place, roamer)| async move {
        for number in 0..each {
            roamer.posts(&format!("{place} says {number}")).await;
            said.fetch_add(1, Ordering::Relaxed);
        }
    });
    join_all(talk).await;
}

async fn until_said(said: &AtomicUsize, count: usize) {
    let is_reached = async || (said.load(Ordering::Relaxed) >= count).then_some(());
    eventually("messages arrive again", LONG_DEADLINE, is_reached).await;
}

/// Asserts that all clients receive so many messages, each once and in one order, over one connection.
async fn assert_received_undropped(roamers: &mut [Roamer], count: usize) {
    assert_received_once(roamers, count).await;
    for roamer in roamers {
        assert!(roamer.closes.is_empty(), "no session is dropped: {:?}", roamer.closes);
    }
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
    for (place, roamer) in roamers.iter_mut().enumerate() {
        for later in place + 1..WRITERS + 2 {
            roamer.client().sees_join(&format!("roamer {later}")).await;
        }
    }
    let said = AtomicUsize::new(0);
    let (writers, readers) = roamers.split_at_mut(WRITERS);
    let talk = talk(writers, EACH, &said);
    let listen = join_all(readers.iter_mut().map(|reader| reader.receives(WRITERS * EACH)));
    let breaks = async {
        for count in (0..WRITERS * EACH).step_by(15) {
            until_said(&said, count).await;
            cluster.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        }
    };
    tokio::join!(talk, listen, breaks);
    assert_received_undropped(&mut roamers, WRITERS * EACH).await;
    for roamer in &mut roamers {
        roamer.assert_undisturbed();
    }
}

#[tokio::test]
async fn interrupted_commands_are_retried_and_posted_once() {
    const EACH: usize = 60;
    let Some(cluster) = Cluster::start(2).await else { return };
    let mut roamers = Vec::new();
    for place in 0..4 {
        let node = &cluster.nodes[place % 2];
        roamers.push(Roamer::enter(&[node], &format!("roamer {place}"), "general").await);
    }
    let said = AtomicUsize::new(0);
    let talk = talk(&mut roamers, EACH, &said);
    let breaks = async {
        for count in (0..4 * EACH).step_by(20) {
            until_said(&said, count).await;
            cluster.redis.command(&["CLIENT", "KILL", "TYPE", "normal"]).await;
        }
    };
    tokio::join!(talk, breaks);
    assert_received_undropped(&mut roamers, 4 * EACH).await;
}

#[tokio::test]
async fn a_quick_restart_of_redis_refuses_no_post() {
    const EACH: usize = 40;
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let mut roamers = Vec::new();
    for place in 0..4 {
        let node = &cluster.nodes[place % 2];
        roamers.push(Roamer::enter(&[node], &format!("roamer {place}"), "general").await);
    }
    let said = AtomicUsize::new(0);
    let talk = talk(&mut roamers, EACH, &said);
    let redis = &mut cluster.redis;
    let bounces = async {
        for count in [20, 60, 100] {
            // A slow disk of Redis may refuse a post.
            redis.command(&["CONFIG", "SET", "appendfsync", "always"]).await;
            until_said(&said, count).await;
            redis.kill();
            redis.restart().await;
        }
    };
    tokio::join!(talk, bounces);
    assert_received_undropped(&mut roamers, 4 * EACH).await;
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
        assert_eq!(client.receives("before").await["seq"], 1);
        assert_eq!(client.receives("during").await["seq"], 2);
    }
    plain.speak("and on").await;
    karim.receives("and on").await;
    rahim.receives("and on").await;
    for client in [&rahim, &karim, &plain] {
        assert!(client.untaken("leave").is_empty() && client.untaken("join").is_empty(), "{client}");
        assert!(client.untaken("text").is_empty(), "nothing comes twice: {client}");
    }
}

#[tokio::test]
async fn a_session_that_opens_while_redis_is_down_can_join_later() {
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
    rahim.posts("general", "here at last").await;
    rahim.receives("here at last").await;
}

#[tokio::test]
async fn an_emptied_redis_is_restored_and_begins_a_new_epoch() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let (mut rahim, mut karim, mut plain) = three_friends(&cluster).await;
    let members = cluster.nodes[0].http().connections("general").await;
    let before = rahim.posts("general", "two").await;
    for client in [&mut rahim, &mut karim, &mut plain] {
        client.texts(2).await;
    }
    cluster.redis.command(&["FLUSHALL"]).await;
    let after = rahim.posts("general", "after").await;
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
        let text = client.receives("after").await;
        assert_eq!(
            (text["seq"].as_u64(), &text["seq"]),
            (told["seq"].as_u64().map(|seq| seq + 1), &after["seq"])
        );
    }
    plain.receives("after").await;
    let members: Vec<_> = members.iter().map(String::as_str).collect();
    cluster.until_agreed("general", &members).await;

    let mut back = Client::returning(&cluster.nodes[1], &rahim.token).await;
    let old = back.resume("general", &before["epoch"], before["seq"].as_u64().unwrap()).await;
    assert_eq!(old["recovered"], false, "{old}");
    back.leave("general").await;
    let new = back.resume("general", &after["epoch"], after["seq"].as_u64().unwrap()).await;
    assert_eq!(new["recovered"], true, "{new}");
    assert_eq!(plain.untaken("leave").len() + karim.untaken("leave").len(), 0, "no leave is announced");
}

#[tokio::test]
async fn after_redis_is_emptied_no_incomplete_count_is_sent() {
    let Some(cluster) = Cluster::with(3, &[("presence.renew_every", "500ms")]).await else { return };
    let mut friends = Vec::new();
    for (node, name) in cluster.nodes.iter().zip(["রহিম", "করিম", "মিতা"]) {
        let mut friend = Client::full(node, name).await;
        friend.join("general").await;
        friends.push(friend);
    }
    let ids: Vec<String> = friends.iter().map(|friend| friend.connection_id.clone()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    cluster.redis.command(&["FLUSHALL"]).await;
    cluster.until_agreed("general", &ids).await;
    friends[0].posts("general", "all are back").await;
    for friend in &mut friends {
        friend.receives("all are back").await;
        assert!(friend.untaken("count").is_empty(), "as many as before: {friend}");
    }

    cluster.redis.command(&["FLUSHALL"]).await;
    let mut late = Client::full(&cluster.nodes[0], "late").await;
    let joined = late.join("general").await;
    assert_eq!(joined["client_count"], 4, "{joined}");
    assert_eq!(joined["members"].as_array().map(Vec::len), Some(4), "{joined}");
    for friend in &mut friends {
        // The join notice may have had a lower count.
        let is_right = |frame: &Value| frame["client_count"] == 4;
        friend.expect_that("the right number", is_right).await;
    }
}

#[tokio::test]
async fn a_frozen_redis_reaps_no_node() {
    let Some(mut cluster) = Cluster::with(2, &[("presence.leave_grace", "500ms")]).await else { return };
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
    // For longer than a lease and a grace period every answer is complete or 503.
    for number in 0..60 {
        let ack = rahim.post("general", &format!("round {number}"), &format!("r-{number}")).await;
        assert!(ack["type"] == "ack" || ack["code"] == "unavailable", "{ack}");
        for node in &cluster.nodes {
            if let Some(connections) = node.http().connections_if_known("general").await {
                assert_eq!(connections, members, "no session is reaped");
            }
        }
        outage(Duration::from_millis(100)).await;
    }
    rahim.post("general", "during", "n-1").await;
    rahim.posts("general", "last").await;
    for client in [&mut rahim, &mut karim, &mut plain] {
        client.receives("during").await;
        client.receives("last").await;
        assert!(client.untaken("leave").is_empty() && client.untaken("join").is_empty(), "{client}");
    }
}

/// After a machine's sleep its processes resume one after another. A node that could not renew during the outage
/// of Redis has a whole lease to do so, although its lease looks expired to nodes that resumed sooner.
#[tokio::test]
async fn a_node_that_resumes_after_redis_is_not_reaped() {
    let Some(mut cluster) =
        Cluster::with(2, &[("presence.leave_grace", "500ms"), ("presence.lease", "8s")]).await
    else {
        return;
    };
    let (mut rahim, mut karim, plain) = three_friends(&cluster).await;
    let members = cluster.nodes[0].http().connections("general").await;
    cluster.nodes[1].freeze();
    cluster.redis.freeze();
    // Longer than a lease.
    outage(Duration::from_secs(9)).await;
    cluster.redis.thaw();
    cluster.nodes[0].until_ready().await;
    let http = cluster.nodes[0].http();
    for _ in 0..10 {
        if let Some(connections) = http.connections_if_known("general").await {
            assert_eq!(connections, members, "true or 503, never short");
        }
        outage(Duration::from_millis(100)).await;
    }
    cluster.nodes[1].thaw();
    let members: Vec<_> = members.iter().map(String::as_str).collect();
    cluster.until_agreed("general", &members).await;
    // For longer than the rest of the lease and a grace period.
    for _ in 0..90 {
        cluster.agree("general", &members).await;
        outage(Duration::from_millis(100)).await;
    }
    rahim.posts("general", "last").await;
    karim.receives("last").await;
    for client in [&rahim, &karim, &plain] {
        assert!(client.untaken("leave").is_empty() && client.untaken("join").is_empty(), "{client}");
    }
}
