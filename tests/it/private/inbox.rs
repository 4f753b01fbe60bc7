//! Messages that reach users outside of their rooms.

use serde_json::{Value, json};

use super::{Person, cluster};
use crate::harness::raw::{first_byte::TEXT, masked};
use crate::harness::{Client, Node, RawSocket};

/// The `inbox` frames that a session has got by now, oldest first.
async fn told(session: &mut Client) -> Vec<Value> {
    session.catch_up().await;
    session.untaken("inbox")
}

async fn mentions(session: &mut Client, room: &str, content: &str, users: &[&str]) -> Value {
    let nonce = uuid::Uuid::new_v4().to_string();
    let frame =
        json!({ "type": "text", "room_id": room, "content": content, "nonce": nonce, "mentions": users });
    session.send(frame).await;
    session.expect_that("an ack", |frame| frame["type"] == "ack" && frame["nonce"] == nonce.as_str()).await
}

#[tokio::test]
async fn a_message_of_a_conversation_reaches_each_session_that_is_not_in_it_once() {
    let Some(cluster) = cluster(3).await else { return };
    let nodes = &cluster.nodes;
    let (one, other) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
    let third = Person::register(&nodes[0], "Karim").await;
    let room = one.converses(&nodes[0], &other).await;
    let mut inside = other.session(&nodes[1]).await;
    inside.join(&room).await;
    let mut outside: Vec<Client> = Vec::new();
    for (person, node) in [(&other, &nodes[1]), (&other, &nodes[2]), (&one, &nodes[2])] {
        outside.push(person.session(node).await);
    }
    let mut stranger = third.session(&nodes[1]).await;
    let mut author = one.session(&nodes[0]).await;
    author.join(&room).await;
    let content = "হ্যালো".repeat(100);
    let ack = author.posts(&room, &content).await;
    let preview: String = content.chars().take(140).collect();
    let expected = json!({
        "type": "inbox", "room_id": room, "seq": ack["seq"], "preview": preview, "mention": false,
        "from": { "user_id": one.user_id, "username": "Rahim" },
    });
    for session in &mut outside {
        assert_eq!(session.expect("inbox").await, expected);
    }
    inside.receives(&content).await;
    // A second message shows that the first has come to all.
    author.posts(&room, "the last").await;
    for session in &mut outside {
        assert_eq!(session.expect("inbox").await["preview"], "the last");
        assert_eq!(told(session).await, Vec::<Value>::new());
    }
    for session in [&mut inside, &mut stranger, &mut author] {
        assert_eq!(told(session).await, Vec::<Value>::new(), "{session}");
    }
    // A session that leaves the room is told from then on.
    inside.leave(&room).await;
    other.posts(&nodes[0], &room, "over REST").await;
    assert_eq!(inside.expect("inbox").await["preview"], "over REST");
}

#[tokio::test]
async fn a_mention_reaches_the_sessions_of_its_user_that_are_not_in_the_room() {
    let Some(cluster) = cluster(2).await else { return };
    let nodes = &cluster.nodes;
    let mut author = Client::full(&nodes[0], "Rahim").await;
    let session = async |node: &Node| Client::full(node, "Mita").await;
    let (mut inside, mut other) = (session(&nodes[1]).await, session(&nodes[1]).await);
    let mut outside = Client::returning(&nodes[0], &inside.token).await;
    author.join("general").await;
    inside.join("general").await;
    // So that its channel is followed.
    other.join("elsewhere").await;
    let (user, third) = (inside.user_id.clone(), other.user_id.clone());
    mentions(&mut author, "general", "hello", &[&user, &user]).await;
    let told_of = outside.expect("inbox").await;
    assert_eq!((&told_of["room_id"], &told_of["mention"]), (&json!("general"), &json!(true)));
    mentions(&mut author, "general", "the last", &[&user, &third]).await;
    assert_eq!(outside.expect("inbox").await["preview"], "the last");
    assert_eq!(other.expect("inbox").await["preview"], "the last");
    inside.receives("the last").await;
    for session in [&mut outside, &mut inside, &mut other, &mut author] {
        assert_eq!(told(session).await, Vec::<Value>::new(), "{session}");
    }
}

#[tokio::test]
async fn a_mention_in_a_private_room_reaches_members_alone() {
    let Some(cluster) = cluster(2).await else { return };
    let nodes = &cluster.nodes;
    let (owner, member) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
    let stranger = Person::register(&nodes[0], "Karim").await;
    let room = owner.makes_room(&nodes[0], "one").await;
    owner.adds(&nodes[0], &room, &member).await;
    let mut author = owner.session(&nodes[0]).await;
    author.join(&room).await;
    let (mut one, mut other) = (member.session(&nodes[1]).await, stranger.session(&nodes[1]).await);
    mentions(&mut author, &room, "a secret", &[&member.user_id, &stranger.user_id]).await;
    assert_eq!(one.expect("inbox").await["mention"], true);
    // A mention in a public room, which comes after it, shows that nothing came before.
    author.join("general").await;
    mentions(&mut author, "general", "in public", &[&stranger.user_id]).await;
    assert_eq!(other.expect("inbox").await["preview"], "in public");
}

/// The author writes the message and breaks the rules in one go, so its session ends before the receipt is there.
#[tokio::test]
async fn a_message_reaches_the_members_elsewhere_though_its_author_is_lost() {
    let Some(cluster) = cluster(2).await else { return };
    let nodes = &cluster.nodes;
    let (one, other) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
    let room = one.converses(&nodes[0], &other).await;
    let mut outside = other.session(&nodes[1]).await;
    let mut author = RawSocket::upgraded(nodes[0].port, "/ws", Some("adda.v1")).await;
    for frame in [json!({ "type": "auth", "token": one.token }), json!({ "type": "join", "room_id": room })] {
        author.frame(TEXT, frame.to_string().as_bytes()).await;
    }
    while let Some((_, payload)) = author.read_frame().await {
        if payload.starts_with(br#"{"type":"joined""#) {
            break;
        }
    }
    let text = json!({ "type": "text", "room_id": room, "content": "hello", "nonce": "n" });
    let reserved_opcode = 0x83;
    let both = [masked(TEXT, text.to_string().as_bytes()), masked(reserved_opcode, b"")].concat();
    assert!(author.write(&both).await);
    assert_eq!(author.close_code().await, Some(1002));
    assert_eq!(outside.expect("inbox").await["preview"], "hello");
}

/// An author that never got the receipt sends the message again. Nobody may have been told the first time.
#[tokio::test]
async fn a_message_that_is_sent_again_is_told_as_it_is_now() {
    let Some(cluster) = cluster(2).await else { return };
    let nodes = &cluster.nodes;
    let (one, other) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
    let room = one.converses(&nodes[0], &other).await;
    let mut outside = other.session(&nodes[1]).await;
    let mut author = one.session(&nodes[0]).await;
    author.join(&room).await;
    let text = json!({ "type": "text", "room_id": room, "content": "hello", "nonce": "n" });
    author.send(text.clone()).await;
    let seq = author.expect("ack").await["seq"].clone();
    let first = outside.expect("inbox").await;
    assert_eq!((&first["seq"], &first["preview"]), (&seq, &json!("hello")));
    let edit = json!({ "type": "edit", "room_id": room, "ref": seq, "content": "good day", "nonce": "e" });
    let delete = json!({ "type": "delete", "room_id": room, "ref": seq, "nonce": "d" });
    author.send(edit).await;
    author.expect("ack").await;
    author.send(text.clone()).await;
    assert_eq!(author.expect("ack").await["seq"], seq);
    let again = outside.expect("inbox").await;
    assert_eq!((&again["seq"], &again["preview"]), (&seq, &json!("good day")));
    author.send(delete).await;
    author.expect("ack").await;
    author.send(text).await;
    author.expect("ack").await;
    // A further message shows that nothing came before it.
    author.posts(&room, "the last").await;
    assert_eq!(outside.expect("inbox").await["preview"], "the last");
    assert_eq!(told(&mut outside).await, Vec::<Value>::new());
}
