//! Messages and users are reported over REST, and moderators learn of it on every node.

use adda::model::Role;
use serde_json::{Value, json};

use super::{Moderator, cluster, path};
use crate::harness::{Client, Node, Reply};

async fn asks(node: &Node, client: &Client, method: &str, path: &str, body: Option<Value>) -> Reply {
    let call = node.http().call(method, path).header("authorization", &format!("Bearer {}", client.token));
    match body {
        Some(body) => call.json(&body).send().await,
        None => call.send().await,
    }
}

async fn reports(node: &Node, client: &Client, body: Value) -> String {
    let reply = asks(node, client, "POST", "/api/rooms/general/reports", Some(body)).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    reply.json()["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_report_reaches_moderators_that_are_there_and_those_that_come_later() {
    let Some(mut cluster) = cluster(2).await else { return };
    let moderator = Moderator::of(&cluster, Role::Moderator).await;
    let mut online = Client::returning(&cluster.nodes[1], &moderator.token).await;
    let mut rahim = Client::full(&cluster.nodes[0], "Rahim").await;
    let mut karim = Client::full(&cluster.nodes[1], "Karim").await;
    rahim.join("general").await;
    karim.join("general").await;
    let seq = rahim.posts("general", "buy this").await["seq"].clone();
    let about = json!({ "seq": seq, "reason": "  স্প্যাম " });
    let id = reports(&cluster.nodes[1], &karim, about.clone()).await;
    online.expect("reports_changed").await;
    // The same once more is answered the same, and is no other record.
    assert_eq!(reports(&cluster.nodes[0], &karim, about).await, id);
    let user =
        reports(&cluster.nodes[0], &karim, json!({ "user_id": rahim.user_id, "reason": "rude" })).await;
    cluster.nodes[0].restart().await;
    for node in &cluster.nodes {
        let listed = moderator.reads(node, "/api/reports").await;
        let data = listed["data"].as_array().expect("a list");
        assert_eq!(data.iter().map(|one| one["id"].clone()).collect::<Vec<_>>(), [json!(user), json!(id)]);
        assert_eq!(data[1]["by"], json!({ "user_id": karim.user_id, "username": "Karim" }));
        assert_eq!((&data[1]["user_id"], &data[1]["username"]), (&json!(rahim.user_id), &json!("Rahim")));
        assert_eq!((&data[1]["seq"], &data[1]["reason"]), (&seq, &json!("স্প্যাম")));
        assert_eq!(data[1]["message"]["content"], "buy this");
        assert_eq!((&data[0]["seq"], &data[0]["message"]), (&Value::Null, &Value::Null));
        let page = moderator.reads(node, "/api/reports?limit=1").await;
        let rest = format!("/api/reports?before={}", page["next"].as_str().expect("there is more"));
        assert_eq!(moderator.reads(node, &rest).await["data"][0]["id"], json!(id));
    }
    // A message that is deleted shows no content.
    let message = path(&["rooms", "general", "messages", &seq.to_string()]);
    assert_eq!(moderator.asks(&cluster.nodes[1], "DELETE", &message, None).await.status, 200);
    let listed = moderator.reads(&cluster.nodes[1], "/api/reports").await;
    let message = &listed["data"][1]["message"];
    assert_eq!((&message["content"], &message["deleted"]), (&json!(""), &json!(true)));
    let settle = path(&["reports", &id]);
    assert_eq!(moderator.asks(&cluster.nodes[0], "DELETE", &settle, None).await.status, 204);
    online.expect("reports_changed").await;
    assert_eq!(moderator.asks(&cluster.nodes[1], "DELETE", &settle, None).await.error(404), "not_found");
    let audit = moderator.reads(&cluster.nodes[1], "/api/audit?limit=1").await;
    let act = &audit["data"][0];
    assert_eq!(
        (&act["action"], &act["object_id"], &act["user_id"], &act["room_id"]),
        (&json!("settle_report"), &json!(id), &json!(rahim.user_id), &json!("general"))
    );
    karim.catch_up().await;
    assert_eq!(karim.untaken("reports_changed"), Vec::<Value>::new(), "only moderators are told");
}

#[tokio::test]
async fn a_report_that_is_none_is_refused_and_only_moderators_read_them() {
    let Some(cluster) = cluster(1).await else { return };
    let node = &cluster.nodes[0];
    let moderator = Moderator::of(&cluster, Role::Moderator).await;
    let mut karim = Client::full(node, "Karim").await;
    karim.join("general").await;
    let mut present = Client::returning(node, &moderator.token).await;
    present.join("general").await;
    let own = karim.posts("general", "mine").await["seq"].clone();
    let post = "/api/rooms/general/reports";
    for (body, status, code) in [
        (json!({ "reason": "x" }), 400, "bad_request"),
        (json!({ "seq": 1, "user_id": moderator.user_id, "reason": "x" }), 400, "bad_request"),
        (json!({ "user_id": moderator.user_id, "reason": " " }), 400, "bad_request"),
        (json!({ "user_id": moderator.user_id, "reason": "x".repeat(501) }), 400, "bad_request"),
        (json!({ "user_id": karim.user_id, "reason": "x" }), 400, "bad_request"),
        (json!({ "seq": own, "reason": "x" }), 400, "bad_request"),
        (json!({ "seq": 99, "reason": "x" }), 404, "message_not_found"),
        (json!({ "seq": 0, "reason": "x" }), 404, "message_not_found"),
        (json!({ "user_id": "nobody-knows-it", "reason": "x" }), 404, "not_found"),
    ] {
        assert_eq!(asks(node, &karim, "POST", post, Some(body.clone())).await.error(status), code, "{body}");
    }
    let body = json!({ "user_id": moderator.user_id, "reason": "x" });
    assert_eq!(node.http().call("POST", post).json(&body).send().await.error(401), "auth_required");
    let id = reports(node, &karim, body).await;
    for (method, path) in [
        ("GET", "/api/reports".to_owned()),
        ("GET", post.to_owned()),
        ("DELETE", path(&["reports", &id])),
        ("DELETE", path(&["reports", "1-1"])),
    ] {
        assert_eq!(asks(node, &karim, method, &path, None).await.error(403), "forbidden", "{path}");
    }
    // Nobody is shown a report about itself, or settles it.
    assert_eq!(moderator.reads(node, "/api/reports").await["data"], json!([]));
    assert_eq!(moderator.asks(node, "DELETE", &path(&["reports", &id]), None).await.error(403), "forbidden");
    let admin = Moderator::of(&cluster, Role::Admin).await;
    assert_eq!(admin.reads(node, post).await["data"][0]["id"], json!(id));
    // Guests of one address share how often they may report.
    let mut refused = None;
    for number in 0..20 {
        let body = json!({ "user_id": format!("user-{number}"), "reason": "x" });
        let reply = asks(node, &karim, "POST", post, Some(body)).await;
        if reply.status == 429 {
            refused = Some(reply);
            break;
        }
    }
    assert_eq!(refused.expect("a limit").error(429), "too_fast");
}
