//! The metrics of `/metrics` by name, and the events that change them.

use std::collections::BTreeSet;

use serde_json::json;

use crate::harness::raw::first_byte;
use crate::harness::{Client, Cluster, LONG_DEADLINE, Metrics, Node, RawSocket, eventually};
use crate::losses::POST_UNPUBLISHED;

/// Every metric of a node, as dashboards and alerts name it.
const METRICS: [(&str, &str); 48] = [
    ("adda_build_info", "gauge"),
    ("adda_clock_skew_seconds", "gauge"),
    ("adda_deliveries_total", "counter"),
    ("adda_delivery_latency_seconds", "histogram"),
    ("adda_descriptors_limit", "gauge"),
    ("adda_descriptors_open", "gauge"),
    ("adda_epochs_begun_total", "counter"),
    ("adda_errors_total", "counter"),
    ("adda_file_bytes_received_total", "counter"),
    ("adda_file_bytes_sent_total", "counter"),
    ("adda_file_deletions_failed_total", "counter"),
    ("adda_files_removed_total", "counter"),
    ("adda_files_uploaded_total", "counter"),
    ("adda_generations_total", "counter"),
    ("adda_http_requests_total", "counter"),
    ("adda_limit_entries", "gauge"),
    ("adda_limited_total", "counter"),
    ("adda_log_lines_lost_total", "counter"),
    ("adda_logins_total", "counter"),
    ("adda_messages_lost_total", "counter"),
    ("adda_messages_posted_total", "counter"),
    ("adda_messages_recovered_total", "counter"),
    ("adda_notifications_sent_total", "counter"),
    ("adda_outbox_bytes", "gauge"),
    ("adda_outbox_largest_bytes", "gauge"),
    ("adda_password_checks_total", "counter"),
    ("adda_passwords_waiting", "gauge"),
    ("adda_presence_repairs_total", "counter"),
    ("adda_pubsub_events_dropped_total", "counter"),
    ("adda_pubsub_reconnects_total", "counter"),
    ("adda_pubsub_up", "gauge"),
    ("adda_quota_claims_total", "counter"),
    ("adda_ready", "gauge"),
    ("adda_redis_errors_total", "counter"),
    ("adda_redis_pipeline_seconds", "histogram"),
    ("adda_rooms", "gauge"),
    ("adda_schedules_fired_total", "counter"),
    ("adda_schedules_late_total", "counter"),
    ("adda_sessions", "gauge"),
    ("adda_sessions_limit", "gauge"),
    ("adda_slow_sessions_total", "counter"),
    ("adda_unreadable_total", "counter"),
    ("process_cpu_seconds_total", "counter"),
    ("process_max_fds", "gauge"),
    ("process_open_fds", "gauge"),
    ("process_resident_memory_bytes", "gauge"),
    ("process_start_time_seconds", "gauge"),
    ("adda_uploads_refused_total", "counter"),
];

async fn text(node: &Node) -> String {
    String::from_utf8(node.http().get("/metrics").await.body.to_vec()).expect("text")
}

/// Waits until these metrics are more than before.
async fn until_more(node: &Node, before: &Metrics, names: &[&str]) {
    for name in names {
        eventually(&format!("{name} moves"), LONG_DEADLINE, async || {
            let now = node.http().metrics().await;
            (now.value(name) > before.get(name).unwrap_or_default()).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_node_has_the_metrics_that_dashboards_name() {
    let Some(cluster) = Cluster::start(1).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    // The latency has a sample after the first delivery.
    rahim.posts("general", "one").await;
    rahim.receives("one").await;
    let text = text(&cluster.nodes[0]).await;
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let found: BTreeSet<_> = types.collect();
    assert_eq!(found, BTreeSet::from(METRICS));
    for (name, _) in METRICS {
        assert!(text.contains(&format!("# HELP {name} ")), "{name} is described: {text}");
    }
}

#[test]
fn each_metric_is_explained_to_operators() {
    let guide = include_str!("../../docs/operations.md");
    let is_metric = |line: &&str| ["| `adda_", "| `process_"].iter().any(|start| line.starts_with(start));
    let rows = guide.lines().filter(is_metric);
    let names = rows.flat_map(|row| row.split('|').nth(1).expect("a cell").split('`').skip(1).step_by(2));
    let explained: BTreeSet<_> = names.map(|name| name.split('{').next().expect("a name")).collect();
    assert_eq!(explained, METRICS.iter().map(|(name, _)| *name).collect());
}

#[tokio::test]
async fn actions_of_clients_change_the_metrics() {
    let settings = [("limits.outbox_bytes", "262144"), ("limits.unsent_bytes", "4096")];
    let Some(cluster) = Cluster::with(1, &settings).await else { return };
    let node = &cluster.nodes[0];
    let before = node.http().metrics().await;
    let mut rahim = Client::full(node, "রহিম").await;
    rahim.join("general").await;
    rahim.posts("general", "one").await;
    rahim.receives("one").await;
    let talk = [
        "messages_posted_total",
        "deliveries_total",
        "delivery_latency_seconds_count",
        "redis_pipeline_seconds_count",
    ];
    until_more(node, &before, &talk.map(|name| format!("adda_{name}")).each_ref().map(String::as_str)).await;
    until_more(node, &before, &["adda_sessions", "adda_rooms"]).await;
    let now = node.http().metrics().await;
    assert_eq!([now.value("adda_sessions"), now.value("adda_rooms"), now.value("adda_ready")], [1.0; 3]);
    let answered = r#"adda_http_requests_total{route="/ws",status="101"}"#;
    assert_eq!(now.value(answered), 1.0);
    assert!(
        now.value("adda_descriptors_open") > 0.0
            && now.value("adda_descriptors_open") < now.value("adda_descriptors_limit")
    );

    rahim.send(json!({ "type": "nonsense" })).await;
    rahim.expect("error").await;
    until_more(node, &before, &["adda_errors_total"]).await;

    // It reads nothing, so its outbox fills.
    let mut slow = RawSocket::narrow(node.port, "/ws?username=slow", Some("adda.v1")).await;
    let join = json!({ "type": "join", "room_id": "general" }).to_string();
    assert!(slow.frame(first_byte::TEXT, join.as_bytes()).await);
    rahim.sees_join("slow").await;
    let long = "x".repeat(4000);
    eventually("a slow session is closed", LONG_DEADLINE, async || {
        rahim.posts("general", &long).await;
        let slow = node.http().metrics().await.value("adda_slow_sessions_total");
        (slow > before.value("adda_slow_sessions_total")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn losses_and_errors_of_redis_change_the_metrics() {
    let settings = [("redis.prefix", "adda:"), ("presence.renew_every", "250ms")];
    let Some(cluster) = Cluster::with(1, &settings).await else { return };
    let (node, redis) = (&cluster.nodes[0], &cluster.redis);
    let before = node.http().metrics().await;
    let mut rahim = Client::full(node, "রহিম").await;
    rahim.join("general").await;
    rahim.posts("general", "one").await;
    let post_unpublished = ["EVAL", POST_UNPUBLISHED, "2", "adda:{general}:head", "adda:{general}:log", "1"];
    redis.command(&post_unpublished).await;
    rahim.posts("general", "three").await;
    until_more(node, &before, &["adda_messages_recovered_total"]).await;
    redis.command(&post_unpublished).await;
    redis.command(&["XTRIM", "adda:{general}:log", "MAXLEN", "0"]).await;
    rahim.posts("general", "five").await;
    until_more(node, &before, &["adda_messages_lost_total"]).await;

    redis.command(&["PUBLISH", "adda:{general}", "noise"]).await;
    until_more(node, &before, &[r#"adda_unreadable_total{what="publication"}"#]).await;
    redis.command(&["ZADD", "adda:nodes", "inf", "noise"]).await;
    until_more(node, &before, &[r#"adda_unreadable_total{what="lease"}"#]).await;
    redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    until_more(node, &before, &["adda_pubsub_reconnects_total"]).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    assert_eq!(rahim.post("general", "too much", "n-1").await["code"], "unavailable");
    until_more(node, &before, &["adda_redis_errors_total"]).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    redis.command(&["FLUSHALL"]).await;
    until_more(node, &before, &["adda_generations_total", "adda_epochs_begun_total"]).await;
}
