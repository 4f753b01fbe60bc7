//! A file and its message in one binary frame.

use serde_json::json;

use super::{Folder, PNG, get, pair, url};
use crate::harness::{Client, Node};

pub(super) async fn send(client: &mut Client, head: &serde_json::Value, bytes: &[u8]) {
    let frame = [head.to_string().as_bytes(), b"\n", bytes].concat();
    client.send_message(tokio_tungstenite::tungstenite::Message::Binary(frame.into())).await;
}

#[tokio::test]
async fn a_binary_frame_is_a_message_with_a_file() {
    let folder = Folder::new();
    let Some(cluster) = pair(&folder, &[]).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "Mita").await;
    rahim.join("general").await;
    mita.join("general").await;
    let head = json!({ "room_id": "general", "name": "../ছবি.html", "type": "text/html", "nonce": "n1", "content": "দেখো" });
    send(&mut rahim, &head, PNG).await;
    let ack = rahim.expect("ack").await;
    let message = mita.expect("text").await;
    assert_eq!((&message["content"], &message["seq"]), (&json!("দেখো"), &ack["seq"]));
    let file = &message["files"][0];
    assert_eq!(
        (&file["name"], &file["type"], &file["width"]),
        (&json!("ছবি.html"), &json!("image/png"), &json!(5))
    );
    assert_eq!(&*get(&cluster.nodes[1], None, url(file)).await.body, PNG);

    let mut again = Client::returning(&cluster.nodes[1], &rahim.token).await;
    again.join("general").await;
    send(&mut again, &head, PNG).await;
    let second = again.expect("ack").await;
    assert_eq!((&second["id"], &second["duplicate"]), (&ack["id"], &json!(true)));
    assert_eq!(folder.names().len(), 1, "its bytes are stored once");
    send(&mut again, &head, b"other bytes").await;
    assert_eq!(again.expect("error").await["code"], "nonce_reused");
    assert_eq!(folder.names().len(), 1, "other bytes are not stored");
    rahim.post("general", "a text", "n2").await;
    send(&mut again, &json!({ "room_id": "general", "name": "a", "nonce": "n2" }), PNG).await;
    assert_eq!(again.expect("error").await["code"], "nonce_reused");
    assert_eq!(folder.names().len(), 1, "nor is a file with the nonce of a text");
    mita.receives("a text").await;
    send(&mut rahim, &json!({ "room_id": "general", "name": "" }), b"").await;
    rahim.expect("ack").await;
    assert_eq!(mita.expect("text").await["files"][0]["name"], "file");
}

/// The answer to a frame that is sent again for as long as the server says so.
async fn posts(client: &mut Client, head: &serde_json::Value, bytes: &[u8]) -> serde_json::Value {
    loop {
        send(client, head, bytes).await;
        let answer = client.next_of(&["ack", "error"]).await;
        if answer["code"] != "unavailable" {
            return answer;
        }
    }
}

#[tokio::test]
async fn a_binary_frame_that_comes_on_two_connections_at_once_is_one_message() {
    let folder = Folder::new();
    let Some(cluster) = pair(&folder, &[]).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut again = Client::returning(&cluster.nodes[1], &rahim.token).await;
    rahim.join("general").await;
    again.join("general").await;
    for round in 0..10 {
        let head = json!({ "room_id": "general", "name": "a", "nonce": format!("n{round}") });
        let (first, second) = tokio::join!(posts(&mut rahim, &head, PNG), posts(&mut again, &head, PNG));
        assert!(first["id"].is_string(), "{first}");
        assert_eq!((&first["id"], &first["seq"]), (&second["id"], &second["seq"]), "{first} {second}");
    }
    assert_eq!(cluster.nodes[0].http().messages("general", "").await.len(), 10);
}

#[tokio::test]
async fn a_binary_frame_that_is_no_file_is_refused() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    for head in [json!({}), json!({ "room_id": "general" }), json!({ "room_id": 7, "name": "a" }), json!([])]
    {
        send(&mut rahim, &head, b"x").await;
        assert_eq!(rahim.expect("error").await["code"], "bad_frame", "{head}");
    }
    for frame in [b"".as_slice(), b"{}", b"\xff\n", b"\n"] {
        rahim.send_message(tokio_tungstenite::tungstenite::Message::Binary(frame.into())).await;
        assert_eq!(rahim.expect("error").await["code"], "bad_frame", "{frame:?}");
    }
    send(&mut rahim, &json!({ "room_id": "elsewhere", "name": "a", "nonce": "n1" }), b"x").await;
    let error = rahim.expect("error").await;
    assert_eq!((&error["code"], &error["nonce"]), (&json!("not_in_room"), &json!("n1")));
    rahim.posts("general", "still here").await;
}
