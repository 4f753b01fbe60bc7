//! Foreign data, or data of a later version, among the keys that nodes share is skipped and counted.

use crate::harness::{Client, Cluster, LONG_DEADLINE, Node, eventually};

const NODES: &str = "adda:nodes";
const CLOCK: &str = "adda:{adda:nodes}:clock";
const SETTINGS: &[(&str, &str)] = &[
    ("redis.prefix", "adda:"),
    ("presence.lease", "2s"),
    ("presence.leave_grace", "1s"),
    ("presence.renew_every", "250ms"),
];

/// Not UTF-8, as `redis-cli` may write.
const BYTES: &[u8] = b"\xff\xfe \x00\x80";

async fn put(cluster: &Cluster, words: &[&[u8]]) {
    let mut command = ::redis::Cmd::new();
    for word in words {
        command.arg(word);
    }
    cluster.redis.run(&command).await;
}

async fn unreadable(node: &Node) -> f64 {
    node.http().metrics().await.value("adda_unreadable_total")
}

/// Waits for some renewals of each node and asserts that none failed, by the log: a failed one is retried at once.
async fn goes_on(cluster: &Cluster) {
    let mut witness = Client::full(&cluster.nodes[0], "witness").await;
    witness.join("general").await;
    let mut broken = Client::full(&cluster.nodes[1], "breaks off").await;
    broken.join("general").await;
    witness.sees_join("breaks off").await;
    drop(broken);
    witness.sees_leave("breaks off").await;
    for node in &cluster.nodes {
        assert_eq!(node.http().json("/api/nodes").await["data"].as_array().map(Vec::len), Some(2));
        assert_eq!(node.http().status("/readyz").await, Some(200));
        assert!(!node.log().contains("ERROR"), "{}", node.log());
    }
    witness.leave("general").await;
}

#[tokio::test]
async fn foreign_leases_are_skipped() {
    let Some(cluster) = Cluster::with(2, SETTINGS).await else { return };
    for score in ["-inf", "0", "1e17", "inf"] {
        put(&cluster, &[b"ZADD", NODES.as_bytes(), score.as_bytes(), BYTES]).await;
        put(&cluster, &[b"ZADD", NODES.as_bytes(), score.as_bytes(), b"word"]).await;
    }
    for key in ["vitals", "restored"] {
        let key = format!("adda:{{adda:nodes}}:{key}");
        put(&cluster, &[b"HSET", key.as_bytes(), BYTES, BYTES]).await;
        for node in cluster.nodes[0].http().json("/api/nodes").await["data"].as_array().unwrap() {
            let id = node["id"].as_str().unwrap().as_bytes().to_vec();
            put(&cluster, &[b"HSET", key.as_bytes(), &id, BYTES]).await;
        }
    }
    eventually("it is counted", LONG_DEADLINE, async || {
        (unreadable(&cluster.nodes[0]).await > 0.0).then_some(())
    })
    .await;
    goes_on(&cluster).await;
}

#[tokio::test]
async fn foreign_fields_of_the_clock_are_skipped() {
    let Some(cluster) = Cluster::with(2, SETTINGS).await else { return };
    goes_on(&cluster).await;
    for word in [b"word".as_slice(), BYTES, b"-1", b"1e300", b"nan", b"32503680000000"] {
        for field in
            ["last", "ahead", "steady_since", "away_since", "began", "swept", "histories", "generation"]
        {
            put(&cluster, &[b"HSET", CLOCK.as_bytes(), field.as_bytes(), word]).await;
        }
        goes_on(&cluster).await;
    }
}

#[tokio::test]
async fn foreign_pending_leaves_are_skipped() {
    let Some(cluster) = Cluster::with(2, SETTINGS).await else { return };
    let due = b"adda:{adda:nodes}:due";
    for score in ["0", "1e17", "inf"] {
        for entry in
            [BYTES, b"word", b"user room", b"1 user room", b"1 user \xff", b"99999999999999999999 a b"]
        {
            put(&cluster, &[b"ZADD", due, score.as_bytes(), entry]).await;
        }
    }
    put(&cluster, &[b"HSET", b"adda:{general}:lingering", b"user", b"without a time"]).await;
    put(&cluster, &[b"HSET", b"adda:{general}:lingering", BYTES, BYTES]).await;
    goes_on(&cluster).await;
}

#[tokio::test]
async fn a_node_of_a_later_version_disturbs_no_renewal() {
    let Some(cluster) = Cluster::with(2, SETTINGS).await else { return };
    let later = "00000000-0000-4000-8000-000000000000";
    let vitals = br#"1000 {"format":2,"version":"9.0.0","everything":"else"}"#;
    put(&cluster, &[b"HSET", b"adda:{adda:nodes}:vitals", later.as_bytes(), vitals]).await;
    put(&cluster, &[b"ZADD", NODES.as_bytes(), b"1e14", later.as_bytes()]).await;
    goes_on(&cluster).await;
}

#[tokio::test]
async fn a_node_that_is_too_old_for_its_cluster_logs_an_error_and_stays_out() {
    let Some(cluster) = Cluster::with(2, SETTINGS).await else { return };
    put(&cluster, &[b"HSET", CLOCK.as_bytes(), b"format", b"2"]).await;
    let mut old = cluster.launch().spawn();
    eventually("it says so", LONG_DEADLINE, async || {
        old.log().contains("belongs to nodes of a later version of adda").then_some(())
    })
    .await;
    old.until_readyz(503).await;
    put(&cluster, &[b"HDEL", CLOCK.as_bytes(), b"format"]).await;
    old.until_ready().await;
}

/// Bytes that no version of adda writes as a room's name or a member entry.
const WORDS: [&[u8]; 6] = [BYTES, b"", b"\xff", b"word", b"two\nlines", &[b'x'; 10_000]];

#[tokio::test]
async fn foreign_entries_of_the_room_index_are_skipped() {
    let Some(cluster) = Cluster::with(2, SETTINGS).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    eventually("its size is known", LONG_DEADLINE, async || {
        let size = cluster.redis.command(&["ZSCORE", "adda:rooms:by-size", "general"]).await;
        (size != ::redis::Value::Nil).then_some(())
    })
    .await;
    for word in WORDS {
        put(&cluster, &[b"ZADD", b"adda:rooms", b"0", word]).await;
        put(&cluster, &[b"HSET", b"adda:{adda:rooms}:entrances", word, BYTES]).await;
        for score in [b"-inf".as_slice(), b"0", b"1e17", b"inf"] {
            put(&cluster, &[b"ZADD", b"adda:rooms:by-size", score, word]).await;
        }
    }
    let before = unreadable(&cluster.nodes[1]).await;
    for node in &cluster.nodes {
        assert_eq!(node.http().rooms().await, [("general".to_owned(), 1)]);
    }
    assert!(unreadable(&cluster.nodes[1]).await > before);
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    karim.send(serde_json::json!({ "type": "rooms", "watch": true })).await;
    let list = karim.expect("rooms").await;
    assert_eq!(list["rooms"].as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(list["rooms"][0]["id"], "general");
    karim.join("general").await;
    rahim.sees_join("করিম").await;
    goes_on(&cluster).await;
}

#[tokio::test]
async fn foreign_entries_of_a_nodes_room_list_do_not_stop_the_reaper() {
    let Some(mut cluster) = Cluster::with(2, SETTINGS).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    karim.join("general").await;
    rahim.sees_join("করিম").await;
    for node in cluster.nodes[0].http().json("/api/nodes").await["data"].as_array().unwrap() {
        let list = format!("adda:node:{}:rooms", node["id"].as_str().unwrap());
        for word in WORDS {
            put(&cluster, &[b"SADD", list.as_bytes(), word]).await;
        }
    }
    goes_on(&cluster).await;
    cluster.nodes[1].kill();
    rahim.sees_leave("করিম").await;
    assert_eq!(cluster.nodes[0].http().rooms().await, [("general".to_owned(), 1)]);
    assert!(!cluster.nodes[0].log().contains("ERROR"), "{}", cluster.nodes[0].log());
}

#[tokio::test]
async fn foreign_entries_among_members_are_no_members() {
    let Some(cluster) = Cluster::with(2, SETTINGS).await else { return };
    for word in WORDS.into_iter().filter(|word| word.len() < 10_000) {
        put(&cluster, &[b"ZADD", b"adda:{general}:members", b"0", word]).await;
        put(&cluster, &[b"ZADD", b"adda:{nobody}:members", b"0", word]).await;
    }
    put(&cluster, &[b"ZADD", b"adda:rooms", b"0", b"nobody"]).await;
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let joined = rahim.join("general").await;
    assert_eq!(joined["members"].as_array().map(Vec::len), Some(1), "{joined}");
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    karim.join("general").await;
    rahim.sees_join("করিম").await;
    karim.posts("general", "ভালো আছো?").await;
    rahim.receives("ভালো আছো?").await;
    for node in 0..2 {
        let before = unreadable(&cluster.nodes[node]).await;
        let http = cluster.nodes[node].http();
        let general = http.json("/api/rooms/general").await;
        assert_eq!(general["data"]["clients"].as_array().map(Vec::len), Some(2), "{general}");
        assert_eq!(http.get("/api/rooms/nobody").await.error(404), "room_not_found");
        assert!(unreadable(&cluster.nodes[node]).await > before);
    }
    goes_on(&cluster).await;
}

#[tokio::test]
async fn foreign_entries_met_by_the_sweep_are_counted() {
    let Some(cluster) = Cluster::with(2, SETTINGS).await else { return };
    for word in WORDS {
        put(&cluster, &[b"ZADD", b"adda:{nobody}:members", b"0", word]).await;
    }
    // The generation counts as not swept.
    put(&cluster, &[b"HDEL", CLOCK.as_bytes(), b"swept"]).await;
    eventually("they are counted", LONG_DEADLINE, async || {
        let first = unreadable(&cluster.nodes[0]).await;
        let second = unreadable(&cluster.nodes[1]).await;
        (first + second >= WORDS.len() as f64).then_some(())
    })
    .await;
    goes_on(&cluster).await;
}
