//! The user of a session: guests, their tokens, and tokens on other nodes.

use serde_json::json;

use crate::harness::http::text;
use crate::harness::{Client, Cluster, Dial, Node};

#[tokio::test]
async fn a_token_makes_the_same_user_on_another_node() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut back = Client::returning(&cluster.nodes[1], &rahim.token).await;
    assert_eq!((&back.user_id, &back.username), (&rahim.user_id, &rahim.username));
    back.join("general").await;
    back.posts("general", "me again").await;
    let message = back.expect("text").await;
    assert_eq!((text(&message["user_id"]), text(&message["username"])), (rahim.user_id, "রহিম".to_owned()));
    // The token of the answer is valid as well.
    assert_eq!(Client::returning(&cluster.nodes[0], &back.token).await.user_id, back.user_id);
}

#[tokio::test]
async fn a_bearer_on_the_upgrade_equals_an_auth_frame() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let bearer = format!("Bearer {}", rahim.token);
    let mut full = Dial::full(cluster.nodes[1].port, "/ws").header("authorization", &bearer).open().await;
    full.welcomed().await;
    assert_eq!((&full.user_id, full.username.as_str()), (&rahim.user_id, "রহিম"));
    let mut plain = Dial::plain(cluster.nodes[1].port, "/ws").header("authorization", &bearer).open().await;
    assert_eq!(plain.expect("join").await["user_id"], rahim.user_id);
}

#[tokio::test]
async fn a_bad_token_leaves_the_guest_as_it_was() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    let mut tampered = rahim.token.clone().into_bytes();
    let place = tampered.len() - 5;
    tampered[place] = if tampered[place] == b'A' { b'B' } else { b'A' };
    let tampered = String::from_utf8(tampered).unwrap();
    let stranger = Node::memory().await;
    let foreign = Client::full(&stranger, "মিথ্যা").await.token;
    for token in ["", "x", "a.b.c", "..", "আড্ডা", &tampered, &foreign] {
        rahim.send(json!({ "type": "auth", "token": token })).await;
        assert_eq!(rahim.expect("error").await["code"], "bad_token", "{token:?}");
    }
    rahim.join("general").await;
    rahim.posts("general", "still me").await;
    assert_eq!(rahim.expect("text").await["user_id"], rahim.user_id);
}

#[tokio::test]
async fn a_bad_bearer_is_refused_and_leaves_a_guest() {
    let node = Node::memory().await;
    let mut guest =
        Dial::full(node.port, "/ws?username=রহিম").header("authorization", "Bearer x").open().await;
    let welcome = guest.next().await;
    assert_eq!(welcome["type"], "welcome", "the first frame of every full session");
    assert!(welcome["token"].is_string(), "the guest can come back");
    assert_eq!(guest.next().await["code"], "bad_token");
    guest.join("general").await;
    guest.posts("general", "hello").await;
}

#[tokio::test]
async fn a_user_can_not_change_after_the_first_join() {
    let node = Node::memory().await;
    let other = Client::full(&node, "other").await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    rahim.send(json!({ "type": "auth", "token": other.token })).await;
    assert_eq!(rahim.expect("error").await["code"], "already_joined");
    rahim.posts("general", "still me").await;
    assert_eq!(rahim.expect("text").await["user_id"], rahim.user_id);
}

#[tokio::test]
async fn every_guest_is_another_user() {
    let node = Node::memory().await;
    let one = Client::full(&node, "রহিম").await;
    let two = Client::full(&node, "রহিম").await;
    assert_ne!(one.user_id, two.user_id);
    assert_ne!(one.token, two.token);
}

#[tokio::test]
async fn tokens_survive_a_restart_of_every_node() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    for node in &mut cluster.nodes {
        node.kill();
    }
    for node in &mut cluster.nodes {
        node.restart().await;
    }
    assert_eq!(Client::returning(&cluster.nodes[1], &rahim.token).await.user_id, rahim.user_id);
}

#[tokio::test]
async fn a_configured_secret_makes_tokens_valid_across_nodes_that_share_nothing() {
    let secret = [("auth.secret", "76543210fedcba9876543210fedcba98")];
    let (one, two) = (Node::with(&secret).await, Node::with(&secret).await);
    let rahim = Client::full(&one, "রহিম").await;
    assert_eq!(Client::returning(&two, &rahim.token).await.user_id, rahim.user_id);
}
