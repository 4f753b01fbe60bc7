//! The places up to which users have read, over WebSocket and REST and on every node.

use serde_json::{Value, json};

use super::secrecy::unused;
use super::{Person, cluster, path};
use crate::harness::redis::RedisServer;
use crate::harness::{Client, Cluster, Node};
use crate::registration::SETTINGS;

/// A room of the list of a user's rooms.
async fn listed(person: &Person, node: &Node, room: &str) -> Value {
    let rooms = person.rooms(node).await;
    rooms.into_iter().find(|one| one["id"] == room).expect("the room is on the list")
}

async fn reads(session: &mut Client, room: &str, seq: u64) {
    session.send(json!({ "type": "read", "room_id": room, "seq": seq })).await;
}

fn told(room: &str, seq: u64) -> Value {
    json!({ "type": "read", "room_id": room, "seq": seq })
}

#[tokio::test]
async fn a_cursor_is_the_same_on_every_node_and_all_sessions_of_its_user_are_told() {
    let Some(cluster) = cluster(3).await else { return };
    let nodes = &cluster.nodes;
    let (rahim, mita) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
    let mut sessions = Vec::new();
    for node in nodes {
        sessions.push(rahim.session(node).await);
    }
    let mut other = mita.session(&nodes[1]).await;
    mita.posts(&nodes[2], "general", "before it came").await;
    assert_eq!(sessions[0].join("general").await["read_seq"], 1, "it begins where it came");
    for content in ["one", "two", "three"] {
        mita.posts(&nodes[0], "general", content).await;
    }
    for node in nodes {
        let room = listed(&rahim, node, "general").await;
        assert_eq!((&room["seq"], &room["read_seq"], &room["unread"]), (&json!(4), &json!(1), &json!(3)));
        assert_eq!((&room["last"]["username"], &room["last"]["preview"]), (&json!("Mita"), &json!("three")));
    }
    reads(&mut sessions[0], "general", 3).await;
    for session in &mut sessions {
        assert_eq!(session.expect("read").await, told("general", 3));
    }
    for node in nodes {
        assert_eq!(listed(&rahim, node, "general").await["unread"], 1);
    }
    // Backwards, and as far as it is: nobody is told. The next one, beyond the end, shows that.
    reads(&mut sessions[1], "general", 2).await;
    reads(&mut sessions[1], "general", 3).await;
    rahim
        .does(&nodes[2], "PUT", &path(&["me", "rooms", "general", "read"]), Some(json!({ "seq": 99 })), 204)
        .await;
    for session in &mut sessions {
        assert_eq!(session.expect("read").await, told("general", 4));
        session.catch_up().await;
        assert_eq!(session.untaken("read"), Vec::<Value>::new());
    }
    other.catch_up().await;
    assert_eq!(other.untaken("read"), Vec::<Value>::new(), "it is no other user's business");
    let mut late = rahim.session(&nodes[1]).await;
    assert_eq!(late.join("general").await["read_seq"], 4);
}

#[tokio::test]
async fn a_list_of_rooms_counts_messages_and_mentions_and_begins_with_the_newest() {
    let Some(cluster) = cluster(2).await else { return };
    let nodes = &cluster.nodes;
    let (rahim, mita) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
    let private = mita.makes_room(&nodes[0], "one").await;
    mita.posts(&nodes[0], &private, "before").await;
    mita.adds(&nodes[0], &private, &rahim).await;
    let conversation = mita.converses(&nodes[1], &rahim).await;
    mita.posts(&nodes[1], &conversation, &"হ্যালো".repeat(100)).await;
    let body = json!({ "content": "you", "mentions": [rahim.user_id] });
    let room = path(&["rooms", &private, "messages"]);
    let mentioned = mita.does(&nodes[0], "POST", &room, Some(body), 201).await.json();
    for node in nodes {
        let rooms = rahim.rooms(node).await;
        assert_eq!((&rooms[0]["id"], &rooms[1]["id"]), (&json!(private), &json!(conversation)));
        let counts = |room: &Value| (room["unread"].as_u64(), room["mentions"].as_u64());
        assert_eq!(counts(&rooms[0]), (Some(1), Some(1)), "what was said before it came is read");
        assert_eq!(counts(&rooms[1]), (Some(1), Some(0)), "of a conversation nothing is");
        assert_eq!(rooms[1]["last"]["preview"].as_str().map(|preview| preview.chars().count()), Some(140));
    }
    let message = path(&["rooms", &private, "messages", &mentioned["seq"].to_string()]);
    mita.does(&nodes[1], "DELETE", &message, None, 200).await;
    let room = listed(&rahim, &nodes[0], &private).await;
    assert_eq!(
        (&room["unread"], &room["mentions"], &room["last"]["preview"]),
        (&json!(0), &json!(0), &json!("before"))
    );
}

#[tokio::test]
async fn members_outside_of_a_room_are_told_that_a_message_is_deleted() {
    let Some(cluster) = cluster(2).await else { return };
    let nodes = &cluster.nodes;
    let (rahim, mita) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
    let private = mita.makes_room(&nodes[0], "one").await;
    mita.adds(&nodes[0], &private, &rahim).await;
    for room in [private, mita.converses(&nodes[1], &rahim).await] {
        let seq = mita.posts(&nodes[0], &room, "too much said").await.to_string();
        assert_eq!(listed(&rahim, &nodes[1], &room).await["last"]["preview"], "too much said");
        let mut outside = rahim.session(&nodes[1]).await;
        outside.catch_up().await;
        outside.take_all();
        mita.does(&nodes[0], "DELETE", &path(&["rooms", &room, "messages", &seq]), None, 200).await;
        outside.expect("my_rooms_changed").await;
        let room = listed(&rahim, &nodes[1], &room).await;
        assert_eq!((&room["unread"], &room["last"]), (&json!(0), &Value::Null));
    }
}

#[tokio::test]
async fn a_user_has_no_cursor_in_a_room_that_it_may_not_read() {
    let Some(cluster) = cluster(1).await else { return };
    let node = &cluster.nodes[0];
    let (rahim, mita) = (Person::register(node, "Rahim").await, Person::register(node, "Mita").await);
    let room = mita.makes_room(node, "one").await;
    mita.posts(node, &room, "a secret").await;
    let never = unused(&room);
    let mut refusals = Vec::new();
    for room in [&room, &never] {
        let reply =
            rahim.asks(node, "PUT", &path(&["me", "rooms", room, "read"]), Some(json!({ "seq": 1 }))).await;
        refusals.push((reply.status, reply.json()));
    }
    assert_eq!(refusals[0], refusals[1]);
    assert_eq!(refusals[0].1["code"], "room_not_found");
    let mut session = rahim.session(node).await;
    reads(&mut session, &room, 1).await;
    assert_eq!(session.expect("error").await["code"], "room_not_found");
    // A guest has one once it says what it has read, and none before.
    let mut guest = Client::full(node, "Guest").await;
    mita.posts(node, "general", "hello").await;
    assert_eq!(guest.join("general").await["read_seq"], Value::Null);
    reads(&mut guest, "general", 1).await;
    assert_eq!(guest.expect("read").await, told("general", 1));
    guest.leave("general").await;
    assert_eq!(guest.join("general").await["read_seq"], 1);
    let mut back = Client::returning(node, &guest.token).await;
    assert_eq!(back.join("general").await["read_seq"], 1);
}

#[tokio::test]
async fn a_cursor_of_another_epoch_is_as_far_as_the_log_agrees_with_it() {
    let Some(redis) = RedisServer::with(&["--appendonly", "yes", "--appendfsync", "always"]).await else {
        return;
    };
    let (url, settings) = (redis.url(), [&SETTINGS[..], &[("redis.prefix", "adda:")]].concat());
    let mut cluster = Cluster::reaching(redis, &[url], &settings).await;
    let node = &mut cluster.nodes[0];
    let (rahim, mita) = (Person::register(node, "Rahim").await, Person::register(node, "Mita").await);
    let room = rahim.makes_room(node, "tea").await;
    rahim.adds(node, &room, &mita).await;
    for _ in 0..3 {
        mita.posts(node, &room, "before").await;
    }
    let key = format!("adda:{{{room}}}:cursors");
    let read = path(&["me", "rooms", &room, "read"]);
    rahim.does(node, "PUT", &read, Some(json!({ "seq": 2 })), 204).await;
    let stored = cluster.redis.command(&["HGET", &key, &rahim.user_id]).await;
    let stored: String = redis::from_redis_value(stored).expect("a cursor");
    let (epoch, rest) = stored.split_once(' ').expect("an epoch");
    assert_eq!(rest, "2 u");
    // Another run of Redis begins another epoch, at 3.
    cluster.redis.kill();
    cluster.redis.restart().await;
    cluster.nodes[0].until_ready().await;
    let node = &cluster.nodes[0];
    for _ in 0..2 {
        crate::harness::eventually("a post is accepted", crate::harness::LONG_DEADLINE, async || {
            let body = Some(json!({ "content": "after" }));
            let posted = mita.asks(node, "POST", &path(&["rooms", &room, "messages"]), body).await;
            (posted.status == 201).then_some(())
        })
        .await;
    }
    for (cursor, place, unread, what) in [
        (format!("{epoch} 2 u"), 2, 3, "of the epoch before"),
        (format!("{epoch} 9 u"), 3, 2, "above the end of its epoch"),
        // The epoch that ended was short, so that it counts for those of which nothing is known.
        ("nowhere 1 u".to_owned(), 0, 5, "of an epoch that nobody knows"),
        ("nowhere 9 u".to_owned(), 0, 5, "of an epoch that nobody knows"),
    ] {
        cluster.redis.command(&["HSET", &key, &rahim.user_id, &cursor]).await;
        let listed = listed(&rahim, node, &room).await;
        let told = (&listed["seq"], &listed["read_seq"], &listed["unread"]);
        assert_eq!(told, (&json!(5), &json!(place), &json!(unread)), "{what}");
    }
    rahim.does(node, "PUT", &read, Some(json!({ "seq": 4 })), 204).await;
    let listed = listed(&rahim, node, &room).await;
    assert_eq!((&listed["read_seq"], &listed["unread"]), (&json!(4), &json!(1)), "it moves on from there");
}
