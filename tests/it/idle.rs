//! Idle connections to Redis that a NAT has dropped.

use std::time::Duration;

use serde_json::json;

use crate::harness::redis::RedisServer;
use crate::harness::roamer::outage;
use crate::harness::{Client, Cluster, Proxy};

/// Idle time after which the proxy drops a connection.
const FORGET_AFTER: Duration = Duration::from_millis(2500);

#[tokio::test]
async fn the_first_request_after_a_pause_succeeds_though_idle_connections_were_dropped() {
    let Some(redis) = RedisServer::start().await else { return };
    let proxy = Proxy::start(redis.port()).await;
    let urls = vec![format!("redis://127.0.0.1:{}", proxy.port)];
    let cluster = Cluster::reaching(redis, &urls, &[]).await;
    let node = &cluster.nodes[0];
    let mut rahim = Client::full(node, "রহিম").await;
    rahim.join("general").await;
    rahim.posts("general", "before").await;
    proxy.forget_after(FORGET_AFTER);
    for round in 0..2 {
        outage(FORGET_AFTER + Duration::from_millis(500)).await;
        let answer = rahim.post("general", "after a pause", &format!("n-{round}")).await;
        assert_eq!(answer["type"], "ack", "{answer}");
        let page = node.http().get("/api/rooms/general/messages").await;
        assert_eq!(page.status, 200, "{page:?}");
        outage(FORGET_AFTER + Duration::from_millis(500)).await;
        let room = format!("room-{round}");
        rahim.send(json!({ "type": "join", "room_id": room })).await;
        let answer = rahim.next_of(&["joined", "error"]).await;
        assert_eq!(answer["type"], "joined", "{answer}");
        let path = format!("/api/rooms/{room}/messages");
        let reply = node.http().call("POST", &path).json(&json!({ "content": "by REST" })).send().await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }
}
