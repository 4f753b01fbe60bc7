//! A Redis Cluster with a failed shard, or a server outside the cluster: rooms of other shards are not affected.

use std::time::Duration;

use redis::from_redis_value;
use serde_json::json;

use crate::harness::entries::{entry, put};
use crate::harness::redis::RedisServer;
use crate::harness::redis_cluster::until_says;
use crate::harness::roamer::outage;
use crate::harness::store::Store;
use crate::harness::{Client, Cluster, LONG_DEADLINE, RedisCluster, eventually, ports};
use crate::losses::POST_UNPUBLISHED;

/// The initial master that has neither the keys of nodes nor the index of rooms.
pub async fn has_rooms_alone(redis: &RedisCluster) -> usize {
    for server in &redis.servers {
        let answer = server.command(&["KEYS", "adda-*:nodes"]).await;
        if let Some(key) = from_redis_value::<Vec<String>>(answer).expect("keys").first() {
            let index = key.replace(":nodes", ":rooms");
            let others =
                [redis.master(redis.slot(key).await).await, redis.master(redis.slot(&index).await).await];
            return (0..3).find(|place| !others.contains(place)).expect("two are not three");
        }
    }
    panic!("no node has a lease")
}

/// A room whose keys are on this server.
pub async fn room_at(redis: &RedisCluster, place: usize) -> String {
    let [room] = rooms_at(redis, place).await;
    room
}

/// As many rooms as are asked for.
pub async fn rooms_at<const COUNT: usize>(redis: &RedisCluster, place: usize) -> [String; COUNT] {
    let mut rooms = Vec::new();
    for number in 0.. {
        let room = format!("room-{number}");
        if redis.master(redis.slot(&format!("{{{room}}}")).await).await == place {
            rooms.push(room);
        }
        if rooms.len() == COUNT {
            break;
        }
    }
    rooms.try_into().expect("every server has rooms")
}

#[tokio::test]
async fn a_leave_on_a_frozen_shard_blocks_no_other_room() {
    let Some(redis) = RedisCluster::that_can_lose_a_shard().await else { return };
    let urls = vec![redis.url(); 2];
    let settings = [("redis.command_timeout", "1s"), ("presence.leave_grace", "100ms")];
    let cluster = Cluster::reaching(redis, &urls, &settings).await;
    let Store::Cluster(redis) = &cluster.redis else { unreachable!("started with one") };
    let frozen = has_rooms_alone(redis).await;
    let (far, near) = (room_at(redis, frozen).await, room_at(redis, (frozen + 1) % 3).await);
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[0], "মিতা").await;
    for room in [&far, &near] {
        rahim.join(room).await;
        mita.join(room).await;
    }
    for place in [frozen, frozen + 3] {
        redis.servers[place].freeze();
    }
    mita.leave(&far).await;
    for late in ["late-1", "late-2", "late-3", "late-4", "late-5"] {
        // Long enough for a renewal, and for a retry of the failed leave.
        outage(Duration::from_millis(1500)).await;
        let mut late = Client::full(&cluster.nodes[0], late).await;
        late.join(&near).await;
        rahim.posts(&near, "hello").await;
        late.receives("hello").await;
        late.leave(&near).await;
    }
    for place in [frozen, frozen + 3] {
        redis.servers[place].thaw();
    }
    cluster.until_agreed(&far, &[&rahim.connection_id]).await;
    cluster.until_agreed(&near, &[&rahim.connection_id, &mita.connection_id]).await;
}

#[tokio::test]
async fn a_live_node_is_not_reaped_while_a_shard_is_frozen() {
    let Some(redis) = RedisCluster::that_can_lose_a_shard().await else { return };
    let urls = vec![redis.url(); 2];
    let settings = [
        ("presence.lease", "4s"),
        ("presence.renew_every", "300ms"),
        ("presence.leave_grace", "100ms"),
        ("redis.command_timeout", "1s"),
    ];
    let cluster = Cluster::reaching(redis, &urls, &settings).await;
    let Store::Cluster(redis) = &cluster.redis else { unreachable!("started with one") };
    let frozen = has_rooms_alone(redis).await;
    let far: [String; 12] = rooms_at(redis, frozen).await;
    let near = room_at(redis, (frozen + 1) % 3).await;
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join(&near).await;
    let mut leavers = Vec::new();
    for room in &far {
        let mut leaver = Client::full(&cluster.nodes[0], "leaver").await;
        leaver.join(room).await;
        leavers.push(leaver);
    }
    for place in [frozen, frozen + 3] {
        redis.servers[place].freeze();
    }
    let (mut entering, mut answers) = (Vec::new(), 0);
    for (room, leaver) in far.iter().zip(&mut leavers) {
        leaver.send(json!({ "type": "leave", "room_id": room })).await;
        for _ in 0..4 {
            let mut late = Client::full(&cluster.nodes[0], "late").await;
            late.send(json!({ "type": "join", "room_id": room })).await;
            entering.push(late);
            if let Some(here) = cluster.nodes[1].http().connections_if_known(&near).await {
                assert_eq!(here, [&*rahim.connection_id], "{}", cluster.nodes[1].log());
                answers += 1;
            }
            outage(Duration::from_millis(200)).await;
        }
    }
    assert!(answers > 0, "the live shard's rooms are listed");
    for place in [frozen, frozen + 3] {
        redis.servers[place].thaw();
    }
    cluster.until_agreed(&near, &[&rahim.connection_id]).await;
    let dead = cluster.nodes.iter().find(|node| node.log().contains("node died"));
    assert!(dead.is_none(), "{}", dead.map(|node| node.log()).unwrap_or_default());
}

/// Two clients on two nodes in a room of a live shard and in a room of a shard that has died since.
struct SplitRooms {
    cluster: Cluster,
    alive: usize,
    near: String,
    rahim: Client,
    mita: Client,
}

impl SplitRooms {
    async fn with(settings: &[(&str, &str)]) -> Option<Self> {
        let redis = RedisCluster::that_can_lose_a_shard().await?;
        let urls = vec![redis.url(); 2];
        let mut cluster = Cluster::reaching(redis, &urls, settings).await;
        let Store::Cluster(redis) = &mut cluster.redis else { unreachable!("started with one") };
        let dead = has_rooms_alone(redis).await;
        let alive = (dead + 1) % 3;
        let (far, near) = (room_at(redis, dead).await, room_at(redis, alive).await);
        let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
        let mut mita = Client::full(&cluster.nodes[1], "মিতা").await;
        for room in [&far, &near] {
            rahim.join(room).await;
            mita.join(room).await;
        }
        for place in [dead + 3, dead] {
            redis.servers[place].kill();
        }
        until_says(&redis.servers[alive], "CLUSTER", "INFO", "cluster_slots_fail:546").await;
        Some(Self { cluster, alive, near, rahim, mita })
    }

    fn living(&self) -> &RedisServer {
        let Store::Cluster(redis) = &self.cluster.redis else { unreachable!("started with one") };
        &redis.servers[self.alive]
    }
}

#[tokio::test]
async fn while_a_shard_is_dead_other_rooms_recover_from_a_broken_subscription() {
    let settings = [("redis.command_timeout", "2s")];
    let Some(mut rooms) = SplitRooms::with(&settings).await else { return };
    // No later message would reveal the gap.
    for word in ["one", "two", "three"] {
        rooms.living().command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        rooms.rahim.posts(&rooms.near, word).await;
        rooms.mita.receives(word).await;
        rooms.rahim.receives(word).await;
    }
}

#[tokio::test]
async fn while_a_shard_is_dead_silent_losses_in_other_rooms_are_found() {
    let settings = [("redis.command_timeout", "2s"), ("history.verify_every", "1s")];
    let Some(mut rooms) = SplitRooms::with(&settings).await else { return };
    rooms.rahim.posts(&rooms.near, "said once").await;
    rooms.mita.receives("said once").await;
    let found = rooms.living().command(&["KEYS", &format!("*{{{}}}:head", rooms.near)]).await;
    let [head]: [String; 1] = from_redis_value(found).expect("the room is in use");
    let log = head.replace(":head", ":log");
    rooms.living().command(&["EVAL", POST_UNPUBLISHED, "2", &head, &log, "1"]).await;
    assert_eq!(rooms.mita.receives("said once").await["seq"], 2);
}

#[tokio::test]
async fn the_slot_map_of_a_server_outside_the_cluster_is_ignored() {
    let bus = ports::reserve().to_string();
    let settings = ["--cluster-enabled", "yes", "--cluster-port", &bus];
    let (Some(left_behind), Some(redis)) = (RedisServer::with(&settings).await, RedisCluster::start().await)
    else {
        return;
    };
    // It claims all slots, and answers sooner than most.
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
        // The slot map is refreshed each second.
        outage(Duration::from_millis(500)).await;
        assert_eq!(rahim.posts("general", "ping").await["seq"], number);
        mita.receives("ping").await;
        rahim.receives("ping").await;
    }
    let kept: Vec<String> = from_redis_value(left_behind.command(&["KEYS", "*:log"]).await).expect("keys");
    assert!(kept.is_empty(), "{kept:?}");
}

/// When a Redis Cluster grows, a new master receives keys before it has their slot.
#[tokio::test]
async fn a_room_migrated_to_a_new_master_without_slots_is_served_there() {
    let Some(redis) = RedisCluster::start().await else { return };
    let urls = vec![redis.url()];
    let mut cluster = Cluster::reaching(redis, &urls, &[]).await;
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    rahim.posts("general", "before").await;
    let Store::Cluster(redis) = &mut cluster.redis else { unreachable!("started with one") };
    let to = redis.add_master().await;
    let slot = redis.slot("{general}").await;
    let from = redis.master(slot).await;
    redis.open_slot(slot, from, to).await;
    while redis.move_keys(slot, from, to, 100).await > 0 {}
    let http = cluster.nodes[0].http();
    for _ in 0..3 {
        let page = http.get("/api/rooms/general/messages").await;
        assert_eq!(page.status, 200, "{page:?}");
        assert_eq!(page.json()["data"][0]["content"], "before");
    }
    // The node logs the new server with its next renewal.
    eventually("the session is found there", LONG_DEADLINE, async || {
        (http.connections_if_known("general").await? == [&*rahim.connection_id]).then_some(())
    })
    .await;
    redis.hand_over(slot, from, to).await;
    eventually("the room works on its new master", LONG_DEADLINE, async || {
        (rahim.post("general", "after", "n-after").await["type"] == "ack").then_some(())
    })
    .await;
    rahim.receives("after").await;
}

/// Short times, so that a lease expires or a sweep begins within a test.
const SHORT: [(&str, &str); 4] = [
    ("presence.lease", "3s"),
    ("presence.renew_every", "300ms"),
    ("presence.leave_grace", "100ms"),
    ("redis.command_timeout", "1s"),
];

/// The log line of a sweep that has found orphans.
const FOUND: &str = "found orphaned sessions";

/// Waits until some node's log holds a sentence.
async fn until_logged(cluster: &Cluster, sentence: &str) {
    eventually(&format!("a node logs: {sentence}"), LONG_DEADLINE, async || {
        cluster.nodes.iter().any(|node| node.log().contains(sentence)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn sessions_restored_by_an_older_file_of_one_shard_are_removed() {
    let Some(redis) = RedisCluster::start().await else { return };
    let urls = vec![redis.url(); 3];
    let mut cluster = Cluster::reaching(redis, &urls, &SHORT).await;
    let Store::Cluster(redis) = &cluster.redis else { unreachable!("started with one") };
    let place = has_rooms_alone(redis).await;
    let [busy, quiet, lonely] = rooms_at(redis, place).await;
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "মিতা").await;
    let mut karim = Client::full(&cluster.nodes[2], "করিম").await;
    for room in [&busy, &quiet] {
        mita.join(room).await;
    }
    for room in [&busy, &lonely] {
        karim.join(room).await;
    }
    rahim.join(&busy).await;
    redis.servers[place].back_up();

    // One user leaves a node that lives on; the node of another is forgotten.
    for room in [&busy, &quiet] {
        mita.leave(room).await;
    }
    cluster.nodes[2].kill();
    cluster.nodes.pop();
    cluster.until_agreed(&busy, &[&rahim.connection_id]).await;
    until_logged(&cluster, "reaped a dead node").await;

    let Store::Cluster(redis) = &mut cluster.redis else { unreachable!("started with one") };
    redis.servers[place + 3].kill();
    redis.servers[place].kill();
    redis.servers[place].put_backup_back();
    redis.servers[place].restart().await;
    until_logged(&cluster, FOUND).await;
    for (room, here) in [(&busy, &[&*rahim.connection_id][..]), (&quiet, &[]), (&lonely, &[])] {
        cluster.until_agreed(room, here).await;
    }
    assert_eq!(cluster.nodes[1].http().rooms().await, [(busy, 1)]);
}

#[tokio::test]
async fn a_sweep_skips_an_unreachable_shard_and_returns_to_it() {
    let Some(redis) = RedisCluster::that_can_lose_a_shard().await else { return };
    let urls = vec![redis.url(); 2];
    // A configured secret is not read from any shard.
    let more = [("redis.prefix", "adda:"), ("auth.secret", "as long as need be, and some more words")];
    let settings: Vec<_> = SHORT.into_iter().chain(more).collect();
    let cluster = Cluster::reaching(redis, &urls, &settings).await;
    let Store::Cluster(redis) = &cluster.redis else { unreachable!("started with one") };
    let nodes = redis.master(redis.slot("adda:nodes").await).await;
    let frozen = redis.another_master(redis.slot("adda:nodes").await).await;
    let (far, near) = (room_at(redis, frozen).await, room_at(redis, nodes).await);
    let clock = "adda:{adda:nodes}:clock";
    let until_swept = async || {
        eventually("this generation is swept", LONG_DEADLINE, async || {
            let marks = redis.servers[nodes].command(&["HMGET", clock, "generation", "swept"]).await;
            let [generation, swept]: [Option<String>; 2] = from_redis_value(marks).ok()?;
            (generation? == swept?).then_some(())
        })
        .await;
    };
    until_swept().await;
    for (room, place) in [(&far, frozen), (&near, nodes)] {
        let ids = [(); 3].map(|()| uuid::Uuid::new_v4());
        let entry = entry(ids[0], ids[1], ids[2], "ghost");
        put(&redis.servers[place], &format!("adda:{{{room}}}:members"), &entry).await;
        cluster.agree(room, &[&ids[1].to_string()]).await;
    }
    for place in [frozen, frozen + 3] {
        redis.servers[place].freeze();
    }
    redis.servers[nodes].command(&["HDEL", clock, "generation"]).await;
    until_logged(&cluster, FOUND).await;
    cluster.until_agreed(&near, &[]).await;
    for place in [frozen, frozen + 3] {
        redis.servers[place].thaw();
    }
    until_swept().await;
    cluster.until_agreed(&far, &[]).await;
}
