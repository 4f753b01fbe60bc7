//! A token that admits to some rooms gives the role of its user in these rooms alone.

use serde_json::{Value, json};

use crate::harness::http::text;
use crate::harness::jwt::seconds_from_now;
use crate::harness::{Client, Dial, Launch, Node, Reply, Signer};

const SECRET: &str = "a secret that adda and its issuer share";

/// A token of the issuer for a user with a role, limited to rooms if any are named.
fn token(role: &str, rooms: Option<&[&str]>) -> String {
    let mut claims = json!({
        "sub": format!("the-{role}"), "role": role, "iat": seconds_from_now(0), "exp": seconds_from_now(600),
    });
    if let Some(rooms) = rooms {
        claims["rooms"] = json!(rooms);
    }
    Signer::secret(SECRET).token(&claims)
}

async fn ask(node: &Node, token: &str, method: &str, path: &str, body: &Value) -> Reply {
    let call = node.http().call(method, path).header("authorization", &format!("Bearer {token}"));
    if body.is_null() { call.send().await } else { call.json(body).send().await }
}

/// The operations of moderators and admins, as the node describes them: method and path.
async fn operations(node: &Node) -> Vec<(String, String)> {
    let description = node.http().json("/api/openapi.json").await;
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if matches!(operation["x-role"].as_str(), Some("moderator" | "admin")) {
                found.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    assert!(found.len() > 15, "{found:?}");
    found
}

/// A valid body of an operation.
fn body(method: &str, path: &str, user_id: &str) -> Value {
    match (method, path.trim_start_matches("/api")) {
        ("POST", "/notifications") => json!({ "to": "all", "content": "x" }),
        ("POST", "/schedules") => json!({ "to": "all", "content": "x", "every_s": 3600 }),
        ("POST", "/rooms/{room}/kick") => json!({ "user_id": user_id }),
        ("PUT", "/rooms/{room}/mutes/{user}") => json!({ "for_s": 1 }),
        ("PUT", "/accounts/{user}/role") => json!({ "role": "member" }),
        _ => Value::Null,
    }
}

/// Reports a message in a room. Returns the id of the report.
async fn report(node: &Node, room: &str) -> String {
    let [mut author, reporter] = [Client::full(node, "Rahim").await, Client::full(node, "Karim").await];
    author.join(room).await;
    let seq = author.posts(room, "buy this").await["seq"].clone();
    let path = format!("/api/rooms/{room}/reports");
    let reply = ask(node, &reporter.token, "POST", &path, &json!({ "seq": seq, "reason": "spam" })).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    text(&reply.json()["id"])
}

#[tokio::test]
async fn a_role_reaches_no_further_than_the_rooms_of_its_token() {
    let node = Launch::new().set("auth.issuer.secret", SECRET).start().await;
    let target = Client::full(&node, "target").await;
    let id = report(&node, "other").await;
    for role in ["moderator", "admin"] {
        let limited = token(role, Some(&["team-*"]));
        for (method, path) in operations(&node).await {
            let body = body(&method, &path, &target.user_id);
            let asked =
                path.replace("{room}", "other").replace("{user}", &target.user_id).replace("{id}", &id);
            let reply = ask(&node, &limited, &method, &asked, &body).await;
            let expected = match path.as_str() {
                path if path.contains("{room}") => (404, "room_not_found"),
                "/api/reports/{id}" => (404, "not_found"),
                _ => (403, "forbidden"),
            };
            assert_eq!(reply.status, expected.0, "{role} {method} {path}: {reply:?}");
            assert_eq!(reply.error(expected.0), expected.1, "{role} {method} {path}");
        }
        let bearer = format!("Bearer {limited}");
        let mut figures =
            Dial::plain(node.port, "/ws/dashboard").header("authorization", bearer).open().await;
        assert_eq!(figures.expect("error").await["code"], "forbidden");
        assert_eq!(figures.closed().await, 4403);
    }
    let all = token("admin", None);
    let reports = ask(&node, &all, "GET", "/api/reports", &Value::Null).await.json();
    assert_eq!(reports["data"][0]["id"], json!(id), "nothing was settled");
    assert_eq!(ask(&node, &all, "GET", "/api/audit", &Value::Null).await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_role_counts_in_the_rooms_of_its_token() {
    let node = Launch::new().set("auth.issuer.secret", SECRET).start().await;
    let (limited, id) = (token("moderator", Some(&["team-*"])), report(&node, "team-1").await);
    let ask = async |method: &str, path: &str, body: Value| ask(&node, &limited, method, path, &body).await;
    let reports = ask("GET", "/api/rooms/team-1/reports", Value::Null).await.json();
    assert_eq!(reports["data"][0]["id"], json!(id));
    assert_eq!(ask("DELETE", &format!("/api/reports/{id}"), Value::Null).await.status, 204);
    assert_eq!(ask("PUT", "/api/rooms/team-1/lock", Value::Null).await.status, 204);
    let mut guest = Client::full(&node, "guest").await;
    guest.join("team-1").await;
    assert_eq!(guest.post("team-1", "x", "n").await["code"], "room_locked");
}
