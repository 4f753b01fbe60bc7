//! The first admin: made once in the cluster, with the code that the nodes log.

use adda::model::Role;
use futures_util::future::join_all;
use serde_json::json;

use crate::harness::{Cluster, DEADLINE, Node, Reply, eventually};
use crate::registration::{SETTINGS, log_in, register, send};
use crate::stats;

const PASSWORD: &str = "correct horse battery";

/// The code in the log of a node.
async fn logged_code(node: &Node) -> String {
    eventually("the code is logged", DEADLINE, async || {
        let log = node.log();
        let rest = log.split("no admin exists yet").nth(1)?;
        let code = rest.split("code=").nth(1)?.split_whitespace().next()?;
        Some(code.trim_matches('"').to_owned())
    })
    .await
}

async fn set_up(node: &Node, code: &str, name: &str) -> Reply {
    let body = json!({ "code": code, "username": name, "password": PASSWORD });
    send(node, "POST", "/api/setup", None, body).await
}

async fn needed(node: &Node) -> bool {
    node.http().json("/api/setup").await["needed"].as_bool().unwrap()
}

async fn the_first_admin_is_made_once(nodes: &[&Node]) {
    register(nodes[0], "a member", PASSWORD).await;
    let mut codes = Vec::new();
    for node in nodes {
        assert!(needed(node).await);
        codes.push(logged_code(node).await);
    }
    assert!(codes.iter().all(|code| *code == codes[0]), "all nodes log one code");
    for wrong in ["", "0123456789abcdef", &codes[0][1..]] {
        assert_eq!(set_up(nodes[0], wrong, "root").await.error(401), "bad_credentials");
    }
    assert_eq!(set_up(nodes[0], &codes[0], "A MEMBER").await.error(409), "username_taken");

    let setups = (0..20).map(|number| async move {
        let node = nodes[number % nodes.len()];
        (number, set_up(node, &logged_code(node).await, &format!("admin {number}")).await)
    });
    let replies = join_all(setups).await;
    let made: Vec<_> = replies.iter().filter(|(_, reply)| reply.status == 201).collect();
    assert_eq!(made.len(), 1, "{:?}", replies.iter().map(|(_, reply)| reply.status).collect::<Vec<_>>());
    let (number, admin) = made[0];
    assert_eq!(admin.json()["role"], "admin");
    for (_, reply) in replies.iter().filter(|(_, reply)| reply.status != 201) {
        assert_eq!(reply.error(403), "forbidden");
    }
    for (other, _) in &replies {
        let status = log_in(nodes[0], &format!("admin {other}"), PASSWORD).await.status;
        assert_eq!(status, if other == number { 200 } else { 401 }, "no account is left of a refused setup");
    }
    for node in nodes {
        eventually("no setup is needed", DEADLINE, async || (!needed(node).await).then_some(())).await;
        assert_eq!(set_up(node, &codes[0], "root").await.error(403), "forbidden");
    }
    let back = log_in(nodes[nodes.len() - 1], &format!("admin {number}"), PASSWORD).await;
    assert_eq!(back.json()["role"], "admin");
}

#[tokio::test]
async fn the_first_admin_is_made_once_on_three_nodes() {
    let closed = [SETTINGS.as_slice(), &[("passwords.queue", "100")]].concat();
    let Some(mut cluster) = Cluster::with(3, &closed).await else { return };
    let nodes: Vec<&Node> = cluster.nodes.iter().collect();
    the_first_admin_is_made_once(&nodes).await;
    let place = cluster.add_node().await;
    assert!(!needed(&cluster.nodes[place]).await);
    assert!(!cluster.nodes[place].log().contains("no admin exists yet"));
}

#[tokio::test]
async fn the_first_admin_is_made_once_on_a_node_without_redis() {
    let settings = [SETTINGS.as_slice(), &[("passwords.queue", "100")]].concat();
    the_first_admin_is_made_once(&[&Node::with(&settings).await]).await;
}

#[tokio::test]
async fn the_first_admin_is_made_where_registration_is_closed() {
    let settings = [SETTINGS.as_slice(), &[("auth.registration", "closed")]].concat();
    let node = Node::with(&settings).await;
    assert_eq!(register(&node, "root", PASSWORD).await.error(403), "registration_closed");
    let code = logged_code(&node).await;
    assert_eq!(set_up(&node, &code, "root").await.status, 201);
}

#[tokio::test]
async fn an_admin_that_another_one_makes_ends_the_setup() {
    let settings = [SETTINGS.as_slice(), &[("auth.secret", stats::SECRET)]].concat();
    let node = Node::with(&settings).await;
    let account = register(&node, "Rahim", PASSWORD).await.json();
    assert!(needed(&node).await);
    let path = format!("/api/accounts/{}/role", account["user_id"].as_str().unwrap());
    let operator = stats::token(Role::Admin);
    let given = send(&node, "PUT", &path, Some(&operator), json!({ "role": "admin" })).await;
    assert_eq!(given.status, 204, "{given:?}");
    assert!(!needed(&node).await);
    let code = logged_code(&node).await;
    assert_eq!(set_up(&node, &code, "root").await.error(403), "forbidden");
}

#[tokio::test]
async fn anybody_may_ask_how_people_come_in() {
    for (guests, registration) in [("true", "open"), ("false", "closed")] {
        let node = Node::with(&[("auth.guests", guests), ("auth.registration", registration)]).await;
        let ways = node.http().json("/api/setup").await;
        assert_eq!(ways, json!({ "needed": true, "guests": guests == "true", "registration": registration }));
    }
}
