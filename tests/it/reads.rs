//! Reads over REST write nothing.

use serde_json::json;

use crate::harness::{Client, Cluster, Node};

/// All reads of the REST API.
const READS: [&str; 12] = [
    "/api/rooms",
    "/api/rooms?prefix=n&limit=1",
    "/api/rooms/never",
    "/api/rooms/never/messages",
    "/api/rooms/never/messages?before=5",
    "/api/rooms/never/messages?after=0&limit=3",
    "/api/rooms/spoken-in/messages",
    "/api/rooms/spoken-in/messages?after=7",
    "/api/nodes",
    "/healthz",
    "/readyz",
    "/metrics",
];

#[tokio::test]
async fn a_room_that_never_was_has_an_empty_log_and_no_epoch_until_somebody_joins() {
    let node = Node::memory().await;
    for query in ["", "?before=3", "?after=0"] {
        let page = node.http().json(&format!("/api/rooms/never/messages{query}")).await;
        assert_eq!(page, json!({ "data": [], "epoch": null }));
    }
    let joined = Client::full(&node, "রহিম").await.join("never").await;
    let page = node.http().json("/api/rooms/never/messages").await;
    assert_eq!((&page["epoch"], page["epoch"].is_string()), (&joined["epoch"], true));
}

#[tokio::test]
async fn reading_writes_nothing() {
    // A renewal, which stores figures, is not due before the last read.
    let settings = [("presence.renew_every", "5s"), ("presence.lease", "60s")];
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    let (redis, http) = (&cluster.redis, cluster.nodes[0].http());
    http.post("spoken-in", "once").await;
    // Keys of nodes appear and expire by themselves; keys of rooms do not.
    let of_rooms = async || {
        let keys: Vec<String> = redis::from_redis_value(redis.command(&["KEYS", "*{never}*"]).await).unwrap();
        let size: u64 = redis::from_redis_value(redis.command(&["DBSIZE"]).await).unwrap();
        (keys, size)
    };
    let changes = async || redis.command(&["INFO", "commandstats"]).await;
    let writes = |stats: redis::Value| {
        let stats: String = redis::from_redis_value(stats).unwrap();
        let is_write = |line: &&str| {
            ["xadd", "xtrim", "hincrby", "pexpire", "del"]
                .iter()
                .any(|name| line.starts_with(&format!("cmdstat_{name}:")))
        };
        stats
            .lines()
            .filter(is_write)
            .map(|line| line.split(',').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let before = (of_rooms().await, writes(changes().await));
    for path in READS {
        let reply = http.get(path).await;
        assert!([200, 404].contains(&reply.status), "{path}: {reply:?}");
    }
    assert_eq!((of_rooms().await, writes(changes().await)), before);
}
