//! The resync of a node's sessions.

use std::collections::BTreeMap;

use adda::backend::LeaveMode;
use adda::model::Member;

use super::nodes::{Cluster, User, receive_until, room};
use crate::harness::{DEADLINE, eventually};

fn sorted<const N: usize>(mut members: [Member; N]) -> Vec<Member> {
    members.sort();
    members.into()
}

pub async fn missing_sessions_are_restored_and_others_removed(mut cluster: Cluster) {
    cluster.shorten_timers();
    let mut nodes = cluster.nodes::<2>().await;
    let [kept, dropped, opened] = ["kept", "dropped", "opened"].map(room);
    nodes[0].subscribe(&kept).await;
    let [rahim, mita, karim, nila] = ["Rahim", "Mita", "Karim", "Nila"].map(|name| User::new(name).session());
    nodes[1].enter(&kept, &rahim).await.unwrap();
    nodes[1].enter(&kept, &mita).await.unwrap();
    nodes[1].enter(&dropped, &rahim).await.unwrap();
    nodes[0].received(&kept).await;

    *nodes[1].local.rooms.lock().unwrap() = BTreeMap::from([
        (kept.clone(), vec![rahim.clone(), karim.clone()]),
        (opened.clone(), vec![nila.clone()]),
    ]);
    nodes[1].start_and_wait().await;
    assert_eq!(nodes[0].members(&kept).await, sorted([rahim, karim]));
    assert_eq!(nodes[0].members(&dropped).await, []);
    assert_eq!(nodes[0].members(&opened).await, [nila]);
    let rooms = nodes[0].backend.presence.list_rooms("", None, 10).await.unwrap();
    assert_eq!(rooms.into_iter().map(|found| found.room).collect::<Vec<_>>(), [kept.clone(), opened]);
    // Karim's absence was not announced, so neither is the return.
    assert_eq!(receive_until(&mut nodes[0], &kept, "Mita left, 2").await, ["count 2", "Mita left, 2"]);
}

pub async fn other_nodes_sessions_stay(mut cluster: Cluster) {
    let ([here, there], room, rahim) = (cluster.nodes().await, room("general"), User::new("Rahim"));
    let (mine, theirs) = (rahim.session(), rahim.session());
    here.enter(&room, &mine).await.unwrap();
    there.enter(&room, &theirs).await.unwrap();
    here.local.rooms.lock().unwrap().clear();
    here.start_and_wait().await;
    assert_eq!(there.members(&room).await, [theirs]);
}

pub async fn a_resync_without_changes_announces_nothing(mut cluster: Cluster) {
    cluster.shorten_timers();
    let (mut node, room, rahim) = (cluster.node().await, room("general"), User::new("Rahim").session());
    node.subscribe(&room).await;
    node.enter(&room, &rahim).await.unwrap();
    node.start_and_wait().await;
    node.freeze().await;
    let nodes = async || node.backend.cluster.nodes().await.unwrap();
    eventually("the lease runs out", DEADLINE, async || nodes().await.is_empty().then_some(())).await;
    node.start();
    eventually("a lease", DEADLINE, async || (!nodes().await.is_empty()).then_some(())).await;
    assert_eq!(node.members(&room).await, std::slice::from_ref(&rahim));
    assert_eq!(node.received(&room).await, ["Rahim joined, 1"]);
    node.leave(&room, &rahim, LeaveMode::Immediate).await.unwrap();
    assert_eq!(node.received(&room).await, ["Rahim left, 0"]);
}

pub async fn a_restored_user_whose_leave_was_announced_is_announced_again(mut cluster: Cluster) {
    cluster.shorten_timers();
    let ([mut frozen, mut living], room) = (cluster.nodes().await, room("general"));
    let rahim = User::new("Rahim");
    let (tab, phone) = (rahim.session(), rahim.session());
    living.subscribe(&room).await;
    frozen.start_and_wait().await;
    frozen.enter(&room, &tab).await.unwrap();
    frozen.enter(&room, &phone).await.unwrap();
    frozen.freeze().await;
    living.start();
    receive_until(&mut living, &room, "Rahim left, 0").await;
    assert_eq!(living.members(&room).await, []);

    frozen.start();
    assert_eq!(receive_until(&mut living, &room, "count 2").await, ["Rahim joined, 2", "count 2"]);
}
