//! A page costs a page, however much there is.

use redis::from_redis_value;

use crate::harness::redis::RedisServer;
use crate::harness::{Cluster, LONG_DEADLINE, eventually};

const SETTINGS: [(&str, &str); 4] = [
    ("redis.prefix", "adda:"),
    ("presence.lease", "1s"),
    ("presence.renew_every", "200ms"),
    ("presence.linger", "200ms"),
];

/// What numbers ARGV[1] to ARGV[2] stand for: a session of a large room up to ARGV[3], a room up to ARGV[4]. One
/// room in ARGV[5] is occupied.
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

/// Numbers at once: Redis does nothing else meanwhile.
const STEP: usize = 2_000;

/// A cluster whose rooms are gone through already, so that nobody takes out what is put there now.
async fn filled(sessions: usize, rooms: usize, one_in: usize) -> Option<Cluster> {
    let cluster = Cluster::with(1, &SETTINGS).await?;
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

/// What the node gets from Redis for an answer.
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
