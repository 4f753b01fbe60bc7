//! The cost of a page does not depend on the size of the room or of the list.

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use redis::from_redis_value;
use serde_json::json;

use crate::harness::redis::RedisServer;
use crate::harness::{Client, Cluster, LONG_DEADLINE, eventually};

const SETTINGS: [(&str, &str); 4] = [
    ("redis.prefix", "adda:"),
    ("presence.lease", "1s"),
    ("presence.renew_every", "200ms"),
    ("presence.leave_grace", "200ms"),
];

/// For each number from ARGV[1] to ARGV[2]: adds a session to a large room up to ARGV[3], and a room up to ARGV[4].
/// One room in ARGV[5] is occupied.
const FILL: &str = "
local function entry(n) return string.format('%032d', n) .. '\\1\\0' .. string.format('%016d', n) .. 'guest' end
redis.call('ZADD', 'adda:rooms', 0, 'big')
for n = ARGV[1], ARGV[2] do
  local room = string.format('room %06d', n)
  if n <= tonumber(ARGV[3]) then redis.call('ZADD', 'adda:{big}:members', 0, entry(n)) end
  if n <= tonumber(ARGV[4]) then
    redis.call('ZADD', 'adda:rooms', 0, room)
    if n % ARGV[5] == 0 then redis.call('ZADD', 'adda:{' .. room .. '}:members', 0, entry(n)) end
  end
end";

/// Numbers per script call, which blocks Redis.
const STEP: usize = 500;

/// A cluster that has finished its sweep, so that the entries added here are not removed.
async fn filled(sessions: usize, rooms: usize, one_in: usize) -> Option<Cluster> {
    filled_with(&[], sessions, rooms, one_in).await
}

async fn filled_with(
    settings: &[(&str, &str)],
    sessions: usize,
    rooms: usize,
    one_in: usize,
) -> Option<Cluster> {
    let cluster = Cluster::with(1, &[&SETTINGS, settings].concat()).await?;
    eventually("this generation is swept", LONG_DEADLINE, async || {
        let clock = cluster.redis.command(&["HMGET", "adda:{adda:nodes}:clock", "generation", "swept"]).await;
        let [generation, swept]: [Option<String>; 2] = from_redis_value(clock).ok()?;
        (generation? == swept?).then_some(())
    })
    .await;
    for first in (1..=sessions.max(rooms)).step_by(STEP) {
        let numbers = [first, first + STEP - 1, sessions, rooms, one_in].map(|number| number.to_string());
        let words: Vec<&str> =
            ["EVAL", FILL, "0"].into_iter().chain(numbers.iter().map(String::as_str)).collect();
        cluster.redis.command(&words).await;
    }
    Some(cluster)
}

/// The bytes that Redis sends the node for an answer.
async fn bytes_for(cluster: &Cluster, path: &str) -> (u64, serde_json::Value) {
    let before = cluster.redis.stat("total_net_output_bytes").await;
    let reply = cluster.nodes[0].http().json(path).await;
    (cluster.redis.stat("total_net_output_bytes").await - before, reply)
}

async fn calls(redis: &RedisServer, command: &str) -> u64 {
    let stats: String = from_redis_value(redis.command(&["INFO", "commandstats"]).await).expect("text");
    let name = format!("cmdstat_{command}:calls=");
    let line = stats.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or("0,");
    line.split(',').next().and_then(|calls| calls.parse().ok()).expect("a number")
}

#[tokio::test]
async fn a_page_of_a_large_room_or_of_many_rooms_is_less_than_20_kb() {
    let Some(cluster) = filled(20_000, 50_000, 1).await else { return };
    let (bytes, room) = bytes_for(&cluster, "/api/rooms/big?limit=100").await;
    assert_eq!(room["data"]["client_count"], 20_000);
    assert_eq!(room["data"]["clients"].as_array().map(Vec::len), Some(100));
    assert!(bytes < 20_000, "{bytes} bytes for a page of members");
    let (bytes, rooms) = bytes_for(&cluster, "/api/rooms?limit=100").await;
    assert_eq!(rooms["data"].as_array().map(Vec::len), Some(100));
    assert!(bytes < 20_000, "{bytes} bytes for a page of rooms");
    let next = rooms["next"].as_str().expect("there are more");
    let (bytes, rooms) =
        bytes_for(&cluster, &format!("/api/rooms?limit=100&cursor={next}&prefix=room")).await;
    assert_eq!(rooms["data"].as_array().map(Vec::len), Some(100));
    assert!(bytes < 20_000, "{bytes} bytes for a later page of rooms");
}

#[tokio::test]
async fn rooms_that_have_emptied_unnoticed_cost_no_round_trip_each() {
    let Some(cluster) = filled(1, 10_000, 10_000).await else { return };
    let before = calls(&cluster.redis, "zrangebylex").await;
    let rooms = cluster.nodes[0].http().json("/api/rooms?limit=1&prefix=room").await;
    assert_eq!(rooms["data"][0]["id"], "room 010000");
    assert_eq!(rooms["data"].as_array().map(Vec::len), Some(1));
    let steps = calls(&cluster.redis, "zrangebylex").await - before;
    assert!(steps <= 20, "{steps} steps");
}

async fn peak_memory(redis: &RedisServer) -> u64 {
    let memory: String = from_redis_value(redis.command(&["INFO", "memory"]).await).expect("text");
    let peak = memory.lines().find_map(|line| line.strip_prefix("used_memory_peak:"));
    peak.and_then(|peak| peak.trim().parse().ok()).expect("a number")
}

#[tokio::test]
async fn concurrent_identical_reads_share_one_answer() {
    let Some(cluster) = filled(20_000, 10_000, 1).await else { return };
    let http = cluster.nodes[0].http();
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    for path in
        ["/api/rooms/big", "/api/rooms?prefix=room", "/api/rooms/general/messages?limit=200", "/api/nodes"]
    {
        let (peak, before) =
            (peak_memory(&cluster.redis).await, cluster.redis.stat("total_net_output_bytes").await);
        let replies = join_all((0..400).map(|_| http.get(path)));
        let (replies, _) = tokio::join!(replies, rahim.posts("general", "in between"));
        assert!(replies.iter().all(|reply| reply.status == 200), "{path}");
        let grown = peak_memory(&cluster.redis).await - peak;
        assert!(grown < 4 << 20, "{path}: {grown} bytes more at the peak");
        let sent = cluster.redis.stat("total_net_output_bytes").await - before;
        assert!(sent < 4 << 20, "{path}: Redis sent {sent} bytes");
    }
    rahim.receives("in between").await;
}

/// Sessions join a room that has a full page of history; each asks for so much of it.
async fn join_at_once(sessions: &mut [Client], history: impl Fn(usize) -> usize) {
    let joins = sessions.iter_mut().enumerate().map(|(number, session)| {
        session.join_with(json!({ "room_id": "general", "history": history(number) }))
    });
    let joined = join_all(joins).await;
    assert!(joined.iter().all(|joined| joined["messages"].as_array().is_some_and(|all| all.len() >= 100)));
}

#[tokio::test]
async fn sessions_that_join_at_once_do_not_fill_the_buffers_of_redis() {
    const SESSIONS: usize = 240;
    // Those who wait for their turn must not give up on a slow machine.
    let long_timeouts = [("redis.pool_wait", "60s"), ("redis.command_timeout", "60s")];
    let Some(cluster) = filled_with(&long_timeouts, 1, 1, 1).await else { return };
    let node = &cluster.nodes[0];
    let mut writer = Client::full(node, "writer").await;
    writer.join("general").await;
    for number in 0..200 {
        writer.posts("general", &format!("{number} {}", "x".repeat(350))).await;
    }
    let names: Vec<String> = (0..SESSIONS).map(|number| format!("session {number}")).collect();
    let mut sessions = join_all(names.iter().map(|name| Client::full(node, name))).await;
    let before = cluster.redis.stat("total_net_output_bytes").await;
    join_at_once(&mut sessions[..SESSIONS / 2], |_| 200).await;
    let sent = cluster.redis.stat("total_net_output_bytes").await - before;
    assert!(sent < 8 << 20, "equal pages are shared, but Redis sent {sent} bytes");
    let peak = peak_memory(&cluster.redis).await;
    join_at_once(&mut sessions[SESSIONS / 2..], |number| 100 + number % 100).await;
    let grown = peak_memory(&cluster.redis).await - peak;
    assert!(grown < 6 << 20, "{grown} bytes more at the peak");
}

#[tokio::test]
async fn an_overloaded_node_refuses_at_once_and_reads_no_more() {
    const READS: usize = 32;
    const CALLERS: usize = 400;
    // Those who read must not give up before the last caller has come.
    let long_timeouts = [("redis.pool_wait", "60s"), ("redis.command_timeout", "60s")];
    let Some(cluster) = filled_with(&long_timeouts, CALLERS, 1, 1).await else { return };
    let http = cluster.nodes[0].http();
    cluster.redis.freeze();
    let paths: Vec<String> = (1..=CALLERS).map(|limit| format!("/api/rooms/big?limit={limit}")).collect();
    let mut replies: FuturesUnordered<_> = paths.iter().map(|path| http.get(path)).collect();
    for _ in READS..CALLERS {
        let reply = replies.next().await.expect("an answer, although Redis gives none");
        assert_eq!((reply.status, reply.header("retry-after")), (503, "1"), "{reply:?}");
        assert!(reply.json()["error"].as_str().is_some_and(|error| error.contains("as many questions")));
    }
    cluster.redis.thaw();
    assert_eq!(replies.count().await, READS);
    // All slots are free again.
    eventually("it answers again", LONG_DEADLINE, async || {
        (http.status("/api/rooms/big?limit=1").await == Some(200)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn joins_that_have_nothing_to_read_ask_nothing_of_the_log() {
    const JOINS: u64 = 20;
    let Some(cluster) = Cluster::with(1, &[("redis.prefix", "adda:")]).await else { return };
    let (redis, node) = (&cluster.redis, &cluster.nodes[0]);
    let mut rahim = Client::full(node, "রহিম").await;
    let empty = rahim.join("general").await;
    let before = calls(redis, "xrange").await;
    for _ in 0..JOINS {
        let joined = Client::full(node, "guest").await.join("general").await;
        assert_eq!((&joined["epoch"], &joined["seq"]), (&empty["epoch"], &json!(0)));
    }
    let reads = calls(redis, "xrange").await - before;
    assert!(reads < JOINS, "{reads} reads of an empty room");

    let epoch = rahim.posts("general", "one").await["epoch"].clone();
    rahim.texts(1).await;
    let before = calls(redis, "xrange").await;
    for _ in 0..JOINS {
        let joined = Client::full(node, "guest").await.resume("general", &epoch, 1).await;
        assert_eq!((&joined["recovered"], &joined["messages"]), (&json!(true), &json!([])));
        assert_eq!((&joined["epoch"], &joined["seq"]), (&epoch, &json!(1)));
    }
    let reads = calls(redis, "xrange").await - before;
    assert!(reads < JOINS, "{reads} reads for sessions that have everything");
    let joined = Client::full(node, "guest").await.join("general").await;
    assert_eq!(joined["messages"][0]["content"], "one", "one that has not is given the page");

    // The head of another run of Redis proves nothing until an epoch is opened above it.
    redis.command(&["HSET", "adda:{general}:head", "run", "of another Redis"]).await;
    let joined = Client::full(node, "guest").await.resume("general", &epoch, 1).await;
    assert_eq!((&joined["recovered"], &joined["messages"]), (&json!(true), &json!([])));
    assert_ne!(joined["epoch"], epoch);
}
