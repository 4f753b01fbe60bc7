//! The quotas of uploads: those that fail take nothing of them.

use adda::model::Timestamp;
use serde_json::json;

use super::{Folder, form, send_form, settings, upload};
use crate::harness::redis::RedisServer;
use crate::harness::{Client, Cluster, DEADLINE, Launch, Node, eventually};

/// A quota that one file of `SIZE` bytes uses up.
const QUOTA: [(&str, &str); 2] = [("files.per_user_per_day", "1000"), ("files.max_bytes", "1000")];

const SIZE: usize = 1000;

/// An upload by a user that has all of its quota left.
async fn stores(node: &Node, token: &str) {
    eventually("the file is stored", DEADLINE, async || {
        (send_form(node, token, "general", form("a", &[b'x'; SIZE])).await.status == 201).then_some(())
    })
    .await;
}

/// The temporary folder of a node alone is made with its first file.
#[tokio::test]
async fn an_upload_without_a_place_for_its_bytes_costs_nothing() {
    let folder = Folder::new();
    std::fs::write(folder.path(), "in the way").unwrap();
    let command = QUOTA.iter().fold(Launch::new(), |launch, (key, value)| launch.set(key, value));
    let port = command.port();
    let mut process = command.command(&["serve", "--bind", &format!("127.0.0.1:{port}")]);
    process.env("TMPDIR", folder.path());
    let node = command.spawn_command(process).ready().await;
    let rahim = Client::full(&node, "রহিম").await;
    let refused = send_form(&node, &rahim.token, "general", form("a", &[b'x'; SIZE])).await;
    assert_eq!(refused.error(503), "unavailable");
    std::fs::remove_file(folder.path()).unwrap();
    std::fs::create_dir(folder.path()).unwrap();
    let stored = send_form(&node, &rahim.token, "general", form("a", &[b'x'; SIZE])).await;
    assert_eq!(stored.status, 201, "{stored:?}");
}

#[tokio::test]
async fn an_upload_to_a_folder_that_was_replaced_costs_nothing() {
    let folder = Folder::new();
    let node = Node::with(&settings(&folder, &QUOTA)).await;
    let rahim = Client::full(&node, "রহিম").await;
    std::fs::remove_dir(folder.path()).unwrap();
    std::fs::write(folder.path(), "in the way").unwrap();
    let refused = send_form(&node, &rahim.token, "general", form("a", &[b'x'; SIZE])).await;
    assert_eq!(refused.error(503), "unavailable");
    std::fs::remove_file(folder.path()).unwrap();
    std::fs::create_dir(folder.path()).unwrap();
    stores(&node, &rahim.token).await;
}

#[tokio::test]
async fn a_binary_frame_whose_words_are_refused_costs_nothing() {
    let folder = Folder::new();
    let node = Node::with(&settings(&folder, &QUOTA)).await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    for (content, nonce, code) in [
        ("x".repeat(4001), "n1", "content_too_long"),
        ("\u{200b}".to_owned(), "n1", "bad_content"),
        ("x".to_owned(), "a b", "bad_nonce"),
    ] {
        let head = json!({ "room_id": "general", "name": "a", "nonce": nonce, "content": content });
        super::frames::send(&mut rahim, &head, &[b'x'; SIZE]).await;
        assert_eq!(rahim.expect("error").await["code"], code);
    }
    assert_eq!(folder.names(), Vec::<String>::new(), "nothing was stored");
    let head = json!({ "room_id": "general", "name": "a", "nonce": "n1" });
    super::frames::send(&mut rahim, &head, &[b'x'; SIZE]).await;
    rahim.expect("ack").await;
}

#[tokio::test]
async fn a_quota_is_that_of_a_day_in_utc() {
    let folder = Folder::new();
    let Some(redis) = RedisServer::with_clock(&[]).await else { return };
    let since_midnight = (Timestamp::now().unix_millis() / 1000 % 86_400) as i64;
    redis.set_clock(86_400 / 2 - since_midnight);
    let urls = vec![redis.url()];
    let cluster = Cluster::reaching(redis, &urls, &settings(&folder, &QUOTA)).await;
    let node = &cluster.nodes[0];
    let rahim = Client::full(node, "রহিম").await;
    upload(node, &rahim.token, "general", "a", &[b'x'; SIZE]).await;
    let refused = send_form(node, &rahim.token, "general", form("a", &[b'x'; SIZE])).await;
    assert_eq!(refused.error(429), "file_quota_exceeded");
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert!((86_400 / 2 - wait).abs() <= 600, "until midnight: {wait}");
    cluster.redis.set_clock(86_400 - since_midnight + 60);
    stores(node, &rahim.token).await;
}
