//! Garbage, and data of a later version, in logs, heads and publications: it is skipped and counted, and the room
//! keeps working.

use std::time::Duration;

use redis::{Value, from_redis_value};
use serde_json::json;

use crate::harness::roamer::outage;
use crate::harness::{Client, Cluster, LONG_DEADLINE, Node, eventually};
use crate::losses::POST_UNPUBLISHED;

const CHANNEL: &str = "adda:{general}";
const HEAD: &str = "adda:{general}:head";
const LOG: &str = "adda:{general}:log";

async fn cluster() -> Option<Cluster> {
    Cluster::with(2, &[("redis.prefix", "adda:")]).await
}

/// The number of skipped items of a kind.
async fn unreadable(node: &Node, what: &str) -> u64 {
    node.http().metrics().await.value(&format!("adda_unreadable_total{{what=\"{what}\"}}")) as u64
}

/// Asserts that the room works: messages reach the other node, joins succeed, and REST returns the messages.
async fn is_alive(cluster: &Cluster, rahim: &mut Client, word: &str) {
    rahim.catch_up().await;
    let ack = rahim.post("general", word, word).await;
    assert_eq!(ack["type"], "ack", "{word}: {ack}");
    rahim.receives(word).await;
    let mut late = Client::full(&cluster.nodes[1], "late").await;
    let joined = late.join("general").await;
    let last = joined["messages"].as_array().unwrap().last().expect("a page").clone();
    assert_eq!(last["content"], word, "{joined}");
    let page = cluster.nodes[1].http().messages("general", "").await;
    assert_eq!(page.last().unwrap()["content"], word);
    late.leave("general").await;
}

#[tokio::test]
async fn entries_of_a_log_that_adda_did_not_write_are_skipped_and_counted() {
    let Some(cluster) = cluster().await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    rahim.posts("general", "first").await;
    let like_ours =
        r#"{"id":"i","room_id":"general","user_id":"u","username":"n","content":"x","type":"text"}"#;
    let entries: [&[&str]; 8] = [
        &["x", "y"],
        &["m", "not JSON"],
        &["t", "soon", "m", "{}"],
        &["t", "1", "m", "[1,2,3]"],
        &["t", "1", "m", like_ours],
        &["m", "{\"seq\":", "t", "99999999999999999999999"],
        // A later version, with any content.
        &["t", "1795334400007", "m", "\u{1}\u{2}", "v", "2"],
        &["t", "1795334400007", "words", "elsewhere", "v", "2"],
    ];
    for (round, fields) in entries.iter().enumerate() {
        let skipped = unreadable(&cluster.nodes[1], "log_entry").await;
        let seq: u64 = from_redis_value(cluster.redis.command(&["HINCRBY", HEAD, "seq", "1"]).await).unwrap();
        let id = format!("{seq}-0");
        cluster.redis.command(&[&["XADD", LOG, &id][..], fields].concat()).await;
        is_alive(&cluster, &mut rahim, &format!("word-{round}")).await;
        let gap = rahim.expect("gap").await;
        assert_eq!((&gap["from"], &gap["to"]), (&json!(seq), &json!(seq)), "{fields:?}");
        assert!(unreadable(&cluster.nodes[1], "log_entry").await > skipped, "{fields:?}");
    }
    // Unassigned ids: far above the head, or between two numbers.
    for id in ["4096-0", "4097-7", "9007199254740993-0", "18446744073709551615-0"] {
        cluster.redis.command(&["XADD", LOG, id, "x", "y"]).await;
        is_alive(&cluster, &mut rahim, &format!("after-{id}")).await;
    }
}

#[tokio::test]
async fn invalid_utf_8_is_not_delivered() {
    let Some(cluster) = cluster().await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    rahim.posts("general", "first").await;
    let spoil = "local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
local json = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1][2][4]
json = string.gsub(string.gsub(json, 'first', '\\255\\254'), '\"seq\":%d+', '\"seq\":' .. seq)
redis.call('XADD', KEYS[2], seq .. '-0', 't', '1', 'm', json)
redis.call('PUBLISH', KEYS[3], '1 m ' .. redis.call('HGET', KEYS[1], 'epoch') .. ' ' .. seq .. ' -\\n' .. json)";
    cluster.redis.command(&["EVAL", spoil, "3", HEAD, LOG, CHANNEL]).await;
    assert_eq!(rahim.expect("gap").await["from"], 2);
    is_alive(&cluster, &mut rahim, "second").await;
    assert!(unreadable(&cluster.nodes[0], "publication").await > 0);
}

#[tokio::test]
async fn a_head_that_adda_did_not_write_is_replaced() {
    let Some(cluster) = cluster().await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut epochs = vec![rahim.join("general").await["epoch"].clone()];
    for (round, words) in [
        &["HDEL", HEAD, "seq"][..],
        &["HSET", HEAD, "seq", "many"],
        &["HSET", HEAD, "seq", "-7"],
        &["HSET", HEAD, "seq", "99999999999999999999999"],
        &["HSET", HEAD, "epoch", "\u{1} \n"],
        &["HDEL", HEAD, "epoch", "past"],
        &["HSET", HEAD, "start", "x"],
        &["HDEL", HEAD, "run"],
        &["HSET", HEAD, "past", "::: 7:x e:99999999999999999999999 ,"],
        &["HSET", HEAD, "kept", "1e400"],
    ]
    .iter()
    .enumerate()
    {
        rahim.posts("general", &format!("before-{round}")).await;
        cluster.redis.command(words).await;
        // Reads neither repair nor fail.
        let page = cluster.nodes[1].http().json("/api/rooms/general/messages").await;
        assert_eq!(page["data"].as_array().unwrap().last().unwrap()["content"], format!("before-{round}"));
        is_alive(&cluster, &mut rahim, &format!("after-{round}")).await;
        let epoch = cluster.nodes[1].http().json("/api/rooms/general/messages").await["epoch"].clone();
        if words[2] != "past" && words[2] != "kept" {
            assert!(!epochs.contains(&epoch), "{words:?}: numbers are assigned again under {epoch}");
            epochs.push(epoch);
        }
    }
    let page = cluster.nodes[0].http().messages("general", "?limit=200").await;
    let numbers: Vec<_> = page.iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
}

#[tokio::test]
async fn publications_of_a_later_version_are_skipped_and_their_room_is_compared() {
    let Some(cluster) = cluster().await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "মিতা").await;
    for client in [&mut rahim, &mut mita] {
        client.join("general").await;
    }
    rahim.posts("general", "one").await;
    mita.receives("one").await;
    rahim.receives("one").await;
    let far = format!("1 j {} - u 1 {}\nx", uuid::Uuid::nil(), u64::MAX);
    for publication in ["2 m e 2 and more\n{}", "1 e a kind to come", "m e 2\n{}", "\u{0}", "", &far] {
        let skipped = unreadable(&cluster.nodes[1], "publication").await;
        cluster.redis.command(&["PUBLISH", CHANNEL, publication]).await;
        eventually("it is counted", LONG_DEADLINE, async || {
            (unreadable(&cluster.nodes[1], "publication").await > skipped).then_some(())
        })
        .await;
    }
    // A node of a later version logs in the same format and publishes in another.
    rahim.take_all();
    mita.take_all();
    cluster.redis.command(&["EVAL", POST_UNPUBLISHED, "2", HEAD, LOG, "1"]).await;
    cluster.redis.command(&["PUBLISH", CHANNEL, "2 m e 2 and more\n{}"]).await;
    for client in [&mut rahim, &mut mita] {
        assert_eq!(client.expect("text").await["seq"], 2);
    }
    for node in &cluster.nodes {
        assert_eq!(node.http().status("/readyz").await, Some(200), "no subscription is stale");
        assert!(!node.log().contains("panicked"), "{}", node.log());
    }
}

#[tokio::test]
async fn a_publication_that_was_never_logged_costs_one_read_of_the_log() {
    let Some(cluster) = cluster().await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let joined = rahim.join("general").await;
    let forged = rahim.posts("general", "one").await;
    let epoch = joined["epoch"].as_str().unwrap();
    assert_eq!(forged["epoch"], epoch);
    rahim.receives("one").await;
    let json = json!({ "id": "i", "room_id": "general", "user_id": "u", "username": "n", "content": "forged",
        "type": "text", "timestamp": "t", "seq": 1000 });
    cluster.redis.command(&["CONFIG", "RESETSTAT"]).await;
    cluster.redis.command(&["PUBLISH", CHANNEL, &format!("1 m {epoch} 1000 -\n{json}")]).await;
    outage(Duration::from_secs(1)).await;
    is_alive(&cluster, &mut rahim, "two").await;
    let stats: String = from_redis_value(cluster.redis.command(&["INFO", "commandstats"]).await).unwrap();
    let reads = stats.lines().find_map(|line| line.strip_prefix("cmdstat_xrange:calls=")?.split(',').next());
    let reads: u64 = reads.expect("the log was read").parse().unwrap();
    assert!(reads < 100, "{reads} reads of the log");
    assert!(rahim.untaken("text").is_empty(), "{rahim}");
}

/// `once.lua` computes dates itself, because Redis' Lua has no calendar.
#[tokio::test]
async fn the_log_names_times_as_clients_see_them() {
    let Some(cluster) = cluster().await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    let ack = rahim.posts("general", "when?").await;
    let entry: Vec<(String, Vec<String>)> =
        from_redis_value(cluster.redis.command(&["XRANGE", LOG, "-", "+"]).await).unwrap();
    let named = |millis: u64| adda::model::Timestamp::from_unix_millis(millis).unwrap().to_string();
    assert_eq!(ack["timestamp"], named(entry[0].1[1].parse().unwrap()), "the moment at which it was logged");

    let script = include_str!("../../src/backend/redis/log/once.lua");
    let function = &script[script.find("local function rfc3339").unwrap()..];
    let function = &function[..function.find("\nend\n").unwrap() + 5];
    let text = format!("{function}\nreturn rfc3339(tonumber(ARGV[1]), tonumber(ARGV[2]))");
    let days =
        [0, 58, 59, 364, 365, 789, 790, 11_016, 11_017, 20_512, 20_513, 20_781, 47_540, 47_541, 2_932_896];
    for day in days {
        for seconds in [0, 1, 3_599, 45_296, 86_399] {
            let seconds = day * 86_400 + seconds;
            let told: Value = cluster.redis.command(&["EVAL", &text, "0", &seconds.to_string(), "7"]).await;
            assert_eq!(from_redis_value::<String>(told).unwrap(), named(seconds * 1000 + 7));
        }
    }
}
