//! Limits on how often somebody may do something: messages, joins, connections. Other tests run without them.

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::harness::{Client, Cluster, DEADLINE, Dial, Http, Launch, Metrics, Node, Reply, eventually};

/// A rate at which a bucket gains nothing while a test runs.
const SLOW: &str = "1";

/// The limits of messages by default, without that of addresses.
pub const MESSAGES: &[(&str, &str)] = &[("limits.messages_per_s", "5"), ("limits.messages_burst", "20")];

/// Posts over REST as a guest, through a proxy that reports these addresses.
async fn post_from(node: &Node, chain: &[&str]) -> Reply {
    let call = node.http().call("POST", "/api/rooms/general/messages").json(&json!({ "content": "x" }));
    chain.iter().fold(call, |call, addresses| call.header("x-forwarded-for", addresses)).send().await
}

/// Sends texts at once and counts the acks. The rest must be refused as too fast.
pub async fn send_at_once(client: &mut Client, room: &str, count: usize) -> usize {
    for number in 0..count {
        client
            .send(json!({ "type": "text", "room_id": room, "content": "x", "nonce": number.to_string() }))
            .await;
    }
    let mut acks = 0;
    for number in 0..count {
        let nonce = number.to_string();
        let reply = client.expect_that("an answer", |frame| frame["nonce"] == nonce).await;
        if reply["type"] == "ack" {
            acks += 1;
        } else {
            assert_too_fast(&reply);
        }
    }
    acks
}

fn assert_too_fast(error: &Value) {
    assert_eq!(
        (error["type"].as_str(), error["code"].as_str()),
        (Some("error"), Some("too_fast")),
        "{error}"
    );
    assert!(error["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0), "{error}");
}

pub fn limited(metrics: &Metrics, limit: &str) -> f64 {
    metrics.value(&format!("adda_limited_total{{limit=\"{limit}\"}}"))
}

#[tokio::test]
async fn ordinary_talk_asks_redis_nothing_more() {
    let limits = [("limits.guest_messages_per_s", "50"), ("limits.guest_messages_burst", "200")];
    let Some(cluster) = Cluster::with(1, &[MESSAGES, &limits].concat()).await else { return };
    let node = &cluster.nodes[0];
    let mut guest = Client::full(node, "guest").await;
    guest.join("general").await;
    assert_eq!(send_at_once(&mut guest, "general", 5).await, 5);
    assert_eq!(node.http().metrics().await.value("adda_quota_claims_total"), 0.0);
    assert_eq!(send_at_once(&mut guest, "general", 15).await, 15);
    let claims = node.http().metrics().await.value("adda_quota_claims_total");
    assert!((3.0..=4.0).contains(&claims), "{claims}");
    let keys: Vec<String> =
        ::redis::from_redis_value(cluster.redis.command(&["KEYS", "*quota:*"]).await).unwrap();
    assert_eq!(keys.len(), 1, "{keys:?}");
    let expiry: i64 = ::redis::from_redis_value(cluster.redis.command(&["PTTL", &keys[0]]).await).unwrap();
    assert!((1..=8_000).contains(&expiry), "{expiry}");
}

#[tokio::test]
async fn a_refused_message_is_not_posted_and_its_nonce_stays_unused() {
    let node = Node::with(&[("limits.messages_per_s", "5"), ("limits.messages_burst", "2")]).await;
    let mut guest = Client::full(&node, "guest").await;
    guest.join("general").await;
    let refused = eventually("a refusal", DEADLINE, async || {
        let nonce = uuid::Uuid::new_v4().to_string();
        let reply = guest.post("general", "x", &nonce).await;
        (reply["type"] == "error").then_some(reply)
    })
    .await;
    assert_too_fast(&refused);
    assert_eq!(refused["room_id"], "general");
    let nonce = refused["nonce"].as_str().unwrap();
    assert!(node.http().messages("general", "").await.iter().all(|message| message["nonce"] != nonce));
    let ack = eventually("its turn", DEADLINE, async || {
        let reply = guest.post("general", "other words", nonce).await;
        (reply["type"] == "ack").then_some(reply)
    })
    .await;
    assert_eq!(ack["duplicate"], false);
    let metrics = node.http().metrics().await;
    assert!(limited(&metrics, "messages") >= 1.0);
    assert_eq!(metrics.value("adda_errors_total{code=\"too_fast\"}"), limited(&metrics, "messages"));
}

#[tokio::test]
async fn a_plain_session_is_told_to_slow_down() {
    let node = Node::with(&[("limits.messages_per_s", SLOW), ("limits.messages_burst", "1")]).await;
    let mut guest = Client::plain(&node, "general", "guest").await;
    for _ in 0..5 {
        guest.speak("x").await;
    }
    let error = guest.expect("error").await;
    assert_too_fast(&error);
}

#[tokio::test]
async fn a_session_that_goes_on_at_ten_times_the_rate_is_closed() {
    let node = Node::with(&[("limits.messages_per_s", SLOW), ("limits.messages_burst", "2")]).await;
    let (mut flood, mut other) = (Client::full(&node, "flood").await, Client::full(&node, "other").await);
    flood.join("general").await;
    other.join("general").await;
    assert!(send_at_once(&mut flood, "general", 15).await < 10, "impatience is no flood");
    for number in 0..100 {
        let text =
            json!({ "type": "text", "room_id": "general", "content": "x", "nonce": number.to_string() });
        if !flood.try_send(Message::text(text.to_string())).await {
            break;
        }
    }
    assert_eq!(flood.closed().await, 4429);
    other.posts("general", "I go on").await;
}

#[tokio::test]
async fn the_guests_of_an_address_share_a_limit() {
    let limits = [("limits.guest_messages_per_s", SLOW), ("limits.guest_messages_burst", "20")];
    let settings = [&limits[..], MESSAGES, &[("server.trusted_proxies", "127.0.0.1")]].concat();
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    let mut acks = 0;
    for place in 0..4 {
        let mut guest = Client::full(&cluster.nodes[place % 2], "guest").await;
        guest.join("general").await;
        acks += send_at_once(&mut guest, "general", 10).await;
    }
    // Two shares of five may be unreported, and some seconds have passed.
    assert!((18..=34).contains(&acks), "{acks}");
    let refused = eventually("the address may not post", DEADLINE, async || {
        let reply = post_from(&cluster.nodes[0], &[]).await;
        (reply.status != 201).then_some(reply)
    })
    .await;
    assert_eq!(refused.error(429), "too_fast");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(post_from(&cluster.nodes[0], &["203.0.113.7"]).await.status, 201, "another address may");
    assert!(limited(&cluster.nodes[0].http().metrics().await, "guest_messages") >= 1.0);
}

/// Waits until both posts, which report these addresses, are refused.
async fn both_are_refused(node: &Node, used_up: &[&str], chain: &[&str]) {
    eventually("both are refused", DEADLINE, async || {
        let statuses = (post_from(node, used_up).await.status, post_from(node, chain).await.status);
        (statuses == (429, 429)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn only_trusted_proxies_tell_the_address_of_a_client() {
    let limits = [("limits.guest_messages_per_s", SLOW), ("limits.guest_messages_burst", "1")];
    let trusted =
        Node::with(&[&limits[..], &[("server.trusted_proxies", "127.0.0.0/8, 10.0.0.0/8")]].concat()).await;
    let long = format!("192.0.2.7, {}", "x".repeat(10_000));
    for (used_up, chain) in [
        (&["198.51.100.1"][..], &["192.0.2.66, 198.51.100.1"][..]),
        (&["198.51.100.2"], &["192.0.2.66", "198.51.100.2, 10.0.0.7"]),
        (&["2001:db8::1"], &["2001:db8::ffff:0:0:2"]),
        (&["198.51.100.4"], &["::ffff:198.51.100.4"]),
        (&[], &["nonsense"]),
        (&[], &[&long]),
    ] {
        both_are_refused(&trusted, used_up, chain).await;
    }
    // The one address is as often refused as before, and the other is new.
    for (used_up, chain) in
        [("198.51.100.3", "198.51.100.3, 192.0.2.67"), ("2001:db8:0:1::1", "2001:db8:0:2::1")]
    {
        both_are_refused(&trusted, &[used_up], &[used_up]).await;
        assert_eq!(post_from(&trusted, &[chain]).await.status, 201, "{chain}");
    }
    let other = Node::with(&[&limits[..], &[("server.trusted_proxies", "10.0.0.0/8")]].concat()).await;
    both_are_refused(&other, &["192.0.2.1"], &["192.0.2.2"]).await;
}

#[tokio::test]
async fn without_redis_a_node_limits_alone() {
    let Some(cluster) = Cluster::with(1, MESSAGES).await else { return };
    let mut guest = Client::full(&cluster.nodes[0], "guest").await;
    guest.join("general").await;
    cluster.redis.freeze();
    for number in 0..100 {
        let text =
            json!({ "type": "text", "room_id": "general", "content": "x", "nonce": number.to_string() });
        guest.send(text).await;
    }
    let (mut refused, mut unavailable) = (0, 0);
    for number in 0..100 {
        let nonce = number.to_string();
        let reply = guest.expect_that("an answer", |frame| frame["nonce"] == nonce).await;
        match reply["code"].as_str() {
            Some("too_fast") => refused += 1,
            Some("unavailable") => unavailable += 1,
            _ => panic!("{reply}"),
        }
    }
    cluster.redis.thaw();
    assert!(unavailable >= 25 && refused >= 25, "{unavailable} got to Redis, {refused} were refused");
    eventually("the guest may post", DEADLINE, async || {
        let nonce = uuid::Uuid::new_v4().to_string();
        (guest.post("general", "x", &nonce).await["type"] == "ack").then_some(())
    })
    .await;
}

#[tokio::test]
async fn two_hundred_sessions_of_one_address_are_let_in_and_a_client_joins_all_its_rooms() {
    let node = Launch::limited().start().await;
    let sessions = join_all((0..200).map(|_| Client::full(&node, "one of a class"))).await;
    let mut client = Client::full(&node, "many rooms").await;
    for room in 0..128 {
        client.join(&format!("room-{room}")).await;
    }
    let metrics = node.http().metrics().await;
    assert_eq!(metrics.value("adda_sessions"), 201.0);
    assert_eq!(metrics.value("adda_limit_entries{table=\"connections\"}"), 1.0);
    drop(sessions);
}

async fn assert_too_many(node: &Node) {
    let Err(Error::Http(refusal)) = Dial::full(node.port, "/ws").try_open().await else {
        panic!("the session was let in")
    };
    assert_eq!(refusal.status(), 429);
    let wait = refusal.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap();
    assert!((1..=5).contains(&wait), "{wait}");
}

#[tokio::test]
async fn an_address_has_so_many_sessions_on_a_node() {
    let node = Node::with(&[("limits.connections_per_address", "3")]).await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(Client::full(&node, "one").await);
    }
    assert_too_many(&node).await;
    sessions.remove(0).close().await;
    eventually("there is room", DEADLINE, async || Dial::full(node.port, "/ws").try_open().await.ok()).await;
    assert!(limited(&node.http().metrics().await, "connections") >= 1.0);
}

#[tokio::test]
async fn sessions_without_a_user_have_a_limit_of_their_own() {
    let node = Node::with(&[("limits.unauthenticated_per_address", "2")]).await;
    let (mut joining, mut returning) = (Client::full(&node, "one").await, Client::full(&node, "two").await);
    assert_too_many(&node).await;
    joining.join("general").await;
    let third = Client::full(&node, "three").await;
    assert_too_many(&node).await;
    returning.send(json!({ "type": "auth", "token": third.token })).await;
    returning.expect("auth_success").await;
    let _fourth = Client::full(&node, "four").await;
    assert_too_many(&node).await;
    assert_eq!(limited(&node.http().metrics().await, "unauthenticated"), 3.0);
}

#[tokio::test]
async fn joins_beyond_the_limit_are_refused_for_a_while() {
    let node = Node::with(&[("limits.joins_per_s", "2"), ("limits.joins_burst", "3")]).await;
    let mut client = Client::full(&node, "client").await;
    for room in 0..20 {
        client.send(json!({ "type": "join", "room_id": format!("room-{room}") })).await;
    }
    let error = client.expect("error").await;
    assert_too_fast(&error);
    let room = error["room_id"].clone();
    eventually("a later try", DEADLINE, async || {
        client.send(json!({ "type": "join", "room_id": room })).await;
        let is_answer = |frame: &Value| {
            frame["room_id"] == room && ["joined", "error"].contains(&frame["type"].as_str().unwrap())
        };
        (client.expect_that("an answer", is_answer).await["type"] == "joined").then_some(())
    })
    .await;
    // A plain session can't ask again, so the node does.
    let mut plain = Dial::plain(node.port, "/ws?room=general&username=plain").open().await;
    plain.sees_join("plain").await;
}

#[tokio::test]
async fn a_hangup_changes_the_limits() {
    let launch = Launch::new().unset("limits.messages_per_s");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("limits-{}.toml", launch.port()));
    let settings = |burst: u32| {
        let text = format!("[limits]\nmessages_per_s = 1\nmessages_burst = {burst}\n");
        std::fs::write(&path, text).expect("the target folder can be written");
    };
    settings(1);
    let bind = format!("127.0.0.1:{}", launch.port());
    let command = launch.command(&["serve", "--bind", &bind, "--config", path.to_str().expect("text")]);
    let node = launch.spawn_command(command).ready().await;
    let acks = async || {
        let mut guest = Client::full(&node, "guest").await;
        guest.join("general").await;
        send_at_once(&mut guest, "general", 9).await
    };
    assert!(acks().await < 5);
    settings(1000);
    node.signal(Signal::SIGHUP);
    eventually("a wider limit", DEADLINE, async || (acks().await == 9).then_some(())).await;
    std::fs::remove_file(&path).expect("it was there");
}

#[tokio::test]
async fn addresses_that_come_once_are_forgotten() {
    let settings = [
        ("limits.guest_messages_per_s", "200"),
        ("limits.guest_messages_burst", "4"),
        ("limits.messages_per_s", "200"),
        ("limits.messages_burst", "4"),
        ("server.trusted_proxies", "127.0.0.1"),
    ];
    let node = Node::with(&settings).await;
    for number in 0..200 {
        assert_eq!(post_from(&node, &[&format!("198.51.100.{number}")]).await.status, 201);
    }
    let http: Http = node.http();
    eventually("the tables are empty", DEADLINE + Duration::from_secs(5), async || {
        let metrics = http.metrics().await;
        let size = |table: &str| metrics.value(&format!("adda_limit_entries{{table=\"{table}\"}}"));
        (size("users") == 0.0 && size("guest_addresses") == 0.0).then_some(())
    })
    .await;
}
