//! Messages with files.

use serde_json::{Value, json};

use super::{Folder, PNG, get, pair, post, settings, text_with, upload, url};
use crate::harness::{Client, Node};

async fn refused(client: &mut Client, frame: Value) -> Value {
    client.send(frame).await;
    client.expect("error").await["code"].clone()
}

#[tokio::test]
async fn a_message_shows_its_files_to_everybody() {
    let folder = Folder::new();
    let Some(cluster) = pair(&folder, &[]).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "Mita").await;
    rahim.join("general").await;
    mita.join("general").await;
    let image = upload(&cluster.nodes[1], &rahim.token, "general", "ছবি.png", PNG).await;
    let text = upload(&cluster.nodes[0], &rahim.token, "general", "a.txt", b"x").await;
    post(&mut rahim, "general", "n1", &[&image, &text]).await;
    let message = mita.expect("text").await;
    assert_eq!((&message["content"], &message["files"]), (&json!(""), &json!([image, text])));
    let page = cluster.nodes[1].http().messages("general", "").await;
    assert_eq!(page[0]["files"][0], image);
    assert_eq!(&*get(&cluster.nodes[1], Some(&mita.token), url(&image)).await.body, PNG);
    let over_rest = upload(&cluster.nodes[0], &rahim.token, "general", "b.txt", b"y").await;
    let reply = cluster.nodes[1].http().call("POST", "/api/rooms/general/messages");
    let reply = reply.header("authorization", &format!("Bearer {}", rahim.token));
    let reply = reply.json(&json!({ "files": [over_rest["id"]] })).send().await;
    assert_eq!(reply.status, 201, "{reply:?}");
    assert_eq!(mita.expect("text").await["files"], json!([over_rest]));
}

#[tokio::test]
async fn a_file_is_posted_once_and_a_retry_gets_the_first_receipt() {
    let folder = Folder::new();
    let Some(cluster) = pair(&folder, &[]).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    let file = upload(&cluster.nodes[0], &rahim.token, "general", "a.txt", b"x").await;
    let first = post(&mut rahim, "general", "n1", &[&file]).await;
    assert_eq!(refused(&mut rahim, text_with("general", "", "n2", &[&file])).await, "file_not_found");
    assert_eq!(refused(&mut rahim, text_with("general", "other", "n1", &[&file])).await, "nonce_reused");
    let mut again = Client::returning(&cluster.nodes[1], &rahim.token).await;
    again.join("general").await;
    let second = post(&mut again, "general", "n1", &[&file]).await;
    assert_eq!((&second["seq"], &second["duplicate"]), (&first["seq"], &json!(true)));
    assert_eq!(get(&cluster.nodes[1], None, url(&file)).await.status, 200);
}

#[tokio::test]
async fn files_that_are_not_the_senders_are_not_posted() {
    let folder = Folder::new();
    let node = Node::with(&settings(&folder, &[])).await;
    let mut rahim = Client::full(&node, "রহিম").await;
    let mita = Client::full(&node, "Mita").await;
    rahim.join("general").await;
    let others = upload(&node, &mita.token, "general", "a.txt", b"x").await;
    let elsewhere = upload(&node, &rahim.token, "elsewhere", "a.txt", b"x").await;
    let own = upload(&node, &rahim.token, "general", "a.txt", b"x").await;
    let never = json!({ "id": uuid::Uuid::new_v4() });
    for files in [vec![&others], vec![&elsewhere], vec![&own, &never], vec![&own, &others]] {
        assert_eq!(refused(&mut rahim, text_with("general", "x", "n", &files)).await, "file_not_found");
    }
    let no_id = json!({ "id": "../a" });
    for files in [vec![&no_id], vec![&own; 2], vec![&own; 11]] {
        assert_eq!(refused(&mut rahim, text_with("general", "x", "n", &files)).await, "bad_content");
    }
    let too_long = "x".repeat(4001);
    assert_eq!(refused(&mut rahim, text_with("general", &too_long, "n", &[&own])).await, "content_too_long");
    post(&mut rahim, "general", "n3", &[&own]).await;
}
