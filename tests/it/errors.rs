//! The errors of a full session, and its close codes.

use serde_json::json;

use crate::harness::{Client, Dial, Node};

#[tokio::test]
async fn every_mistake_has_its_code_and_the_session_lives_on() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    let too_long = "x".repeat(4001);
    let long_room = "x".repeat(65);
    for (frame, code) in [
        (json!([1, 2]), "bad_frame"),
        (json!("text"), "bad_frame"),
        (json!(null), "bad_frame"),
        (json!({}), "bad_content"),
        (json!({ "type": 7 }), "bad_frame"),
        (json!({ "type": "text", "room_id": "general", "content": ["x"] }), "bad_frame"),
        (json!({ "type": "join" }), "bad_frame"),
        (json!({ "type": "join", "room_id": "other", "since": 12 }), "bad_frame"),
        (json!({ "type": "join", "room_id": "other", "history": -1 }), "bad_frame"),
        (json!({ "type": "dance" }), "unknown_type"),
        (json!({ "type": "join", "room_id": " " }), "bad_room_name"),
        (json!({ "type": "join", "room_id": long_room }), "bad_room_name"),
        (json!({ "type": "join", "room_id": "a\nb" }), "bad_room_name"),
        (json!({ "type": "join", "room_id": ".." }), "bad_room_name"),
        (json!({ "type": "join", "room_id": "!x" }), "room_not_found"),
        (json!({ "type": "join", "room_id": "gen\u{ad}eral" }), "bad_room_name"),
        (json!({ "type": "leave", "room_id": "elsewhere" }), "not_in_room"),
        (json!({ "type": "typing", "room_id": "elsewhere" }), "not_in_room"),
        (json!({ "type": "text", "room_id": "elsewhere", "content": "x", "nonce": "n" }), "not_in_room"),
        (json!({ "type": "text", "room_id": "general", "content": "", "nonce": "n" }), "bad_content"),
        (
            json!({ "type": "text", "room_id": "general", "content": "\u{3164} \u{2800}", "nonce": "n" }),
            "bad_content",
        ),
        (json!({ "type": "text", "room_id": "general", "content": "a\u{0}b", "nonce": "n" }), "bad_content"),
        (
            json!({ "type": "text", "room_id": "general", "content": too_long, "nonce": "n" }),
            "content_too_long",
        ),
        (json!({ "type": "text", "room_id": "general", "content": "x", "nonce": "" }), "bad_nonce"),
        (json!({ "type": "text", "room_id": "general", "content": "x", "nonce": "a b" }), "bad_nonce"),
        (
            json!({ "type": "text", "room_id": "general", "content": "x", "nonce": "n".repeat(129) }),
            "bad_nonce",
        ),
    ] {
        let shown = format!("{:.100}", frame.to_string());
        rahim.send(frame).await;
        let error = rahim.expect("error").await;
        assert_eq!(error["code"], code, "{shown}: {error}");
        assert!(!error["content"].as_str().unwrap_or_default().is_empty(), "{shown}: {error}");
    }
    rahim.posts("general", "still here").await;
}

#[tokio::test]
async fn bytes_that_are_not_json_are_a_bad_frame() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    for frame in ["", "{", "}{", "{\"type\":\"ping\"} trailing", "\u{0}", "NaN"] {
        rahim.send_message(frame.into()).await;
        assert_eq!(rahim.expect("error").await["code"], "bad_frame", "{frame:?}");
    }
    rahim.send_binary(b"{\"type\":\"ping\"}").await;
    assert_eq!(rahim.expect("error").await["code"], "bad_frame");
    rahim.catch_up().await;
}

#[tokio::test]
async fn an_error_names_the_nonce_and_the_room_of_what_was_sent() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    let error = rahim.post("elsewhere", "x", "n-7").await;
    assert_eq!((&error["code"], &error["nonce"]), (&json!("not_in_room"), &json!("n-7")));
    assert_eq!(error["room_id"], "elsewhere");
    rahim.join("general").await;
    let error = rahim.post("general", "", "n-8").await;
    assert_eq!((&error["code"], &error["nonce"]), (&json!("bad_content"), &json!("n-8")));
    assert_eq!(error["room_id"], "general");
}

/// Frames that can be read and are refused all the same.
#[tokio::test]
async fn a_refusal_of_any_frame_repeats_what_finds_it() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    let marked = |mut frame: serde_json::Value| {
        frame["nonce"] = json!("n-9");
        frame["room_id"] = frame.get("room_id").cloned().unwrap_or(json!("elsewhere"));
        frame
    };
    let early = marked(json!({ "type": "auth", "token": "x" }));
    let refused = [
        (json!({ "type": "join", "room_id": " " }), "bad_room_name"),
        (json!({ "type": "join", "room_id": "!x" }), "room_not_found"),
        (json!({ "type": "leave" }), "not_in_room"),
        (json!({ "type": "typing" }), "not_in_room"),
        (json!({ "type": "read", "room_id": "!x", "seq": 1 }), "room_not_found"),
        (json!({ "type": "delete", "ref": 1 }), "not_in_room"),
        (json!({ "type": "rooms", "prefix": "x".repeat(2000) }), "bad_room_name"),
        (json!({ "type": "auth", "token": "x" }), "already_joined"),
    ];
    rahim.send(early.clone()).await;
    let error = rahim.expect("error").await;
    assert_eq!((&error["code"], &error["nonce"]), (&json!("bad_token"), &json!("n-9")));
    assert_eq!(error["room_id"], early["room_id"]);
    rahim.join("general").await;
    for (frame, code) in refused {
        let frame = marked(frame);
        rahim.send(frame.clone()).await;
        let error = rahim.expect("error").await;
        assert_eq!((&error["code"], &error["nonce"]), (&json!(code), &json!("n-9")), "{error}");
        assert_eq!(error["room_id"], frame["room_id"], "{error}");
    }
}

#[tokio::test]
async fn a_field_of_the_wrong_type_hides_neither_the_nonce_nor_the_room() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    for (frame, room_id, nonce) in [
        (json!({ "type": "join", "room_id": "h", "history": -1 }), json!("h"), json!(null)),
        (json!({ "type": "text", "room_id": "r1", "content": 5, "nonce": "q" }), json!("r1"), json!("q")),
        (json!({ "type": "text", "room_id": ["r1"], "content": "x", "nonce": "q" }), json!(null), json!("q")),
        (json!({ "type": "text", "room_id": "r1", "content": "x", "nonce": 7 }), json!("r1"), json!(null)),
    ] {
        rahim.send(frame.clone()).await;
        let error = rahim.expect("error").await;
        assert_eq!(error["code"], "bad_frame", "{frame}: {error}");
        assert_eq!((&error["room_id"], &error["nonce"]), (&room_id, &nonce), "{frame}: {error}");
    }
}

#[tokio::test]
async fn a_refused_nonce_can_be_used_again() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    assert_eq!(rahim.post("general", "", "n").await["type"], "error");
    assert_eq!(rahim.post("general", "now", "n").await["duplicate"], false);
}

#[tokio::test]
async fn a_session_may_be_in_so_many_rooms_and_no_more() {
    let node = Node::with(&[("limits.rooms_per_session", "2")]).await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("one").await;
    rahim.join("two").await;
    rahim.send(json!({ "type": "join", "room_id": "three" })).await;
    let error = rahim.expect("error").await;
    assert_eq!((&error["code"], &error["room_id"]), (&json!("too_many_rooms"), &json!("three")));
    rahim.leave("one").await;
    rahim.join("three").await;
}

#[tokio::test]
async fn limits_are_settings() {
    let node = Node::with(&[
        ("limits.content_chars", "3"),
        ("limits.room_name_chars", "7"),
        ("limits.username_chars", "4"),
    ])
    .await;
    let mut rahim = Client::full(&node, "abcd").await;
    rahim.join("general").await;
    assert_eq!(rahim.post("general", "আআআ", "n").await["type"], "ack");
    assert_eq!(rahim.post("general", "abcd", "m").await["code"], "content_too_long");
    rahim.send(json!({ "type": "join", "room_id": "12345678" })).await;
    assert_eq!(rahim.expect("error").await["code"], "bad_room_name");
    let mut long = Dial::full(node.port, "/ws?username=abcde").open().await;
    assert_eq!(long.expect("error").await["code"], "bad_username");
    assert_eq!(long.closed().await, 4400);
}

#[tokio::test]
async fn a_bad_room_in_the_query_is_refused_and_closed_with_4400() {
    let node = Node::memory().await;
    let mut rahim = Dial::full(node.port, format!("/ws?room={}", "x".repeat(65))).open().await;
    assert_eq!(rahim.expect("error").await["code"], "bad_room_name");
    assert_eq!(rahim.closed().await, 4400);
}

#[tokio::test]
async fn a_refusal_repeats_little_of_a_long_address() {
    let node = Node::memory().await;
    let token = Client::full(&node, "রহিম").await.token;
    let long = "9".repeat(5000);
    for (method, path) in [
        ("DELETE", format!("/api/rooms/general/messages/{long}")),
        ("GET", format!("/api/rooms/general/messages?before={long}")),
        ("GET", format!("/api/rooms?{long}={long}&limit=x")),
    ] {
        let call = node.http().call(method, &path).header("authorization", &format!("Bearer {token}"));
        let refused = call.send().await;
        assert_eq!(refused.error(400), "bad_request", "{path}");
        let sentence = refused.json()["error"].as_str().map(str::len);
        assert!(sentence.is_some_and(|length| length <= 100), "{sentence:?}");
    }
}
