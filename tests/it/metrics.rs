//! What `/metrics` holds, by name, and what moves it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::harness::raw::first_byte;
use crate::harness::{Client, Cluster, LONG_DEADLINE, Node, RawSocket, eventually};
use crate::losses::SAY_UNHEARD;

/// Every metric of a node, as dashboards and alerts name it.
const METRICS: [(&str, &str); 25] = [
    ("adda_clock_skew_seconds", "gauge"),
    ("adda_deliveries_total", "counter"),
    ("adda_delivery_seconds", "histogram"),
    ("adda_descriptors_limit", "gauge"),
    ("adda_descriptors_open", "gauge"),
    ("adda_epochs_begun_total", "counter"),
    ("adda_events_left_out_total", "counter"),
    ("adda_foreign_entries_total", "counter"),
    ("adda_generations_total", "counter"),
    ("adda_log_lines_lost_total", "counter"),
    ("adda_memberships_mended_total", "counter"),
    ("adda_messages_in_total", "counter"),
    ("adda_messages_repaired_total", "counter"),
    ("adda_messages_skipped_total", "counter"),
    ("adda_ready", "gauge"),
    ("adda_redis_command_seconds", "histogram"),
    ("adda_redis_errors_total", "counter"),
    ("adda_refusals_total", "counter"),
    ("adda_rooms", "gauge"),
    ("adda_sessions", "gauge"),
    ("adda_sessions_limit", "gauge"),
    ("adda_slow_sessions_total", "counter"),
    ("adda_subscription_fresh", "gauge"),
    ("adda_subscription_losses_total", "counter"),
    ("adda_unreadable_total", "counter"),
];

async fn text(node: &Node) -> String {
    String::from_utf8(node.http().get("/metrics").await.body.to_vec()).expect("text")
}

/// Each series' value by its name, those of all labels together.
async fn values(node: &Node) -> BTreeMap<String, f64> {
    let mut values = BTreeMap::new();
    for line in text(node).await.lines().filter(|line| !line.starts_with('#')) {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let name = series.split('{').next().expect("a name").to_owned();
        *values.entry(name).or_default() += value.parse::<f64>().expect("a number");
    }
    values
}

/// Waits until these metrics are more than before.
async fn until_more(node: &Node, before: &BTreeMap<String, f64>, names: &[&str]) {
    for name in names {
        eventually(&format!("{name} moves"), LONG_DEADLINE, async || {
            let now = values(node).await;
            (now[*name] > before.get(*name).copied().unwrap_or_default()).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_node_has_the_metrics_that_dashboards_name() {
    let Some(cluster) = Cluster::start(1).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    // Delivery has a time once there was one.
    rahim.say("general", "one").await;
    rahim.hears("one").await;
    let text = text(&cluster.nodes[0]).await;
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let found: BTreeSet<_> = types.collect();
    assert_eq!(found, BTreeSet::from(METRICS));
    for (name, _) in METRICS {
        assert!(text.contains(&format!("# HELP {name} ")), "{name} is described: {text}");
    }
}

#[tokio::test]
async fn what_people_do_moves_the_metrics() {
    let settings = [("limits.outbox_bytes", "262144"), ("limits.unsent_bytes", "4096")];
    let Some(cluster) = Cluster::with(1, &settings).await else { return };
    let node = &cluster.nodes[0];
    let before = values(node).await;
    let mut rahim = Client::full(node, "রহিম").await;
    rahim.join("general").await;
    rahim.say("general", "one").await;
    rahim.hears("one").await;
    let talk =
        ["messages_in_total", "deliveries_total", "delivery_seconds_count", "redis_command_seconds_count"];
    until_more(node, &before, &talk.map(|name| format!("adda_{name}")).each_ref().map(String::as_str)).await;
    until_more(node, &before, &["adda_sessions", "adda_rooms"]).await;
    let now = values(node).await;
    assert_eq!([now["adda_sessions"], now["adda_rooms"], now["adda_ready"]], [1.0; 3]);
    assert!(
        now["adda_descriptors_open"] > 0.0 && now["adda_descriptors_open"] < now["adda_descriptors_limit"]
    );

    rahim.send(json!({ "type": "nonsense" })).await;
    rahim.expect("error").await;
    until_more(node, &before, &["adda_refusals_total"]).await;

    // It takes nothing, so what is said to it waits until it is too much.
    let mut slow = RawSocket::narrow(node.port, "/ws?username=slow", Some("adda.v1")).await;
    let join = json!({ "type": "join", "room_id": "general" }).to_string();
    assert!(slow.frame(first_byte::TEXT, join.as_bytes()).await);
    rahim.sees_join("slow").await;
    let long = "x".repeat(4000);
    eventually("a slow session is closed", LONG_DEADLINE, async || {
        rahim.say("general", &long).await;
        let slow = values(node).await["adda_slow_sessions_total"];
        (slow > before["adda_slow_sessions_total"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_redis_loses_and_refuses_moves_the_metrics() {
    let settings = [("redis.prefix", "adda:"), ("presence.renew_every", "250ms")];
    let Some(cluster) = Cluster::with(1, &settings).await else { return };
    let (node, redis) = (&cluster.nodes[0], &cluster.redis);
    let before = values(node).await;
    let mut rahim = Client::full(node, "রহিম").await;
    rahim.join("general").await;
    rahim.say("general", "one").await;
    let say_unheard = ["EVAL", SAY_UNHEARD, "2", "adda:{general}:head", "adda:{general}:log", "1"];
    redis.command(&say_unheard).await;
    rahim.say("general", "three").await;
    until_more(node, &before, &["adda_messages_repaired_total"]).await;
    redis.command(&say_unheard).await;
    redis.command(&["XTRIM", "adda:{general}:log", "MAXLEN", "0"]).await;
    rahim.say("general", "five").await;
    until_more(node, &before, &["adda_messages_skipped_total"]).await;

    redis.command(&["PUBLISH", "adda:{general}", "noise"]).await;
    until_more(node, &before, &["adda_unreadable_total"]).await;
    redis.command(&["ZADD", "adda:nodes", "inf", "noise"]).await;
    until_more(node, &before, &["adda_foreign_entries_total"]).await;
    redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    until_more(node, &before, &["adda_subscription_losses_total"]).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    assert_eq!(rahim.post("general", "too much", "n-1").await["code"], "unavailable");
    until_more(node, &before, &["adda_redis_errors_total"]).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    redis.command(&["FLUSHALL"]).await;
    until_more(node, &before, &["adda_generations_total", "adda_epochs_begun_total"]).await;
}
