//! The remains of removed messages in Redis: of texts that were deleted, replaced or pushed out.

use redis::from_redis_value;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::*;
use crate::changes::DUMP;
use crate::files::{Folder, upload};

/// All keys and values of Redis.
async fn dump(cluster: &Cluster) -> String {
    let value = cluster.redis.command(&["EVAL", DUMP, "0"]).await;
    String::from_utf8_lossy(&from_redis_value::<Vec<u8>>(value).unwrap()).into_owned()
}

/// A text that is posted, and acknowledged.
async fn posts(client: &mut Client, mut text: Value, nonce: &str) -> Value {
    text["type"] = "text".into();
    text["nonce"] = nonce.into();
    client.send(text).await;
    client.expect_that("an ack", |frame| frame["type"] == "ack" && frame["nonce"] == nonce).await
}

#[tokio::test]
async fn of_a_text_that_is_gone_nothing_is_left_wherever_it_was() {
    let folder = Folder::new();
    let settings = [
        ("redis.prefix", "adda:"),
        ("files.url", folder.path()),
        ("files.sweep_every", "100ms"),
        ("history.max_messages", "10"),
        ("auth.guests_may_whisper", "true"),
    ];
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    let moderator = Moderator::of(&cluster, Role::Moderator).await;
    let mut rahim = Client::full(&cluster.nodes[0], "Rahim").await;
    let karim = Client::full(&cluster.nodes[1], "Karim").await;
    let call = |client: &Client, method: &str, path: &str| {
        let bearer = format!("Bearer {}", client.token);
        cluster.nodes[1].http().call(method, path).header("authorization", &bearer)
    };
    rahim.join("general").await;
    let file = upload(&cluster.nodes[0], &rahim.token, "general", "secret-name.txt", b"x").await;
    let text = json!({ "room_id": "general", "content": "secret-one", "mentions": ["secret-user"], "files": [file["id"]] });
    assert_eq!(posts(&mut rahim, text, "n1").await["seq"], 1);
    let report = json!({ "seq": 1, "reason": "rude" });
    assert_eq!(call(&karim, "POST", "/api/rooms/general/reports").json(&report).send().await.status, 202);
    let reply = json!({ "room_id": "general", "content": "a reply", "reply_to": 1 });
    posts(&mut rahim, reply, "n2").await;
    // In a private room.
    let made = call(&rahim, "POST", "/api/rooms").json(&json!({ "title": "tea" })).send().await.json();
    let room = made["id"].as_str().expect("a room");
    rahim.join(room).await;
    posts(&mut rahim, json!({ "room_id": room, "content": "secret-private" }), "n3").await;
    let kept = dump(&cluster).await;
    for secret in ["secret-one", "secret-user", "secret-name.txt", "secret-private"] {
        assert!(kept.contains(secret), "{secret}: {kept}");
    }
    let message = path(&["rooms", room, "messages", "1"]);
    assert_eq!(call(&rahim, "DELETE", &message).send().await.status, 200);
    let message = "/api/rooms/general/messages/1";
    assert_eq!(moderator.asks(&cluster.nodes[1], "DELETE", message, None).await.status, 200);
    // One that was edited is pushed out.
    let edited = posts(&mut rahim, json!({ "room_id": "general", "content": "secret-two" }), "n4").await;
    let edited = edited["seq"].as_u64().expect("a number");
    rahim.changes("edit", edited, json!({ "content": "secret-three" })).await;
    assert!(dump(&cluster).await.contains("secret-three"));
    for number in 0..12 {
        rahim.posts("general", &number.to_string()).await;
    }
    // The record of a file is removed with the file.
    eventually("nothing is left", DEADLINE, async || {
        (!dump(&cluster).await.contains("secret-")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_receipt_of_a_nonce_has_too_little_of_a_text_to_confirm_a_guess() {
    let Some(cluster) = cluster(1).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "Rahim").await;
    rahim.join("general").await;
    let ack = rahim.post("general", "a secret", "n1").await;
    let key = format!("adda:{{general}}:nonce:{} n1", rahim.user_id);
    let read = cluster.redis.command(&["GET", &key]).await;
    let receipt: String = from_redis_value(read).expect("a receipt");
    let (place, digest) = receipt.rsplit_once(' ').expect("words");
    assert_eq!(digest.len(), 4, "16 bits: {receipt}");
    // Receipts of earlier versions have 64, behind one blank.
    let whole: String = Sha256::digest("a secret").iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    assert!(whole.starts_with(digest));
    cluster.redis.command(&["SET", &key, &format!("{} {whole}", place.trim_end())]).await;
    let again = rahim.post("general", "a secret", "n1").await;
    assert_eq!((&again["seq"], &again["duplicate"]), (&ack["seq"], &json!(true)));
    assert_eq!(rahim.post("general", "another", "n1").await["code"], "nonce_reused");
}
