//! A node that says anew which sessions it holds.

use adda::backend::{Lease, LeaveMode, Membership};
use adda::model::Member;

use super::nodes::{Cluster, User, renew_until_heard, room};

fn sorted<const N: usize>(mut members: [Member; N]) -> Vec<Member> {
    members.sort();
    members.into()
}

pub async fn what_is_missing_is_put_back_and_the_rest_removed(mut cluster: Cluster) {
    cluster.hurry();
    let mut nodes = cluster.nodes::<2>().await;
    let [kept, dropped, opened] = ["kept", "dropped", "opened"].map(room);
    nodes[0].subscribe(&kept).await;
    let [rahim, mita, karim, nila] = ["Rahim", "Mita", "Karim", "Nila"].map(|name| User::new(name).session());
    nodes[1].backend.presence.enter(&kept, &rahim).await.unwrap();
    nodes[1].backend.presence.enter(&kept, &mita).await.unwrap();
    nodes[1].backend.presence.enter(&dropped, &rahim).await.unwrap();
    nodes[0].hears(&kept).await;

    let membership = Membership::from([
        (kept.clone(), vec![rahim.clone(), karim.clone()]),
        (opened.clone(), vec![nila.clone()]),
    ]);
    nodes[1].backend.presence.restore(&membership).await.unwrap();
    assert_eq!(nodes[0].members(&kept).await, sorted([rahim, karim]));
    assert_eq!(nodes[0].members(&dropped).await, []);
    assert_eq!(nodes[0].members(&opened).await, [nila]);
    let rooms = nodes[0].backend.presence.list_rooms("", None, 10).await.unwrap();
    assert_eq!(rooms.into_iter().map(|found| found.room).collect::<Vec<_>>(), [kept.clone(), opened]);
    // Nobody was told that Karim went, so nobody is told that he is back.
    assert_eq!(nodes[0].hears(&kept).await, ["count 2"]);
    assert_eq!(renew_until_heard(&mut nodes, &kept, "Mita left, 2").await, ["Mita left, 2"]);
}

pub async fn other_nodes_sessions_stay(mut cluster: Cluster) {
    let ([here, there], room, rahim) = (cluster.nodes().await, room("general"), User::new("Rahim"));
    let (mine, theirs) = (rahim.session(), rahim.session());
    here.backend.presence.enter(&room, &mine).await.unwrap();
    there.backend.presence.enter(&room, &theirs).await.unwrap();
    here.backend.presence.restore(&Membership::new()).await.unwrap();
    assert_eq!(there.members(&room).await, [theirs]);
}

pub async fn what_is_right_already_is_not_told(mut cluster: Cluster) {
    let (mut node, room, rahim) = (cluster.node().await, room("general"), User::new("Rahim").session());
    node.subscribe(&room).await;
    node.backend.presence.enter(&room, &rahim).await.unwrap();
    let membership = Membership::from([(room.clone(), vec![rahim.clone()])]);
    node.backend.presence.restore(&membership).await.unwrap();
    node.backend.presence.restore(&membership).await.unwrap();
    assert_eq!(node.hears(&room).await, ["Rahim joined, 1"]);
    node.backend.presence.leave(&room, &rahim, LeaveMode::Immediate).await.unwrap();
    assert_eq!(node.hears(&room).await, ["Rahim left, 0"]);
}

pub async fn who_was_said_to_be_gone_comes_back_aloud(mut cluster: Cluster) {
    cluster.hurry();
    let ([frozen, living], room) = (cluster.nodes().await, room("general"));
    let rahim = User::new("Rahim");
    let (tab, phone) = (rahim.session(), rahim.session());
    living.subscribe(&room).await;
    frozen.renew().await;
    frozen.backend.presence.enter(&room, &tab).await.unwrap();
    frozen.backend.presence.enter(&room, &phone).await.unwrap();
    let mut living = [living];
    renew_until_heard(&mut living, &room, "Rahim left, 0").await;
    assert_eq!(living[0].members(&room).await, []);

    assert_eq!(frozen.renew().await, Lease::Lost);
    frozen.backend.presence.restore(&Membership::from([(room.clone(), vec![tab, phone])])).await.unwrap();
    assert_eq!(living[0].hears(&room).await, ["Rahim joined, 2", "count 2"]);
}
