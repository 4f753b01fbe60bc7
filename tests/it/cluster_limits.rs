//! Limits that hold in the whole cluster: the nodes together let pass what one would.

use serde_json::json;

use crate::harness::{Client, Cluster, DEADLINE, eventually};
use crate::limits::{MESSAGES, limited, send_at_once};
use crate::registration::{SETTINGS, log_in, register};

const PASSWORD: &str = "correct horse battery";

async fn redis_seconds(cluster: &Cluster) -> f64 {
    let time: (f64, f64) = ::redis::from_redis_value(cluster.redis.command(&["TIME"]).await).unwrap();
    time.0 + time.1 / 1e6
}

/// A session of a user on each node, in one room.
async fn sessions(cluster: &Cluster, token: &str) -> Vec<Client> {
    let mut sessions = Vec::new();
    for node in &cluster.nodes {
        let mut session = Client::returning(node, token).await;
        session.join("general").await;
        sessions.push(session);
    }
    sessions
}

/// Posts a text. Returns 1 if it was acked.
async fn post(session: &mut Client, number: usize) -> usize {
    usize::from(session.post("general", "x", &number.to_string()).await["type"] == "ack")
}

#[tokio::test]
async fn a_flood_through_three_nodes_passes_what_passes_through_one() {
    let Some(cluster) = Cluster::with(3, MESSAGES).await else { return };
    let first = Client::full(&cluster.nodes[0], "flooder").await;
    let mut floods = sessions(&cluster, &first.token).await;
    let mut others = Vec::new();
    for node in &cluster.nodes {
        let mut other = Client::full(node, "other").await;
        other.join("general").await;
        others.push(other);
    }
    let start = redis_seconds(&cluster).await;
    let (mut acks, mut attempts) = (0, 0);
    let elapsed = eventually("four seconds of Redis' clock", DEADLINE, async || {
        for flood in &mut floods {
            attempts += 1;
            acks += post(flood, attempts).await;
        }
        let elapsed = redis_seconds(&cluster).await - start;
        (elapsed >= 4.0).then_some(elapsed)
    })
    .await;
    let one = 20.0 + 5.0 * elapsed;
    let passed = acks as f64;
    assert!(attempts as f64 > 2.0 * one, "{attempts} attempts are no flood");
    assert!((passed - one).abs() <= one / 4.0, "{passed} of {attempts} passed, and {one} through one node");
    for other in &mut others {
        assert_eq!(send_at_once(other, "general", 10).await, 10, "others are not limited by it");
    }
}

/// The others let each message pass without a question to Redis, by itself no flood.
#[tokio::test]
async fn a_flood_through_one_node_and_slow_talk_through_two_passes_what_one_does() {
    let Some(cluster) = Cluster::with(3, MESSAGES).await else { return };
    let first = Client::full(&cluster.nodes[0], "flooder").await;
    let mut sessions = sessions(&cluster, &first.token).await;
    let start = redis_seconds(&cluster).await;
    let (mut acks, mut number) = (0, 0);
    for session in &mut sessions[1..] {
        acks += send_at_once(session, "general", 5).await;
    }
    let mut talked = 0.0;
    let elapsed = eventually("four seconds of Redis' clock", DEADLINE, async || {
        number += 1;
        acks += post(&mut sessions[0], number).await;
        let elapsed = redis_seconds(&cluster).await - start;
        if elapsed >= talked + 2.0 {
            talked += 2.0;
            for session in &mut sessions[1..] {
                number += 1;
                acks += post(session, number).await;
            }
        }
        (elapsed >= 4.0).then_some(elapsed)
    })
    .await;
    let (one, passed) = (20.0 + 5.0 * elapsed, acks as f64);
    assert!(number as f64 > 2.0 * one, "{number} attempts are no flood");
    assert!((passed - one).abs() <= one / 4.0, "{passed} of {number} passed, and {one} through one node");
}

#[tokio::test]
async fn an_address_makes_so_many_accounts_through_all_nodes_together() {
    let settings =
        [&SETTINGS[..], &[("auth.registrations_per_minute", "1"), ("server.trusted_proxies", "127.0.0.1")]]
            .concat();
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    let mut made = 0;
    for number in 0..30 {
        let node = &cluster.nodes[number % 2];
        let reply = register(node, &format!("pupil {number}"), PASSWORD).await;
        if reply.status == 201 {
            made += 1;
            let again = register(node, &format!("PUPIL {number}"), PASSWORD).await;
            assert_eq!(again.error(409), "username_taken", "it makes none, so it counts for none");
        } else {
            assert_eq!(reply.error(429), "too_fast");
            let wait: u64 = reply.header("retry-after").parse().expect("seconds");
            assert!((1..=60).contains(&wait), "{wait}");
        }
    }
    assert!((10..15).contains(&made), "{made} accounts");
    assert_eq!(log_in(&cluster.nodes[0], "pupil 0", PASSWORD).await.status, 200);
    let metrics = cluster.nodes[0].http().metrics().await;
    assert!(limited(&metrics, "registrations") >= 1.0);
    let body = json!({ "username": "elsewhere", "password": PASSWORD });
    let call = cluster.nodes[0].http().call("POST", "/api/accounts").json(&body);
    assert_eq!(call.header("x-forwarded-for", "203.0.113.7").send().await.status, 201, "another address may");
}
