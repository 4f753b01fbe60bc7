//! `/readyz` names its reason, `adda_ready` agrees, and the start prints the address.

use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::harness::redis::RedisServer;
use crate::harness::store::Store;
use crate::harness::{Client, Cluster, Dial, LONG_DEADLINE, Launch, Node, Proxy, RedisCluster, eventually};
use crate::shards::{has_rooms_alone, room_at};

/// Waits until `/readyz` names this reason.
async fn until_told(node: &Node, reason: &str) {
    let expected = json!({ "status": "not ready", "reason": reason });
    eventually(&format!("not ready: {reason}"), LONG_DEADLINE, async || {
        let reply = node.http().call("GET", "/readyz").try_send().await?;
        (reply.status == 503 && reply.json() == expected).then_some(())
    })
    .await;
}

/// The same, and that the metric agrees.
async fn until_reason(node: &Node, reason: &str) {
    until_told(node, reason).await;
    assert_eq!(node.http().metrics().await.value("adda_ready"), 0.0);
}

/// Asserts that a refused request has a `Retry-After`.
async fn assert_says_when(node: &Node, path: &str) {
    let refusal = node.http().get(path).await;
    assert_eq!((refusal.status, refusal.header("retry-after")), (503, "1"), "{path}: {refusal:?}");
}

#[tokio::test]
async fn a_node_that_is_not_ready_names_the_reason() {
    let Some(mut redis) = RedisServer::start().await else { return };
    redis.kill();
    let mut node = Launch::new().redis(&redis.url()).set("server.lame_duck", "60s").spawn();
    until_reason(&node, "starting").await;
    assert_eq!(node.http().get("/ws").await.error(426), "upgrade_required");
    let Err(Error::Http(refusal)) = Dial::full(node.port, "/ws").try_open().await else {
        panic!("the session was let in")
    };
    assert_eq!((refusal.status().as_u16(), refusal.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    assert_says_when(&node, "/api/rooms").await;
    redis.restart().await;
    node.until_ready().await;
    let reply = node.http().get("/readyz").await;
    assert_eq!(reply.json(), json!({ "status": "ready" }));
    assert_eq!(node.http().metrics().await.value("adda_ready"), 1.0);
    redis.kill();
    until_reason(&node, "redis").await;
    assert_says_when(&node, "/api/rooms").await;
    assert_says_when(&node, "/api/rooms/general").await;
    redis.restart().await;
    node.until_ready().await;
    // It has no sessions and answers nevertheless.
    node.terminate();
    until_reason(&node, "draining").await;
}

#[tokio::test]
async fn a_node_that_lost_a_task_is_not_ready_until_it_exits() {
    let node = Launch::new().set("server.lame_duck", "60s").panic_in("heartbeat").start().await;
    node.inject_panic();
    until_reason(&node, "task_failed").await;
}

#[tokio::test]
async fn a_node_that_receives_nothing_from_redis_is_not_ready() {
    let Some(redis) = RedisServer::start().await else { return };
    let proxy = Proxy::start(redis.port()).await;
    let url = format!("redis://127.0.0.1:{}", proxy.port);
    let mut node = Launch::new().redis(&url).start().await;
    proxy.hush_subscriptions(true);
    until_reason(&node, "stale_subscription").await;
    proxy.hush_subscriptions(false);
    node.until_ready().await;
}

/// The shard with the leases answers again, the shard of a room does not yet.
#[tokio::test]
async fn a_node_that_has_not_restored_its_sessions_is_not_ready() {
    let Some(redis) = RedisCluster::that_can_lose_a_shard().await else { return };
    let urls = [redis.url()];
    let mut cluster = Cluster::reaching(redis, &urls, &[]).await;
    let Store::Cluster(redis) = &cluster.redis else { unreachable!("started with one") };
    let shard = has_rooms_alone(redis).await;
    let room = room_at(redis, shard).await;
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join(&room).await;
    redis.servers.iter().for_each(RedisServer::freeze);
    until_told(&cluster.nodes[0], "redis").await;
    let is_of_shard = |place: usize| place % 3 == shard;
    let others = redis.servers.iter().enumerate().filter(|(place, _)| !is_of_shard(*place));
    others.for_each(|(_, server)| server.thaw());
    until_told(&cluster.nodes[0], "membership_incomplete").await;
    [shard, shard + 3].iter().for_each(|place| redis.servers[*place].thaw());
    cluster.nodes[0].until_ready().await;
    cluster.agree(&room, &[&rahim.connection_id]).await;
}

#[tokio::test]
async fn the_start_ends_with_an_address_that_a_person_can_open() {
    for (host, word) in [("127.0.0.1", "ready: open"), ("0.0.0.0", "all addresses")] {
        let launch = Launch::new();
        let port = launch.port();
        let bind = format!("{host}:{port}");
        let command = launch.command(&["serve", "--bind", &bind]);
        let node = launch.spawn_command(command).ready().await;
        let line = eventually("the last line of the start", LONG_DEADLINE, async || {
            node.log().lines().find(|line| line.contains("http://localhost")).map(str::to_owned)
        })
        .await;
        assert!(line.contains(&format!("open http://localhost:{port}")) && line.contains(word), "{line}");
    }
}
