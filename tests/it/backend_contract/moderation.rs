//! The rules of rooms and the record of what moderators did.

use std::time::Duration;

use adda::backend::{
    AuditAction, AuditPosition, AuditRecord, AuditUser, BackendError, BackendEvent, Channel, KICK_KEPT,
    MAX_RULES, RoomRules, RulesChange,
};
use adda::model::{ControlEvent, Event, Role, RoomName, Timestamp, UserId};
use futures_util::future::join_all;

use super::nodes::{Cluster, Node, room};
use crate::harness::{DEADLINE, eventually};

const MINUTE: Duration = Duration::from_secs(60);

async fn rules(node: &Node, room: &RoomName) -> RoomRules {
    node.backend.moderation.rules(std::slice::from_ref(room)).await.pop().unwrap().unwrap()
}

async fn change(node: &Node, room: &RoomName, change: RulesChange) {
    node.backend.moderation.change_rules(room, &change).await.unwrap();
}

fn muted(rules: &RoomRules) -> Vec<&UserId> {
    rules.mutes.iter().map(|mute| &mute.user).collect()
}

fn record(number: u64) -> AuditRecord {
    let by = AuditUser {
        user_id: "admin".to_owned(), username: "মিতা \"দি\"".to_owned(), role: Role::Admin
    };
    AuditRecord {
        by,
        action: AuditAction::Mute,
        user_id: Some("rahim".to_owned()),
        room_id: Some("আড্ডা".to_owned()),
        id: (number == 7).then(|| "an id".to_owned()),
        seq: (number == 8).then_some(5),
        for_s: Some(number),
        reason: None,
        role: None,
        failed: number % 2 == 1,
    }
}

/// The numbers of the recorded entries on all pages, the newest first.
async fn recorded(node: &Node, page: usize) -> Vec<u64> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = node.backend.moderation.audit(before, page).await.unwrap();
        for entry in page.entries {
            let number = entry.record.for_s.unwrap();
            assert_eq!(entry.record, record(number));
            found.push(number);
        }
        before = page.next;
        if before.is_none() {
            return found;
        }
    }
}

pub async fn a_room_without_rules_lets_everybody_speak(mut cluster: Cluster) {
    let node = cluster.node().await;
    assert_eq!(rules(&node, &room("general")).await, RoomRules::default());
    assert!(node.backend.moderation.rules(&[]).await.is_empty());
}

pub async fn the_rules_of_a_room_are_its_own_and_those_of_every_node(mut cluster: Cluster) {
    let nodes = cluster.nodes::<2>().await;
    let rooms = [room("one"), room("{আড্ডা}"), room("three")];
    let user = UserId::parse("রহিম:{x}%").unwrap();
    change(&nodes[0], &rooms[1], RulesChange::Mute(user.clone(), MINUTE)).await;
    change(&nodes[1], &rooms[1], RulesChange::Lock).await;
    for node in &nodes {
        let found = node.backend.moderation.rules(&rooms).await;
        let found: Vec<RoomRules> = found.into_iter().map(Result::unwrap).collect();
        assert_eq!((&found[0], &found[2]), (&RoomRules::default(), &RoomRules::default()));
        assert!(found[1].is_locked);
        assert_eq!(muted(&found[1]), [&user]);
        let mute = &found[1].mutes[0];
        assert!(mute.left <= MINUTE && mute.left > MINUTE / 2, "{mute:?}");
        assert!(mute.until > Timestamp::now(), "{mute:?}");
    }
    change(&nodes[0], &rooms[1], RulesChange::Unmute(user.clone())).await;
    change(&nodes[0], &rooms[1], RulesChange::Unlock).await;
    let lifted = rules(&nodes[1], &rooms[1]).await;
    assert_eq!((lifted.is_locked, muted(&lifted).len()), (false, 0));
    // An absent rule can be lifted, too.
    change(&nodes[1], &rooms[0], RulesChange::Unmute(user)).await;
    change(&nodes[1], &rooms[0], RulesChange::Unlock).await;
}

pub async fn a_mute_ends_by_itself_and_is_replaced_by_a_later_one(mut cluster: Cluster) {
    let (node, room) = (cluster.node().await, room("general"));
    let [short, long] = [UserId::guest(), UserId::guest()];
    change(&node, &room, RulesChange::Mute(short.clone(), MINUTE)).await;
    change(&node, &room, RulesChange::Mute(long.clone(), Duration::from_millis(1))).await;
    change(&node, &room, RulesChange::Mute(long.clone(), MINUTE)).await;
    change(&node, &room, RulesChange::Mute(short.clone(), Duration::from_millis(200))).await;
    eventually("the short one ends", DEADLINE, async || {
        (muted(&rules(&node, &room).await) == [&long]).then_some(())
    })
    .await;
}

pub async fn each_change_of_rules_raises_the_version_and_a_kick_bears_its_own(mut cluster: Cluster) {
    let (nodes, room, user) = (cluster.nodes::<2>().await, room("general"), UserId::guest());
    let mut versions = vec![0];
    for round in 0..10 {
        change(&nodes[round % 2], &room, RulesChange::Kick(user.clone())).await;
        let found = rules(&nodes[0], &room).await;
        assert_eq!(found.kicks, [(user.clone(), found.version)]);
        versions.push(found.version);
    }
    assert!(versions.is_sorted_by(|one, next| one < next), "{versions:?}");
    change(&nodes[0], &room, RulesChange::Lock).await;
    let found = rules(&nodes[1], &room).await;
    assert!(found.version > found.kicks[0].1, "{found:?}");
    assert!(KICK_KEPT > DEADLINE);
}

pub async fn a_room_has_a_bounded_number_of_rules(mut cluster: Cluster) {
    let (node, room) = (cluster.node().await, room("general"));
    let users: Vec<UserId> = (0..MAX_RULES).map(|_| UserId::guest()).collect();
    // In parts: so many changes at once would wait too long for a connection of the pool.
    for users in users.chunks(20) {
        let muting = users.iter().map(|user| change(&node, &room, RulesChange::Mute(user.clone(), MINUTE)));
        join_all(muting).await;
    }
    for one_more in [RulesChange::Mute(UserId::guest(), MINUTE), RulesChange::Kick(UserId::guest())] {
        let refused = node.backend.moderation.change_rules(&room, &one_more).await;
        assert!(matches!(refused, Err(BackendError::TooManyRules)), "{refused:?}");
    }
    change(&node, &room, RulesChange::Mute(users[0].clone(), MINUTE)).await;
    change(&node, &room, RulesChange::Unmute(users[0].clone())).await;
    change(&node, &room, RulesChange::Kick(UserId::guest())).await;
    assert_eq!(rules(&node, &room).await.mutes.len(), MAX_RULES - 1);
}

pub async fn the_nodes_in_a_room_are_told_of_changed_rules(mut cluster: Cluster) {
    let (mut nodes, room) = (cluster.nodes::<2>().await, room("general"));
    for node in &nodes {
        node.subscribe(&room).await;
    }
    change(&nodes[0], &room, RulesChange::Lock).await;
    for node in &mut nodes {
        let event = Event::Control(ControlEvent::RulesChanged);
        assert_eq!(node.next().await, BackendEvent::Published(Channel::Room(room.clone()), event));
        assert!(rules(node, &room).await.is_locked);
    }
}

pub async fn the_record_is_read_in_pages_with_the_newest_first(mut cluster: Cluster) {
    cluster.config.moderation.audit_entries = 100;
    let nodes = cluster.nodes::<2>().await;
    assert_eq!(recorded(&nodes[0], 3).await, Vec::<u64>::new());
    for number in 0..25 {
        nodes[number % 2].backend.moderation.record(&record(number as u64)).await.unwrap();
    }
    let expected: Vec<u64> = (0..25).rev().collect();
    for (node, page) in [(&nodes[0], 3), (&nodes[1], 5), (&nodes[0], 100)] {
        assert_eq!(recorded(node, page).await, expected);
    }
    let below_all = nodes[0].backend.moderation.audit(Some(AuditPosition::LEAST), 5).await.unwrap();
    assert!(below_all.entries.is_empty() && below_all.next.is_none(), "{below_all:?}");
    let entries = nodes[0].backend.moderation.audit(None, 1).await.unwrap().entries;
    let age = Timestamp::now().unix_millis() - entries[0].position.millis;
    assert!(age < 60_000, "{age} ms");
}

pub async fn the_record_keeps_a_maximum_number_of_entries(mut cluster: Cluster) {
    cluster.config.moderation.audit_entries = 10;
    let node = cluster.node().await;
    for number in 0..15 {
        node.backend.moderation.record(&record(number)).await.unwrap();
    }
    assert_eq!(recorded(&node, 4).await, (5..15).rev().collect::<Vec<_>>());
}
