//! Making private rooms, their members, titles and ends.

use serde_json::json;

use super::{Person, cluster, path};
use crate::harness::{Client, DEADLINE, Dial, eventually};

#[tokio::test]
async fn members_talk_in_a_private_room_on_any_node() {
    let Some(cluster) = cluster(3).await else { return };
    let nodes = &cluster.nodes;
    let (owner, member) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[1], "Mita").await);
    let room = owner.makes_room(&nodes[0], "চা 🍵").await;
    assert!(room.starts_with('!'), "{room}");
    owner.adds(&nodes[1], &room, &member).await;
    let (mut one, mut other) = (owner.session(&nodes[0]).await, member.session(&nodes[2]).await);
    one.join(&room).await;
    other.join(&room).await;
    one.posts(&room, "hello").await;
    other.receives("hello").await;
    member.posts(&nodes[1], &room, "over REST").await;
    one.receives("over REST").await;
    let bearer = format!("Bearer {}", member.token);
    let address = format!("/ws?room={}", crate::harness::http::encode(&room));
    let mut plain = Dial::plain(nodes[0].port, address).header("authorization", &bearer).open().await;
    plain.receives("over REST").await;

    let details = member.does(&nodes[2], "GET", &path(&["rooms", &room]), None, 200).await.json();
    let details = &details["data"];
    assert_eq!((&details["title"], &details["owner"]), (&json!("চা 🍵"), &json!(owner.user_id)));
    let membership = path(&["rooms", &room, "membership"]);
    let listed = member.does(&nodes[0], "GET", &membership, None, 200).await.json();
    let mut expected = vec![
        json!({ "user_id": owner.user_id, "username": "Rahim", "role": "owner" }),
        json!({ "user_id": member.user_id, "username": "Mita", "role": "member" }),
    ];
    expected.sort_by_key(|one| one["user_id"].to_string());
    assert_eq!(listed["data"], json!(expected));
}

#[tokio::test]
async fn the_owner_decides_about_a_room_and_members_may_leave() {
    let Some(cluster) = cluster(2).await else { return };
    let nodes = &cluster.nodes;
    let (owner, member) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
    let third = Person::register(&nodes[0], "Karim").await;
    let room = owner.makes_room(&nodes[0], "one").await;
    owner.adds(&nodes[0], &room, &member).await;
    let (details, body) = (path(&["rooms", &room]), Some(json!({ "title": "two", "topic": "tea" })));
    let invite = path(&["rooms", &room, "members", &third.user_id]);
    for (method, path, body) in
        [("PATCH", &details, &body), ("DELETE", &details, &None), ("PUT", &invite, &None)]
    {
        let refused = member.asks(&nodes[1], method, path, body.clone()).await;
        assert_eq!(refused.error(403), "forbidden", "{method} {path}");
    }
    let described = owner.does(&nodes[1], "PATCH", &details, body, 200).await.json();
    assert_eq!((&described["title"], &described["topic"]), (&json!("two"), &json!("tea")));
    for body in [json!({ "title": " " }), json!({ "title": "x".repeat(65) }), json!({ "topic": "a\nb" })] {
        assert_eq!(owner.asks(&nodes[1], "PATCH", &details, Some(body)).await.error(400), "bad_request");
    }
    let unknown = path(&["rooms", &room, "members", "nobody"]);
    assert_eq!(owner.asks(&nodes[1], "PUT", &unknown, None).await.error(404), "not_found");
    let own = path(&["rooms", &room, "members", &owner.user_id]);
    assert_eq!(owner.asks(&nodes[1], "DELETE", &own, None).await.error(403), "forbidden");
    member.removes(&nodes[1], &room, &member).await;
    assert_eq!(member.asks(&nodes[0], "GET", &details, None).await.error(404), "room_not_found");
    assert!(member.rooms(&nodes[0]).await.is_empty());
}

#[tokio::test]
async fn the_owner_keeps_order_in_its_room() {
    let Some(cluster) = cluster(2).await else { return };
    let nodes = &cluster.nodes;
    let (owner, member) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
    let room = owner.makes_room(&nodes[0], "one").await;
    owner.adds(&nodes[0], &room, &member).await;
    let mut session = member.session(&nodes[1]).await;
    let mut own = owner.session(&nodes[1]).await;
    session.join(&room).await;
    own.join(&room).await;
    owner.does(&nodes[0], "PUT", &path(&["rooms", &room, "lock"]), None, 204).await;
    eventually("the room is locked", DEADLINE, async || {
        let answer = session.post(&room, "x", &uuid::Uuid::new_v4().to_string()).await;
        (answer["code"] == "room_locked").then_some(())
    })
    .await;
    own.posts(&room, "the owner may speak").await;
    owner.posts(&nodes[0], &room, "over REST as well").await;
    let kick = Some(json!({ "user_id": member.user_id }));
    owner.does(&nodes[0], "POST", &path(&["rooms", &room, "kick"]), kick, 204).await;
    assert_eq!(session.expect("left").await["reason"], "kicked");
    session.join(&room).await;
    let refused = member.asks(&nodes[0], "PUT", &path(&["rooms", &room, "lock"]), None).await;
    assert_eq!(refused.error(403), "forbidden");
}

#[tokio::test]
async fn a_deleted_room_is_gone_for_its_members_and_its_messages_are_too() {
    let Some(cluster) = cluster(2).await else { return };
    let nodes = &cluster.nodes;
    let (owner, member) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
    let room = owner.makes_room(&nodes[0], "one").await;
    owner.adds(&nodes[0], &room, &member).await;
    owner.posts(&nodes[0], &room, "a secret").await;
    let mut session = member.session(&nodes[1]).await;
    session.join(&room).await;
    owner.does(&nodes[0], "DELETE", &path(&["rooms", &room]), None, 204).await;
    let left = session.expect("left").await;
    assert_eq!((&left["room_id"], &left["reason"]), (&json!(room), &json!("removed")));
    session.expect("my_rooms_changed").await;
    for person in [&owner, &member] {
        assert!(person.rooms(&nodes[1]).await.is_empty());
        let page = person.asks(&nodes[1], "GET", &path(&["rooms", &room, "messages"]), None).await;
        assert_eq!(page.error(404), "room_not_found");
    }
    let stored = cluster.redis.command(&["EXISTS", &format!("adda:{{{room}}}:log")]).await;
    assert_eq!(stored, redis::Value::Int(0));
}

#[tokio::test]
async fn the_list_of_a_users_rooms_has_public_rooms_until_they_are_left() {
    let Some(cluster) = cluster(2).await else { return };
    let nodes = &cluster.nodes;
    let (owner, other) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
    let room = owner.makes_room(&nodes[0], "one").await;
    let conversation = owner.converses(&nodes[1], &other).await;
    let mut session = owner.session(&nodes[0]).await;
    session.join("general").await;
    session.join("other").await;
    session.join(&room).await;
    let with = json!({ "user_id": other.user_id, "username": "Mita" });
    let expected = [
        json!({ "id": room, "title": "one", "owner": owner.user_id }),
        json!({ "id": conversation, "with": with }),
        json!({ "id": "general" }),
        json!({ "id": "other" }),
    ];
    let rooms = async || {
        let mut rooms = owner.rooms(&nodes[1]).await;
        for room in rooms.iter_mut().filter_map(serde_json::Value::as_object_mut) {
            for counted in ["seq", "read_seq", "unread", "mentions", "last"] {
                room.remove(counted).expect("it is there");
            }
        }
        rooms
    };
    assert_eq!(rooms().await, expected, "without messages they are in the order of their names");
    session.leave("other").await;
    session.leave(&room).await;
    assert_eq!(rooms().await, expected[..3], "a member stays one");
    // A guest has no list.
    let mut guest = Client::full(&nodes[0], "x").await;
    guest.join("general").await;
    let bearer = format!("Bearer {}", guest.token);
    let listed = nodes[0].http().call("GET", "/api/me/rooms").header("authorization", &bearer).send().await;
    assert_eq!(listed.json()["data"], json!([]));
}

#[tokio::test]
async fn an_entry_of_the_list_without_a_membership_is_removed_by_reading() {
    let Some(cluster) = cluster(1).await else { return };
    let node = &cluster.nodes[0];
    let person = Person::register(node, "Rahim").await;
    let key = format!("adda:{{user:{}}}:rooms", person.user_id);
    let room = format!("!{}", "0".repeat(32));
    // As of a crash an hour ago, between the entry and the record.
    cluster.redis.command(&["HSET", &key, &room, "1795334400000"]).await;
    assert!(person.rooms(node).await.is_empty());
    assert_eq!(cluster.redis.command(&["EXISTS", &key]).await, redis::Value::Int(0));
}

#[tokio::test]
async fn guests_have_no_private_rooms_unless_they_may_whisper() {
    let Some(cluster) = cluster(1).await else { return };
    let node = &cluster.nodes[0];
    let person = Person::register(node, "Rahim").await;
    let guest = Client::full(node, "x").await;
    let bearer = format!("Bearer {}", guest.token);
    let make = node.http().call("POST", "/api/rooms").header("authorization", &bearer);
    assert_eq!(make.json(&json!({ "title": "x" })).send().await.error(403), "forbidden");
    let body = Some(json!({ "user_id": guest.user_id }));
    assert_eq!(person.asks(node, "POST", "/api/conversations", body).await.error(404), "not_found");
    let nobody = node.http().call("POST", "/api/rooms").json(&json!({ "title": "x" })).send().await;
    assert_eq!(nobody.error(401), "auth_required");
}
