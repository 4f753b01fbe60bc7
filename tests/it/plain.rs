//! Sessions without a subprotocol, as wscat, Postman and a ten-line page use them.

use serde_json::{Value, json};

use crate::harness::http::encode;
use crate::harness::{Client, Cluster, Dial, Launch, Node};

/// Conjuncts, ZWJ and ZWNJ, a letter that NFC decomposes, a combining accent, emoji of several code points.
const DIFFICULT: &str =
    "ক্ষ র\u{200d}্যাব ক্\u{200c}ষ \u{9df} e\u{301} 👩🏽\u{200d}👩🏽\u{200d}👧 🇧🇩 \\ \" \u{7f} \u{2028} </script>";

fn keys(frame: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = frame.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn plain_sessions_on_different_nodes_talk() {
    let Some(cluster) = Cluster::start(3).await else { return };
    let mut rahim = Client::plain(&cluster.nodes[0], "general", "রহিম").await;
    let mut karim = Client::plain(&cluster.nodes[1], "general", "করিম").await;
    let mut sima = Client::plain(&cluster.nodes[2], "general", "সীমা").await;
    rahim.sees_join("করিম").await;
    rahim.sees_join("সীমা").await;
    karim.sees_join("সীমা").await;

    rahim.speak("হ্যালো").await;
    let told = [rahim.expect("text").await, karim.expect("text").await, sima.expect("text").await];
    assert_eq!(told[0], told[1]);
    assert_eq!(told[1], told[2]);

    sima.speak("এসো").await;
    for client in [&mut rahim, &mut karim, &mut sima] {
        assert_eq!(client.receives("এসো").await["seq"], 2);
    }
}

#[tokio::test]
async fn the_last_five_messages_come_first_then_the_own_join_then_what_is_said() {
    let node = Node::memory().await;
    let mut first = Client::plain(&node, "general", "first").await;
    for number in 1..=7 {
        first.speak(&format!("message {number}")).await;
    }
    first.texts(7).await;

    let mut second = Dial::plain(node.port, "/ws?room=general&username=second").open().await;
    for seq in 3..=7 {
        let message = second.next().await;
        assert_eq!((&message["type"], &message["seq"]), (&json!("text"), &json!(seq)), "{message}");
    }
    let join = second.next().await;
    assert_eq!((&join["type"], &join["username"]), (&json!("join"), &json!("second")));
    first.speak("live").await;
    assert_eq!(second.next().await["content"], "live");
}

#[tokio::test]
async fn a_message_has_exactly_the_documented_fields() {
    let node = Node::memory().await;
    let mut rahim = Client::plain(&node, "general", "রহিম").await;
    rahim.speak("হ্যালো").await;
    let message = rahim.expect("text").await;
    assert_eq!(
        keys(&message),
        ["content", "id", "room_id", "seq", "timestamp", "type", "user_id", "username"]
    );
    assert_eq!(message["room_id"], "general");
    assert_eq!(message["username"], "রহিম");
    assert_eq!(message["user_id"], rahim.user_id);
    assert_eq!(message["seq"], 1);
    assert!(uuid::Uuid::parse_str(message["id"].as_str().unwrap()).is_ok(), "{message}");
    let timestamp = message["timestamp"].as_str().unwrap();
    assert_eq!(timestamp.len(), "2026-11-20T08:00:00.123Z".len(), "{timestamp}");
    assert!(timestamp.starts_with("20") && timestamp.ends_with('Z'), "{timestamp}");
}

#[tokio::test]
async fn join_and_leave_notices_are_sentences_without_a_number() {
    let node = Node::memory().await;
    let mut witness = Client::plain(&node, "general", "witness").await;
    let rahim = Client::plain(&node, "general", "রহিম").await;
    let join = witness.sees_join("রহিম").await;
    let user_id = rahim.user_id.clone();
    rahim.close().await;
    let leave = witness.sees_leave("রহিম").await;
    for (notice, content) in [(join, "রহিম joined the room"), (leave, "রহিম left the room")] {
        assert_eq!(notice["content"], content);
        assert_eq!(notice["room_id"], "general");
        assert_eq!(notice["user_id"], user_id);
        assert!(notice["id"].is_string() && notice["timestamp"].is_string(), "{notice}");
        assert!(notice.get("seq").is_none(), "{notice}");
    }
}

#[tokio::test]
async fn room_and_name_may_stand_in_the_path() {
    let node = Node::memory().await;
    let mut witness = Client::plain(&node, "চায়ের আড্ডা", "witness").await;
    let path = format!("/ws/{}/{}", encode("চায়ের আড্ডা"), encode("রহিম শেখ"));
    let mut rahim = Dial::plain(node.port, path).open().await;
    rahim.sees_join("রহিম শেখ").await;
    witness.sees_join("রহিম শেখ").await;
    rahim.speak("চা?").await;
    assert_eq!(witness.receives("চা?").await["room_id"], "চা\u{9df}ের আড্ডা".replace('\u{9df}', "য\u{9bc}"));
}

#[tokio::test]
async fn without_a_room_and_a_name_it_is_general_and_anonymous() {
    let node = Node::memory().await;
    let mut nobody = Dial::plain(node.port, "/ws").open().await;
    let join = nobody.sees_join("Anonymous").await;
    assert_eq!(join["room_id"], "general");
}

#[tokio::test]
async fn typing_needs_no_content_and_is_sent_to_the_others() {
    let node = Node::memory().await;
    let mut rahim = Client::plain(&node, "general", "রহিম").await;
    let mut karim = Client::plain(&node, "general", "করিম").await;
    rahim.send(json!({ "type": "typing" })).await;
    let typing = karim.expect("typing").await;
    assert_eq!(typing["username"], "রহিম");
    assert_eq!(typing["room_id"], "general");
    assert!(typing.get("seq").is_none(), "{typing}");
    assert_eq!(typing["content"].as_str().unwrap_or_default(), "", "{typing}");

    rahim.speak("done").await;
    rahim.receives("done").await;
    assert!(rahim.untaken("typing").is_empty(), "the typing user receives no notice");
}

#[tokio::test]
async fn a_refusal_is_an_error_frame_and_the_session_lives_on() {
    let node = Node::memory().await;
    let mut rahim = Client::plain(&node, "general", "রহিম").await;
    let too_long = json!({ "content": "আ".repeat(4001) }).to_string();
    for (frame, code) in [
        ("not json", "bad_frame"),
        ("[]", "bad_frame"),
        ("17", "bad_frame"),
        (r#"{"content":7}"#, "bad_frame"),
        (r#"{"content":"x","type":"sing"}"#, "unknown_type"),
        (r#"{"content":"","type":"text"}"#, "bad_content"),
        (too_long.as_str(), "content_too_long"),
    ] {
        rahim.send_message(frame.into()).await;
        let error = rahim.expect("error").await;
        assert_eq!(error["code"], code, "{frame:.60}: {error}");
        assert!(!error["content"].as_str().unwrap_or_default().is_empty(), "{error}");
    }
    rahim.send_binary(b"\x00\x01").await;
    assert_eq!(rahim.expect("error").await["code"], "bad_frame");
    rahim.speak("still here").await;
    assert_eq!(rahim.receives("still here").await["seq"], 1);
}

#[tokio::test]
async fn types_of_full_sessions_are_unknown_with_any_fields() {
    let node = Node::memory().await;
    let mut rahim = Client::plain(&node, "general", "রহিম").await;
    rahim.send(json!({ "type": "ping" })).await;
    let refusal = rahim.expect("error").await;
    assert_eq!(refusal["code"], "unknown_type");
    for frame in [
        json!({ "type": "leave" }),
        json!({ "type": "leave", "room_id": "general" }),
        json!({ "type": "join" }),
        json!({ "type": "join", "room_id": "other" }),
        json!({ "type": "sing" }),
    ] {
        rahim.send(frame.clone()).await;
        assert_eq!(rahim.expect("error").await, refusal, "{frame}");
    }
}

#[tokio::test]
async fn four_thousand_characters_are_allowed() {
    let node = Node::memory().await;
    let mut rahim = Client::plain(&node, "general", "রহিম").await;
    let content = "👩".repeat(4000);
    rahim.speak(&content).await;
    rahim.receives(&content).await;
}

#[tokio::test]
async fn bengali_joiners_and_emoji_arrive_byte_for_byte() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let mut rahim = Client::plain(&cluster.nodes[0], "general", "রহিম").await;
    let mut karim = Client::plain(&cluster.nodes[1], "general", "করিম").await;
    rahim.speak(DIFFICULT).await;
    assert_eq!(karim.expect("text").await["content"], DIFFICULT);
    assert_eq!(cluster.nodes[1].http().messages("general", "").await[0]["content"], DIFFICULT);
    let mut late = Dial::plain(cluster.nodes[1].port, "/ws").open().await;
    assert_eq!(late.next().await["content"], DIFFICULT);
}

/// `new WebSocket(url)`, `onmessage = print(JSON.parse(data))`, `send(JSON.stringify({content}))`.
#[tokio::test]
async fn a_page_of_ten_lines_is_enough_to_talk() {
    let node = Node::memory().await;
    let mut page = Dial::plain(node.port, "/ws?room=general&username=page")
        .header("origin", "http://elsewhere.example")
        .open()
        .await;
    let mut printed = Vec::new();
    page.send(json!({ "content": "hello" })).await;
    while printed.last() != Some(&json!("hello")) {
        printed.push(page.next().await["content"].clone());
    }
    assert_eq!(printed, ["page joined the room", "hello"]);
}

#[tokio::test]
async fn history_on_joining_is_a_setting() {
    let node = Launch::new().set("history.plain_on_join", "0").start().await;
    let mut first = Client::plain(&node, "general", "first").await;
    first.speak("early").await;
    first.receives("early").await;
    let mut second = Dial::plain(node.port, "/ws?username=second").open().await;
    assert_eq!(second.next().await["type"], "join");
}

#[tokio::test]
async fn the_echo_endpoint_returns_text_and_binary() {
    let node = Node::memory().await;
    let mut client = Dial::plain(node.port, "/ws/echo").open().await;
    client.send(json!({ "any": DIFFICULT })).await;
    assert_eq!(client.next().await, json!({ "any": DIFFICULT }));
    client.send_binary(b"\x00\xff").await;
    assert_eq!(client.next().await, json!({ "binary": [0, 255] }));
}

#[tokio::test]
async fn an_invalid_name_is_refused_and_closed_with_4400() {
    let node = Node::memory().await;
    let long_room = format!("/ws?room={}", "x".repeat(65));
    let long_name = format!("/ws?username={}", "x".repeat(33));
    for (path, code) in [
        (long_room.as_str(), "bad_room_name"),
        ("/ws?room=a%00b", "bad_room_name"),
        ("/ws?room=a%E2%80%AEb", "bad_room_name"),
        (long_name.as_str(), "bad_username"),
        ("/ws/general/%20", "bad_username"),
    ] {
        let mut client = Dial::plain(node.port, path).open().await;
        assert_eq!(client.next().await["code"], code, "{path}");
        assert_eq!(client.closed().await, 4400, "{path}");
    }
}
