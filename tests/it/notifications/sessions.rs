//! Sessions are given each notification once, wherever they are, until their user has seen it.

use serde_json::json;

use super::{Admin, cluster, ids, is_given, is_told, token, unseen};
use crate::harness::{Client, Cluster, DEADLINE, Dial, Node, RedisCluster, eventually};
use adda::model::Role;

/// A mark behind everything that the session may have been given.
async fn has_no_more(admin: &Admin, node: &Node, session: &mut Client) {
    let mark = admin.notifies(node, &session.user_id.clone(), "a mark").await;
    is_given(session, &mark).await;
    assert!(session.untaken("notification").is_empty(), "{session}");
    session.send(json!({ "type": "seen", "id": mark })).await;
    is_told(session, &mark).await;
}

async fn reaches_every_session_until_it_is_seen(cluster: &Cluster) {
    let (admin, nodes) = (Admin::new(), &cluster.nodes);
    let first = Client::full(&nodes[0], "রহিম").await;
    let mut sessions =
        [Client::returning(&nodes[0], &first.token).await, Client::returning(&nodes[1], &first.token).await];
    let notification = json!({ "to": first.user_id, "title": "শিরোনাম", "content": "হ্যালো" });
    let id = admin.sends(&nodes[1], notification.clone()).await;
    for session in &mut sessions {
        let frame = is_given(session, &id).await;
        assert_eq!(
            (&frame["to"], &frame["title"], &frame["content"]),
            (&notification["to"], &notification["title"], &notification["content"])
        );
        assert!(frame["timestamp"].is_string(), "{frame}");
    }
    let to_all = admin.notifies(&nodes[0], "all", "to all").await;
    for session in &mut sessions {
        assert_eq!(is_given(session, &to_all).await["to"], "all");
    }
    for id in [&id, &to_all] {
        sessions[1].send(json!({ "type": "seen", "id": id })).await;
        for session in &mut sessions {
            is_told(session, id).await;
        }
    }
    for node in nodes {
        assert!(unseen(&first.token, node).await.is_empty());
        let mut later = Client::returning(node, &first.token).await;
        has_no_more(&admin, node, &mut later).await;
        later.send(json!({ "type": "seen", "id": id })).await;
        is_told(&mut later, &id).await;
    }
    let mut stranger = Client::full(&nodes[0], "মিতা").await;
    stranger.join("general").await;
    is_given(&mut stranger, &to_all).await;
    has_no_more(&admin, &nodes[0], &mut stranger).await;
}

#[tokio::test]
async fn a_notification_reaches_every_session_of_its_user_until_one_has_seen_it() {
    let Some(cluster) = cluster(3).await else { return };
    reaches_every_session_until_it_is_seen(&cluster).await;
}

#[tokio::test]
async fn notifications_arrive_in_a_redis_cluster() {
    let Some(redis) = RedisCluster::start().await else { return };
    let urls = vec![redis.url(); 2];
    let cluster = Cluster::reaching(redis, &urls, &super::SETTINGS).await;
    reaches_every_session_until_it_is_seen(&cluster).await;
}

#[tokio::test]
async fn a_user_who_was_away_is_given_what_it_has_not_seen() {
    let Some(cluster) = cluster(2).await else { return };
    let (admin, nodes) = (Admin::new(), &cluster.nodes);
    let user = Client::full(&nodes[0], "রহিম").await;
    let (token, user_id) = (user.token.clone(), user.user_id.clone());
    user.close().await;
    let first = admin.notifies(&nodes[0], &user_id, "first").await;
    let second = admin.notifies(&nodes[1], "all", "second").await;
    let third = admin.notifies(&nodes[0], &user_id, "third").await;
    let taken_back = admin.notifies(&nodes[0], &user_id, "taken back").await;
    admin.takes_back(&nodes[1], &taken_back).await;
    let ttl = json!({ "to": user_id, "content": "short", "ttl_s": 1 });
    let short = admin.sends(&nodes[0], ttl).await;
    let has_ended = async || (!ids(&unseen(&token, &nodes[1]).await).contains(&short)).then_some(());
    eventually("the short one ends", DEADLINE, has_ended).await;
    for node in nodes {
        let mut session = Client::returning(node, &token).await;
        for id in [&first, &second, &third] {
            assert_eq!(&session.expect("notification").await["id"], id, "the oldest first");
        }
        has_no_more(&admin, node, &mut session).await;
    }
}

#[tokio::test]
async fn sessions_are_told_of_a_notification_that_is_taken_back() {
    let Some(cluster) = cluster(2).await else { return };
    let (admin, nodes) = (Admin::new(), &cluster.nodes);
    let mut sessions = [Client::full(&nodes[0], "রহিম").await, Client::full(&nodes[1], "মিতা").await];
    for session in &mut sessions {
        for to in [session.user_id.clone(), "all".to_owned()] {
            let id = admin.notifies(&nodes[0], &to, "a mistake").await;
            is_given(session, &id).await;
            admin.takes_back(&nodes[1], &id).await;
            is_told(session, &id).await;
        }
    }
}

#[tokio::test]
async fn a_guest_is_reached_as_soon_as_it_is_welcomed() {
    let Some(cluster) = cluster(2).await else { return };
    let (admin, nodes) = (Admin::new(), &cluster.nodes);
    for round in 0..10 {
        let mut guest = Client::full(&nodes[round % 2], "রহিম").await;
        let id = admin.notifies(&nodes[0], &guest.user_id, "welcome").await;
        is_given(&mut guest, &id).await;
    }
}

#[tokio::test]
async fn after_a_lost_subscription_sessions_are_given_what_they_missed_once() {
    let Some(cluster) = cluster(2).await else { return };
    let (admin, nodes) = (Admin::new(), &cluster.nodes);
    let mut session = Client::full(&nodes[0], "রহিম").await;
    let mut other = Client::returning(&nodes[1], &session.token).await;
    session.join("general").await;
    for _ in 0..5 {
        cluster.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        let own = admin.notifies(&nodes[0], &session.user_id, "own").await;
        let to_all = admin.notifies(&nodes[1], "all", "all").await;
        for id in [&own, &to_all] {
            is_given(&mut session, id).await;
            is_given(&mut other, id).await;
        }
        cluster.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        other.send(json!({ "type": "seen", "id": to_all })).await;
        is_told(&mut session, &to_all).await;
        is_told(&mut other, &to_all).await;
    }
    has_no_more(&admin, &nodes[0], &mut session).await;
    for session in [&session, &other] {
        assert!(session.untaken("seen").is_empty(), "{session}");
    }
}

#[tokio::test]
async fn a_session_of_notifications_gets_nothing_else() {
    let Some(cluster) = cluster(2).await else { return };
    let (admin, nodes) = (Admin::new(), &cluster.nodes);
    let token = token("রহিম", Role::Member);
    let earlier = admin.notifies(&nodes[0], "রহিম", "earlier").await;
    let dial = Dial::plain(nodes[0].port, "/ws/notifications");
    let mut by_header = dial.header("authorization", format!("Bearer {token}")).open().await;
    let mut by_frame = Dial::plain(nodes[1].port, "/ws/notifications").open().await;
    by_frame.send(json!({ "type": "auth", "token": token })).await;
    assert_eq!(by_frame.next().await["type"], "auth_success");
    for session in [&mut by_header, &mut by_frame] {
        assert_eq!(session.next().await["id"], earlier.as_str(), "{session}");
        session.send(json!({ "type": "ping" })).await;
        assert_eq!(session.next().await["type"], "pong");
        session.send(json!({ "type": "join", "room_id": "general" })).await;
        assert_eq!(session.next().await["code"], "unknown_type");
    }
    let mut full = Client::returning(&nodes[0], &token).await;
    is_given(&mut full, &earlier).await;
    let later = admin.notifies(&nodes[1], "all", "later").await;
    assert_eq!(by_header.next().await["id"], later.as_str());
    by_header.send(json!({ "type": "seen", "id": later })).await;
    assert_eq!(by_header.next().await, json!({ "type": "seen", "id": later }));
    is_told(&mut full, &later).await;
    by_header.send(json!({ "type": "seen" })).await;
    assert_eq!(by_header.next().await["code"], "bad_frame");
}
