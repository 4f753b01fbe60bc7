//! Sessions with the subprotocol `adda.v1`, frame by frame.

use serde_json::json;

use crate::harness::http::text;
use crate::harness::{Client, Cluster, Dial, Node, RawSocket};

#[tokio::test]
async fn a_full_session_is_welcomed_with_all_it_needs_to_know() {
    let node = Node::memory().await;
    let mut rahim = Dial::full(node.port, "/ws?username=রহিম").open().await;
    let welcome = rahim.welcomed().await;
    for id in ["connection_id", "user_id", "node_id"] {
        assert!(uuid::Uuid::parse_str(&text(&welcome[id])).is_ok(), "{id} in {welcome}");
    }
    assert_eq!((&welcome["username"], &welcome["role"]), (&json!("রহিম"), &json!("guest")));
    assert_eq!(welcome["heartbeat_s"], 25);
    assert_eq!(welcome["limits"]["content_chars"], 4000);
    assert!(!text(&welcome["token"]).is_empty());
}

#[tokio::test]
async fn the_server_names_the_subprotocol_that_it_speaks() {
    let node = Node::memory().await;
    let mut offered =
        Dial::plain(node.port, "/ws").header("sec-websocket-protocol", "chat, adda.v1").open().await;
    offered.welcomed().await;
    // RawSocket offers an unknown subprotocol and continues without one.
    let mut unknown = RawSocket::upgraded(node.port, "/ws", Some("mqtt")).await;
    let (_, payload) = unknown.read_frame().await.unwrap();
    assert!(String::from_utf8(payload).unwrap().contains(r#""type":"join""#));
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join_with(json!({ "room_id": "general", "colour": { "deep": [1, 2, 3] } })).await;
    rahim.send(json!({ "type": "ping", "sent_at": 12 })).await;
    rahim.expect("pong").await;
}

#[tokio::test]
async fn joined_lists_the_members_and_the_head_of_the_log() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let alone = rahim.join("general").await;
    assert_eq!(
        (&alone["client_count"], &alone["seq"], &alone["messages"]),
        (&json!(1), &json!(0), &json!([]))
    );
    let ack = rahim.posts("general", "one").await;
    assert_eq!(ack["epoch"], alone["epoch"], "the first message has the epoch of the joined frame");

    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    let joined = karim.join("general").await;
    assert_eq!(joined["client_count"], 2);
    assert_eq!((&joined["epoch"], &joined["seq"]), (&ack["epoch"], &json!(1)));
    assert_eq!(joined["messages"][0]["content"], "one");
    let mut members: Vec<_> = joined["members"].as_array().unwrap().iter().map(ToString::to_string).collect();
    members.sort();
    let mut expected: Vec<_> = [&rahim, &karim]
        .map(|who| json!({ "id": who.connection_id, "user_id": who.user_id, "username": who.username }))
        .iter()
        .map(ToString::to_string)
        .collect();
    expected.sort();
    assert_eq!(members, expected);

    let notice = rahim.sees_join("করিম").await;
    assert_eq!(notice["user_id"], karim.user_id);
    karim.leave("general").await;
    rahim.sees_leave("করিম").await;
}

#[tokio::test]
async fn an_ack_has_the_position_of_the_message() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    rahim.join("general").await;
    karim.join("general").await;
    let ack = rahim.post("general", "হ্যালো", "n-1").await;
    let received = karim.expect("text").await;
    assert_eq!(
        (&ack["type"], &ack["nonce"], &ack["duplicate"]),
        (&json!("ack"), &json!("n-1"), &json!(false))
    );
    assert_eq!(
        (&ack["room_id"], &ack["id"], &ack["seq"]),
        (&json!("general"), &received["id"], &received["seq"])
    );
    assert_eq!(ack["timestamp"], received["timestamp"]);
    assert_eq!(rahim.receives("হ্যালো").await, received, "the author receives the same as all others");
}

#[tokio::test]
async fn a_message_without_a_nonce_is_acknowledged_too() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    rahim.send(json!({ "type": "text", "room_id": "general", "content": "x" })).await;
    assert_eq!(rahim.expect("ack").await["seq"], 1);
}

#[tokio::test]
async fn a_nonce_is_posted_once_over_nodes_and_reconnects() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let mut witness = Client::full(&cluster.nodes[1], "witness").await;
    witness.join("general").await;
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    let first = rahim.post("general", "once", "n-1").await;
    let again = rahim.post("general", "once", "n-1").await;
    let mut back = Client::returning(&cluster.nodes[1], &rahim.token).await;
    drop(rahim);
    back.join("general").await;
    let elsewhere = back.post("general", "once", "n-1").await;
    for duplicate in [again, elsewhere] {
        assert_eq!(duplicate["duplicate"], true, "{duplicate}");
        for key in ["id", "epoch", "seq", "timestamp", "room_id", "nonce"] {
            assert_eq!(duplicate[key], first[key], "{key}");
        }
    }
    let other = back.post("general", "quite another", "n-1").await;
    assert_eq!(
        (&other["type"], &other["code"], &other["nonce"]),
        (&json!("error"), &json!("nonce_reused"), &json!("n-1"))
    );
    // Another room, another user: other messages.
    back.join("other").await;
    assert_eq!(back.post("other", "once", "n-1").await["duplicate"], false);
    assert_eq!(witness.post("general", "mine", "n-1").await["duplicate"], false);
    assert_eq!(
        witness.texts(2).await.iter().map(|text| &text["content"]).collect::<Vec<_>>(),
        ["once", "mine"]
    );
}

#[tokio::test]
async fn one_session_may_be_in_many_rooms() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    let mut karim = Client::full(&node, "করিম").await;
    for room in ["one", "two", "three"] {
        rahim.join(room).await;
    }
    karim.join("two").await;
    karim.join("three").await;
    karim.posts("two", "in two").await;
    karim.posts("three", "in three").await;
    assert_eq!(rahim.receives("in two").await["room_id"], "two");
    rahim.leave("three").await;
    karim.sees_leave("রহিম").await;
    karim.posts("three", "after leaving").await;
    karim.posts("two", "still in two").await;
    rahim.receives("still in two").await;
    assert!(rahim.untaken("text").iter().all(|text| text["content"] != "after leaving"));
}

#[tokio::test]
async fn a_room_in_the_query_is_joined_at_once() {
    let node = Node::memory().await;
    let mut rahim = Dial::full(node.port, "/ws?room=general&username=রহিম").open().await;
    rahim.welcomed().await;
    assert_eq!(rahim.expect("joined").await["room_id"], "general");
    rahim.posts("general", "here").await;
    let mut nowhere = Client::full(&node, "nowhere").await;
    nowhere.catch_up().await;
    assert!(nowhere.untaken("joined").is_empty(), "no room is joined that was not asked for");
}

#[tokio::test]
async fn joining_twice_counts_once_and_delivers_once() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    rahim.send(json!({ "type": "join", "room_id": "general" })).await;
    rahim.catch_up().await;
    assert_eq!(node.http().connections("general").await, [rahim.connection_id.clone()]);
    rahim.posts("general", "once").await;
    rahim.receives("once").await;
    rahim.catch_up().await;
    assert!(rahim.untaken("text").is_empty());
    rahim.leave("general").await;
    assert!(node.http().connections("general").await.is_empty());
}

#[tokio::test]
async fn ping_is_answered_with_pong() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.send(json!({ "type": "ping" })).await;
    assert_eq!(rahim.next().await["type"], "pong");
}

#[tokio::test]
async fn names_are_compared_in_their_normal_form() {
    let node = Node::memory().await;
    let mut composed = Client::full(&node, "one").await;
    let mut decomposed = Client::full(&node, "two").await;
    composed.join("caf\u{e9}").await;
    decomposed.send(json!({ "type": "join", "room_id": " cafe\u{301} " })).await;
    let joined = decomposed.expect("joined").await;
    assert_eq!((&joined["room_id"], &joined["client_count"]), (&json!("caf\u{e9}"), &json!(2)));
}
