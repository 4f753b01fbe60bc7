//! Bodies of requests that never end: all together have a bound, and short ones pass.

use serde_json::json;

use crate::harness::{LONG_DEADLINE, Launch, RawSocket, eventually};

const PATH: &str = "/api/rooms/general/messages";

/// The longest body of a post at `limits.content_chars` = 100,000.
const LENGTH: usize = 1_204_096;

#[tokio::test]
async fn long_bodies_together_have_a_bound_that_short_ones_pass() {
    let settings = [
        ("limits.content_chars", "100000"),
        ("limits.frame_bytes", "1048576"),
        ("limits.outbox_bytes", "4194304"),
        ("server.body_timeout", "1h"),
    ];
    let launch = settings.iter().fold(Launch::new(), |launch, (key, value)| launch.set(key, value));
    let node = launch.start().await;
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {LENGTH}\r\n\r\n"
    );
    let unfinished = [head.as_bytes(), &[b' '; LENGTH - 1]].concat();
    let message = json!({ "content": "short" });
    let long = format!("{}{message}", " ".repeat(LENGTH - 100));
    let post_long = async || {
        let call = node.http().call("POST", PATH).header("content-type", "application/json");
        call.body(long.clone()).try_send().await
    };
    let mut hoarders = Vec::new();
    let refused = eventually("the bound is reached", LONG_DEADLINE, async || {
        for _ in 0..8 {
            let mut socket = RawSocket::connect(node.port).await;
            socket.write(&unfinished).await;
            hoarders.push(socket);
        }
        // A refusal may be lost by a reset, as the body is not read to its end.
        post_long().await.filter(|reply| reply.status != 201)
    })
    .await;
    assert_eq!((refused.error(503).as_str(), refused.header("retry-after")), ("unavailable", "1"));
    assert!(hoarders.len() > 50, "{} bodies are no 64 MiB", hoarders.len());
    assert_eq!(node.http().call("POST", PATH).json(&message).send().await.status, 201);
    drop(hoarders);
    eventually("there is room again", LONG_DEADLINE, async || {
        post_long().await.filter(|reply| reply.status == 201)
    })
    .await;
}
