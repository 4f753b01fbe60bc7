//! Two clusters on two databases of one Redis are isolated, with the same prefix and the same rooms.

use crate::harness::redis::RedisServer;
use crate::harness::{Client, Launch, Node};

async fn node(redis: &RedisServer, database: u8) -> Node {
    Launch::new().redis(&format!("{}/{database}", redis.url())).start().await
}

/// Asserts that a client received no notice of that name, and no counts but these.
fn was_told_nothing_of(client: &mut Client, username: &str, counts: &[u64]) {
    for frame in client.take_all() {
        assert_ne!(frame["username"], username, "{frame}");
        if let Some(count) = frame["client_count"].as_u64() {
            assert!(counts.contains(&count), "{frame}");
        }
    }
}

#[tokio::test]
async fn clusters_on_two_databases_of_one_redis_are_isolated() {
    let Some(redis) = RedisServer::start().await else { return };
    let [production, staging] = [node(&redis, 0).await, node(&redis, 1).await];
    let mut rahim = Client::full(&production, "রহিম").await;
    rahim.join("general").await;
    let mut tester = Client::full(&staging, "tester").await;
    assert_eq!(tester.join("general").await["client_count"], 1);
    let typing = serde_json::json!({ "type": "typing", "room_id": "general" });
    tester.send(typing.clone()).await;
    tester.posts("general", "a test").await;
    tester.leave("general").await;

    // Redis delivers publications in order, so these follow all of the other cluster's.
    let mut mita = Client::full(&production, "মিতা").await;
    assert_eq!(mita.join("general").await["client_count"], 2);
    assert_eq!(mita.posts("general", "hello").await["seq"], 1);
    rahim.receives("hello").await;
    mita.send(typing).await;
    rahim.expect("typing").await;
    was_told_nothing_of(&mut rahim, "tester", &[2]);

    tester.join("general").await;
    mita.leave("general").await;
    rahim.sees_leave("মিতা").await;
    tester.posts("general", "another test").await;
    tester.receives("another test").await;
    was_told_nothing_of(&mut tester, "মিতা", &[1]);
    assert_eq!(staging.http().rooms().await, [("general".to_owned(), 1)]);
}
