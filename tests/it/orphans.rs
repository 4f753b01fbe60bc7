//! Orphaned sessions: member entries that no node holds and that only the sweep finds.

use redis::from_redis_value;
use uuid::Uuid;

use crate::harness::entries::{entries, entry, node_of, put};
use crate::harness::redis::RedisServer;
use crate::harness::{Client, Cluster, LONG_DEADLINE, Node, eventually};

const SETTINGS: [(&str, &str); 4] = [
    ("redis.prefix", "adda:"),
    ("presence.lease", "3s"),
    ("presence.renew_every", "200ms"),
    ("presence.leave_grace", "200ms"),
];

const CLOCK: &str = "adda:{adda:nodes}:clock";

/// Waits until the current generation is swept.
async fn until_swept(redis: &RedisServer) {
    eventually("this generation is swept", LONG_DEADLINE, async || {
        let clock = redis.try_command(&["HMGET", CLOCK, "generation", "swept"]).await.ok()?;
        let [generation, swept]: [Option<String>; 2] = from_redis_value(clock).ok()?;
        (generation? == swept?).then_some(())
    })
    .await;
}

/// Adds a member entry of a node to a room, without any index; returns its connection id.
async fn add_orphan(redis: &RedisServer, room_tag: &str, node: Uuid, user: Uuid) -> String {
    let connection = Uuid::new_v4();
    let key = format!("adda:{{{room_tag}}}:members");
    put(redis, &key, &entry(node, connection, user, "ghost")).await;
    connection.to_string()
}

/// Waits until a room has exactly these sessions; every answer until then must include them.
async fn until_only(node: &Node, room: &str, here: &[&str]) {
    eventually(&format!("only {here:?} are in {room}"), LONG_DEADLINE, async || {
        let seen = node.http().connections_if_known(room).await?;
        for connection in here {
            assert!(seen.iter().any(|id| id == connection), "{connection} is not in {room}: {seen:?}");
        }
        (seen.len() == here.len()).then_some(())
    })
    .await;
}

async fn bounce(cluster: &mut Cluster) {
    cluster.redis.kill();
    for node in &mut cluster.nodes {
        node.until_readyz(503).await;
    }
    cluster.redis.restart().await;
}

#[tokio::test]
async fn orphaned_sessions_of_an_unknown_node_are_removed() {
    let Some(mut cluster) = Cluster::with(2, &SETTINGS).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "মিতা").await;
    rahim.join("general").await;
    mita.join("general").await;
    until_swept(&cluster.redis).await;
    let (node, user) = (Uuid::new_v4(), Uuid::new_v4());
    for tag in ["general", "general", "attic", "%7B100%25%7D"] {
        add_orphan(&cluster.redis, tag, node, user).await;
    }
    cluster.redis.command(&["ZADD", "adda:rooms", "0", "attic", "0", "{100%}"]).await;
    // Foreign members and keys are ignored.
    for rubbish in ["rubbish", "more rubbish, which is longer than an entry"] {
        put(&cluster.redis, "adda:{cellar}:members", rubbish.as_bytes()).await;
    }
    cluster.redis.command(&["SET", "adda:{general}:nonce:x {}:members", "x"]).await;
    assert_eq!(cluster.nodes[0].http().rooms().await.len(), 3);

    bounce(&mut cluster).await;
    let here = [&*rahim.connection_id, &*mita.connection_id];
    for node in &cluster.nodes {
        until_only(node, "general", &here).await;
        until_only(node, "attic", &[]).await;
        until_only(node, "{100%}", &[]).await;
        assert_eq!(node.http().rooms().await, [("general".to_owned(), 2)]);
    }
    until_swept(&cluster.redis).await;
    for client in [&mut rahim, &mut mita] {
        client.sees_leave("ghost").await;
        client.catch_up().await;
        let more = [client.untaken("leave"), client.untaken("join")].concat();
        assert!(more.iter().all(|notice| notice["username"] == "মিতা"), "{more:?}");
    }
    eventually("all that was noted of it is gone", LONG_DEADLINE, async || {
        let keys = cluster.redis.command(&["KEYS", &format!("adda:node:{node}:*")]).await;
        let nodes = cluster.redis.command(&["ZCARD", "adda:nodes"]).await;
        let left: (Vec<String>, u64) = (from_redis_value(keys).ok()?, from_redis_value(nodes).ok()?);
        (left == (Vec::new(), 2)).then_some(())
    })
    .await;
    let index: Vec<String> =
        from_redis_value(cluster.redis.command(&["ZRANGE", "adda:rooms", "0", "-1"]).await).expect("names");
    assert_eq!(index, ["general"]);
}

#[tokio::test]
async fn orphaned_sessions_of_a_live_node_are_removed() {
    let Some(mut cluster) = Cluster::with(2, &SETTINGS).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    until_swept(&cluster.redis).await;
    let node = node_of(&entries(&cluster.redis, "adda:{general}:members").await[0]);
    let ghost = add_orphan(&cluster.redis, "attic", node, Uuid::new_v4()).await;
    cluster.agree("attic", &[&ghost]).await;

    bounce(&mut cluster).await;
    for node in &cluster.nodes {
        until_only(node, "attic", &[]).await;
        until_only(node, "general", &[&rahim.connection_id]).await;
    }
    rahim.posts("general", "still here").await;
    assert!([rahim.untaken("leave"), rahim.untaken("join")].concat().is_empty(), "{rahim}");
}

#[tokio::test]
async fn an_unfinished_sweep_starts_again() {
    let Some(cluster) = Cluster::with(2, &SETTINGS).await else { return };
    until_swept(&cluster.redis).await;
    add_orphan(&cluster.redis, "attic", Uuid::new_v4(), Uuid::new_v4()).await;
    // The state that a node leaves if it dies during a sweep.
    let [now, _]: [String; 2] = ::redis::from_redis_value(cluster.redis.command(&["TIME"]).await).unwrap();
    let claim = format!("{} {now}000", Uuid::new_v4());
    cluster.redis.command(&["SET", "adda:{adda:nodes}:sweeper", &claim]).await;
    cluster.redis.command(&["HDEL", CLOCK, "generation"]).await;
    until_only(&cluster.nodes[0], "attic", &[]).await;
    until_swept(&cluster.redis).await;
}
