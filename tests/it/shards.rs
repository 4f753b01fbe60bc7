//! A Redis Cluster whose servers are not of one mind, and what that must not cost.

use std::time::Duration;

use redis::from_redis_value;

use crate::harness::redis::RedisServer;
use crate::harness::redis_cluster::until_says;
use crate::harness::roamer::outage;
use crate::harness::{Client, Cluster, RedisCluster, ports};

#[tokio::test]
async fn a_server_that_was_left_behind_by_the_others_is_not_believed() {
    let bus = ports::reserve().to_string();
    let settings = ["--cluster-enabled", "yes", "--cluster-port", &bus];
    let (Some(left_behind), Some(redis)) = (RedisServer::with(&settings).await, RedisCluster::start().await)
    else {
        return;
    };
    // It believes that it has all slots, and answers sooner than most.
    left_behind.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
    until_says(&left_behind, "CLUSTER", "INFO", "cluster_state:ok").await;
    let urls =
        vec![redis.url().replace("://", &format!("://127.0.0.1:{},", left_behind.port())), redis.url()];
    let cluster = Cluster::reaching(redis, &urls, &[]).await;
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "মিতা").await;
    rahim.join("general").await;
    mita.join("general").await;
    for number in 1..=10 {
        // The map is looked at each second.
        outage(Duration::from_millis(500)).await;
        assert_eq!(rahim.say("general", "do you hear me?").await["seq"], number);
        mita.hears("do you hear me?").await;
        rahim.hears("do you hear me?").await;
    }
    let kept: Vec<String> = from_redis_value(left_behind.command(&["KEYS", "*:log"]).await).expect("keys");
    assert!(kept.is_empty(), "{kept:?}");
}
