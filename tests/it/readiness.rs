//! `/readyz` says why it says no, `adda_ready` says the same, and a person is told where to go.

use serde_json::json;

use crate::harness::redis::RedisServer;
use crate::harness::{LONG_DEADLINE, Launch, Node, eventually};

/// Waits until the node is not ready for this reason.
async fn until_reason(node: &Node, reason: &str) {
    let expected = json!({ "status": "not ready", "reason": reason });
    eventually(&format!("not ready: {reason}"), LONG_DEADLINE, async || {
        let reply = node.http().call("GET", "/readyz").try_send().await?;
        (reply.status == 503 && reply.json() == expected).then_some(())
    })
    .await;
    let metrics = node.http().get("/metrics").await;
    assert!(String::from_utf8_lossy(&metrics.body).contains("adda_ready 0"), "{metrics:?}");
}

#[tokio::test]
async fn a_node_that_is_not_ready_says_why() {
    let Some(mut redis) = RedisServer::start().await else { return };
    redis.kill();
    let mut node = Launch::new().redis(&redis.url()).set("server.lame_duck", "60s").spawn();
    until_reason(&node, "starting").await;
    redis.restart().await;
    node.until_ready().await;
    let reply = node.http().get("/readyz").await;
    assert_eq!(reply.json(), json!({ "status": "ready" }));
    let metrics = node.http().get("/metrics").await;
    assert!(String::from_utf8_lossy(&metrics.body).contains("adda_ready 1"), "{metrics:?}");
    redis.kill();
    until_reason(&node, "redis").await;
    redis.restart().await;
    node.until_ready().await;
    // It has no sessions, and answers all the same.
    node.terminate();
    until_reason(&node, "draining").await;
}

#[tokio::test]
async fn the_start_ends_with_an_address_that_a_person_can_open() {
    for (host, word) in [("127.0.0.1", "Ready: open"), ("0.0.0.0", "all addresses")] {
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
