//! A node that has lost a task becomes unready and exits; a session that panics leaves its rooms.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};

use crate::harness::redis::RedisServer;
use crate::harness::{Client, Cluster, DEADLINE, Launch, Node, eventually};

/// Nodes that are started at the same time.
const NODES_AT_ONCE: usize = 3;

/// Tasks of one client, whose panics affect only that client.
const ISOLATED: [&str; 3] = ["connection", "session", "upgrade"];

/// Tasks that have ended before a test could inject a panic.
const SHORT_LIVED: [&str; 4] = ["read", "resync", "reaper", "sweep"];

/// The tasks that a node has started, by its log.
fn tasks(node: &Node) -> BTreeSet<String> {
    let log = node.log();
    let started = log.lines().filter(|line| line.contains("started a task"));
    let name = |line: &str| line.split("task=\"").nth(1)?.split('"').next().map(str::to_owned);
    started.map(|line| name(line).expect("the line names it")).collect()
}

/// Panics in one task of a new node with a session in a room.
async fn assert_ends_without(task: &str, launch: Launch) {
    let mut node = launch.set("server.drain", "100ms").panic_in(task).start().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    node.inject_panic();
    eventually(&format!("not ready without {task}"), DEADLINE, async || {
        (node.http().status("/readyz").await != Some(200)).then_some(())
    })
    .await;
    rahim.closed().await;
    let status = node.exited().await;
    assert!(!status.success(), "{task}: {status}");
    let log = node.log();
    let errors: Vec<_> = log.lines().filter(|line| line.contains("ERROR") && line.contains(task)).collect();
    assert_eq!(errors.len(), 1, "one line names {task}: {errors:?}");
}

#[tokio::test]
async fn a_node_ends_if_one_of_its_tasks_panics() {
    let Some(redis) = RedisServer::start().await else { return };
    let launch = Launch::new().redis(&redis.url());
    let node = launch.clone().start().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    let endless: Vec<_> =
        tasks(&node).into_iter().filter(|task| !ISOLATED.contains(&task.as_str())).collect();
    for task in ["acceptor", "heartbeat", "hub", "lease", "post-writer", "subscription"] {
        assert!(endless.iter().any(|started| started == task), "{task} among {endless:?}");
    }
    let lasting = endless.iter().filter(|task| !SHORT_LIVED.contains(&task.as_str()));
    let checks = lasting.map(|task| assert_ends_without(task, launch.another()));
    stream::iter(checks).for_each_concurrent(NODES_AT_ONCE, |check| check).await;
}

#[tokio::test]
async fn a_session_that_panics_leaves_its_room_and_nothing_else_happens() {
    let Some(cluster) = Cluster::with(2, &[("presence.leave_grace", "100ms")]).await else { return };
    let node = cluster.launch().panic_in("session").start().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    let mut karim = Client::full(&cluster.nodes[0], "করিম").await;
    karim.join("general").await;
    node.inject_panic();
    rahim.closed().await;
    cluster.until_agreed("general", &[&karim.connection_id]).await;
    assert_eq!(node.http().get("/readyz").await.status, 200, "one session is not the node");
    let mut salma = Client::full(&node, "সালমা").await;
    salma.join("general").await;
    salma.posts("general", "still here").await;
    assert!(node.log().contains("task=\"session\""), "the log names the task");
}
