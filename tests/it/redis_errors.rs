//! Errors of Redis are logged with its own text, counted, and affect readiness. A right that is missing for good
//! is reported at the start.

use std::time::Duration;

use crate::harness::redis::RedisServer;
use crate::harness::redis_cluster::until_says;
use crate::harness::roamer::outage;
use crate::harness::{Client, Cluster, DEADLINE, LONG_DEADLINE, Launch, Node, eventually};

const RIGHTS: [&str; 13] = [
    "~adda:*",
    "&adda:*",
    "+@read",
    "+@write",
    "+@pubsub",
    "+@transaction",
    "+@connection",
    "+evalsha",
    "+script|load",
    "+info",
    "+time",
    "+wait",
    "resetpass",
];

/// Gives a user all rights, with some changed.
async fn set_rights(redis: &RedisServer, changes: &[&str]) {
    let words = [&["ACL", "SETUSER", "adda", "on"][..], &RIGHTS, &[">a-password"], changes].concat();
    redis.command(&words).await;
}

fn url(redis: &RedisServer) -> String {
    redis.url().replace("redis://", "redis://adda:a-password@")
}

async fn errors(node: &Node, kind: &str) -> u64 {
    node.http().metrics().await.value(&format!("adda_redis_errors_total{{kind=\"{kind}\"}}")) as u64
}

fn times_told(node: &Node, words: &str) -> usize {
    node.log().lines().filter(|line| line.contains("WARN") && line.contains(words)).count()
}

async fn post(node: &Node, room: &str) -> u16 {
    let body = serde_json::json!({ "content": "hello" });
    node.http().call("POST", &format!("/api/rooms/{room}/messages")).json(&body).send().await.status
}

#[tokio::test]
async fn a_node_whose_posts_are_all_refused_is_not_ready_until_one_succeeds() {
    let Some(redis) = RedisServer::start().await else { return };
    set_rights(&redis, &[]).await;
    let urls = [url(&redis)];
    let mut cluster = Cluster::reaching(redis, &urls, &[("redis.prefix", "adda:")]).await;
    assert_eq!(errors(&cluster.nodes[0], "no_permission").await, 0);
    set_rights(&cluster.redis, &["-xadd"]).await;
    for round in 1..=3 {
        assert_eq!(post(&cluster.nodes[0], "general").await, 503);
        assert!(errors(&cluster.nodes[0], "no_permission").await >= round);
    }
    cluster.nodes[0].until_readyz(503).await;
    let told =
        || times_told(&cluster.nodes[0], "xadd") + times_told(&cluster.nodes[0], "can't run this command");
    eventually("it is logged", DEADLINE, async || (told() > 0).then_some(())).await;
    assert_eq!(told(), 1);
    // There are no more posts: the node detects the recovery itself.
    set_rights(&cluster.redis, &["+xadd"]).await;
    cluster.nodes[0].until_ready().await;
    assert_eq!(post(&cluster.nodes[0], "general").await, 201);
}

#[tokio::test]
async fn a_key_of_the_wrong_type_is_logged_and_does_not_make_the_node_unready() {
    let Some(cluster) = Cluster::with(1, &[("redis.prefix", "adda:")]).await else { return };
    cluster.redis.command(&["SET", "adda:{spoiled}:log", "x"]).await;
    let node = &cluster.nodes[0];
    assert_eq!(post(node, "spoiled").await, 503);
    assert_eq!(errors(node, "wrong_type").await, 1);
    eventually("it is logged", DEADLINE, async || (times_told(node, "WRONGTYPE") > 0).then_some(())).await;
    assert_eq!(times_told(node, "WRONGTYPE"), 1);
    assert!(node.log().contains("adda:{spoiled}:"), "it names the room: {}", node.log());
    assert_eq!(node.http().get("/api/rooms/spoiled/messages").await.status, 503);
    assert_eq!(post(node, "general").await, 201);
    outage(Duration::from_millis(1500)).await;
    assert_eq!(node.http().status("/readyz").await, Some(200));
}

#[tokio::test]
async fn a_node_that_waits_for_replicas_which_are_not_there_is_not_ready() {
    let settings = [("redis.min_replicas_acked", "1"), ("redis.command_timeout", "3s")];
    let Some(mut cluster) = Cluster::with(1, &settings).await else { return };
    assert_eq!(post(&cluster.nodes[0], "general").await, 503);
    assert!(errors(&cluster.nodes[0], "too_few_replicas").await > 0);
    cluster.nodes[0].until_readyz(503).await;
    let port = cluster.redis.port().to_string();
    let Some(replica) = RedisServer::with(&["--replicaof", "127.0.0.1", &port]).await else { return };
    until_says(&replica, "INFO", "replication", "master_link_status:up").await;
    cluster.nodes[0].until_ready().await;
}

/// The output of a node that fails to start.
async fn last_words(launch: Launch) -> String {
    let mut node = launch.spawn();
    assert!(!node.exited().await.success());
    node.log()
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_at_the_start() {
    let Some(redis) = RedisServer::start().await else { return };
    for (change, named) in [
        ("-xadd", "+xadd"),
        ("-publish", "+publish"),
        ("-subscribe", "+subscribe"),
        ("-time", "+time"),
        ("-client|info", "client|info"),
        ("-evalsha", "evalsha"),
        ("-script|load", "script|load"),
        ("-info", "info"),
        ("-zadd", "+zadd"),
    ] {
        set_rights(&redis, &[change]).await;
        let words = last_words(Launch::new().redis(&url(&redis))).await;
        assert!(words.contains("does not let adda do its work"), "{change}: {words}");
        assert!(words.contains(named), "{change}: {words}");
        redis.command(&["ACL", "DELUSER", "adda"]).await;
    }
    set_rights(&redis, &[]).await;
    redis.command(&["ACL", "SETUSER", "adda", "resetchannels", "&other:*"]).await;
    let words = last_words(Launch::new().redis(&url(&redis))).await;
    assert!(words.contains("+publish") && words.contains("+subscribe"), "{words}");
}

#[tokio::test]
async fn a_command_that_was_renamed_is_named_at_the_start() {
    for command in ["CLIENT", "INFO", "EVALSHA", "XADD", "SUBSCRIBE"] {
        let Some(redis) =
            RedisServer::with(&["--rename-command", command, &format!("HIDDEN-{command}")]).await
        else {
            return;
        };
        let words = last_words(Launch::new().redis(&redis.url())).await;
        assert!(words.contains("does not let adda do its work"), "{command}: {words}");
        assert!(words.contains(command), "{command}: {words}");
    }
}

#[tokio::test]
async fn a_password_that_was_replaced_in_its_file_is_read_again() {
    let Some(redis) = RedisServer::start().await else { return };
    set_rights(&redis, &[]).await;
    let file = redis.folder().join("url");
    std::fs::write(&file, url(&redis)).unwrap();
    let launch = Launch::new().set("redis.url_file", file.to_str().unwrap());
    let mut node = launch.start().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    redis.command(&["ACL", "SETUSER", "adda", "resetpass", ">another"]).await;
    redis.command(&["CLIENT", "KILL", "USER", "adda"]).await;
    node.until_readyz(503).await;
    std::fs::write(&file, url(&redis).replace("a-password", "another")).unwrap();
    node.until_ready().await;
    rahim.catch_up().await;
    eventually("a post is taken again", LONG_DEADLINE, async || {
        (rahim.post("general", "back", "n-1").await["type"] == "ack").then_some(())
    })
    .await;
    rahim.receives("back").await;
    assert!(!node.log().contains("another"), "no password in the log");
}
