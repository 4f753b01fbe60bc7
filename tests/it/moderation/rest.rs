//! The rights of roles over REST, and the record of acts.

use adda::backend::StandingChange;
use adda::model::Role;
use serde_json::{Value, json};

use super::{Moderator, cluster, path};
use crate::harness::{Client, DEADLINE, Node, eventually};

/// A route, with the least role that may use it.
struct Route {
    method: &'static str,
    path: String,
    body: Value,
    least: Role,
}

/// All routes, about a user of no role.
fn routes(user_id: &str) -> Vec<Route> {
    let route = |method, parts: &[&str], body, least| Route { method, path: path(parts), body, least };
    vec![
        route("POST", &["rooms", "general", "kick"], json!({ "user_id": user_id }), Role::Moderator),
        route("GET", &["rooms", "general", "mutes"], Value::Null, Role::Moderator),
        route("PUT", &["rooms", "general", "mutes", user_id], json!({ "for_s": 60 }), Role::Moderator),
        route("DELETE", &["rooms", "general", "mutes", user_id], Value::Null, Role::Moderator),
        route("PUT", &["rooms", "general", "lock"], Value::Null, Role::Moderator),
        route("DELETE", &["rooms", "general", "lock"], Value::Null, Role::Moderator),
        route("GET", &["bans"], Value::Null, Role::Moderator),
        route("GET", &["audit"], Value::Null, Role::Moderator),
        route("GET", &["reports"], Value::Null, Role::Moderator),
        route("GET", &["rooms", "general", "reports"], Value::Null, Role::Moderator),
        route("PUT", &["bans", user_id], json!({ "reason": "spam" }), Role::Admin),
        route("DELETE", &["bans", user_id], Value::Null, Role::Admin),
        route("PUT", &["accounts", user_id, "role"], json!({ "role": "member" }), Role::Admin),
    ]
}

async fn ask(node: &Node, token: Option<&str>, route: &Route) -> crate::harness::Reply {
    let mut call = node.http().call(route.method, &route.path);
    if let Some(token) = token {
        call = call.header("authorization", &format!("Bearer {token}"));
    }
    if !route.body.is_null() {
        call = call.json(&route.body);
    }
    call.send().await
}

#[tokio::test]
async fn each_route_is_refused_without_its_role() {
    let Some(cluster) = cluster(1).await else { return };
    let node = &cluster.nodes[0];
    let target = Client::full(node, "রহিম").await;
    let guest = Client::full(node, "করিম").await;
    for route in routes(&target.user_id) {
        assert_eq!(ask(node, None, &route).await.error(401), "auth_required", "{}", route.path);
        assert_eq!(ask(node, Some("x"), &route).await.error(401), "bad_token", "{}", route.path);
        assert_eq!(ask(node, Some(&guest.token), &route).await.error(403), "forbidden", "{}", route.path);
    }
    for role in [Role::Member, Role::Moderator, Role::Admin] {
        let caller = Moderator::of(&cluster, role).await;
        for route in routes(&target.user_id) {
            let reply = ask(node, Some(&caller.token), &route).await;
            let what = format!("{role} {} {}", route.method, route.path);
            if role < route.least {
                assert_eq!(reply.error(403), "forbidden", "{what}");
            } else if route.path.ends_with("/role") {
                assert_eq!(reply.error(404), "not_found", "{what}: a guest has no account");
            } else {
                assert!(reply.status == 200 || reply.status == 204, "{what}: {reply:?}");
            }
        }
    }
}

#[tokio::test]
async fn nobody_acts_against_a_user_of_the_same_or_a_higher_role() {
    let Some(cluster) = cluster(1).await else { return };
    let node = &cluster.nodes[0];
    let moderator = Moderator::of(&cluster, Role::Moderator).await;
    let admin = Moderator::of(&cluster, Role::Admin).await;
    let other_admin = Moderator::of(&cluster, Role::Admin).await;
    for (by, target) in
        [(&moderator, &moderator), (&moderator, &admin), (&admin, &admin), (&admin, &other_admin)]
    {
        for route in routes(&target.user_id).into_iter().filter(|route| route.path.contains(&target.user_id))
        {
            if route.least <= by.role && !route.path.ends_with("/role") {
                assert_eq!(
                    ask(node, Some(&by.token), &route).await.error(403),
                    "forbidden",
                    "{}",
                    route.path
                );
            }
        }
        let kick = &routes(&target.user_id)[0];
        assert_eq!(ask(node, Some(&by.token), kick).await.error(403), "forbidden");
    }
    let mute = path(&["rooms", "general", "mutes", &moderator.user_id]);
    admin.changes(node, "PUT", &mute, json!({ "for_s": 60 })).await;
}

#[tokio::test]
async fn bad_requests_are_refused_and_leave_no_record() {
    let Some(cluster) = cluster(1).await else { return };
    let (node, admin) = (&cluster.nodes[0], Moderator::of(&cluster, Role::Admin).await);
    let put = |parts: &[&str], body| Route { method: "PUT", path: path(parts), body, least: Role::Admin };
    for route in [
        put(&["rooms", "general", "mutes", "rahim"], json!({ "for_s": 0 })),
        put(&["rooms", "general", "mutes", "rahim"], json!({ "for_s": 1e12 as u64 })),
        put(&["rooms", "general", "mutes", "rahim"], json!({ "for_s": -1 })),
        put(&["rooms", "general", "mutes", "rahim"], json!({})),
        put(&["rooms", "general", "mutes", &"x".repeat(65)], json!({ "for_s": 1 })),
        put(&["rooms", "general", "mutes", "a b"], json!({ "for_s": 1 })),
        put(&["bans", "rahim"], json!({ "for_s": 0 })),
        put(&["bans", "rahim"], json!({ "for_s": u64::MAX })),
        put(&["bans", "rahim"], json!({ "reason": "x".repeat(201) })),
        put(&["bans", "rahim"], json!({ "reason": "two\nlines" })),
        put(&["accounts", "rahim", "role"], json!({ "role": "owner" })),
        put(&["accounts", "rahim", "role"], json!({ "role": "guest" })),
    ] {
        let reply = ask(node, Some(&admin.token), &route).await;
        assert_eq!(reply.error(400), "bad_request", "{} {}", route.path, route.body);
    }
    for query in ["?limit=0", "?before=x", "?before=1", "?limit=x"] {
        let route = Route {
            method: "GET",
            path: format!("/api/audit{query}"),
            body: Value::Null,
            least: Role::Admin,
        };
        assert_eq!(ask(node, Some(&admin.token), &route).await.error(400), "bad_request", "{query}");
    }
    assert_eq!(admin.reads(node, "/api/audit").await["data"], json!([]));
}

#[tokio::test]
async fn a_ban_needs_no_body() {
    let Some(cluster) = cluster(1).await else { return };
    let (node, admin) = (&cluster.nodes[0], Moderator::of(&cluster, Role::Admin).await);
    let ban = Route { method: "PUT", path: path(&["bans", "rahim"]), body: Value::Null, least: Role::Admin };
    let reply = ask(node, Some(&admin.token), &ban).await;
    assert_eq!(reply.status, 204, "{reply:?}");
    let bans = admin.reads(node, "/api/bans").await["data"].clone();
    assert_eq!(
        (&bans[0]["user_id"], bans[0].get("until"), bans[0].get("reason")),
        (&json!("rahim"), None, None)
    );
    let bearer = format!("Bearer {}", admin.token);
    let call = node.http().call("PUT", &ban.path).header("authorization", &bearer);
    let no_json = call.header("content-type", "text/plain").body("{}").send().await;
    assert_eq!(no_json.error(400), "bad_request", "a body that is there must be JSON");
    let description = node.http().get("/api/openapi.json").await.json();
    let body = &description["paths"]["/api/bans/{user}"]["put"]["requestBody"];
    assert_eq!(body["required"], false, "{body}");
}

#[tokio::test]
async fn acts_are_recorded_and_bans_are_listed_newest_first() {
    let Some(cluster) = cluster(2).await else { return };
    let (node, other) = (&cluster.nodes[0], &cluster.nodes[1]);
    let admin = Moderator::of(&cluster, Role::Admin).await;
    let [rahim, karim] = [Client::full(node, "রহিম").await, Client::full(node, "করিম").await];
    let room = ["rooms", "আড্ডা"];
    let at = |more: &[&str]| path(&[&room[..], more].concat());
    admin.changes(node, "PUT", &at(&["mutes", &rahim.user_id]), json!({ "for_s": 60 })).await;
    admin.changes(other, "PUT", &at(&["lock"]), json!({})).await;
    admin.changes(node, "DELETE", &at(&["lock"]), json!({})).await;
    admin.changes(node, "POST", &at(&["kick"]), json!({ "user_id": rahim.user_id })).await;
    admin.changes(other, "PUT", &path(&["bans", &rahim.user_id]), json!({ "reason": "  spam " })).await;
    admin.changes(node, "PUT", &path(&["bans", &karim.user_id]), json!({ "for_s": 60 })).await;
    let bans = admin.reads(other, "/api/bans").await;
    let banned = |place: usize| bans["data"][place].clone();
    assert_eq!(
        (banned(0)["user_id"].clone(), banned(1)["user_id"].clone()),
        (json!(karim.user_id), json!(rahim.user_id))
    );
    assert_eq!((&banned(1)["reason"], &banned(1)["until"]), (&json!("spam"), &Value::Null));
    assert!(banned(0)["until"].is_string() && banned(0)["since"].is_string(), "{bans}");
    admin.changes(other, "DELETE", &path(&["bans", &rahim.user_id]), json!({})).await;
    let mut entries = Vec::new();
    let mut query = "?limit=3".to_owned();
    loop {
        let page = admin.reads(other, &format!("/api/audit{query}")).await;
        entries.extend(page["data"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=3&before={next}");
    }
    let told: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(told, ["unban", "ban", "ban", "kick", "unlock", "lock", "mute"]);
    let mute = &entries[6];
    assert_eq!(mute["by"]["user_id"], admin.user_id.as_str());
    assert_eq!(mute["by"]["role"], "admin");
    assert_eq!(
        (&mute["user_id"], &mute["room_id"], &mute["for_s"]),
        (&json!(rahim.user_id), &json!("আড্ডা"), &json!(60))
    );
    assert_eq!((&entries[2]["reason"], &entries[2]["failed"]), (&json!("spam"), &Value::Null));
    assert!(mute["timestamp"].is_string() && mute["id"].is_string(), "{mute}");
    // Others' entries are skipped, and nothing that clients do changes the record.
    cluster.redis.command(&["XADD", "adda:audit", "*", "v", "2", "e", "{}"]).await;
    cluster.redis.command(&["XADD", "adda:audit", "*", "v", "1", "e", "\u{0}"]).await;
    assert_eq!(admin.reads(node, "/api/audit").await["data"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn the_last_admin_keeps_its_role() {
    let Some(cluster) = cluster(1).await else { return };
    let (node, admin) = (&cluster.nodes[0], Moderator::of(&cluster, Role::Admin).await);
    let change = StandingChange::SetRole(Role::Member);
    let user = super::user(&admin.user_id);
    let refused = admin.operator.backend.standings.change(&user, change.clone()).await;
    assert!(refused.is_err(), "{refused:?}");
    let second = Moderator::of(&cluster, Role::Admin).await;
    admin.operator.change(&admin.user_id, change).await;
    eventually("it is no admin any more", DEADLINE, async || {
        let call =
            node.http().call("GET", "/api/audit").header("authorization", &format!("Bearer {}", admin.token));
        (call.send().await.status == 403).then_some(())
    })
    .await;
    second.reads(node, "/api/audit").await;
}

#[tokio::test]
async fn moderation_works_at_the_memory_limit_of_redis() {
    let Some(cluster) = cluster(1).await else { return };
    let (node, admin) = (&cluster.nodes[0], Moderator::of(&cluster, Role::Admin).await);
    let mut rahim = Client::full(node, "রহিম").await;
    rahim.join("general").await;
    cluster.redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    assert_eq!(rahim.post("general", "x", "n").await["code"], "unavailable");
    let mute = path(&["rooms", "general", "mutes", &rahim.user_id]);
    admin.changes(node, "PUT", &mute, json!({ "for_s": 60 })).await;
    admin.changes(node, "DELETE", &mute, json!({})).await;
    admin.changes(node, "POST", "/api/rooms/general/kick", json!({ "user_id": rahim.user_id })).await;
    assert_eq!(rahim.expect("left").await["reason"], "kicked");
    let ban = path(&["bans", &rahim.user_id]);
    admin.changes(node, "PUT", &ban, json!({})).await;
    assert_eq!(rahim.closed().await, 4403);
    admin.changes(node, "DELETE", &ban, json!({})).await;
    cluster.redis.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
}
