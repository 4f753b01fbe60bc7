//! Redis at its `maxmemory`: commands that need memory are refused; leaves, renewals and reads continue.

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::http::encode;
use crate::harness::redis::RedisServer;
use crate::harness::{Client, Cluster, Http, LONG_DEADLINE, eventually};

/// Leaves Redis no free memory until [`give_memory`].
async fn take_memory(redis: &RedisServer) {
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
}

async fn give_memory(redis: &RedisServer) {
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
}

async fn used_bytes(redis: &RedisServer) -> u64 {
    let info: String = ::redis::from_redis_value(redis.command(&["INFO", "memory"]).await).unwrap();
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    used.and_then(|used| used.trim().parse().ok()).expect("INFO tells it")
}

/// The memory of all keys, without connections and their buffers. The nodes' figures have a bound of their own, and go on.
async fn kept_bytes(redis: &RedisServer) -> u64 {
    let keys: Vec<String> = ::redis::from_redis_value(redis.command(&["KEYS", "*"]).await).unwrap();
    let mut bytes = 0;
    for key in keys.into_iter().filter(|key| !key.ends_with(":figures")) {
        let usage = redis.command(&["MEMORY", "USAGE", &key, "SAMPLES", "0"]).await;
        bytes += ::redis::from_redis_value::<Option<u64>>(usage).unwrap().unwrap_or(0);
    }
    bytes
}

async fn post_status(http: Http, room: &str, nonce: &str) -> u16 {
    let call = http.call("POST", &format!("/api/rooms/{}/messages", encode(room)));
    let call = call.header("idempotency-key", nonce).json(&json!({ "content": "x", "username": "curl" }));
    call.send().await.status
}

#[tokio::test]
async fn posts_and_joins_are_refused_wherever_they_go() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let (http, other) = (cluster.nodes[0].http(), cluster.nodes[1].http());
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    rahim.posts("general", "before").await;
    take_memory(&cluster.redis).await;
    for number in 0..5 {
        assert_eq!(post_status(http, "general", &format!("n-{number}")).await, 503, "a room with a log");
        assert_eq!(post_status(other, &format!("fresh {number}"), "n").await, 503, "a room without one");
        rahim.send(json!({ "type": "join", "room_id": format!("joined {number}") })).await;
        assert_eq!(rahim.next_of(&["joined", "error"]).await["code"], "unavailable");
    }
    let before = kept_bytes(&cluster.redis).await;
    join_all((0..200).map(async |number| post_status(http, &format!("more {number}"), "n").await)).await;
    for number in 0..200 {
        rahim.send(json!({ "type": "join", "room_id": format!("more {number}") })).await;
    }
    for _ in 0..200 {
        assert_eq!(rahim.expect("error").await["code"], "unavailable");
    }
    let after = kept_bytes(&cluster.redis).await;
    assert!(after < before + 1_000, "what is refused is not kept: {before} to {after} bytes");

    give_memory(&cluster.redis).await;
    rahim.join("joined 1").await;
    assert_eq!(post_status(other, "fresh 1", "n").await, 201);
}

#[tokio::test]
async fn answers_leaves_and_leases_go_on() {
    let Some(cluster) = Cluster::with(2, &[("presence.leave_grace", "500ms")]).await else { return };
    let mut witness = Client::full(&cluster.nodes[0], "witness").await;
    witness.join("general").await;
    let mut others = Vec::new();
    for name in ["leaves", "breaks off"] {
        let mut other = Client::full(&cluster.nodes[1], name).await;
        other.join("general").await;
        witness.sees_join(name).await;
        others.push(other);
    }
    witness.posts("general", "kept").await;
    take_memory(&cluster.redis).await;

    drop(others.pop());
    others.pop().unwrap().close().await;
    witness.sees_leave("leaves").await;
    witness.sees_leave("breaks off").await;
    cluster.agree("general", &[&witness.connection_id]).await;
    for node in &cluster.nodes {
        assert_eq!(node.http().json("/api/nodes").await["data"].as_array().map(Vec::len), Some(2));
        assert_eq!(node.http().messages("general", "").await.len(), 1, "what is there can be read");
        assert_eq!(node.http().status("/readyz").await, Some(200));
    }
}

#[tokio::test]
async fn the_dead_are_reaped_and_the_forgotten_put_back() {
    let settings = [("presence.leave_grace", "500ms"), ("presence.lease", "2s")];
    let Some(mut cluster) = Cluster::with(3, &settings).await else { return };
    let mut witness = Client::full(&cluster.nodes[0], "witness").await;
    witness.join("general").await;
    let mut dead = Client::full(&cluster.nodes[2], "on a node that dies").await;
    dead.join("general").await;
    witness.sees_join("on a node that dies").await;
    take_memory(&cluster.redis).await;
    cluster.nodes[2].kill();
    cluster.nodes.truncate(2);
    witness.sees_leave("on a node that dies").await;
    cluster.until_agreed("general", &[&witness.connection_id]).await;
    cluster.redis.command(&["FLUSHALL"]).await;
    cluster.until_agreed("general", &[&witness.connection_id]).await;
    // The running nodes know the secret, so a new one learns it from them.
    let place = cluster.add_node().await;
    let back = Client::returning(&cluster.nodes[place], &witness.token).await;
    assert_eq!(back.user_id, witness.user_id);
}

#[tokio::test]
async fn memory_stays_near_its_limit_however_many_rooms_are_posted_to() {
    const LIMIT: u64 = 6_000_000;
    let Some(redis) = RedisServer::with(&["--maxmemory", &LIMIT.to_string()]).await else { return };
    let url = redis.url();
    let cluster = Cluster::reaching(redis, &[url.clone(), url], &[]).await;
    let (mut taken, mut refused) = (0, 0);
    for group in 0..60 {
        let post = async |number: usize| {
            let http = cluster.nodes[number % 2].http();
            post_status(http, &format!("room {group} {number}"), &format!("n-{number}")).await
        };
        for status in join_all((0..50).map(post)).await {
            match status {
                201 => taken += 1,
                503 => refused += 1,
                other => panic!("{other}"),
            }
        }
    }
    assert!(taken > 300 && refused > 300, "{taken} taken, {refused} refused");
    let used = used_bytes(&cluster.redis).await;
    assert!(used < LIMIT + LIMIT / 10, "{used} bytes of {LIMIT}");
    for node in &cluster.nodes {
        assert!(!node.log().contains("node died"), "no lease has run out");
        assert_eq!(node.http().json("/api/nodes").await["data"].as_array().map(Vec::len), Some(2));
    }
    cluster.redis.command(&["CONFIG", "SET", "maxmemory", "100mb"]).await;
    eventually("posts go on", LONG_DEADLINE, async || {
        (post_status(cluster.nodes[0].http(), "after", "n").await == 201).then_some(())
    })
    .await;
}
