//! Reports in private rooms reach their owners, and are to strangers as those of rooms that never were.

use adda::model::Role;
use serde_json::{Value, json};

use super::elsewhere::{SECRET, operator};
use super::{Person, cluster, cluster_with, path};

#[tokio::test]
async fn the_owner_of_a_private_room_gets_the_reports_of_its_members() {
    let Some(cluster) = cluster(2).await else { return };
    let nodes = &cluster.nodes;
    let owner = Person::register(&nodes[0], "Rahim").await;
    let member = Person::register(&nodes[0], "Mita").await;
    let other = Person::register(&nodes[0], "Karim").await;
    let room = owner.makes_room(&nodes[0], "one").await;
    for person in [&member, &other] {
        owner.adds(&nodes[0], &room, person).await;
    }
    let mut session = owner.session(&nodes[1]).await;
    let mut bystander = other.session(&nodes[1]).await;
    let seq = other.posts(&nodes[0], &room, "rude words").await;
    let owners = owner.posts(&nodes[0], &room, "the owner's").await;
    let list = path(&["rooms", &room, "reports"]);
    let body = json!({ "seq": seq, "reason": "rude" });
    let id = member.does(&nodes[0], "POST", &list, Some(body), 202).await.json()["id"].clone();
    session.expect("reports_changed").await;
    let about_owner = json!({ "seq": owners, "reason": "rude, too" });
    let hidden = member.does(&nodes[1], "POST", &list, Some(about_owner), 202).await.json()["id"].clone();
    for node in nodes {
        let listed = owner.does(node, "GET", &list, None, 200).await.json();
        let data = listed["data"].as_array().expect("a list");
        assert_eq!(data.len(), 1, "no report about the owner itself: {data:?}");
        assert_eq!((&data[0]["id"], &data[0]["message"]["content"]), (&id, &json!("rude words")));
        assert_eq!(data[0]["by"], Value::Null, "the owner does not learn who reports");
        for person in [&member, &other] {
            assert_eq!(person.asks(node, "GET", &list, None).await.error(403), "forbidden");
        }
        assert_eq!(owner.asks(node, "GET", "/api/reports", None).await.error(403), "forbidden");
    }
    let settle = |id: &Value| path(&["reports", id.as_str().expect("an id")]);
    assert_eq!(other.asks(&nodes[0], "DELETE", &settle(&id), None).await.error(403), "forbidden");
    assert_eq!(owner.asks(&nodes[0], "DELETE", &settle(&hidden), None).await.error(403), "forbidden");
    owner.does(&nodes[1], "DELETE", &settle(&id), None, 204).await;
    assert_eq!(owner.does(&nodes[0], "GET", &list, None, 200).await.json()["data"], json!([]));
    bystander.catch_up().await;
    assert_eq!(bystander.untaken("reports_changed"), Vec::<Value>::new());
}

#[tokio::test]
async fn a_report_shows_strangers_no_other_message_of_the_room() {
    let Some(cluster) = cluster_with(1, &[("auth.secret", SECRET)]).await else { return };
    let node = &cluster.nodes[0];
    let owner = Person::register(node, "Rahim").await;
    let member = Person::register(node, "Mita").await;
    let moderator = operator(Role::Moderator);
    let room = owner.makes_room(node, "one").await;
    owner.adds(node, &room, &member).await;
    let secret = owner.posts(node, &room, "a secret").await;
    let reply = json!({ "content": "rude words", "reply_to": secret });
    let messages = path(&["rooms", &room, "messages"]);
    let seq = member.does(node, "POST", &messages, Some(reply), 201).await.json()["seq"].clone();
    let reaction = path(&["rooms", &room, "messages", &seq.to_string(), "reactions", "👍"]);
    owner.does(node, "PUT", &reaction, None, 200).await;
    let list = path(&["rooms", &room, "reports"]);
    owner.does(node, "POST", &list, Some(json!({ "seq": seq, "reason": "rude" })), 202).await;
    let shown = |listed: Value| listed["data"][0]["message"].clone();
    let message = shown(moderator.does(node, "GET", "/api/reports", None, 200).await.json());
    assert_eq!(message["content"], "rude words");
    assert_eq!((&message["reply_to"], &message["reactions"]), (&json!({ "seq": secret }), &Value::Null));
    // A reader of the room sees what it sees there.
    let message = shown(owner.does(node, "GET", &list, None, 200).await.json());
    assert_eq!(message["reply_to"]["content"], "a secret");
    assert_eq!(message["reactions"]["👍"]["users"], json!([owner.user_id]));
}
