//! Files that no message has are removed.

use super::{Folder, get, pair, post, settings, upload, url};
use crate::harness::http::encode;
use crate::harness::raw::{first_byte::TEXT, masked};
use crate::harness::{Client, Cluster, DEADLINE, Node, RawSocket, eventually};
use crate::notifications::{SECRET, token};
use adda::model::Role;
use serde_json::{Value, json};

/// Waits until a file is gone: neither found nor stored.
async fn until_gone(node: &Node, folder: &Folder, file: &Value) {
    let id = file["id"].as_str().unwrap().to_owned();
    eventually("the file is gone", DEADLINE, async || {
        let is_found = get(node, None, url(file)).await.status == 200;
        (!is_found && !folder.names().contains(&id)).then_some(())
    })
    .await;
}

async fn unposted_files_go(nodes: [&Node; 2], folder: &Folder) {
    let mut rahim = Client::full(nodes[0], "রহিম").await;
    rahim.join("general").await;
    let posted = upload(nodes[0], &rahim.token, "general", "a.txt", b"x").await;
    post(&mut rahim, "general", "n1", &[&posted]).await;
    let unposted = upload(nodes[0], &rahim.token, "general", "b.txt", b"y").await;
    until_gone(nodes[1], folder, &unposted).await;
    assert_eq!(get(nodes[1], None, url(&posted)).await.status, 200);
}

#[tokio::test]
async fn a_file_that_is_never_posted_is_removed() {
    let folder = Folder::new();
    let Some(cluster) = pair(&folder, &[("files.orphan_after", "1s")]).await else { return };
    unposted_files_go([&cluster.nodes[0], &cluster.nodes[1]], &folder).await;
    let removed = "adda_files_removed_total{reason=\"orphan\"}";
    let mut count = 0.0;
    for node in &cluster.nodes {
        count += node.http().metrics().await.value(removed);
    }
    assert_eq!(count, 1.0);
}

#[tokio::test]
async fn a_file_that_is_never_posted_is_removed_without_redis() {
    let folder = Folder::new();
    let node = Node::with(&settings(&folder, &[("files.orphan_after", "1s")])).await;
    unposted_files_go([&node; 2], &folder).await;
}

#[tokio::test]
async fn a_file_goes_with_its_message_from_the_log() {
    let folder = Folder::new();
    let Some(cluster) = pair(&folder, &[("history.max_messages", "2")]).await else { return };
    let node = &cluster.nodes[0];
    let mut rahim = Client::full(node, "রহিম").await;
    rahim.join("general").await;
    let file = upload(node, &rahim.token, "general", "a.txt", b"x").await;
    post(&mut rahim, "general", "n1", &[&file]).await;
    rahim.posts("general", "one").await;
    assert_eq!(get(node, None, url(&file)).await.status, 200);
    for text in ["two", "three"] {
        rahim.posts("general", text).await;
    }
    until_gone(&cluster.nodes[1], &folder, &file).await;
}

#[tokio::test]
async fn files_go_with_their_private_room() {
    let folder = Folder::new();
    let Some(cluster) = pair(&folder, &[("auth.secret", SECRET)]).await else { return };
    let [here, there] = [&cluster.nodes[0], &cluster.nodes[1]];
    let token = token("rahim", Role::Member);
    let bearer = format!("Bearer {token}");
    let made = here.http().call("POST", "/api/rooms").header("authorization", &bearer);
    let made = made.json(&json!({ "title": "tea" })).send().await;
    assert_eq!(made.status, 201, "{made:?}");
    let room = made.json()["id"].as_str().unwrap().to_owned();
    let mut rahim = Client::returning(here, &token).await;
    rahim.join(&room).await;
    let posted = upload(here, &token, &room, "a.txt", b"x").await;
    post(&mut rahim, &room, "n1", &[&posted]).await;
    let deleted = there.http().call("DELETE", &format!("/api/rooms/{}", encode(&room)));
    let deleted = deleted.header("authorization", &bearer).send().await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    for node in [here, there] {
        assert_eq!(get(node, Some(&token), url(&posted)).await.error(404), "file_not_found");
    }
    eventually("nothing stays", DEADLINE, async || folder.names().is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_file_goes_with_its_deleted_message() {
    let folder = Folder::new();
    let Some(cluster) = pair(&folder, &[]).await else { return };
    let node = &cluster.nodes[0];
    let mut rahim = Client::full(node, "রহিম").await;
    rahim.join("general").await;
    let file = upload(node, &rahim.token, "general", "a.txt", b"x").await;
    let seq = post(&mut rahim, "general", "n1", &[&file]).await["seq"].clone();
    rahim.send(json!({ "type": "delete", "room_id": "general", "ref": seq, "nonce": "n2" })).await;
    rahim.expect("ack").await;
    assert_eq!(get(&cluster.nodes[1], None, url(&file)).await.error(404), "file_not_found");
    until_gone(&cluster.nodes[1], &folder, &file).await;
}

/// The client writes the deletion and breaks the rules in one go, so its session ends before the receipt is there. The sweep comes
/// too late to help.
#[tokio::test]
async fn a_file_goes_with_its_deleted_message_though_the_client_is_lost() {
    let folder = Folder::new();
    let Some(cluster) = pair(&folder, &[("files.sweep_every", "1day")]).await else { return };
    let node = &cluster.nodes[0];
    let mut rahim = Client::full(node, "রহিম").await;
    rahim.join("general").await;
    let file = upload(node, &rahim.token, "general", "a.txt", b"x").await;
    let seq = post(&mut rahim, "general", "n1", &[&file]).await["seq"].clone();
    let mut lost = RawSocket::upgraded(node.port, "/ws", Some("adda.v1")).await;
    lost.frame(TEXT, json!({ "type": "auth", "token": rahim.token }).to_string().as_bytes()).await;
    lost.frame(TEXT, br#"{"type":"join","room_id":"general"}"#).await;
    while let Some((_, payload)) = lost.read_frame().await {
        if payload.starts_with(br#"{"type":"joined""#) {
            break;
        }
    }
    let deletion = json!({ "type": "delete", "room_id": "general", "ref": seq, "nonce": "n2" });
    let reserved_opcode = 0x83;
    let both = [masked(TEXT, deletion.to_string().as_bytes()), masked(reserved_opcode, b"")].concat();
    assert!(lost.write(&both).await);
    let code = lost.close_code().await;
    assert_eq!(code, Some(1002));
    until_gone(&cluster.nodes[1], &folder, &file).await;
    let messages = node.http().messages("general", "").await;
    assert_eq!(messages[0]["deleted"], true, "{messages:?}");
}

/// A node without storage deletes the message and leaves the file. So does one that dies after the deletion.
#[tokio::test]
async fn a_file_that_outlived_its_deleted_message_is_removed() {
    let folder = Folder::new();
    let Some(cluster) = pair(&folder, &[]).await else { return };
    let node = &cluster.nodes[0];
    let mut rahim = Client::full(node, "রহিম").await;
    rahim.join("general").await;
    let kept = upload(node, &rahim.token, "general", "a.txt", b"x").await;
    post(&mut rahim, "general", "n1", &[&kept]).await;
    let file = upload(node, &rahim.token, "general", "b.txt", b"y").await;
    let seq = post(&mut rahim, "general", "n2", &[&file]).await["seq"].clone();
    let without_storage = cluster.launch().unset("files.url").start().await;
    let mut elsewhere = Client::returning(&without_storage, &rahim.token).await;
    elsewhere.join("general").await;
    elsewhere.send(json!({ "type": "delete", "room_id": "general", "ref": seq, "nonce": "n3" })).await;
    elsewhere.expect("ack").await;
    until_gone(&cluster.nodes[1], &folder, &file).await;
    assert_eq!(get(&cluster.nodes[1], None, url(&kept)).await.status, 200);
}

#[tokio::test]
async fn another_node_sweeps_when_the_one_that_did_has_died() {
    let folder = Folder::new();
    let Some(mut cluster) = pair(&folder, &[("files.orphan_after", "1s")]).await else { return };
    for _ in 0..2 {
        let rahim = Client::full(&cluster.nodes[0], "রহিম").await;
        let file = upload(&cluster.nodes[0], &rahim.token, "general", "a.txt", b"x").await;
        until_gone(&cluster.nodes[0], &folder, &file).await;
        cluster.nodes.rotate_left(1);
        if cluster.nodes.len() > 1 {
            drop(cluster.nodes.pop());
        }
    }
}

/// A node that is killed leaves a record and the beginning of a file.
#[tokio::test]
async fn an_upload_of_a_killed_node_is_removed() {
    let folder = Folder::new();
    let quota = [("files.per_user_per_day", "5000000"), ("files.max_bytes", "5000000")];
    let settings = [&[("files.orphan_after", "1s")], &quota[..]].concat();
    let Some(mut cluster) = pair(&folder, &settings).await else { return };
    let rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut socket = crate::harness::RawSocket::connect(cluster.nodes[0].port).await;
    let body = super::form("a.bin", &vec![7; 4 << 20]);
    let head = format!(
        "POST /api/rooms/general/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary={}\r\nContent-Length: {}\r\n\r\n",
        rahim.token,
        super::BOUNDARY,
        body.len()
    );
    socket.write(head.as_bytes()).await;
    socket.write(&body[..3 << 20]).await;
    eventually("bytes are stored", DEADLINE, async || (!folder.names().is_empty()).then_some(())).await;
    cluster.nodes[0].kill();
    eventually("nothing stays", DEADLINE, async || folder.names().is_empty().then_some(())).await;
    // The quota has its bytes back.
    upload(&cluster.nodes[1], &rahim.token, "general", "a.bin", &vec![7; 4 << 20]).await;
}

#[tokio::test]
async fn bytes_that_can_not_be_deleted_are_tried_again() {
    let folder = Folder::new();
    let Some(cluster) = Cluster::with(1, &settings(&folder, &[("files.orphan_after", "1s")])).await else {
        return;
    };
    let node = &cluster.nodes[0];
    let rahim = Client::full(node, "রহিম").await;
    let file = upload(node, &rahim.token, "general", "a.txt", b"x").await;
    // A folder in the place of the file can't be deleted as a file, not even by root.
    let path = format!("{}/{}", folder.path(), file["id"].as_str().unwrap());
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    eventually("the failure is counted", DEADLINE, async || {
        let failed = node.http().metrics().await.value("adda_file_deletions_failed_total");
        (failed > 0.0).then_some(())
    })
    .await;
    assert_eq!(get(node, None, url(&file)).await.status, 404);
    let told = || node.log().matches("could not delete the bytes of files").count();
    eventually("it is logged", DEADLINE, async || (told() > 0).then_some(())).await;
    assert_eq!(told(), 1);
}

#[tokio::test]
async fn a_room_that_can_not_be_read_keeps_no_file_of_others() {
    let folder = Folder::new();
    let more = [("files.orphan_after", "1s"), ("redis.prefix", "adda:")];
    let Some(cluster) = pair(&folder, &more).await else { return };
    let node = &cluster.nodes[0];
    let mut rahim = Client::full(node, "রহিম").await;
    rahim.join("broken").await;
    let posted = upload(node, &rahim.token, "broken", "a.txt", b"x").await;
    post(&mut rahim, "broken", "n1", &[&posted]).await;
    cluster.redis.command(&["SET", "adda:{broken}:log", "x"]).await;
    let unposted = upload(node, &rahim.token, "general", "b.txt", b"y").await;
    until_gone(&cluster.nodes[1], &folder, &unposted).await;
    assert_eq!(get(node, None, url(&posted)).await.status, 200);
}
