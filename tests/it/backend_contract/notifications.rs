//! Notifications: the data of each user, and the events that nodes are told of.

use std::time::Duration;

use adda::backend::{BackendEvent, Broadcast, Channel, Seen, SeenBroadcast, Sent, UserNotifications};
use adda::model::{
    Audience, ControlEvent, Event, NewNotification, NotificationId, Timestamp, UserEvent, UserId, Words,
};

use super::nodes::{Cluster, Node};
use crate::harness::{DEADLINE, eventually};

const HOUR: Duration = Duration::from_secs(3600);

fn notification(to: Audience, content: &str) -> NewNotification {
    let words = Words { to, title: Some("শিরোনাম".to_owned()), content: content.to_owned() };
    NewNotification { id: NotificationId::now(), words, ttl: HOUR }
}

fn user() -> UserId {
    UserId::parse(&format!("{{র}}%{}", UserId::guest())).unwrap()
}

async fn send(node: &Node, notification: &NewNotification) -> Sent {
    node.backend.notifications.send(notification).await.unwrap()
}

async fn send_to(node: &Node, to: &UserId, content: &str) -> NotificationId {
    let notification = notification(Audience::User(to.clone()), content);
    assert_ne!(send(node, &notification).await, Sent::Before);
    notification.id
}

async fn send_to_all(node: &Node, content: &str) -> NotificationId {
    let notification = notification(Audience::All, content);
    assert_eq!(send(node, &notification).await, Sent::Published);
    notification.id
}

async fn of(node: &Node, user: &UserId) -> UserNotifications {
    node.backend.notifications.of_users(std::slice::from_ref(user)).await.pop().unwrap().unwrap()
}

async fn unseen(node: &Node, user: &UserId) -> Vec<String> {
    of(node, user).await.unseen.into_iter().map(|one| one.words.content).collect()
}

async fn to_all(node: &Node) -> Vec<Broadcast> {
    node.backend.notifications.to_all().await.unwrap()
}

async fn see(node: &Node, user: &UserId, id: &NotificationId) -> Seen {
    node.backend.notifications.see(user, id, None).await.unwrap()
}

async fn see_broadcast(node: &Node, user: &UserId, place: usize) -> Seen {
    let all = to_all(node).await;
    let Broadcast { number, notification } = &all[place];
    let seen =
        SeenBroadcast { number: *number, newest: all[all.len() - 1].number, left: notification.left() };
    node.backend.notifications.see(user, &notification.id, Some(&seen)).await.unwrap()
}

pub async fn a_notification_is_its_users_own_and_is_read_on_every_node(mut cluster: Cluster) {
    let nodes = cluster.nodes::<2>().await;
    let (rahim, mita) = (user(), user());
    assert_eq!(of(&nodes[0], &rahim).await, UserNotifications::default());
    assert!(nodes[0].backend.notifications.of_users(&[]).await.is_empty());
    let sent = notification(Audience::User(rahim.clone()), "one\n\"হ্যালো\"");
    assert_eq!(send(&nodes[0], &sent).await, Sent::NoSubscriber);
    send_to(&nodes[1], &rahim, "two").await;
    for node in &nodes {
        let found = node.backend.notifications.of_users(&[mita.clone(), rahim.clone()]).await;
        let found: Vec<UserNotifications> = found.into_iter().map(Result::unwrap).collect();
        assert!(found[0].unseen.is_empty());
        assert_eq!((&found[1].unseen[0].id, &found[1].unseen[0].words), (&sent.id, &sent.words));
        assert_eq!(found[1].unseen[1].words.content, "two");
        let left = found[1].unseen[0].left();
        assert!(left <= HOUR && left > HOUR / 2, "{left:?}");
        let age = Timestamp::now().unix_millis().abs_diff(found[1].unseen[0].timestamp.unix_millis());
        assert!(age < 60_000, "{age} ms");
    }
}

pub async fn a_notification_is_sent_once(mut cluster: Cluster) {
    let nodes = cluster.nodes::<2>().await;
    let rahim = user();
    let sent = notification(Audience::User(rahim.clone()), "once");
    send(&nodes[0], &sent).await;
    assert_eq!(send(&nodes[1], &sent).await, Sent::Before);
    assert_eq!(see(&nodes[1], &rahim, &sent.id).await, Seen::Now);
    assert_eq!(send(&nodes[0], &sent).await, Sent::Before, "it is remembered when it was seen");
    assert!(unseen(&nodes[0], &rahim).await.is_empty());
    let sent = notification(Audience::All, "once");
    send(&nodes[0], &sent).await;
    assert_eq!(send(&nodes[1], &sent).await, Sent::Before);
    assert!(nodes[0].backend.notifications.take_back(&sent.id).await.unwrap().is_some());
    assert_eq!(send(&nodes[1], &sent).await, Sent::Before, "it is remembered when it was taken back");
    assert!(to_all(&nodes[0]).await.is_empty());
}

pub async fn the_nodes_of_a_user_are_told_of_a_notification_and_that_it_was_seen(mut cluster: Cluster) {
    let mut nodes = cluster.nodes::<2>().await;
    let rahim = user();
    let channel = Channel::User(rahim.clone());
    nodes[0].backend.pubsub.subscribe(&channel).await.unwrap();
    let sent = notification(Audience::User(rahim.clone()), "হ্যালো");
    assert_eq!(send(&nodes[1], &sent).await, Sent::Published);
    let BackendEvent::Published(on, Event::User(UserEvent::Notification(told))) = nodes[0].next().await
    else {
        panic!("a notification comes first");
    };
    assert_eq!((&on, &told.id, &told.words), (&channel, &sent.id, &sent.words));
    assert_eq!(told.timestamp, of(&nodes[1], &rahim).await.unseen[0].timestamp);
    assert!(told.left() <= HOUR && told.left() > HOUR / 2);
    assert_eq!(see(&nodes[1], &rahim, &sent.id).await, Seen::Now);
    assert_eq!(see(&nodes[1], &rahim, &sent.id).await, Seen::Before);
    assert_eq!(see(&nodes[1], &rahim, &NotificationId::now()).await, Seen::Unknown);
    let next = send_to(&nodes[1], &rahim, "next").await;
    let seen = Event::User(UserEvent::Seen(sent.id));
    assert_eq!(nodes[0].next().await, BackendEvent::Published(channel, seen));
    let BackendEvent::Published(_, Event::User(UserEvent::Notification(told))) = nodes[0].next().await else {
        panic!("nothing was told of the others");
    };
    assert_eq!(told.id, next);
}

pub async fn a_notification_to_all_is_one_record_and_each_user_sees_it_for_itself(mut cluster: Cluster) {
    let mut nodes = cluster.nodes::<2>().await;
    nodes[1].backend.pubsub.subscribe(&Channel::Control).await.unwrap();
    let (rahim, mita) = (user(), user());
    let ids = [send_to_all(&nodes[0], "one").await, send_to_all(&nodes[1], "two").await];
    let changed = Event::Control(ControlEvent::NotificationsChanged);
    for _ in 0..2 {
        assert_eq!(nodes[1].next().await, BackendEvent::Published(Channel::Control, changed.clone()));
    }
    for node in &nodes {
        let all = to_all(node).await;
        let found: Vec<_> = all.iter().map(|one| (one.number, one.notification.id.clone())).collect();
        assert_eq!(found, [(1, ids[0].clone()), (2, ids[1].clone())]);
    }
    assert_eq!(see(&nodes[0], &rahim, &ids[0]).await, Seen::Unknown, "the user's data does not have it");
    assert_eq!(see_broadcast(&nodes[0], &rahim, 0).await, Seen::Now);
    assert_eq!(see_broadcast(&nodes[1], &rahim, 0).await, Seen::Before);
    let of_rahim = of(&nodes[1], &rahim).await;
    assert_eq!((of_rahim.unseen.len(), of_rahim.seen), (0, [ids[0].clone()].into()));
    assert_eq!(of(&nodes[1], &mita).await, UserNotifications::default());
    assert_eq!(to_all(&nodes[1]).await.len(), 2);
}

pub async fn a_notification_can_be_taken_back(mut cluster: Cluster) {
    let mut nodes = cluster.nodes::<2>().await;
    let rahim = user();
    let channel = Channel::User(rahim.clone());
    let (own, all) = (send_to(&nodes[0], &rahim, "own").await, send_to_all(&nodes[0], "all").await);
    nodes[1].backend.pubsub.subscribe(&channel).await.unwrap();
    nodes[1].backend.pubsub.subscribe(&Channel::Control).await.unwrap();
    let take_back = async |id| nodes[0].backend.notifications.take_back(id).await.unwrap().is_some();
    for id in [&own, &all] {
        assert!(take_back(id).await);
        assert!(!take_back(id).await, "it is gone");
    }
    assert!(!take_back(&NotificationId::now()).await);
    assert!(unseen(&nodes[1], &rahim).await.is_empty() && to_all(&nodes[1]).await.is_empty());
    let seen = Event::User(UserEvent::Seen(own));
    assert_eq!(nodes[1].next().await, BackendEvent::Published(channel, seen));
    let changed = Event::Control(ControlEvent::NotificationsChanged);
    assert_eq!(nodes[1].next().await, BackendEvent::Published(Channel::Control, changed));
}

pub async fn a_notification_ends_by_itself(mut cluster: Cluster) {
    let (node, rahim) = (cluster.node().await, user());
    for to in [Audience::User(rahim.clone()), Audience::All] {
        let ttl = Duration::from_millis(200);
        send(&node, &NewNotification { ttl, ..notification(to, "short") }).await;
    }
    send_to(&node, &rahim, "long").await;
    eventually("the short ones end", DEADLINE, async || {
        (unseen(&node, &rahim).await == ["long"] && to_all(&node).await.is_empty()).then_some(())
    })
    .await;
}

pub async fn the_newest_notifications_are_kept(mut cluster: Cluster) {
    cluster.config.notifications.kept = 3;
    cluster.config.limits.outbox_bytes = 4 * 4000;
    let (node, rahim, mita) = (cluster.node().await, user(), user());
    for number in 0..5 {
        send_to(&node, &rahim, &number.to_string()).await;
        send_to_all(&node, &number.to_string()).await;
    }
    assert_eq!(unseen(&node, &rahim).await, ["2", "3", "4"]);
    let kept: Vec<u64> = to_all(&node).await.iter().map(|one| one.number).collect();
    assert_eq!(kept, [3, 4, 5]);
    // A user who has seen them all keeps no mark of those that are dropped.
    for number in 5..9 {
        for place in 0..3 {
            see_broadcast(&node, &mita, place).await;
        }
        send_to_all(&node, &number.to_string()).await;
    }
    see_broadcast(&node, &mita, 2).await;
    let current: Vec<_> = to_all(&node).await.into_iter().map(|one| one.notification.id).collect();
    assert_eq!(of(&node, &mita).await.seen, current.into_iter().collect());
    send_to(&node, &rahim, &"x".repeat(2500)).await;
    send_to(&node, &rahim, &"y".repeat(2500)).await;
    assert_eq!(unseen(&node, &rahim).await, ["y".repeat(2500)], "they are few and small");
    send_to(&node, &rahim, &"z".repeat(9000)).await;
    assert_eq!(unseen(&node, &rahim).await, ["z".repeat(9000)], "the newest is kept whatever its size");
}
