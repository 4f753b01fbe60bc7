//! Accounts over REST: registration, log-in and log-out, changes of passwords.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::http::text;
use crate::harness::{Client, Cluster, Node, Reply};

const PASSWORD: &str = "correct horse battery";
const NEXT: &str = "আমি বাংলায় গান গাই";

/// Without a limit of log-ins, and with hashes that cost little.
pub const SETTINGS: [(&str, &str); 3] =
    [("auth.logins_per_minute", "0"), ("passwords.memory_kib", "7168"), ("passwords.passes", "1")];

pub async fn send(node: &Node, method: &str, path: &str, token: Option<&str>, body: Value) -> Reply {
    let call = node.http().call(method, path).json(&body);
    match token {
        Some(token) => call.header("authorization", &format!("Bearer {token}")),
        None => call,
    }
    .send()
    .await
}

pub async fn register(node: &Node, username: &str, password: &str) -> Reply {
    send(node, "POST", "/api/accounts", None, json!({ "username": username, "password": password })).await
}

pub async fn log_in(node: &Node, username: &str, password: &str) -> Reply {
    send(node, "POST", "/api/login", None, json!({ "username": username, "password": password })).await
}

async fn me(node: &Node, token: &str) -> Reply {
    node.http().call("GET", "/api/me").header("authorization", &format!("Bearer {token}")).send().await
}

/// Waits until a token proves nothing on a node.
async fn until_ended(node: &Node, token: &str) {
    crate::harness::eventually("the token is refused", crate::harness::DEADLINE, async || {
        (me(node, token).await.status == 401).then_some(())
    })
    .await;
}

/// Registration, log-in, a change of the password and log-out, each on another of these nodes.
async fn life_of_an_account(nodes: [&Node; 3]) {
    let made = register(nodes[0], "রহিম Uddin", PASSWORD).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.json();
    assert_eq!((&made["username"], &made["role"]), (&json!("রহিম Uddin"), &json!("member")));
    assert!(text(&made["expires_at"]).ends_with('Z'), "{made}");

    let back = log_in(nodes[1], "রহিম UDDIN", PASSWORD).await;
    assert_eq!(back.status, 200, "{back:?}");
    let back = back.json();
    assert_eq!((&back["user_id"], &back["username"]), (&made["user_id"], &made["username"]));
    let token = text(&back["token"]);
    let known = me(nodes[2], &token).await.json();
    assert_eq!((&known["user_id"], &known["source"]), (&made["user_id"], &json!("account")));

    let mut session = Client::returning(nodes[2], &token).await;
    assert_eq!(
        (session.user_id.as_str(), session.username.as_str()),
        (made["user_id"].as_str().unwrap(), "রহিম Uddin")
    );
    session.join("general").await;
    session.posts("general", "from an account").await;

    let change = |old: &str, new: &str| json!({ "old": old, "new": new });
    for (old, new, status, code) in
        [("wrong horse battery", NEXT, 401, "bad_credentials"), (PASSWORD, "short", 400, "weak_password")]
    {
        let refused = send(nodes[0], "PUT", "/api/me/password", Some(&token), change(old, new)).await;
        assert_eq!(refused.error(status), code);
    }
    let changed = send(nodes[0], "PUT", "/api/me/password", Some(&token), change(PASSWORD, NEXT)).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let next = text(&changed.json()["token"]);
    for node in nodes {
        until_ended(node, &token).await;
        assert_eq!(me(node, &next).await.status, 200);
    }
    assert_eq!(log_in(nodes[1], "রহিম Uddin", PASSWORD).await.error(401), "bad_credentials");
    assert_eq!(log_in(nodes[1], "রহিম Uddin", NEXT).await.status, 200);
    let again = send(nodes[2], "PUT", "/api/me/password", Some(&next), change(PASSWORD, NEXT)).await;
    assert_eq!(again.status, 200, "a repeated call, whose answer was lost: {again:?}");

    let last = text(&again.json()["token"]);
    let out = send(nodes[1], "POST", "/api/logout", Some(&last), json!({})).await;
    assert_eq!((out.status, out.body.len()), (204, 0), "{out:?}");
    for node in nodes {
        until_ended(node, &last).await;
    }
    for node in nodes {
        let log = node.log();
        let secrets = [PASSWORD, NEXT, &token, &next, &last];
        assert!(!secrets.iter().any(|secret| log.contains(*secret)), "no password or token is in the log");
    }
}

#[tokio::test]
async fn an_account_lives_on_three_nodes() {
    let Some(cluster) = Cluster::with(3, &SETTINGS).await else { return };
    life_of_an_account([&cluster.nodes[0], &cluster.nodes[1], &cluster.nodes[2]]).await;
}

#[tokio::test]
async fn an_account_lives_on_a_node_without_redis() {
    let node = Node::with(&SETTINGS).await;
    life_of_an_account([&node; 3]).await;
}

#[tokio::test]
async fn an_account_outlives_its_nodes() {
    let Some(mut cluster) = Cluster::with(2, &SETTINGS).await else { return };
    register(&cluster.nodes[0], "Rahim", PASSWORD).await;
    for node in &mut cluster.nodes {
        node.kill();
        node.restart().await;
    }
    assert_eq!(log_in(&cluster.nodes[1], "Rahim", PASSWORD).await.status, 200);
    assert_eq!(register(&cluster.nodes[1], "RAHIM", PASSWORD).await.error(409), "username_taken");
}

#[tokio::test]
async fn two_nodes_that_register_a_name_at_once_make_one_account() {
    let Some(cluster) = Cluster::with(2, &SETTINGS).await else { return };
    let names = ["Paul", "PauI", "paul", "Pаul", "PAUL", "Pau1"];
    let registering =
        names.iter().enumerate().map(|(at, name)| register(&cluster.nodes[at % 2], name, PASSWORD));
    let replies = join_all(registering).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(reply.error(409), "username_taken");
    }
}

#[tokio::test]
async fn weak_passwords_and_names_that_are_none_are_refused() {
    let node = Node::with(&SETTINGS).await;
    for (name, password, status, code) in [
        ("Rahim", "short", 400, "weak_password"),
        ("Rahim", "Password123", 400, "weak_password"),
        ("Rahim Uddin", "rahim uddin", 400, "weak_password"),
        ("Rahim", &"x1".repeat(129), 400, "weak_password"),
        ("", PASSWORD, 400, "bad_username"),
        ("a\u{202e}b", PASSWORD, 400, "bad_username"),
        ("anonymous", PASSWORD, 409, "username_taken"),
    ] {
        assert_eq!(register(&node, name, password).await.error(status), code, "{name:?} {password:?}");
    }
    let body = json!({ "username": "Rahim", "password": 123_456_789_012_u64 });
    let reply = send(&node, "POST", "/api/accounts", None, body).await;
    assert_eq!(reply.error(400), "bad_request");
    assert!(!text(&reply.json()["error"]).contains("123456789012"), "{reply:?}");
}

#[tokio::test]
async fn closed_registration_refuses_and_log_ins_go_on() {
    let Some(cluster) = Cluster::with(1, &SETTINGS).await else { return };
    register(&cluster.nodes[0], "Rahim", PASSWORD).await;
    let closed = cluster.launch().set("auth.registration", "closed").start().await;
    assert_eq!(register(&closed, "Mita", PASSWORD).await.error(403), "registration_closed");
    assert_eq!(log_in(&closed, "Rahim", PASSWORD).await.status, 200);
}

/// A hash is computed for a name without an account, too.
#[tokio::test]
async fn an_unknown_name_costs_the_work_of_a_wrong_password() {
    let node = Node::with(&SETTINGS).await;
    register(&node, "Rahim", PASSWORD).await;
    let checks = async || node.http().metrics().await.value("adda_password_checks_total");
    let mut before = checks().await;
    let mut answers = Vec::new();
    for name in ["Rahim", "Nobody"] {
        let reply = log_in(&node, name, "wrong horse battery").await;
        assert_eq!(reply.error(401), "bad_credentials");
        answers.push(reply.body);
        let after = checks().await;
        assert_eq!(after - before, 1.0, "{name}");
        before = after;
    }
    assert_eq!(answers[0], answers[1], "the same words");
    let metrics = node.http().metrics().await;
    assert_eq!(metrics.value("adda_logins_total{outcome=\"wrong_password\"}"), 2.0);
}

#[tokio::test]
async fn a_hash_of_other_parameters_is_replaced_at_the_next_log_in() {
    let Some(cluster) = Cluster::with(1, &SETTINGS).await else { return };
    let made = register(&cluster.nodes[0], "Rahim", PASSWORD).await.json();
    let stored = async || {
        let pattern = format!("*account:{}:*", text(&made["user_id"]));
        let keys: Vec<String> =
            redis::from_redis_value(cluster.redis.command(&["KEYS", &pattern]).await).unwrap();
        let hash: String =
            redis::from_redis_value(cluster.redis.command(&["HGET", &keys[0], "password"]).await).unwrap();
        hash
    };
    assert!(stored().await.contains("$m=7168,t=1,p=1$"));
    let later = cluster.launch().set("passwords.passes", "2").start().await;
    assert_eq!(log_in(&later, "Rahim", "wrong horse battery").await.status, 401);
    assert!(stored().await.contains("t=1"));
    assert_eq!(log_in(&later, "Rahim", PASSWORD).await.status, 200);
    assert!(stored().await.contains("$m=7168,t=2,p=1$"));
    assert_eq!(log_in(&cluster.nodes[0], "Rahim", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_request_without_a_token_is_asked_for_one() {
    let node = Node::with(&SETTINGS).await;
    let reply = node.http().get("/api/me").await;
    assert_eq!(reply.error(401), "auth_required");
    assert!(reply.header("www-authenticate").starts_with("Bearer"));
    assert_eq!(send(&node, "POST", "/api/logout", None, json!({})).await.error(401), "auth_required");
    let guest = Client::full(&node, "Mita").await;
    assert_eq!(me(&node, &guest.token).await.json()["source"], "guest");
    let change = json!({ "old": PASSWORD, "new": NEXT });
    let reply = send(&node, "PUT", "/api/me/password", Some(&guest.token), change).await;
    assert_eq!(reply.error(403), "forbidden", "a guest has no password");
}
