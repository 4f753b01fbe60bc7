//! Redis' clock is set back or forward while the cluster runs, without visible effect.

use crate::harness::redis::RedisServer;
use crate::harness::{Client, Cluster, LONG_DEADLINE, Node, Sentinels, eventually};

const SETTINGS: &[(&str, &str)] =
    &[("presence.lease", "2s"), ("presence.leave_grace", "1s"), ("presence.renew_every", "250ms")];

/// Two nodes around a Redis whose clock can be set.
async fn start() -> Option<Cluster> {
    let redis = RedisServer::with_clock(&["--appendfsync", "always"]).await?;
    let url = redis.url();
    Some(Cluster::reaching(redis, &[url.clone(), url], SETTINGS).await)
}

async fn renewals(redis: &RedisServer) -> Vec<f64> {
    let keys: Vec<String> = ::redis::from_redis_value(redis.command(&["KEYS", "*:nodes"]).await).unwrap();
    let Some(key) = keys.first() else { return Vec::new() };
    let scores = redis.command(&["ZRANGE", key, "0", "-1", "WITHSCORES"]).await;
    let scores: Vec<(String, f64)> = ::redis::from_redis_value(scores).unwrap();
    scores.into_iter().map(|(_, score)| score).collect()
}

/// Waits for some renewals and asserts that every node stays ready.
async fn stay_ready(cluster: &Cluster) {
    for _ in 0..8 {
        let before = renewals(&cluster.redis).await;
        eventually("a lease is renewed", LONG_DEADLINE, async || {
            for node in &cluster.nodes {
                assert_eq!(node.http().status("/readyz").await, Some(200), "a node became unready");
            }
            (renewals(&cluster.redis).await != before).then_some(())
        })
        .await;
    }
}

/// A join, a disconnect, a dead node and a new node each have their usual effect, and no other notice is sent.
async fn goes_on(mut cluster: Cluster) {
    let mut witness = Client::full(&cluster.nodes[0], "witness").await;
    witness.join("general").await;
    let mut broken = Client::full(&cluster.nodes[1], "breaks off").await;
    broken.join("general").await;
    witness.sees_join("breaks off").await;
    drop(broken);
    witness.sees_leave("breaks off").await;

    let mut orphan = Client::full(&cluster.nodes[1], "orphan").await;
    orphan.join("general").await;
    witness.sees_join("orphan").await;
    cluster.nodes[1].kill();
    cluster.nodes.truncate(1);
    witness.sees_leave("orphan").await;
    cluster.agree("general", &[&witness.connection_id]).await;

    let place = cluster.add_node().await;
    let mut last = Client::full(&cluster.nodes[place], "last").await;
    last.join("general").await;
    witness.sees_join("last").await;
    witness.posts("general", "still here").await;
    last.receives("still here").await;
    cluster.agree("general", &[&witness.connection_id, &last.connection_id]).await;
    assert!(witness.untaken("leave").is_empty(), "each leave is announced once, and no other");
}

async fn survives(seconds: i64) {
    let Some(cluster) = start().await else { return };
    cluster.redis.set_clock(seconds);
    stay_ready(&cluster).await;
    goes_on(cluster).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_by_hours() {
    survives(-6 * 3600).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_by_seconds() {
    survives(-40).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_by_less_than_a_lease() {
    survives(-1).await;
}

#[tokio::test]
async fn a_clock_that_is_set_forward_by_less_than_a_lease() {
    survives(1).await;
}

#[tokio::test]
async fn a_clock_that_is_set_forward_by_hours() {
    survives(6 * 3600).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_again_and_again() {
    let Some(cluster) = start().await else { return };
    for hours in [-1, 3, -2, -5, 0] {
        cluster.redis.set_clock(hours * 3600);
        stay_ready(&cluster).await;
    }
    goes_on(cluster).await;
}

#[tokio::test]
async fn a_pending_leave_is_not_delayed_by_a_clock_that_is_set_back() {
    let Some(mut cluster) = start().await else { return };
    let mut witness = Client::full(&cluster.nodes[0], "witness").await;
    witness.join("general").await;
    for name in ["breaks off", "orphan"] {
        let mut other = Client::full(&cluster.nodes[1], name).await;
        other.join("general").await;
        witness.sees_join(name).await;
        if name == "orphan" {
            cluster.nodes[1].kill();
        }
    }
    cluster.nodes.truncate(1);
    cluster.redis.set_clock(-3600);
    witness.sees_leave("breaks off").await;
    witness.sees_leave("orphan").await;
    cluster.agree("general", &[&witness.connection_id]).await;
    assert!(witness.untaken("leave").is_empty());
}

/// A board without a battery for its clock, after its power was cut.
#[tokio::test]
async fn a_redis_that_restarts_in_the_past_still_reaps_dead_nodes() {
    let Some(mut cluster) = start().await else { return };
    let mut orphan = Client::full(&cluster.nodes[1], "orphan").await;
    orphan.join("general").await;
    cluster.redis.kill();
    cluster.nodes[1].kill();
    cluster.nodes[0].kill();
    cluster.redis.set_clock(-40 * 60);
    cluster.redis.restart().await;
    cluster.nodes.truncate(1);
    cluster.nodes[0].restart().await;
    let mut witness = Client::full(&cluster.nodes[0], "witness").await;
    witness.join("general").await;
    cluster.until_agreed("general", &[&witness.connection_id]).await;
    // The clock is corrected.
    cluster.redis.set_clock(0);
    stay_ready(&cluster).await;
    goes_on_alone(&mut cluster, &mut witness).await;
}

async fn goes_on_alone(cluster: &mut Cluster, witness: &mut Client) {
    let mut last = Client::full(&cluster.nodes[0], "last").await;
    last.join("general").await;
    drop(last);
    witness.sees_leave("last").await;
    cluster.agree("general", &[&witness.connection_id]).await;
}

#[tokio::test]
async fn a_failover_to_a_server_with_a_late_clock_reaps_in_time() {
    let Some(sentinels) = Sentinels::with_clocks().await else { return };
    for replica in &sentinels.servers[1..] {
        replica.set_clock(-60);
    }
    let url = sentinels.url();
    let mut cluster = Cluster::reaching(sentinels, &[url.clone(), url], SETTINGS).await;
    let mut witness = Client::full(&cluster.nodes[0], "witness").await;
    witness.join("general").await;
    let mut orphan = Client::full(&cluster.nodes[1], "orphan").await;
    orphan.join("general").await;
    witness.sees_join("orphan").await;
    cluster.redis.kill();
    cluster.nodes[1].kill();
    cluster.nodes.truncate(1);
    let http = cluster.nodes[0].http();
    // Less than the minute by which the clock is late.
    eventually("the dead node's session is gone", LONG_DEADLINE, async || {
        (http.connections_if_known("general").await? == [witness.connection_id.clone()]).then_some(())
    })
    .await;
    witness.sees_leave("orphan").await;
}

#[tokio::test]
async fn a_node_tells_how_far_its_clock_is_from_that_of_redis() {
    let Some(redis) = RedisServer::with_clock(&[]).await else { return };
    redis.set_clock(-30);
    let url = redis.url();
    let cluster = Cluster::reaching(redis, &[url], SETTINGS).await;
    let node: &Node = &cluster.nodes[0];
    let skew = node.http().metrics().await.value("adda_clock_skew_seconds");
    assert!((29.0..=31.0).contains(&skew), "{skew}");
    let warnings = |node: &Node| node.log().matches("clock differs from that of Redis").count();
    eventually("a warning", LONG_DEADLINE, async || (warnings(node) > 0).then_some(())).await;
    cluster.redis.set_clock(0);
    eventually("the clocks agree again", LONG_DEADLINE, async || {
        node.log().contains("clock agrees with that of Redis again").then_some(())
    })
    .await;
    assert_eq!(warnings(node), 1, "logged once");
}

#[tokio::test]
async fn a_user_may_post_soon_after_redis_clock_was_set_back() {
    let Some(redis) = RedisServer::with_clock(&["--appendfsync", "always"]).await else { return };
    let (url, limits) = (redis.url(), [("limits.messages_per_s", "5"), ("limits.messages_burst", "5")]);
    let cluster = Cluster::reaching(redis, &[url], &limits).await;
    let mut guest = Client::full(&cluster.nodes[0], "guest").await;
    guest.join("general").await;
    let mut posts = 0;
    let mut post = async |is_expected: fn(&str) -> bool| {
        eventually("an answer", LONG_DEADLINE, async || {
            posts += 1;
            let reply = guest.post("general", "x", &posts.to_string()).await;
            is_expected(reply["type"].as_str().unwrap()).then_some(())
        })
        .await;
    };
    post(|kind| kind == "error").await;
    cluster.redis.set_clock(-86_400);
    post(|kind| kind == "ack").await;
    post(|kind| kind == "error").await;
    cluster.redis.set_clock(86_400);
    post(|kind| kind == "ack").await;
}
