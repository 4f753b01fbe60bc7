//! Notifications and schedules over REST.

use adda::model::Role;
use serde_json::{Value, json};

use super::{Admin, SETTINGS, asks, cluster, ids, token, unseen};
use crate::harness::Cluster;
use crate::harness::http::text;

#[tokio::test]
async fn only_admins_notify_and_schedule() {
    let Some(cluster) = cluster(1).await else { return };
    let (node, moderator) = (&cluster.nodes[0], token("মিতা", Role::Moderator));
    let words = json!({ "to": "all", "content": "x", "every_s": 1 });
    for (method, path) in [
        ("POST", "/api/notifications"),
        ("DELETE", "/api/notifications/a"),
        ("POST", "/api/schedules"),
        ("GET", "/api/schedules"),
        ("DELETE", "/api/schedules/a"),
    ] {
        let body = (method == "POST").then(|| words.clone());
        assert_eq!(asks(&moderator, node, method, path, body.clone()).await.error(403), "forbidden");
        let call = node.http().call(method, path);
        let reply = if body.is_some() { call.json(&words).send().await } else { call.send().await };
        assert_eq!(reply.error(401), "auth_required");
    }
    assert_eq!(node.http().get("/api/me/notifications").await.error(401), "auth_required");
}

#[tokio::test]
async fn words_and_times_have_rules() {
    let Some(cluster) = cluster(1).await else { return };
    let (node, admin) = (&cluster.nodes[0], Admin::new());
    let refused = async |path: &str, body: Value, code: &str| {
        let reply = admin.asks(node, "POST", path, Some(body.clone())).await;
        let status = if code == "content_too_long" { 413 } else { 400 };
        assert_eq!(reply.error(status), code, "{body}");
    };
    let long = "x".repeat(4001);
    for (change, code) in [
        (json!({ "content": " " }), "bad_content"),
        (json!({ "content": "a\u{0}" }), "bad_content"),
        (json!({ "content": long }), "content_too_long"),
        (json!({ "title": "a\nb" }), "bad_request"),
        (json!({ "title": "x".repeat(201) }), "bad_request"),
        (json!({ "to": "a b" }), "bad_request"),
        (json!({ "ttl_s": 0 }), "bad_request"),
        (json!({ "ttl_s": 31 * 24 * 3600 }), "bad_request"),
    ] {
        let mut body = json!({ "to": "all", "content": "x" });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        refused("/api/notifications", body, code).await;
    }
    for (change, code) in [
        (json!({ "every_s": 0 }), "bad_request"),
        (json!({ "every_s": 31_622_401 }), "bad_request"),
        (json!({ "every_s": 1, "at": "2999-01-01T00:00:00Z" }), "bad_request"),
        (json!({}), "bad_request"),
        (json!({ "at": "2020-01-01T00:00:00Z" }), "bad_request"),
        (json!({ "at": "tomorrow" }), "bad_request"),
        (json!({ "every_s": 1, "content": "" }), "bad_content"),
        (
            json!({ "every_s": 1, "to": { "room_id": "general" }, "title": "x", "content": "x".repeat(3999) }),
            "content_too_long",
        ),
        (json!({ "every_s": 1, "to": "somebody" }), "bad_request"),
        (json!({ "every_s": 1, "to": { "room_id": "" } }), "bad_room_name"),
    ] {
        let mut body = json!({ "to": "all", "content": "x" });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        refused("/api/schedules", body, code).await;
    }
}

#[tokio::test]
async fn a_cluster_has_a_bounded_number_of_schedules() {
    let settings = [&SETTINGS[..], &[("notifications.schedules", "2")]].concat();
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    let (admin, nodes) = (Admin::new(), &cluster.nodes);
    let schedule = json!({ "to": "all", "content": "x", "every_s": 31_622_400 });
    let first = admin.schedules(&nodes[0], schedule.clone()).await;
    admin.schedules(&nodes[1], schedule.clone()).await;
    for node in nodes {
        let refused = admin.asks(node, "POST", "/api/schedules", Some(schedule.clone())).await;
        assert_eq!(refused.error(400), "bad_request");
    }
    admin.asks(&nodes[1], "DELETE", &format!("/api/schedules/{first}"), None).await;
    admin.schedules(&nodes[0], schedule).await;
}

#[tokio::test]
async fn a_user_lists_and_sees_its_notifications_over_rest() {
    let Some(cluster) = cluster(2).await else { return };
    let (admin, nodes) = (Admin::new(), &cluster.nodes);
    let (rahim, mita) = (token("rahim", Role::Member), token("mita", Role::Member));
    let own = admin.notifies(&nodes[0], "rahim", "own").await;
    let to_all = admin.notifies(&nodes[1], "all", "all").await;
    for node in nodes {
        assert_eq!(ids(&unseen(&rahim, node).await), [to_all.clone(), own.clone()], "the newest first");
        assert_eq!(ids(&unseen(&mita, node).await), std::slice::from_ref(&to_all));
    }
    let sees = async |token: &str, node: usize, id: &str| {
        let path = format!("/api/me/notifications/{id}/seen");
        asks(token, &nodes[node], "POST", &path, None).await.status
    };
    assert_eq!(sees(&mita, 0, &own).await, 404, "it is another user's");
    for id in [&own, &to_all] {
        assert_eq!((sees(&rahim, 0, id).await, sees(&rahim, 1, id).await), (204, 204));
    }
    assert_eq!(sees(&rahim, 1, "no-such-notification").await, 404);
    assert!(unseen(&rahim, &nodes[1]).await.is_empty());
    admin.takes_back(&nodes[0], &to_all).await;
    assert!(unseen(&mita, &nodes[1]).await.is_empty());
    let again = admin.asks(&nodes[0], "DELETE", &format!("/api/notifications/{to_all}"), None).await;
    assert_eq!(again.error(404), "not_found");
}

#[tokio::test]
async fn notifications_and_schedules_are_in_the_record() {
    let Some(cluster) = cluster(1).await else { return };
    let (admin, node) = (Admin::new(), &cluster.nodes[0]);
    let sent = admin.notifies(node, "rahim", "x").await;
    admin.takes_back(node, &sent).await;
    let room = json!({ "to": { "room_id": "general" }, "content": "x", "every_s": 3600 });
    let schedule = admin.schedules(node, room).await;
    let listed = admin.asks(node, "GET", "/api/schedules", None).await.json();
    let listed = &listed["data"][0];
    assert_eq!((text(&listed["id"]), &listed["every_s"]), (schedule.clone(), &json!(3600)));
    assert_eq!((&listed["to"], &listed["content"]), (&json!({ "room_id": "general" }), &json!("x")));
    assert!(listed["next"].is_string(), "{listed}");
    let path = format!("/api/schedules/{schedule}");
    assert_eq!(admin.asks(node, "DELETE", &path, None).await.status, 204);
    assert_eq!(admin.asks(node, "DELETE", &path, None).await.error(404), "not_found");
    let audit = admin.asks(node, "GET", "/api/audit", None).await.json();
    let acts: Vec<_> = audit["data"].as_array().unwrap().iter().rev().collect();
    let named = |act: &&&Value| act["failed"] != json!(true);
    let named: Vec<_> =
        acts.iter().filter(named).map(|act| (text(&act["action"]), text(&act["object_id"]))).collect();
    let expected = [
        ("notify", &sent),
        ("take_back_notification", &sent),
        ("schedule", &schedule),
        ("remove_schedule", &schedule),
        ("remove_schedule", &schedule),
    ];
    assert_eq!(named, expected.map(|(action, id)| (action.to_owned(), id.clone())));
    assert_eq!((&acts[0]["user_id"], &acts[2]["room_id"]), (&json!("rahim"), &json!("general")));
}

#[tokio::test]
async fn nobody_has_the_name_of_the_author_of_scheduled_messages() {
    let Some(cluster) = cluster(1).await else { return };
    let node = &cluster.nodes[0];
    let forged = token("adda", Role::Member);
    assert_eq!(asks(&forged, node, "GET", "/api/me", None).await.error(401), "bad_token");
    let mut guest = crate::harness::Client::full(node, "Adda").await;
    guest.send(json!({ "type": "join", "room_id": "general" })).await;
    assert_eq!(guest.next_of(&["error", "joined"]).await["code"], "username_taken");
}
