//! The events that nodes receive, and their order.

use std::time::Duration;

use adda::backend::{BackendEvent, Channel, FeedHealth, Publication, Span};
use adda::model::{Author, Event, InboxEntry, UserEvent, UserId, Username};
use futures_util::FutureExt;
use futures_util::future::join_all;

use super::nodes::{Cluster, User, room, typing};
use crate::harness::{DEADLINE, eventually};

pub async fn all_nodes_receive_events_in_one_order(mut cluster: Cluster) {
    let (mut nodes, room) = (cluster.nodes::<3>().await, room("general"));
    for node in &nodes {
        node.subscribe(&room).await;
    }
    let posts = (0..30).flat_map(|number| nodes.iter().map(move |node| (number, node)));
    let contents = posts.map(|(number, node)| (format!("{number} of {}", node.id), node));
    join_all(contents.map(async |(content, node)| node.post(&room, &content).await)).await;
    let first = nodes[0].received(&room).await;
    assert_eq!(first.len(), 90);
    for (line, seq) in first.iter().zip(1..) {
        assert!(line.starts_with(&format!("#{seq} ")), "{line} at {seq}");
    }
    for node in &mut nodes[1..] {
        assert_eq!(node.received(&room).await, first);
    }
}

pub async fn a_node_receives_only_the_rooms_that_it_subscribed_to(mut cluster: Cluster) {
    let ([here, mut there], one, other) = (cluster.nodes().await, room("one"), room("other"));
    there.subscribe(&one).await;
    here.post(&one, "first").await;
    here.post(&other, "not for there").await;
    assert_eq!(there.received(&one).await, ["#1 first"]);
    there.backend.pubsub.unsubscribe(&Channel::Room(one.clone()));
    // Calls take effect in their order: once this one is confirmed, so is the one before.
    there.subscribe(&other).await;
    here.post(&one, "no longer").await;
    here.post(&other, "now for there").await;
    assert_eq!(there.received(&other).await, ["#2 now for there"]);
}

pub async fn a_notice_reaches_every_node_as_it_was_sent(mut cluster: Cluster) {
    let (mut nodes, room) = (cluster.nodes::<2>().await, room("general"));
    for node in &nodes {
        node.subscribe(&room).await;
    }
    let notice = typing("মিতা দি");
    nodes[0]
        .backend
        .pubsub
        .publish(&Channel::Room(room.clone()), Publication::Notice(notice.clone()))
        .await
        .unwrap();
    for node in &mut nodes {
        let event = BackendEvent::Published(Channel::Room(room.clone()), Event::Notice(notice.clone()));
        assert_eq!(node.next().await, event);
    }
    assert_eq!(nodes[1].backend.log.read(&room, Span::Newest, 10).await.unwrap().messages, []);
}

pub async fn users_and_nodes_have_channels_beside_those_of_rooms(mut cluster: Cluster) {
    let [here, mut there] = cluster.nodes().await;
    let user = UserId::guest();
    let channels = [Channel::User(user.clone()), Channel::Control, Channel::Room(room(user.as_str()))];
    for channel in &channels {
        there.backend.pubsub.subscribe(channel).await.unwrap();
    }
    here.backend
        .pubsub
        .publish(&Channel::User(UserId::guest()), Publication::Notice(typing("another")))
        .await
        .unwrap();
    for channel in channels {
        let notice = typing("রহিম");
        here.backend.pubsub.publish(&channel, Publication::Notice(notice.clone())).await.unwrap();
        assert_eq!(there.next().await, BackendEvent::Published(channel, Event::Notice(notice)));
    }
}

pub async fn an_event_of_a_user_reaches_the_nodes_that_follow_the_user(mut cluster: Cluster) {
    let [here, mut there, mut other] = cluster.nodes().await;
    let (user, another) = (UserId::parse("রহিম:{1}%").unwrap(), UserId::guest());
    there.backend.pubsub.subscribe(&Channel::User(user.clone())).await.unwrap();
    other.backend.pubsub.subscribe(&Channel::User(another.clone())).await.unwrap();
    let from =
        Author { user_id: UserId::guest(), username: Username::from_trusted("মিতা \"দি\"") };
    let preview = "1 e\nহ্যালো".to_owned();
    let entry = InboxEntry { room: room("a {b}"), seq: 7, from, preview, mention: true };
    let read = UserEvent::Read { room: room("a {b}"), seq: u64::MAX };
    for event in [UserEvent::Inbox(entry), read, UserEvent::RoomsChanged] {
        here.backend.tell_user(&user, event.clone()).await.unwrap();
        let told = BackendEvent::Published(Channel::User(user.clone()), Event::User(event));
        assert_eq!(there.next().await, told);
    }
    there.backend.pubsub.unsubscribe(&Channel::User(user.clone()));
    there.backend.pubsub.subscribe(&Channel::User(another.clone())).await.unwrap();
    for user in [user, another.clone()] {
        here.backend.tell_user(&user, UserEvent::RoomsChanged).await.unwrap();
    }
    let told = BackendEvent::Published(Channel::User(another), Event::User(UserEvent::RoomsChanged));
    assert_eq!((there.next().await, other.next().await), (told.clone(), told));
}

pub async fn quick_resubscriptions_never_leave_a_room_without_events(mut cluster: Cluster) {
    let ([here, mut there], room) = (cluster.nodes().await, room("general"));
    for round in 1..=400 {
        there.subscribe(&room).await;
        there.backend.pubsub.unsubscribe(&Channel::Room(room.clone()));
        there.subscribe(&room).await;
        here.post(&room, "hello").await;
        assert_eq!(there.next_message().await.seq, round);
        there.backend.pubsub.unsubscribe(&Channel::Room(room.clone()));
    }
}

pub async fn an_abandoned_subscription_does_not_affect_a_later_one(mut cluster: Cluster) {
    let ([here, mut there], room) = (cluster.nodes().await, room("general"));
    for round in 1..=100 {
        let _given_up = there.backend.pubsub.subscribe(&Channel::Room(room.clone())).now_or_never();
        if round % 2 == 0 {
            there.backend.pubsub.unsubscribe(&Channel::Room(room.clone()));
        }
        there.subscribe(&room).await;
        here.post(&room, "hello").await;
        assert_eq!(there.next_message().await.seq, round);
    }
}

pub async fn a_slow_node_is_notified_of_dropped_events_and_delays_no_other(mut cluster: Cluster) {
    cluster.config.redis.feed_queue = 4;
    read_slowly(cluster, "hello").await;
}

pub async fn large_messages_are_dropped_before_the_queue_is_full_by_number(mut cluster: Cluster) {
    cluster.config.redis.feed_queue_bytes = 40_000;
    read_slowly(cluster, &"x".repeat(16_000)).await;
}

/// One of two nodes posts messages, and the other reads none until all are posted: some are dropped, and it is
/// notified.
async fn read_slowly(mut cluster: Cluster, content: &str) {
    const MESSAGES: u64 = 50;
    cluster.config.redis.canary_every = Duration::from_millis(50);
    let ([mut prompt, mut late], room) = (cluster.nodes().await, room("general"));
    for node in [&mut prompt, &mut late] {
        // Each server first notifies the start of its subscription; the test waits for a later notification.
        eventually("every subscription is live", DEADLINE, async || {
            (node.backend.pubsub.health() == FeedHealth::Live).then_some(())
        })
        .await;
        node.subscribe(&room).await;
        node.received(&room).await;
    }
    for seq in 1..=MESSAGES {
        prompt.post(&room, content).await;
        assert_eq!(prompt.next_message().await.seq, seq);
    }
    let mut feed = late.backend.pubsub.resumed();
    let mut observer = feed.clone();
    feed.mark_unchanged();
    observer.mark_unchanged();
    let mut last = 0;
    while last < MESSAGES {
        let event = tokio::select! {
            biased;
            event = late.next() => Some(event),
            Ok(()) = observer.changed() => None,
        };
        // The node checks the head now, and recovers all missed messages.
        let is_notified = feed.has_changed().unwrap();
        if let Some(BackendEvent::Published(_, Event::Message(message))) = event {
            assert!(message.seq == last + 1 || is_notified, "{} follows {last}", message.seq);
            last = message.seq;
        }
        if is_notified {
            feed.mark_unchanged();
            last = late.backend.log.head(&room).await.unwrap().seq;
        }
    }
    assert!(*feed.borrow() > 0, "the queue held all {MESSAGES}");
    prompt.post(&room, "and on").await;
    assert_eq!(late.next_message().await.seq, MESSAGES + 1);
}

pub async fn any_room_name_works(mut cluster: Cluster) {
    let [here, mut there] = cluster.nodes().await;
    let mut names = [
        "general",
        "{",
        "}",
        "{}",
        "}{",
        "a{b}c",
        "%",
        "%7B",
        "%257B",
        "100% sure",
        "a b c",
        "a:log",
        "*",
        "?[x]",
        "আড্ডা",
        "র\u{200d}্যাব ক্\u{200c}ষ",
        "👩‍👩‍👧",
        "\\n",
        "'\"",
        "nodes",
        "rooms",
    ]
    .map(room);
    names.sort();
    for room in &names {
        there.subscribe(room).await;
        let (rahim, other) = (User::new("Rahim Uddin"), User::new("রহিম"));
        let session = rahim.session();
        here.enter(room, &session).await.unwrap();
        here.enter(room, &other.session()).await.unwrap();
        assert_eq!(here.post(room, room.as_str()).await.seq, 1, "{room}");
        let expected_message = format!("#1 {room}");
        assert_eq!(
            there.received(room).await,
            ["Rahim Uddin joined, 1", "রহিম joined, 2", &expected_message],
            "{room}"
        );
        assert_eq!(there.backend.log.read(room, Span::Newest, 5).await.unwrap().messages.len(), 1, "{room}");
        assert_eq!(there.members(room).await.len(), 2, "{room}");
        assert!(there.members(room).await.contains(&session), "{room}");
    }
    let rooms = there.backend.presence.list_rooms("", None, 100).await.unwrap();
    assert_eq!(rooms.into_iter().map(|found| found.room).collect::<Vec<_>>(), names);
    let only: Vec<_> = there.backend.presence.list_rooms("%", None, 100).await.unwrap();
    assert_eq!(only.len(), 3);
}
