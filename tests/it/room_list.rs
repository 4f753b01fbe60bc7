//! The list of occupied rooms over WebSocket: watched, changed, searched.

use serde_json::{Value, json};

use crate::harness::http::text;
use crate::harness::redis::RedisServer;
use crate::harness::{Client, Cluster, LONG_DEADLINE, Launch, Node, eventually};

fn counts(frame: &Value) -> Vec<(String, u64)> {
    let rooms = frame["rooms"].as_array().expect("rooms");
    rooms.iter().map(|room| (text(&room["id"]), room["client_count"].as_u64().expect("a count"))).collect()
}

/// Applies received changes to a watcher's list until it equals the expected one.
async fn comes_to(watcher: &mut Client, known: &mut Vec<(String, u64)>, expected: &[(&str, u64)]) {
    let mut expected: Vec<_> = expected.iter().map(|(id, count)| ((*id).to_owned(), *count)).collect();
    expected.sort();
    while *known != expected {
        let changed = watcher.expect("rooms_changed").await;
        for (id, count) in counts(&changed) {
            known.retain(|(other, _)| *other != id);
            if count > 0 {
                known.push((id, count));
            }
        }
        known.sort();
    }
}

async fn assert_list_is_watched(first: &Node, second: &Node) {
    let mut rahim = Client::full(first, "রহিম").await;
    let mut karim = Client::full(second, "করিম").await;
    rahim.join("general").await;
    karim.join("general").await;
    karim.join("চা").await;
    let mut watcher = Client::full(first, "watcher").await;
    watcher.send(json!({ "type": "rooms", "watch": true })).await;
    let list = watcher.expect("rooms").await;
    assert_eq!(list["total"], 2, "{list}");
    let mut known = counts(&list);
    known.sort();
    comes_to(&mut watcher, &mut known, &[("general", 2), ("চা", 1)]).await;
    karim.leave("চা").await;
    rahim.join("নতুন").await;
    comes_to(&mut watcher, &mut known, &[("general", 2), ("নতুন", 1)]).await;
    // A second watcher begins with the current list.
    let mut late = Client::full(second, "late").await;
    late.send(json!({ "type": "rooms", "watch": true })).await;
    let mut lists = counts(&late.expect("rooms").await);
    lists.sort();
    comes_to(&mut late, &mut lists, &[("general", 2), ("নতুন", 1)]).await;
    // Asked again, it is answered again, and goes on.
    late.send(json!({ "type": "rooms", "watch": true })).await;
    lists = counts(&late.expect("rooms").await);
    lists.sort();
    watcher.send(json!({ "type": "rooms", "watch": false })).await;
    watcher.catch_up().await;
    karim.leave("general").await;
    comes_to(&mut late, &mut lists, &[("general", 1), ("নতুন", 1)]).await;
    watcher.catch_up().await;
    if std::ptr::eq(first, second) {
        assert!(watcher.untaken("rooms_changed").is_empty(), "it does not watch: {watcher}");
    }
}

#[tokio::test]
async fn watchers_receive_the_list_and_its_changes() {
    let node = Node::memory().await;
    assert_list_is_watched(&node, &node).await;
}

#[tokio::test]
async fn watchers_on_any_node_receive_all_rooms() {
    let Some(cluster) = Cluster::start(2).await else { return };
    assert_list_is_watched(&cluster.nodes[0], &cluster.nodes[1]).await;
}

#[tokio::test]
async fn rooms_are_found_by_the_beginning_of_their_names() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    for room in ["চা", "চায়ের দোকান", "general"] {
        rahim.join(room).await;
    }
    rahim.send(json!({ "type": "rooms", "prefix": "চা" })).await;
    let found = rahim.expect("rooms").await;
    assert_eq!(found["prefix"], "চা");
    assert_eq!(counts(&found), [("চা".to_owned(), 1), ("চায়ের দোকান".to_owned(), 1)]);
    rahim.send(json!({ "type": "rooms", "prefix": "x".repeat(2_000) })).await;
    assert_eq!(rahim.expect("error").await["code"], "bad_room_name");
    for frame in [json!({ "type": "rooms" }), json!({ "type": "rooms", "watch": 1 })] {
        rahim.send(frame).await;
        assert_eq!(rahim.expect("error").await["code"], "bad_frame");
    }
}

#[tokio::test]
async fn many_watchers_cost_redis_what_one_does_and_none_cost_nothing() {
    let Some(redis) = RedisServer::start().await else { return };
    // No watcher answers a ping while the others are made.
    let node = Launch::new().redis(&redis.url()).set("session.idle_timeout", "10m").start().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    let mut watchers = Vec::new();
    for number in 0..1_000 {
        let mut watcher = Client::full(&node, &format!("w{number}")).await;
        watcher.send(json!({ "type": "rooms", "watch": true })).await;
        watcher.expect("rooms").await;
        watchers.push(watcher);
    }
    // The list is read by one command that an idle node uses for nothing else.
    let reads = async || calls(&redis, LISTING).await;
    let (before, step) = (reads().await, 3);
    // Each round changes the list, and all watchers receive the change.
    for round in 0..step {
        rahim.join(&format!("room {round}")).await;
        for watcher in &mut watchers {
            watcher.expect("rooms_changed").await;
        }
    }
    let read = reads().await - before;
    assert!(read <= 3 * (step + 2), "{read} reads for {step} changes");
    watchers.clear();
    let http = node.http();
    eventually("the sockets are closed", LONG_DEADLINE, async || {
        (http.metrics().await.value("process_open_fds") < 500.0).then_some(())
    })
    .await;
    // A node calls TIME twice a second. In ten seconds the list would be read twice at least.
    let (before, beats) = (reads().await, renewals(&redis).await);
    eventually("ten renewals", LONG_DEADLINE, async || (renewals(&redis).await >= beats + 20).then_some(()))
        .await;
    assert!(reads().await <= before + 1, "{} reads without a watcher", reads().await - before);
}

/// The command that reads the list.
const LISTING: &str = "zrevrange";

/// The number of calls of a command.
async fn calls(redis: &RedisServer, command: &str) -> u64 {
    let stats: String = ::redis::from_redis_value(redis.command(&["INFO", "commandstats"]).await).unwrap();
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.and_then(|rest| rest.split(',').next()).map_or(0, |count| count.parse().expect("a number"))
}

/// The number of calls of TIME, by renewals and other scripts.
async fn renewals(redis: &RedisServer) -> u64 {
    calls(redis, "time").await
}
