//! A shard of a Redis Cluster that stands still, and rooms of the others.

use adda::backend;
use adda::config::Config;
use adda::model::{NodeId, UserId};
use adda::supervisor::Supervisor;
use futures_util::StreamExt;
use serde_json::json;
use tokio::time::timeout;

use crate::harness::store::Store;
use crate::harness::{Client, Cluster, LONG_DEADLINE, Node, RedisCluster, eventually};
use crate::shards::{has_rooms_alone, rooms_at};

/// How often a node has begun to resync rooms after changes that failed, and how often that has failed too.
fn resyncs(node: &Node) -> (usize, usize) {
    let log = node.log();
    let begun = log.matches("resyncing rooms after failed changes").count();
    (begun, log.matches("rooms can't be resynced yet").count())
}

#[tokio::test]
async fn joins_and_leaves_pass_while_rooms_of_a_frozen_shard_are_resynced() {
    let Some(redis) = RedisCluster::that_can_lose_a_shard().await else { return };
    let urls = vec![redis.url(); 1];
    let cluster = Cluster::reaching(redis, &urls, &[("redis.command_timeout", "15s")]).await;
    let Store::Cluster(redis) = &cluster.redis else { unreachable!("started with one") };
    let (frozen, node) = (has_rooms_alone(redis).await, &cluster.nodes[0]);
    let far: [String; 3] = rooms_at(redis, frozen).await;
    let near: [String; 8] = rooms_at(redis, (frozen + 1) % 3).await;
    let mut rahim = Client::full(node, "রহিম").await;
    let mut mita = Client::full(node, "মিতা").await;
    for room in &far {
        rahim.join(room).await;
    }
    for place in [frozen, frozen + 3] {
        redis.servers[place].freeze();
    }
    for room in &far {
        rahim.send(json!({ "type": "leave", "room_id": room })).await;
    }
    let under_way = async || {
        let (begun, ended) = resyncs(node);
        (begun > ended).then_some(begun)
    };
    let begun = eventually("a resync of the rooms that were left", LONG_DEADLINE, under_way).await;
    for room in &near {
        mita.join(room).await;
        mita.leave(room).await;
    }
    assert_eq!(resyncs(node), (begun, begun - 1), "the same resync is still under way: {}", node.log());
    for place in [frozen, frozen + 3] {
        redis.servers[place].thaw();
    }
    cluster.until_agreed(&far[0], &[]).await;
}

/// Settings of a backend that waits for answers longer than the test does.
fn patient(redis: &RedisCluster) -> Config {
    let mut config = Config::defaults();
    config.redis.url = redis.url();
    config.redis.command_timeout = LONG_DEADLINE * 2;
    config
}

/// A user whose key is on the shard of this server.
async fn user_at(redis: &RedisCluster, place: usize, key: impl Fn(&UserId) -> String) -> UserId {
    loop {
        let user = UserId::guest();
        if redis.master(redis.slot(&key(&user)).await).await == place {
            return user;
        }
    }
}

#[tokio::test]
async fn notifications_of_users_of_other_shards_are_read_while_one_is_frozen() {
    let Some(redis) = RedisCluster::that_can_lose_a_shard().await else { return };
    let config = patient(&redis);
    let started = backend::start(&config, NodeId::random(), &Supervisor::default()).await;
    let (backend, _events) = started.expect("Redis is there");
    let key = |user: &UserId| format!("{}user:{{{user}}}:notifications", config.redis.prefix);
    let users = [user_at(&redis, 0, key).await, user_at(&redis, 1, key).await, user_at(&redis, 2, key).await];
    assert!(backend.notifications.of_users(&users).await.iter().all(Result::is_ok), "all shards answer");
    for place in [0, 3] {
        redis.servers[place].freeze();
    }
    let mut read = backend.notifications.of_users_by_part(users.to_vec());
    let mut found = Vec::new();
    while found.len() < 2 {
        for (user, kept) in timeout(LONG_DEADLINE, read.next()).await.expect("in time").expect("one each") {
            kept.expect("its shard answers");
            found.push(user);
        }
    }
    assert!(!found.contains(&users[0]), "{found:?}");
    for place in [0, 3] {
        redis.servers[place].thaw();
    }
}

#[tokio::test]
async fn standings_of_other_shards_are_read_while_one_is_frozen() {
    let Some(redis) = RedisCluster::that_can_lose_a_shard().await else { return };
    let config = patient(&redis);
    let started = backend::start(&config, NodeId::random(), &Supervisor::default()).await;
    let (backend, _events) = started.expect("Redis is there");
    let key = |user: &UserId| format!("{}{{user:{user}}}:standing", config.redis.prefix);
    let users = [user_at(&redis, 0, key).await, user_at(&redis, 1, key).await, user_at(&redis, 2, key).await];
    backend.standings.standings(&users).await.expect("all shards answer");
    for place in [0, 3] {
        redis.servers[place].freeze();
    }
    let mut read = backend.standings.each_standing(users.to_vec());
    let mut found = Vec::new();
    while found.len() < 2 {
        let (user, standing) = timeout(LONG_DEADLINE, read.next()).await.expect("in time").expect("one each");
        standing.expect("its shard answers");
        found.push(user);
    }
    assert!(!found.contains(&users[0]), "{found:?}");
    for place in [0, 3] {
        redis.servers[place].thaw();
    }
}
