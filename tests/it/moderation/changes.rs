//! Changes of messages by those who keep order, and by those who may not speak.

use serde_json::json;

use super::*;

#[tokio::test]
async fn moderators_delete_any_message_and_the_muted_their_own() {
    let Some(cluster) = cluster(2).await else { return };
    let moderator = Moderator::of(&cluster, Role::Moderator).await;
    let mut rahim = Client::full(&cluster.nodes[0], "rahim").await;
    rahim.join("general").await;
    rahim.posts("general", "first").await;
    rahim.posts("general", "second").await;
    let first = "/api/rooms/general/messages/1";
    let edited = moderator.asks(&cluster.nodes[1], "PUT", first, Some(json!({"content": "x"}))).await;
    assert_eq!(edited.error(403), "forbidden");
    assert_eq!(moderator.asks(&cluster.nodes[1], "DELETE", first, None).await.status, 200);
    assert_eq!(rahim.expect("delete").await["ref"], 1);
    let mute = path(&["rooms", "general", "mutes", &rahim.user_id]);
    moderator.changes(&cluster.nodes[1], "PUT", &mute, json!({"for_s": 600})).await;
    eventually("the mute is known", DEADLINE, async || {
        let answer = rahim.change("react", 2, json!({"emoji": "👍", "on": true})).await;
        rahim.change("react", 2, json!({"emoji": "👍", "on": false})).await;
        (answer["code"] == "muted").then_some(())
    })
    .await;
    assert_eq!(rahim.change("edit", 2, json!({"content": "x"})).await["code"], "muted");
    assert_eq!(rahim.change("delete", 2, json!({})).await["type"], "ack");
}

#[tokio::test]
async fn a_deletion_of_the_message_of_another_is_recorded() {
    let Some(cluster) = cluster(2).await else { return };
    let moderator = Moderator::of(&cluster, Role::Moderator).await;
    let mut rahim = Client::full(&cluster.nodes[0], "rahim").await;
    rahim.join("general").await;
    for content in ["first", "second", "third"] {
        rahim.posts("general", content).await;
    }
    let by_rest = "/api/rooms/general/messages/1";
    assert_eq!(moderator.asks(&cluster.nodes[1], "DELETE", by_rest, None).await.status, 200);
    assert_eq!(
        moderator.asks(&cluster.nodes[1], "DELETE", by_rest, None).await.error(404),
        "message_not_found"
    );
    let mut session = Client::returning(&cluster.nodes[1], &moderator.token).await;
    session.join("general").await;
    let own = session.posts("general", "its own").await["seq"].as_u64().unwrap();
    assert_eq!(session.change("delete", own, json!({})).await["type"], "ack");
    assert_eq!(rahim.change("delete", 3, json!({})).await["type"], "ack");
    // The deletion keeps its place although it is recorded first.
    session.send(json!({ "type": "delete", "room_id": "general", "ref": 2, "nonce": "d-1" })).await;
    session.send(json!({ "type": "text", "room_id": "general", "content": "x", "nonce": "t-1" })).await;
    let (deleted, posted) = (session.expect("ack").await, session.expect("ack").await);
    assert_eq!((&deleted["nonce"], &posted["nonce"]), (&json!("d-1"), &json!("t-1")));
    assert!(deleted["seq"].as_u64() < posted["seq"].as_u64(), "{deleted} {posted}");
    // A repetition is answered as the first, and is no further act.
    session.send(json!({ "type": "delete", "room_id": "general", "ref": 2, "nonce": "d-1" })).await;
    assert_eq!(session.expect("ack").await["seq"], deleted["seq"]);
    let audit = moderator.reads(&cluster.nodes[0], "/api/audit").await;
    let acts = audit["data"].as_array().unwrap();
    let told: Vec<_> = acts.iter().map(|act| (&act["action"], &act["room_id"], &act["seq"])).collect();
    let (action, room) = (json!("delete_message"), json!("general"));
    assert_eq!(told, [(&action, &room, &json!(2)), (&action, &room, &json!(1))]);
    for act in acts {
        assert_eq!((&act["user_id"], &act["failed"]), (&json!(rahim.user_id), &Value::Null));
        assert_eq!(act["by"]["user_id"], moderator.user_id.as_str());
    }
}

#[tokio::test]
async fn a_deletion_that_fails_is_recorded_as_failed() {
    let Some(cluster) = cluster(1).await else { return };
    let node = &cluster.nodes[0];
    let moderator = Moderator::of(&cluster, Role::Moderator).await;
    let mut rahim = Client::full(node, "rahim").await;
    rahim.join("general").await;
    rahim.posts("general", "first").await;
    let mut session = Client::returning(node, &moderator.token).await;
    session.join("general").await;
    assert_eq!(session.post("general", "x", "n-1").await["type"], "ack");
    session.send(json!({ "type": "delete", "room_id": "general", "ref": 1, "nonce": "n-1" })).await;
    assert_eq!(session.expect("error").await["code"], "nonce_reused");
    let audit = moderator.reads(node, "/api/audit").await;
    let told: Vec<_> =
        audit["data"].as_array().unwrap().iter().map(|act| (&act["seq"], &act["failed"])).collect();
    assert_eq!(told, [(&json!(1), &json!(true)), (&json!(1), &Value::Null)]);
}
