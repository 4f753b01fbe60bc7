//! Redis restarts with older data, or with the same data in another process: a number assigned twice is never taken
//! for the same message.

use serde_json::json;

use crate::harness::{Client, Cluster, DEADLINE, LONG_DEADLINE, Node, eventually};

fn seqs(joined: &serde_json::Value) -> Vec<u64> {
    joined["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect()
}

async fn bounce(cluster: &mut Cluster) {
    cluster.redis.kill();
    for node in &mut cluster.nodes {
        node.until_readyz(503).await;
    }
    cluster.redis.restart().await;
    for node in &mut cluster.nodes {
        node.until_ready().await;
    }
}

#[tokio::test]
async fn a_position_from_before_a_restart_of_redis_stays_valid() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    for content in ["one", "two", "three"] {
        rahim.posts("general", content).await;
    }
    let before = rahim.texts(3).await;
    let epoch = rahim.posts("general", "four").await["epoch"].clone();
    bounce(&mut cluster).await;
    rahim.receives("four").await;
    let five = rahim.post("general", "five", "n-5").await;
    let five = if five["type"] == "ack" { five } else { rahim.post("general", "five", "n-5").await };
    assert_eq!(five["seq"], 5);

    let mut back = Client::full(&cluster.nodes[1], "back").await;
    let joined = back.resume("general", &epoch, 3).await;
    assert_eq!((&joined["recovered"], seqs(&joined)), (&json!(true), vec![4, 5]), "{joined}");
    back.leave("general").await;
    let joined = back.resume("general", &epoch, 5).await;
    assert_eq!(joined["recovered"], false, "there was no five in that epoch: {joined}");
    assert_eq!(cluster.nodes[1].http().messages("general", "?limit=3&before=4").await, before);
}

#[tokio::test]
async fn a_redis_that_was_set_back_is_noticed_by_all() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    rahim.join("general").await;
    karim.join("general").await;
    for content in ["one", "two", "three"] {
        rahim.posts("general", content).await;
    }
    // Later messages are not in the file.
    cluster.redis.command(&["CONFIG", "SET", "appendonly", "no"]).await;
    rahim.posts("general", "lost four").await;
    let lost = rahim.posts("general", "lost five").await;
    for client in [&mut rahim, &mut karim] {
        client.texts(5).await;
    }
    bounce(&mut cluster).await;

    let kept = cluster.nodes[0].http().messages("general", "").await;
    assert_eq!(kept.len(), 3, "{kept:?}");
    let again = rahim.posts("general", "another four").await;
    assert_eq!(again["seq"], 4);
    assert_ne!(again["epoch"], lost["epoch"], "a number that is given twice is given in another epoch");
    for client in [&mut rahim, &mut karim] {
        let told = client
            .expect_that("reset or text", |frame| frame["type"] == "reset" || frame["type"] == "text")
            .await;
        assert_eq!((&told["type"], &told["seq"]), (&json!("reset"), &json!(3)), "before any text: {told}");
        assert_eq!(told["epoch"], again["epoch"]);
        assert_eq!(client.receives("another four").await["seq"], 4);
    }
    let mut back = Client::full(&cluster.nodes[1], "back").await;
    let joined = back.resume("general", &lost["epoch"], 5).await;
    assert_eq!(joined["recovered"], false, "{joined}");
    back.leave("general").await;
    let joined = back.resume("general", &lost["epoch"], 3).await;
    assert_eq!((&joined["recovered"], seqs(&joined)), (&json!(true), vec![4]), "{joined}");
}

#[tokio::test]
async fn a_session_that_was_idle_during_a_set_back_catches_up() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut plain = Client::plain(&cluster.nodes[1], "general", "plain").await;
    rahim.join("general").await;
    rahim.posts("general", "kept").await;
    cluster.redis.command(&["CONFIG", "SET", "appendonly", "no"]).await;
    for number in 0..5 {
        rahim.posts("general", &format!("lost {number}")).await;
    }
    for client in [&mut rahim, &mut plain] {
        client.expect_that("the lost ones", |frame| frame["content"] == "lost 4").await;
    }
    bounce(&mut cluster).await;
    for number in 0..8 {
        let nonce = format!("n-{number}");
        while rahim.post("general", &format!("new {number}"), &nonce).await["type"] == "error" {}
    }
    for client in [&mut rahim, &mut plain] {
        client.receives("kept").await;
        for number in 0..8 {
            let seq = client.receives(&format!("new {number}")).await["seq"].clone();
            assert_eq!(seq, number + 2, "numbers of lost messages are assigned again");
        }
        let more = client.untaken("text");
        assert_eq!(more.len(), 4, "nothing comes twice: {more:?}");
    }
    assert_eq!(rahim.untaken("reset").len(), 1, "{rahim}");
}

/// The replication ids of a warning, as soon as it is logged.
async fn logged_replids(node: &Node, sentence: &str) -> [String; 2] {
    let log = eventually(&format!("a node logs: {sentence}"), DEADLINE, async || {
        Some(node.log()).filter(|log| log.lines().any(|line| line.contains(sentence)))
    })
    .await;
    let warnings: Vec<_> = log.lines().filter(|line| line.contains(sentence)).collect();
    assert_eq!(warnings.len(), 1, "logged once: {warnings:?}");
    ["old_replid=\"", "new_replid=\""].map(|field| {
        let (_, rest) = warnings[0].split_once(field).expect("a warning names both ids");
        rest.chars().take_while(char::is_ascii_hexdigit).collect()
    })
}

#[tokio::test]
async fn every_node_logs_that_redis_was_emptied() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    rahim.posts("general", "lost").await;
    for node in 0..2 {
        assert_eq!(cluster.nodes[node].http().metrics().await.value("adda_generations_total"), 0.0);
    }
    cluster.redis.command(&["FLUSHALL"]).await;
    rahim.expect("reset").await;
    for node in 0..2 {
        eventually("a new generation is counted", LONG_DEADLINE, async || {
            (cluster.nodes[node].http().metrics().await.value("adda_generations_total") == 1.0).then_some(())
        })
        .await;
        let [old, new] = logged_replids(&cluster.nodes[node], "Redis was emptied").await;
        assert!(old == new && old.len() == 40, "one process: {old} {new}");
    }
    assert_eq!(cluster.nodes[0].http().metrics().await.value("adda_epochs_begun_total"), 1.0);
    assert_eq!(
        cluster.nodes[1].http().metrics().await.value("adda_epochs_begun_total"),
        0.0,
        "it has no sessions"
    );
}

#[tokio::test]
async fn every_node_logs_that_the_replication_id_changed() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    bounce(&mut cluster).await;
    for node in 0..2 {
        eventually("a new generation is counted", LONG_DEADLINE, async || {
            (cluster.nodes[node].http().metrics().await.value("adda_generations_total") == 1.0).then_some(())
        })
        .await;
        let [old, new] = logged_replids(&cluster.nodes[node], "Redis restarted or failed over").await;
        assert!(old != new && old.len() == 40 && new.len() == 40, "{old} {new}");
    }
}

/// Each written byte wears out an SD card, and is copied to each replica.
#[tokio::test]
async fn an_idle_node_writes_little() {
    let Some(cluster) = Cluster::start(3).await else { return };
    let renewals = async || {
        let stats: String =
            ::redis::from_redis_value(cluster.redis.command(&["INFO", "commandstats"]).await).unwrap();
        let calls = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
        calls.and_then(|calls| calls.split(',').next()?.parse::<u64>().ok()).expect("nodes renew")
    };
    let (calls, bytes) = (renewals().await, cluster.redis.file_length());
    eventually("sixty renewals", LONG_DEADLINE, async || (renewals().await >= calls + 60).then_some(()))
        .await;
    let (calls, bytes) = (renewals().await - calls, cluster.redis.file_length() - bytes);
    assert!(bytes < 200 * calls, "{} bytes a renewal", bytes / calls);
}
