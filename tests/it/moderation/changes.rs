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
