//! Reports in private rooms reach their owners, and are to strangers as those of rooms that never were.

use serde_json::{Value, json};

use super::{Person, cluster, path};

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
