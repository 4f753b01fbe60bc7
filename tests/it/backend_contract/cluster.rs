//! Which nodes live, and what becomes of the sessions of one that does not.

use std::time::Duration;

use adda::backend::{FeedHealth, Lease, Membership, NodeInfo};

use super::nodes::{Cluster, Node, User, renew_until_heard, room, vitals};
use crate::harness::{DEADLINE, eventually};

async fn living(node: &Node) -> Vec<NodeInfo> {
    node.backend.cluster.nodes().await.unwrap()
}

pub async fn the_first_renewal_is_of_a_lost_lease(mut cluster: Cluster) {
    let node = cluster.node().await;
    assert_eq!(node.renew().await, Lease::Lost);
    eventually("it holds the lease once others had time to learn of it", DEADLINE, async || {
        let lease = node.renew().await;
        assert_ne!(lease, Lease::Lost);
        (lease == Lease::Held).then_some(())
    })
    .await;
    node.backend.cluster.retire().await.unwrap();
    assert_eq!(node.renew().await, Lease::Lost);
}

pub async fn the_living_nodes_say_of_themselves_what_they_said_last(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    assert_eq!(living(&here).await, []);
    here.backend.cluster.renew(&vitals(1)).await.unwrap();
    there.backend.cluster.renew(&vitals(2)).await.unwrap();
    there.backend.cluster.renew(&vitals(3)).await.unwrap();
    let mut expected =
        vec![NodeInfo { id: here.id, vitals: vitals(1) }, NodeInfo { id: there.id, vitals: vitals(3) }];
    expected.sort_by_key(|node| node.id);
    assert_eq!((living(&here).await, living(&there).await), (expected.clone(), expected));
}

pub async fn a_node_that_retires_is_gone_at_once(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    here.renew().await;
    there.renew().await;
    there.backend.cluster.retire().await.unwrap();
    assert_eq!(living(&here).await.iter().map(|node| node.id).collect::<Vec<_>>(), [here.id]);
    there.backend.cluster.retire().await.unwrap();
}

pub async fn a_dead_nodes_users_are_said_to_be_gone_exactly_once(mut cluster: Cluster) {
    cluster.hurry();
    let (dead, mut living, room) = (cluster.node().await, cluster.nodes::<2>().await, room("general"));
    living[0].subscribe(&room).await;
    let [rahim, mita, karim] = ["Rahim", "Mita", "Karim"].map(User::new);
    dead.renew().await;
    for session in [rahim.session(), rahim.session(), karim.session(), mita.session()] {
        dead.backend.presence.enter(&room, &session).await.unwrap();
    }
    let survivor = karim.session();
    living[1].backend.presence.enter(&room, &survivor).await.unwrap();
    living[0].hears(&room).await;

    let mut heard = renew_until_heard(&mut living, &room, "Rahim left, 1").await;
    if !heard.contains(&"Mita left, 1".to_owned()) {
        heard.extend(renew_until_heard(&mut living, &room, "Mita left, 1").await);
    }
    for _ in 0..3 {
        tokio::join!(living[0].renew(), living[1].renew());
    }
    heard.extend(living[0].hears(&room).await);
    heard.sort();
    assert_eq!(heard, ["Mita left, 1", "Rahim left, 1", "count 1"]);
    assert_eq!(living[1].members(&room).await, [survivor]);
    assert_eq!(self::living(&living[1]).await.len(), 2);
}

pub async fn a_node_that_was_taken_for_dead_learns_it_and_comes_back(mut cluster: Cluster) {
    cluster.hurry();
    cluster.config.presence.leave_grace = Duration::from_secs(60);
    let ([frozen, living], room) = (cluster.nodes().await, room("general"));
    let session = User::new("Rahim").session();
    living.subscribe(&room).await;
    frozen.renew().await;
    frozen.backend.presence.enter(&room, &session).await.unwrap();
    assert_ne!(frozen.renew().await, Lease::Lost);
    let mut living = [living];
    let heard = renew_until_heard(&mut living, &room, "count 0").await;
    assert_eq!(heard, ["Rahim joined, 1", "count 0"]);
    assert_eq!(living[0].members(&room).await, []);

    assert_eq!(frozen.renew().await, Lease::Lost);
    frozen
        .backend
        .presence
        .restore(&Membership::from([(room.clone(), vec![session.clone()])]))
        .await
        .unwrap();
    assert_eq!(living[0].members(&room).await, [session]);
    assert_eq!(living[0].hears(&room).await, ["count 1"]);
}

pub async fn after_a_silence_of_all_nobody_is_dead_at_once(mut cluster: Cluster) {
    cluster.hurry();
    let ([here, there], room) = (cluster.nodes().await, room("general"));
    let (rahim, mita) = (User::new("Rahim").session(), User::new("Mita").session());
    for (node, session) in [(&here, &rahim), (&there, &mita)] {
        node.renew().await;
        node.backend.presence.enter(&room, session).await.unwrap();
    }
    eventually("all leases run out", DEADLINE, async || living(&here).await.is_empty().then_some(())).await;
    assert_eq!(here.renew().await, Lease::Lost);
    assert_eq!(here.members(&room).await.len(), 2);
    assert_eq!(there.renew().await, Lease::Lost);
    assert_eq!(there.members(&room).await.len(), 2);
    assert_eq!(living(&here).await.len(), 2);
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

pub async fn a_subscription_is_fresh(mut cluster: Cluster) {
    let node = cluster.node().await;
    let is_fresh = async || (node.backend.pubsub.health() == FeedHealth::Live).then_some(());
    eventually("a fresh subscription", DEADLINE, is_fresh).await;
}
