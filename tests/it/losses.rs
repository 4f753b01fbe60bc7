//! Lost publications: each node reads the missing messages from the log, once for all its sessions.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::proxy::Proxy;
use crate::harness::roamer::assert_received_once;
use crate::harness::{Client, Cluster, DEADLINE, LONG_DEADLINE, Node, Roamer, eventually};

/// Appends a copy of the last message to the log without publishing it.
pub const POST_UNPUBLISHED: &str = r#"
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1][2]
for _ = 1, tonumber(ARGV[1]) do
  local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
  local fields = {}
  for i, field in ipairs(last) do fields[i] = string.gsub(field, '"seq":%d+', '"seq":' .. seq) end
  redis.call('XADD', KEYS[2], seq .. '-0', unpack(fields))
end"#;

async fn post_unpublished(cluster: &Cluster, room: &str, count: usize) {
    let (head, log) = (key(cluster, room, "head").await, key(cluster, room, "log").await);
    cluster.redis.command(&["EVAL", POST_UNPUBLISHED, "2", &head, &log, &count.to_string()]).await;
}

async fn key(cluster: &Cluster, room: &str, what: &str) -> String {
    let keys = cluster.redis.command(&["KEYS", &format!("*{{{room}}}:{what}")]).await;
    let keys: Vec<String> = redis::from_redis_value(keys).expect("names");
    keys.into_iter().next().expect("the room is in use")
}

/// Makes Redis log every command from now on.
async fn watch_commands(cluster: &Cluster) {
    for (setting, value) in [("slowlog-max-len", "100000"), ("slowlog-log-slower-than", "0")] {
        cluster.redis.command(&["CONFIG", "SET", setting, value]).await;
    }
    cluster.redis.command(&["SLOWLOG", "RESET"]).await;
}

/// An entry of Redis' slow log: id, time, duration, command, and client.
type Noted = (u64, u64, u64, Vec<Vec<u8>>, Vec<u8>, Vec<u8>);

/// The number of reads of the log since then.
async fn reads(cluster: &Cluster) -> usize {
    let commands = cluster.redis.command(&["SLOWLOG", "GET", "-1"]).await;
    let commands: Vec<Noted> = redis::from_redis_value(commands).expect("commands");
    commands.iter().filter(|command| command.3.iter().any(|word| word == b"after")).count()
}

async fn crowd(node: &Node, size: usize, room: &str) -> Vec<Client> {
    let mut crowd = Vec::new();
    for number in 0..size {
        let mut client = Client::full(node, &format!("member {number}")).await;
        client.join(room).await;
        crowd.push(client);
    }
    crowd
}

fn seqs(messages: &[Value]) -> Vec<u64> {
    messages.iter().filter_map(|message| message["seq"].as_u64()).collect()
}

#[tokio::test]
async fn a_lost_message_costs_each_node_one_read_however_many_listen() {
    const MEMBERS: usize = 300;
    let Some(cluster) = Cluster::start(2).await else { return };
    let mut members = crowd(&cluster.nodes[0], MEMBERS, "general").await;
    members.extend(crowd(&cluster.nodes[1], 1, "general").await);
    members[0].posts("general", "one").await;
    join_all(members.iter_mut().map(|member| member.receives("one"))).await;
    watch_commands(&cluster).await;
    post_unpublished(&cluster, "general", 1).await;
    members[0].posts("general", "three").await;
    for received in join_all(members.iter_mut().map(|member| member.texts(2))).await {
        assert_eq!(seqs(&received), [2, 3]);
    }
    assert_eq!(reads(&cluster).await, 2, "one of each node");
    for member in &mut members {
        member.catch_up().await;
        assert!(member.untaken("text").is_empty() && member.untaken("gap").is_empty(), "{member}");
    }
}

#[tokio::test]
async fn a_long_loss_is_read_page_by_page_and_what_is_said_meanwhile_waits() {
    let Some(cluster) = Cluster::with(1, &[("history.max_page", "100")]).await else { return };
    let mut members = crowd(&cluster.nodes[0], 3, "general").await;
    members[0].posts("general", "one").await;
    watch_commands(&cluster).await;
    post_unpublished(&cluster, "general", 250).await;
    for number in 0..10 {
        members[0].posts("general", &format!("later {number}")).await;
    }
    for received in join_all(members.iter_mut().map(|member| member.texts(261))).await {
        assert_eq!(seqs(&received), (1..=261).collect::<Vec<_>>());
    }
    assert_eq!(reads(&cluster).await, 3);
}

#[tokio::test]
async fn a_loss_that_nothing_follows_is_found_all_the_same() {
    let Some(cluster) = Cluster::with(2, &[("history.verify_every", "1s")]).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    rahim.join("general").await;
    karim.join("general").await;
    rahim.posts("general", "one").await;
    post_unpublished(&cluster, "general", 1).await;
    for client in [&mut rahim, &mut karim] {
        assert_eq!(seqs(&client.texts(2).await), [1, 2]);
    }
}

#[tokio::test]
async fn the_head_of_an_occupied_room_is_kept_though_nobody_posts() {
    let Some(cluster) = Cluster::with(1, &[("history.verify_every", "1s")]).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    rahim.posts("general", "one").await;
    let head = key(&cluster, "general", "head").await;
    cluster.redis.command(&["PEXPIRE", &head, "60000"]).await;
    eventually("the head is kept for longer", LONG_DEADLINE, async || {
        let left: i64 = redis::from_redis_value(cluster.redis.command(&["PTTL", &head]).await).ok()?;
        (left > 60_000).then_some(())
    })
    .await;
}

#[tokio::test]
async fn messages_lost_from_the_log_are_sent_as_a_gap() {
    let Some(cluster) = Cluster::start(1).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    let mut plain = Client::plain(&cluster.nodes[0], "general", "plain").await;
    rahim.posts("general", "one").await;
    post_unpublished(&cluster, "general", 3).await;
    let log = key(&cluster, "general", "log").await;
    cluster.redis.command(&["XTRIM", &log, "MINID", "4"]).await;
    rahim.posts("general", "five").await;
    assert_eq!(rahim.next_of(&["text", "gap"]).await["seq"], 1);
    let gap = rahim.next_of(&["text", "gap"]).await;
    assert_eq!((&gap["type"], &gap["from"], &gap["to"]), (&json!("gap"), &json!(2), &json!(3)));
    for seq in [4, 5] {
        assert_eq!(rahim.next_of(&["text", "gap"]).await["seq"], seq);
    }
    assert_eq!(plain.expect("error").await["code"], "messages_skipped");
    assert_eq!(seqs(&plain.texts(3).await), [1, 4, 5]);
    let counted =
        cluster.nodes[0].http().metrics().await.value(r#"adda_errors_total{code="messages_skipped"}"#);
    assert_eq!(counted, 1.0, "an error counts where it is sent");
}

/// Joins and leaves are not logged. A session that may have missed one receives the current count, once.
#[tokio::test]
async fn a_lost_count_is_sent_after_the_reconnect() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "মিতা").await;
    for client in [&mut rahim, &mut mita] {
        client.join("general").await;
    }
    rahim.sees_join("মিতা").await;
    let members = key(&cluster, "general", "members").await;
    cluster.redis.command(&["ZADD", &members, "0", "somebody else's"]).await;
    for _ in 0..2 {
        cluster.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        rahim.posts("general", "now").await;
        mita.receives("now").await;
    }
    for client in [&mut rahim, &mut mita] {
        let count = client.expect("count").await;
        assert_eq!(count["client_count"], 3, "{count}");
        client.catch_up().await;
        assert!(client.untaken("count").is_empty(), "{client}");
    }
}

/// Publications dropped at a full queue between Redis and the hub are recovered.
#[tokio::test]
async fn a_queue_with_room_for_one_event_loses_nothing() {
    const EACH: usize = 150;
    let Some(cluster) = Cluster::with(2, &[("redis.feed_queue", "1")]).await else { return };
    let mut roamers = Vec::new();
    for place in 0..6 {
        let node = &cluster.nodes[place % 2];
        roamers.push(Roamer::enter(&[node], &format!("roamer {place}"), "general").await);
    }
    let mut shouter = Client::full(&cluster.nodes[0], "shouter").await;
    shouter.join("general").await;
    let shout = async {
        // All at once, so that they go to Redis and return in batches.
        for number in 0..EACH {
            let content = format!("shout {number}");
            shouter.send(json!({ "type": "text", "room_id": "general", "content": content })).await;
        }
    };
    let talk = join_all(roamers.iter_mut().enumerate().map(|(place, roamer)| async move {
        for number in 0..EACH {
            roamer.posts(&format!("{place} says {number}")).await;
        }
    }));
    tokio::join!(shout, talk);
    assert_received_once(&mut roamers, EACH * 7).await;
    let mut left_out = 0.0;
    for node in &cluster.nodes {
        left_out += node.http().metrics().await.value("adda_pubsub_events_dropped_total");
    }
    assert!(left_out > 0.0, "the queue was full at times");
    for roamer in &mut roamers {
        assert!(roamer.closes.is_empty(), "no session is dropped: {:?}", roamer.closes);
    }
}

/// The connection is open but silent: only the node's own canary detects it.
#[tokio::test]
async fn a_stale_subscription_is_detected_and_no_message_is_lost() {
    let Some(mut cluster) = Cluster::start(1).await else { return };
    let proxy = Proxy::start(cluster.redis.port()).await;
    let url = format!("redis://127.0.0.1:{}", proxy.port);
    let mut behind = cluster.launch().redis(&url).start().await;
    let mut rahim = Client::full(&behind, "রহিম").await;
    let mut karim = Client::full(&cluster.nodes[0], "করিম").await;
    rahim.join("general").await;
    karim.join("general").await;
    proxy.hush_subscriptions(true);
    karim.posts("general", "one").await;
    rahim.posts("general", "two").await;
    behind.until_readyz(503).await;
    cluster.nodes[0].until_ready().await;
    rahim.catch_up().await;
    assert!(rahim.untaken("text").is_empty(), "nothing can have arrived: {rahim}");
    rahim.send(json!({ "type": "join", "room_id": "elsewhere" })).await;
    let refusal = rahim.expect("error").await;
    assert_eq!(refusal["code"], "unavailable", "a room without a subscription is not joined: {refusal}");
    proxy.hush_subscriptions(false);
    behind.until_ready().await;
    karim.posts("general", "three").await;
    for client in [&mut rahim, &mut karim] {
        assert_eq!(seqs(&client.texts(3).await), [1, 2, 3]);
    }
    assert!(behind.http().metrics().await.value("adda_pubsub_reconnects_total") > 0.0);
}

/// All rooms of a node are resubscribed together, and batched comparisons find the losses of each.
#[tokio::test]
async fn many_rooms_are_repaired_after_one_reconnect() {
    const ROOMS: usize = 600;
    let Some(cluster) = Cluster::with(1, &[("limits.rooms_per_session", "600")]).await else { return };
    let mut member = Client::full(&cluster.nodes[0], "member").await;
    for room in 0..ROOMS {
        member.join(&format!("room {room}")).await;
        member.posts(&format!("room {room}"), "one").await;
        member.receives("one").await;
    }
    watch_commands(&cluster).await;
    for room in [0, 299, 599] {
        post_unpublished(&cluster, &format!("room {room}"), 1).await;
    }
    cluster.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    let mut repaired: Vec<_> = member.texts(3).await.iter().map(|message| message["seq"].as_u64()).collect();
    repaired.dedup();
    assert_eq!(repaired, [Some(2)]);
    assert_eq!(reads(&cluster).await, 3, "of those alone that are behind");
    eventually("the node receives again", DEADLINE, async || {
        (cluster.nodes[0].http().metrics().await.value("adda_pubsub_up") == 1.0).then_some(())
    })
    .await;
    for room in 0..ROOMS {
        cluster.nodes[0].http().post(&format!("room {room}"), "again").await;
    }
    for _ in 0..ROOMS {
        member.receives("again").await;
    }
    assert!(member.untaken("text").is_empty(), "{member}");
}

#[tokio::test]
async fn a_node_that_starts_as_redis_is_emptied_answers_with_all_members() {
    let settings = [("presence.renew_every", "2s"), ("presence.lease", "10s")];
    let Some(mut cluster) = Cluster::with(1, &settings).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    cluster.redis.command(&["FLUSHALL"]).await;
    let newcomer = cluster.add_node().await;
    let newcomer = cluster.nodes[newcomer].http();
    let first = eventually("an answer", DEADLINE, async || newcomer.connections_if_known("general").await);
    assert_eq!(first.await, [rahim.connection_id.clone()]);
}
