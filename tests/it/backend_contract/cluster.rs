//! Nodes and leases, and the sessions of dead nodes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use adda::backend::{FeedHealth, Health, LeaveMode, NodeInfo};

use super::nodes::{Cluster, Node, User, receive_until, room, stats};
use crate::harness::{DEADLINE, eventually};

async fn living(node: &Node) -> Vec<NodeInfo> {
    node.backend.cluster.nodes().await.unwrap()
}

pub async fn a_node_is_ready_once_others_have_had_time_to_discover_it(mut cluster: Cluster) {
    let mut node = cluster.node().await;
    assert_eq!(*node.backend.cluster.health().borrow(), Health::Starting);
    node.start_and_wait().await;
    node.freeze().await;
    node.backend.cluster.retire().await.unwrap();
    assert_eq!(living(&node).await, []);
    node.start();
    eventually("a lease", DEADLINE, async || (living(&node).await.len() == 1).then_some(())).await;
}

pub async fn the_living_nodes_have_their_latest_statistics(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    assert_eq!(living(&here).await, []);
    here.local.reported_sessions.store(1, Ordering::Relaxed);
    there.local.reported_sessions.store(2, Ordering::Relaxed);
    here.start_and_wait().await;
    there.start_and_wait().await;
    there.local.reported_sessions.store(3, Ordering::Relaxed);
    let mut expected =
        vec![NodeInfo { id: here.id, stats: stats(1) }, NodeInfo { id: there.id, stats: stats(3) }];
    expected.sort_by_key(|node| node.id);
    for node in [&here, &there] {
        eventually("the latest statistics", DEADLINE, async || {
            let mut nodes = living(node).await;
            // It grows with each second.
            nodes.iter_mut().for_each(|node| node.stats.uptime_s = stats(0).uptime_s);
            (nodes == expected).then_some(())
        })
        .await;
    }
}

pub async fn a_node_that_retires_is_gone_at_once(mut cluster: Cluster) {
    let [here, mut there] = cluster.nodes().await;
    let (room, session) = (room("general"), User::new("Rahim").session());
    here.start_and_wait().await;
    there.start_and_wait().await;
    there.enter(&room, &session).await.unwrap();
    there.freeze().await;
    there.backend.cluster.retire().await.unwrap();
    assert_eq!(living(&here).await.iter().map(|node| node.id).collect::<Vec<_>>(), [here.id]);
    assert_eq!(here.members(&room).await, [], "no session outlasts its node");
    there.backend.cluster.retire().await.unwrap();
}

pub async fn leaves_of_a_dead_nodes_users_are_announced_exactly_once(mut cluster: Cluster) {
    cluster.shorten_timers();
    let (mut dead, mut nodes) = (cluster.node().await, cluster.nodes::<2>().await);
    let (room, other) = (room("general"), room("other"));
    nodes[0].subscribe(&room).await;
    nodes[0].subscribe(&other).await;
    let [rahim, mita, karim, nila] = ["Rahim", "Mita", "Karim", "Nila"].map(User::new);
    dead.start_and_wait().await;
    for session in [rahim.session(), rahim.session(), karim.session(), mita.session()] {
        dead.enter(&room, &session).await.unwrap();
    }
    let survivor = karim.session();
    nodes[1].enter(&room, &survivor).await.unwrap();
    nodes[0].received(&room).await;
    for node in &nodes {
        node.start_and_wait().await;
    }

    dead.freeze().await;
    let mut received = receive_until(&mut nodes[0], &room, "Rahim left, 1").await;
    if !received.contains(&"Mita left, 1".to_owned()) {
        received.extend(receive_until(&mut nodes[0], &room, "Mita left, 1").await);
    }
    // A second announcement would come before one that is due later.
    let later = nila.session();
    nodes[1].enter(&other, &later).await.unwrap();
    nodes[1].leave(&other, &later, LeaveMode::AfterGracePeriod).await.unwrap();
    received.extend(receive_until(&mut nodes[0], &other, "Nila left, 0").await);
    received.sort();
    let expected = ["Mita left, 1", "Nila joined, 1", "Nila left, 0", "Rahim left, 1", "count 0", "count 1"];
    assert_eq!(received, expected);
    assert_eq!(nodes[1].members(&room).await, [survivor]);
    assert_eq!(living(&nodes[1]).await.len(), 2);
}

pub async fn a_reaped_node_that_resumes_restores_its_sessions(mut cluster: Cluster) {
    cluster.shorten_timers();
    cluster.config.presence.leave_grace = Duration::from_secs(60);
    let ([mut frozen, mut living], room) = (cluster.nodes().await, room("general"));
    let session = User::new("Rahim").session();
    living.subscribe(&room).await;
    frozen.start_and_wait().await;
    frozen.enter(&room, &session).await.unwrap();
    frozen.freeze().await;
    living.start();
    assert_eq!(receive_until(&mut living, &room, "count 0").await, ["Rahim joined, 1", "count 0"]);
    assert_eq!(living.members(&room).await, []);

    frozen.start();
    assert_eq!(receive_until(&mut living, &room, "count 1").await, ["count 1"]);
    assert_eq!(living.members(&room).await, [session]);
}

pub async fn after_a_pause_of_all_renewals_no_node_is_dead_at_once(mut cluster: Cluster) {
    cluster.shorten_timers();
    cluster.config.presence.lease = Duration::from_secs(2);
    let ([mut here, mut there], room) = (cluster.nodes().await, room("general"));
    let (rahim, mita) = (User::new("Rahim").session(), User::new("Mita").session());
    here.subscribe(&room).await;
    for (node, session) in [(&here, &rahim), (&there, &mita)] {
        node.start_and_wait().await;
        node.enter(&room, session).await.unwrap();
    }
    here.freeze().await;
    there.freeze().await;
    eventually("all leases run out", DEADLINE, async || living(&here).await.is_empty().then_some(())).await;
    here.start();
    eventually("a lease", DEADLINE, async || (!living(&here).await.is_empty()).then_some(())).await;
    assert_eq!(here.members(&room).await.len(), 2);
    there.start();
    eventually("both leases", DEADLINE, async || (living(&here).await.len() == 2).then_some(())).await;
    assert_eq!(there.members(&room).await.len(), 2);
    assert_eq!(here.received(&room).await, ["Rahim joined, 1", "Mita joined, 2"]);
}

pub async fn the_first_secret_is_kept(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    assert!(here.backend.cluster.secrets().await.unwrap().is_none());
    let (one, other) =
        tokio::join!(here.backend.cluster.keep_secret("one"), there.backend.cluster.keep_secret("other"));
    let (first, second) = match one.unwrap().current.as_str() {
        "one" => ("one", "other"),
        _ => ("other", "one"),
    };
    assert_eq!(other.unwrap().current, first);
    let all = there.backend.cluster.secrets().await.unwrap().unwrap();
    assert_eq!((all.current.as_str(), all.earlier), (first, vec![second.to_owned()]));
    for number in 0..20 {
        let kept = here.backend.cluster.keep_secret(&format!("secret {number}")).await.unwrap();
        assert_eq!(kept.current, first);
        assert!(kept.earlier.len() <= 8 && kept.earlier.contains(&format!("secret {number}")), "{number}");
    }
}

pub async fn a_subscription_becomes_live(mut cluster: Cluster) {
    let node = cluster.node().await;
    let is_live = async || (node.backend.pubsub.health() == FeedHealth::Live).then_some(());
    eventually("a live subscription", DEADLINE, is_live).await;
}
