//! Foreign changes to a node's memberships in Redis are detected and repaired by the node.

use uuid::Uuid;

use crate::harness::entries::{entries, entry, node_of, put};
use crate::harness::redis::RedisServer;
use crate::harness::store::Store;
use crate::harness::{Client, Cluster, DEADLINE, RedisCluster, eventually};

const MEMBERS: &str = "adda:{general}:members";

#[tokio::test]
async fn a_foreign_change_is_repaired_after_an_invalidation() {
    let settings = [("redis.prefix", "adda:"), ("presence.leave_grace", "200ms")];
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    corrupt_and_expect_repair(&cluster).await;
}

#[tokio::test]
async fn without_invalidations_a_foreign_change_is_repaired_by_verification() {
    let Some(redis) = RedisServer::start().await else { return };
    redis.command(&["ACL", "SETUSER", "default", "-client|tracking"]).await;
    let urls = vec![redis.url(); 2];
    let settings =
        [("presence.verify_every", "1s"), ("redis.prefix", "adda:"), ("presence.leave_grace", "200ms")];
    let cluster = Cluster::reaching(redis, &urls, &settings).await;
    corrupt_and_expect_repair(&cluster).await;
    assert!(cluster.nodes[0].log().contains("CLIENT TRACKING refused"), "{}", cluster.nodes[0].log());
}

async fn corrupt_and_expect_repair(cluster: &Cluster) {
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "মিতা").await;
    for client in [&mut rahim, &mut mita] {
        client.join("general").await;
    }
    rahim.sees_join("মিতা").await;
    let here = [rahim.connection_id.clone(), mita.connection_id.clone()];
    let here: Vec<&str> = here.iter().map(String::as_str).collect();
    let connection = Uuid::parse_str(&rahim.connection_id).expect("a UUID");
    let entries = entries(&cluster.redis, MEMBERS).await;
    let lost =
        entries.iter().find(|entry| entry[16..32] == connection.as_bytes()[..]).expect("রহিম is there");

    cluster.redis.run(redis::cmd("ZREM").arg(MEMBERS).arg(lost)).await;
    cluster.until_agreed("general", &here).await;

    // A ghost session on রহিম's node.
    let node = node_of(lost);
    put(&cluster.redis, MEMBERS, &entry(node, Uuid::new_v4(), Uuid::new_v4(), "ghost")).await;
    cluster.until_agreed("general", &here).await;

    // Not a session; joins and leaves ignore it.
    put(&cluster.redis, MEMBERS, &[node.as_bytes(), &b"rubbish"[..]].concat()).await;
    let mut passer = Client::full(&cluster.nodes[1], "পথিক").await;
    passer.join("general").await;
    rahim.sees_join("পথিক").await;
    passer.leave("general").await;
    eventually("only sessions are members", DEADLINE, async || {
        let count: u64 =
            redis::from_redis_value(cluster.redis.command(&["ZCARD", MEMBERS]).await).expect("a number");
        (count == 2).then_some(())
    })
    .await;

    // An entry that sorts last, and a key of another type, as of an older adda.
    cluster.redis.run(redis::cmd("ZADD").arg(MEMBERS).arg(-7).arg(lost)).await;
    cluster.until_agreed("general", &here).await;
    cluster.redis.command(&["DEL", MEMBERS]).await;
    cluster.redis.command(&["SADD", MEMBERS, "an older adda's"]).await;
    cluster.until_agreed("general", &here).await;

    // The whole room, as by an eviction.
    cluster.redis.command(&["DEL", MEMBERS]).await;
    cluster.until_agreed("general", &here).await;

    // The indexes in which other nodes find the room.
    let list = format!("adda:node:{node}:{{adda:nodes}}:rooms");
    cluster.redis.command(&["DEL", "adda:rooms", &list]).await;
    for ask in [&["ZRANGE", "adda:rooms", "0", "-1"][..], &["SMEMBERS", &list]] {
        eventually("the room is listed again", DEADLINE, async || {
            let rooms: Vec<String> =
                redis::from_redis_value(cluster.redis.command(ask).await).expect("names");
            (rooms == ["general"]).then_some(())
        })
        .await;
    }

    for (node, client) in cluster.nodes.iter().zip([&rahim, &mita]) {
        assert!(client.untaken("join").is_empty(), "{client} received a join");
        eventually("the metric counts it", DEADLINE, async || {
            (node.http().metrics().await.value("adda_presence_repairs_total") > 0.0).then_some(())
        })
        .await;
    }
    rahim.posts("general", "still here").await;
    mita.receives("still here").await;
}

#[tokio::test]
async fn one_emptied_shard_is_restored() {
    let Some(redis) = RedisCluster::start().await else { return };
    let urls = vec![redis.url(); 2];
    let settings = [("redis.prefix", "adda:"), ("presence.leave_grace", "200ms")];
    let cluster = Cluster::reaching(redis, &urls, &settings).await;
    let rooms = ["general", "বাংলা", "news", "music"];
    let mut clients = Vec::new();
    for (name, node) in ["রহিম", "মিতা"].into_iter().zip(&cluster.nodes) {
        let mut client = Client::full(node, name).await;
        for room in rooms {
            client.join(room).await;
        }
        clients.push(client);
    }
    let here: Vec<&str> = clients.iter().map(|client| &*client.connection_id).collect();
    let Store::Cluster(redis) = &cluster.redis else { panic!("a Redis Cluster") };
    for room in rooms {
        let master = redis.master(redis.slot(room).await).await;
        redis.servers[master].command(&["FLUSHALL"]).await;
        for room in rooms {
            cluster.until_agreed(room, &here).await;
        }
    }
}
