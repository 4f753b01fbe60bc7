//! Conversations of two.

use serde_json::json;

use super::{Person, cluster, path};
use crate::harness::{Client, Cluster, RedisCluster};
use crate::registration::SETTINGS;

async fn is_one_for_both_users(cluster: Cluster) {
    let nodes = &cluster.nodes;
    for round in 0..5 {
        let one = Person::register(&nodes[0], &format!("Rahim {round}")).await;
        let other = Person::register(&nodes[1], &format!("Mita {round}")).await;
        let (first, second) =
            tokio::join!(one.converses(&nodes[0], &other), other.converses(&nodes[1], &one));
        assert_eq!(first, second);
        assert!(first.starts_with('@'), "{first}");
        assert_eq!(one.converses(&nodes[1], &other).await, first);
        let (mut here, mut there) = (one.session(&nodes[0]).await, other.session(&nodes[1]).await);
        here.join(&first).await;
        there.join(&first).await;
        here.posts(&first, "hello").await;
        there.receives("hello").await;
    }
}

#[tokio::test]
async fn a_conversation_is_one_although_both_ask_at_once_on_two_nodes() {
    let Some(cluster) = cluster(2).await else { return };
    is_one_for_both_users(cluster).await;
}

#[tokio::test]
async fn a_conversation_is_one_in_a_redis_cluster() {
    let Some(redis) = RedisCluster::start().await else { return };
    let urls = vec![redis.url(); 2];
    let settings = [&SETTINGS[..], &[("redis.prefix", "adda:")]].concat();
    is_one_for_both_users(Cluster::reaching(redis, &urls, &settings).await).await;
}

#[tokio::test]
async fn a_conversation_stays_one_of_its_two_users() {
    let Some(cluster) = cluster(1).await else { return };
    let node = &cluster.nodes[0];
    let (one, other) = (Person::register(node, "Rahim").await, Person::register(node, "Mita").await);
    let third = Person::register(node, "Karim").await;
    let room = one.converses(node, &other).await;
    let details = path(&["rooms", &room]);
    let add = path(&["rooms", &room, "members", &third.user_id]);
    let leave = path(&["rooms", &room, "members", &one.user_id]);
    let title = Some(json!({ "title": "x" }));
    for (method, path, body) in [
        ("PATCH", &details, title),
        ("DELETE", &details, None),
        ("PUT", &add, None),
        ("DELETE", &leave, None),
    ] {
        assert_eq!(one.asks(node, method, path, body).await.error(403), "forbidden", "{method} {path}");
    }
    let himself = Some(json!({ "user_id": one.user_id }));
    assert_eq!(one.asks(node, "POST", "/api/conversations", himself).await.error(400), "bad_request");
    for unknown in ["nobody", "x y"] {
        let body = Some(json!({ "user_id": unknown }));
        let reply = one.asks(node, "POST", "/api/conversations", body).await;
        assert!([400, 404].contains(&reply.status), "{reply:?}");
    }
}

#[tokio::test]
async fn guests_that_may_whisper_are_known_while_they_have_a_token() {
    let settings =
        [&SETTINGS[..], &[("redis.prefix", "adda:"), ("auth.guests_may_whisper", "true")]].concat();
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    let person = Person::register(&cluster.nodes[0], "Rahim").await;
    let mut guest = Client::full(&cluster.nodes[1], "Mita").await;
    guest.join("general").await;
    let body = Some(json!({ "user_id": guest.user_id }));
    let made = person.does(&cluster.nodes[0], "POST", "/api/conversations", body, 200).await.json();
    assert_eq!(made["with"]["username"], "Mita");
    let room = made["id"].as_str().expect("an id");
    person.posts(&cluster.nodes[0], room, "hello").await;
    let told = guest.expect("inbox").await;
    assert_eq!((&told["room_id"], &told["preview"]), (&json!(room), &json!("hello")));
    guest.join(room).await;
}
