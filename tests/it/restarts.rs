//! Nodes stop, die and restart, and no message is lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::harness::roamer::{assert_received_once, outage};
use crate::harness::{
    Client, Cluster, DEADLINE, Dial, HaProxy, Http, LONG_DEADLINE, Node, Roamer, eventually,
};

#[tokio::test]
async fn a_stopping_node_drains_its_sessions_without_notices() {
    let Some(mut cluster) = Cluster::with(2, &[("server.drain", "2s")]).await else { return };
    let mut witness = Roamer::enter(&[&cluster.nodes[1]], "witness", "general").await;
    let mut movers = Vec::new();
    for number in 0..8 {
        let nodes: [&Node; 2] = [&cluster.nodes[0], &cluster.nodes[1]];
        movers.push(Roamer::enter(&nodes, &format!("mover {number}"), "general").await);
    }
    witness.client().catch_up().await;
    for number in 0..8 {
        witness.client().sees_join(&format!("mover {number}")).await;
    }
    witness.client().take_all();
    witness.posts("before").await;
    cluster.nodes[0].terminate();
    let http = cluster.nodes[0].http();
    let is_draining = async || (http.status("/readyz").await == Some(503)).then_some(());
    eventually("a node that leaves is not ready", DEADLINE, is_draining).await;

    const MESSAGES: usize = 50;
    let talk = async {
        for number in 2..=MESSAGES {
            witness.posts(&format!("message {number}")).await;
        }
        witness.receives(MESSAGES).await;
    };
    let moving = join_all(movers.iter_mut().map(|mover| mover.receives(MESSAGES)));
    tokio::join!(talk, moving);
    let exit = cluster.nodes[0].exited().await;
    assert!(exit.success(), "{exit}");
    for mover in &mut movers {
        // Clients that had received all messages before the drain move now.
        mover.posts("moved").await;
    }
    for mover in &mut movers {
        mover.receives(MESSAGES + 8).await;
        mover.assert_whole();
        assert_eq!(mover.closes, [1012]);
    }
    witness.receives(MESSAGES + 8).await;
    witness.assert_whole();
    witness.assert_undisturbed();
}

#[tokio::test]
async fn plain_sessions_are_closed_with_1012_too() {
    let mut node = Node::with(&[("server.drain", "1s")]).await;
    let mut plain = Client::plain(&node, "general", "plain").await;
    node.terminate();
    assert_eq!(plain.closed().await, 1012);
    assert!(node.exited().await.success());
}

#[tokio::test]
async fn a_draining_node_takes_no_new_sessions() {
    let mut node = Node::with(&[("server.drain", "3s")]).await;
    let mut sessions = Vec::new();
    for number in 0..20 {
        sessions.push(Client::full(&node, &format!("session {number}")).await);
    }
    node.terminate();
    let http = node.http();
    let is_draining = async || (http.status("/readyz").await == Some(503)).then_some(());
    eventually("a node that leaves is not ready", DEADLINE, is_draining).await;
    let refusal = Dial::plain(node.port, "/ws").try_open().await.expect_err("it is refused");
    match refusal {
        Error::Http(response) => assert_eq!(response.status(), 503),
        other => panic!("503, not {other}"),
    }
    for session in &mut sessions {
        assert_eq!(session.closed().await, 1012);
    }
    assert!(node.exited().await.success());
}

/// The balancer probes readiness once a second. Until its next probe the node itself refuses, and the balancer tries
/// another one.
#[tokio::test]
async fn a_new_socket_through_the_balancer_never_reaches_a_draining_node() {
    let Some(mut cluster) = Cluster::with(2, &[("server.drain", "2s")]).await else { return };
    let ports: Vec<_> = cluster.nodes.iter().map(|node| node.port).collect();
    let Some(balancer) = HaProxy::start(&ports).await else { return };
    let (leaving, staying) = cluster.nodes.split_at_mut(1);
    for node in [&leaving[0], &staying[0]] {
        eventually("the balancer finds the node", LONG_DEADLINE, async || {
            Http::new(balancer.port).get("/api/nodes").await;
            node.log().contains("/api/nodes").then_some(())
        })
        .await;
    }
    // Several sessions, so that the drain takes a while.
    let mut old = Vec::new();
    for number in 0..20 {
        old.push(Client::full(&leaving[0], &format!("old {number}")).await);
    }
    leaving[0].terminate();
    let http = leaving[0].http();
    let is_draining = async || (http.status("/readyz").await == Some(503)).then_some(());
    eventually("a node that leaves is not ready", DEADLINE, is_draining).await;
    let mut new = Vec::new();
    while new.len() < 40 {
        let mut client = Dial::full(balancer.port, "/ws").open().await;
        client.welcomed().await;
        client.join("general").await;
        let posted = Http::new(balancer.port).post("general", "posted through the balancer").await;
        assert_eq!(posted["seq"].as_u64(), Some(new.len() as u64 + 1));
        new.push(client);
    }
    assert!(leaving[0].exited().await.success());
    for client in &mut new {
        client.posts("general", "still here").await;
    }
}

/// A node is stopped while posts of a session are in flight.
#[tokio::test]
async fn posts_in_flight_are_acknowledged_before_the_close_frame() {
    let settings = [("server.drain", "0s"), ("redis.command_timeout", "10s"), ("redis.canary_late", "30s")];
    let Some(mut cluster) = Cluster::with(1, &settings).await else { return };
    let mut writer = Client::full(&cluster.nodes[0], "writer").await;
    let mut idle = Client::full(&cluster.nodes[0], "idle").await;
    writer.join("general").await;
    cluster.redis.freeze();
    for nonce in ["n-1", "n-2"] {
        let frame = json!({ "type": "text", "room_id": "general", "content": "x", "nonce": nonce });
        writer.send(frame).await;
    }
    // The node has received them.
    writer.catch_up().await;
    cluster.nodes[0].terminate();
    assert_eq!(idle.closed().await, 1012);
    cluster.redis.thaw();
    for (nonce, seq) in [("n-1", 1), ("n-2", 2)] {
        let ack = writer.expect("ack").await;
        assert_eq!((ack["nonce"].as_str(), ack["seq"].as_u64()), (Some(nonce), Some(seq)), "{ack}");
    }
    assert_eq!(writer.closed().await, 1012);
    assert!(cluster.nodes[0].exited().await.success());
}

#[tokio::test]
async fn a_node_can_drain_while_redis_is_down() {
    let Some(mut cluster) = Cluster::with(1, &[("server.drain", "100ms")]).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    cluster.redis.kill();
    cluster.nodes[0].terminate();
    assert_eq!(rahim.closed().await, 1012);
    assert!(cluster.nodes[0].exited().await.success());
}

#[tokio::test]
async fn a_rolling_restart_loses_no_message_and_doubles_none() {
    let Some(mut cluster) = Cluster::with(3, &[("server.drain", "500ms")]).await else { return };
    let mut roamers = Vec::new();
    for place in 0..6 {
        let nodes: Vec<_> = (0..3).map(|step| &cluster.nodes[(place + step) % 3]).collect();
        roamers.push(Roamer::enter(&nodes, &format!("roamer {place}"), "general").await);
    }
    let are_restarted = AtomicBool::new(false);
    let talk = join_all(roamers.iter_mut().enumerate().map(|(place, roamer)| {
        let are_restarted = &are_restarted;
        async move {
            let mut said = 0;
            while !are_restarted.load(Ordering::Relaxed) {
                said += 1;
                roamer.posts(&format!("{place} says {said}")).await;
                // Slow enough that no client misses more than one page.
                outage(Duration::from_millis(50)).await;
            }
            said
        }
    }));
    let restarts = async {
        for node in &mut cluster.nodes {
            node.terminate();
            assert!(node.exited().await.success());
            node.restart().await;
        }
        are_restarted.store(true, Ordering::Relaxed);
    };
    let (said, ()) = tokio::join!(talk, restarts);
    assert_received_once(&mut roamers, said.into_iter().sum()).await;
    for roamer in &roamers {
        assert!(
            !roamer.closes.is_empty() && roamer.closes.iter().all(|code| *code == 1012),
            "{:?}",
            roamer.closes
        );
    }
}

#[tokio::test]
async fn clients_of_a_killed_node_resume_on_others_without_loss() {
    const EACH: usize = 30;
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let mut roamers = Vec::new();
    for place in 0..4 {
        let nodes = [&cluster.nodes[place % 2], &cluster.nodes[(place + 1) % 2]];
        roamers.push(Roamer::enter(&nodes, &format!("roamer {place}"), "general").await);
    }
    let count = EACH * roamers.len();
    let talk = join_all(roamers.iter_mut().enumerate().map(|(place, roamer)| async move {
        for number in 0..EACH {
            roamer.posts(&format!("{place} says {number}")).await;
        }
    }));
    let (dying, living) = cluster.nodes.split_at_mut(1);
    let http = living[0].http();
    let death = async {
        let is_under_way = async || (http.messages("general", "").await.len() >= 20).then_some(());
        eventually("talk is under way", LONG_DEADLINE, is_under_way).await;
        dying[0].kill();
    };
    tokio::join!(talk, death);
    assert_received_once(&mut roamers, count).await;
}
