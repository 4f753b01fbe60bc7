//! The name of an account against guests and tokens of the operator: nobody else may have it, nor one that looks like it.

use adda::chat::{Identity, Source, sign_token};
use adda::model::{Author, Role, UserId, Username};
use serde_json::json;

use crate::harness::{Client, Cluster, DEADLINE, Dial, Node, eventually};
use crate::registration::{SETTINGS, register, send};

const PASSWORD: &str = "correct horse battery";

async fn post_as(node: &Node, username: &str) -> crate::harness::Reply {
    let body = json!({ "content": "hello", "username": username });
    node.http().call("POST", "/api/rooms/general/messages").json(&body).send().await
}

/// Waits until a node refuses a guest of this name, which it asks for over REST.
async fn until_taken(node: &Node, username: &str) {
    eventually("the name is taken", DEADLINE, async || {
        (post_as(node, username).await.status == 409).then_some(())
    })
    .await;
}

async fn no_guest_has_the_name(node: &Node) {
    for name in ["Rahim", "RAHIM", "Rаhim", "ｒａｈｉｍ"] {
        assert_eq!(post_as(node, name).await.error(409), "username_taken", "{name}");
        let mut full = Dial::full(node.port, format!("/ws?username={}", crate::harness::http::encode(name)))
            .open()
            .await;
        full.welcomed().await;
        full.send(json!({ "type": "join", "room_id": "general" })).await;
        assert_eq!(full.expect("error").await["code"], "username_taken", "{name}");
    }
    let mut plain = Dial::plain(node.port, "/ws?username=Rahim&room=general").open().await;
    assert_eq!(plain.closed().await, 4400);
    assert_eq!(post_as(node, "Rahima").await.status, 201);
    Client::full(node, "Rahima").await.join("general").await;
}

#[tokio::test]
async fn no_guest_has_the_name_of_an_account() {
    let Some(cluster) = Cluster::with(3, &SETTINGS).await else { return };
    assert_eq!(
        post_as(&cluster.nodes[2], "Rahim").await.status,
        201,
        "it is free, and the node keeps that answer"
    );
    assert_eq!(register(&cluster.nodes[0], "Rahim", PASSWORD).await.status, 201);
    for node in &cluster.nodes {
        until_taken(node, "Rahim").await;
        no_guest_has_the_name(node).await;
    }
}

#[tokio::test]
async fn no_guest_has_the_name_of_an_account_of_a_node_without_redis() {
    let node = Node::with(&SETTINGS).await;
    register(&node, "Rahim", PASSWORD).await;
    no_guest_has_the_name(&node).await;
}

#[tokio::test]
async fn a_guest_who_has_the_name_when_it_is_registered_is_closed_and_the_account_goes_on() {
    let Some(cluster) = Cluster::with(2, &SETTINGS).await else { return };
    let mut guest = Client::full(&cluster.nodes[1], "Rahim").await;
    let mut other = Client::full(&cluster.nodes[1], "Mita").await;
    let mut idle = Client::full(&cluster.nodes[1], "RAHIM").await;
    guest.join("general").await;
    other.join("general").await;
    let made = register(&cluster.nodes[0], "Rahim", PASSWORD).await.json();
    let mut account = Client::returning(&cluster.nodes[1], made["token"].as_str().unwrap()).await;
    account.join("general").await;
    assert_eq!(guest.closed().await, 4401);
    account.posts("general", "still here").await;
    // A client that gives the name and proves it later.
    let path = "/ws?username=Rahim";
    let mut proving = Dial::full(cluster.nodes[0].port, path).open().await;
    proving.welcomed().await;
    proving.send(json!({ "type": "auth", "token": made["token"] })).await;
    proving.expect("auth_success").await;
    proving.join("general").await;
    other.posts("general", "here, too").await;
    // A session in no room is asked when it enters one.
    idle.send(json!({ "type": "join", "room_id": "general" })).await;
    assert_eq!(idle.expect("error").await["code"], "username_taken");
    // Nor does the token of the guest help.
    let mut back = Dial::full(cluster.nodes[0].port, "/ws").open().await;
    back.welcomed().await;
    back.send(json!({ "type": "auth", "token": guest.token })).await;
    assert_eq!(back.expect("error").await["code"], "username_taken");
}

/// The commands that Redis has carried out since the last call and that look for the owners of names.
async fn questions(cluster: &Cluster) -> usize {
    let log = format!("{:?}", cluster.redis.command(&["SLOWLOG", "GET", "-1"]).await);
    cluster.redis.command(&["SLOWLOG", "RESET"]).await;
    log.split("HMGET")
        .skip(1)
        .filter(|rest| rest.chars().take(80).collect::<String>().contains(":names"))
        .count()
}

#[tokio::test]
async fn messages_ask_for_no_names_and_neither_do_sessions_while_no_account_exists() {
    let Some(cluster) = Cluster::with(1, &SETTINGS).await else { return };
    let node = &cluster.nodes[0];
    cluster.redis.command(&["CONFIG", "SET", "slowlog-max-len", "100000"]).await;
    cluster.redis.command(&["CONFIG", "SET", "slowlog-log-slower-than", "0"]).await;
    // Until the node has asked whether there are accounts.
    eventually("a session asks nothing", DEADLINE, async || {
        questions(&cluster).await;
        Client::full(node, "first").await;
        (questions(&cluster).await == 0).then_some(())
    })
    .await;
    for number in 0..5 {
        let mut guest = Client::full(node, &format!("guest {number}")).await;
        guest.join("general").await;
        guest.posts("general", "hello").await;
    }
    assert_eq!(questions(&cluster).await, 0);

    register(node, "Rahim", PASSWORD).await;
    questions(&cluster).await;
    let mut guests = Vec::new();
    for _ in 0..3 {
        let mut guest = Client::full(node, "Mita").await;
        guest.join("general").await;
        guest.join("other").await;
        guests.push(guest);
    }
    assert_eq!(questions(&cluster).await, 1, "one question for three sessions of a name");
    for guest in &mut guests {
        for _ in 0..5 {
            guest.posts("general", "hello").await;
        }
    }
    assert_eq!(questions(&cluster).await, 0);
}

#[tokio::test]
async fn a_token_of_the_operator_gives_nobody_the_name_of_an_account() {
    let secret = "a secret of these tests alone, long enough";
    let node = Node::with(&[&SETTINGS[..], &[("auth.secret", secret)]].concat()).await;
    let made = register(&node, "Rahim", PASSWORD).await.json();
    let named = |name| {
        let user_id = UserId::parse("bob").expect("a user id");
        let author = Author { user_id, username: Username::from_trusted(name) };
        let bob = Identity { role: Role::Member, source: Source::Account, ..Identity::guest_with(author) };
        sign_token(secret, &bob, DEADLINE * 60).token
    };
    let mut session = Dial::full(node.port, "/ws").open().await;
    session.welcomed().await;
    session.send(json!({ "type": "auth", "token": named("Rahim") })).await;
    assert_eq!(session.expect("error").await["code"], "username_taken");
    for (path, body) in [
        ("/api/rooms/general/messages", json!({ "content": "hello" })),
        ("/api/rooms", json!({ "title": "one" })),
        ("/api/conversations", json!({ "user_id": made["user_id"] })),
    ] {
        let asked = send(&node, "POST", path, Some(&named("Rahim")), body).await;
        assert_eq!(asked.error(409), "username_taken", "{path}");
    }
    for token in [&named("Bob"), made["token"].as_str().unwrap()] {
        Client::returning(&node, token).await.join("general").await;
        let asked = send(&node, "POST", "/api/rooms", Some(token), json!({ "title": "one" })).await;
        assert_eq!(asked.status, 201);
    }
}
