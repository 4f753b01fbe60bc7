//! Many log-ins at once: those beyond the limits are refused at once, and messages go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::{Client, Cluster, Node};
use crate::registration::{log_in, register, send};

const PASSWORD: &str = "correct horse battery";
const LOGINS: usize = 200;

/// Sends wrong passwords to the nodes, half of them for a name without an account. Returns the statuses.
async fn storm(nodes: &[Node]) -> Vec<u16> {
    let logins = (0..LOGINS).map(async |number| {
        let name = if number % 2 == 0 { "Rahim" } else { "Nobody" };
        let reply = log_in(&nodes[number % nodes.len()], name, "wrong horse battery").await;
        if matches!(reply.status, 429 | 503) {
            let wait: u64 = reply.header("retry-after").parse().expect("a refusal says when to try again");
            assert!(wait >= 1);
        }
        reply.status
    });
    join_all(logins).await
}

/// Posts until the end of the storm, each message after the ack of the one before. Returns their number.
async fn talk(mut client: Client, is_over: Arc<AtomicBool>) -> usize {
    let mut acked = 0;
    while !is_over.load(Ordering::Acquire) || acked == 0 {
        client.posts("general", "meanwhile").await;
        acked += 1;
    }
    acked
}

#[tokio::test]
async fn a_storm_of_log_ins_is_refused_and_messages_are_acked_meanwhile() {
    let settings = [
        ("passwords.queue", "4"),
        ("passwords.threads", "1"),
        ("auth.logins_per_minute", "0"),
        ("limits.messages_per_s", "1000"),
        ("limits.messages_burst", "1000"),
    ];
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    assert_eq!(register(&cluster.nodes[0], "Rahim", PASSWORD).await.status, 201);
    let is_over = Arc::<AtomicBool>::default();
    let mut talking = Vec::new();
    for (number, node) in cluster.nodes.iter().enumerate() {
        let mut client = Client::full(node, &format!("talker {number}")).await;
        client.join("general").await;
        talking.push(tokio::spawn(talk(client, is_over.clone())));
    }
    let statuses = storm(&cluster.nodes).await;
    is_over.store(true, Ordering::Release);
    for talker in talking {
        assert!(talker.await.unwrap() > 0);
    }
    let count = |status: u16| statuses.iter().filter(|other| **other == status).count();
    assert_eq!(count(401) + count(503), LOGINS, "{statuses:?}");
    assert!(count(503) > 0, "the queue is full");
    let mut checks = 0.0;
    for node in &cluster.nodes {
        checks += node.http().metrics().await.value("adda_password_checks_total");
    }
    assert_eq!(checks as usize, 1 + count(401), "a refused log-in computes no hash, any other computes one");
}

#[tokio::test]
async fn guesses_beyond_the_limit_of_an_account_are_refused_on_all_nodes_together() {
    let settings = [
        ("auth.logins_per_minute", "10"),
        ("passwords.memory_kib", "7168"),
        ("passwords.passes", "1"),
        ("passwords.queue", "1000"),
    ];
    let Some(cluster) = Cluster::with(3, &settings).await else { return };
    let statuses = storm(&cluster.nodes).await;
    let tried = statuses.iter().filter(|status| **status == 401).count();
    // Ten a minute for each of two names, and some more if the test takes long.
    assert!((20..60).contains(&tried), "{tried} of {LOGINS} were tried");
    assert!(statuses.iter().all(|status| matches!(status, 401 | 429)), "{statuses:?}");
}

#[tokio::test]
async fn the_names_that_find_an_account_share_its_limit() {
    let settings =
        [("auth.logins_per_minute", "4"), ("passwords.memory_kib", "7168"), ("passwords.passes", "1")];
    let Some(cluster) = Cluster::with(1, &settings).await else { return };
    let node = &cluster.nodes[0];
    // The registration is one of the four. The Cyrillic capital looks like the Latin one, and the small letter does not.
    let account = register(node, "Вob", PASSWORD).await;
    assert_eq!(account.status, 201);
    let mut statuses = Vec::new();
    for name in ["Вob", "Bob", "bob", "вob", "Вob", "Bob"] {
        statuses.push(log_in(node, name, "wrong horse battery").await.status);
    }
    assert!(statuses.starts_with(&[401, 401, 401]) && statuses.contains(&429), "{statuses:?}");
    // Another name has a limit of its own.
    assert_eq!(log_in(node, "Mita", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn each_password_that_a_change_compares_is_a_guess() {
    let settings =
        [("auth.logins_per_minute", "4"), ("passwords.memory_kib", "7168"), ("passwords.passes", "1")];
    let Some(cluster) = Cluster::with(1, &settings).await else { return };
    let node = &cluster.nodes[0];
    let account = register(node, "Rahim", PASSWORD).await.json();
    let token = account["token"].as_str();
    let body = json!({ "old": "wrong horse battery", "new": "another wrong battery" });
    let mut statuses = Vec::new();
    for _ in 0..2 {
        statuses.push(send(node, "PUT", "/api/me/password", token, body.clone()).await.status);
    }
    assert_eq!(statuses, [401, 429], "the registration, two guesses, and one of the next two");
}
