//! Invalid input on a session. The offender gets the right error or close code; two other sessions keep
//! talking.

use std::time::Duration;

use serde_json::json;

use crate::harness::raw::first_byte::{CLOSE, CONTINUE, PING, TEXT, TEXT_BEGIN};
use crate::harness::raw::masked;
use crate::harness::{Client, Node, RawSocket};

/// Two well-behaved sessions in one room.
struct Friends {
    speaker: Client,
    listener: Client,
}

impl Friends {
    async fn meet(node: &Node) -> Self {
        let mut speaker = Client::full(node, "speaker").await;
        speaker.join("quiet corner").await;
        Self { speaker, listener: Client::plain(node, "quiet corner", "listener").await }
    }

    async fn still_talk(&mut self) {
        let content = uuid::Uuid::new_v4().to_string();
        self.speaker.posts("quiet corner", &content).await;
        self.listener.receives(&content).await;
        self.speaker.receives(&content).await;
    }
}

async fn plain(node: &Node) -> RawSocket {
    let mut socket = RawSocket::upgraded(node.port, "/ws?username=offender", None).await;
    socket.read_frame().await.expect("its own join notice");
    socket
}

/// Sends frames on a new plain session and returns its close code.
async fn close_code_of(node: &Node, frames: &[(u8, &[u8])]) -> Option<u16> {
    let mut socket = plain(node).await;
    for (first_byte, payload) in frames {
        socket.frame(*first_byte, payload).await;
    }
    socket.close_code().await
}

#[tokio::test]
async fn frames_against_the_protocol_are_closed_with_1002() {
    let node = Node::memory().await;
    let mut friends = Friends::meet(&node).await;
    let long = [b'x'; 126];
    for (what, frames) in [
        ("a control frame over 125 bytes", &[(PING, &long[..])][..]),
        ("a fragmented control frame", &[(0x09, b"x")]),
        ("a continuation of nothing", &[(0x80, b"x")]),
        ("a text inside a fragmented text", &[(TEXT_BEGIN, b"{"), (TEXT, b"{}")]),
        ("a reserved opcode", &[(0x83, b"x")]),
        ("a reserved control opcode", &[(0x8b, b"")]),
        ("a reserved bit", &[(TEXT | 0x40, b"{}")]),
        ("a close with half a code", &[(CLOSE, b"\x03")]),
        ("a close with a code that must not be sent", &[(CLOSE, b"\x03\xed")]),
        ("a close with an unassigned code", &[(CLOSE, b"\x03\xe7")]),
    ] {
        assert_eq!(close_code_of(&node, frames).await, Some(1002), "{what}");
        friends.still_talk().await;
    }
    let mut unmasked = plain(&node).await;
    unmasked.write(&[TEXT, 2, b'{', b'}']).await;
    assert_eq!(unmasked.close_code().await, Some(1002), "an unmasked frame");
    friends.still_talk().await;
}

#[tokio::test]
async fn a_close_is_answered_with_a_close() {
    let node = Node::memory().await;
    assert_eq!(close_code_of(&node, &[(CLOSE, b"\x03\xe8bye")]).await, Some(1000));
    let mut empty = plain(&node).await;
    empty.frame(CLOSE, b"").await;
    let answer = loop {
        let frame = empty.read_frame().await.expect("an answer");
        if frame.0 == CLOSE {
            break frame;
        }
    };
    assert!(answer.1.is_empty() || answer.1 == 1000_u16.to_be_bytes(), "{answer:?}");
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_closed_with_1007() {
    let node = Node::memory().await;
    let mut friends = Friends::meet(&node).await;
    for (what, frames) in [
        ("a wrong byte", &[(TEXT, &b"\"\xff\""[..])][..]),
        ("half a letter at the end", &[(TEXT, b"\"\xe0\xa6")]),
        ("a surrogate", &[(TEXT, b"\"\xed\xa0\x80\"")]),
        ("an overlong slash", &[(TEXT, b"\"\xc0\xaf\"")]),
        ("a wrong byte in a second frame", &[(TEXT_BEGIN, b"\""), (0x80, b"\xff\"")]),
    ] {
        assert_eq!(close_code_of(&node, frames).await, Some(1007), "{what}");
        friends.still_talk().await;
    }
}

#[tokio::test]
async fn a_character_may_span_fragments_with_pings_between_them() {
    let node = Node::memory().await;
    let mut listener = Client::plain(&node, "general", "listener").await;
    let mut socket = plain(&node).await;
    let text = r#"{"content":"আড্ডা"}"#.as_bytes();
    socket.frame(TEXT_BEGIN, &text[..13]).await;
    for byte in &text[13..] {
        socket.frame(PING, b"still here").await;
        socket.frame(CONTINUE, std::slice::from_ref(byte)).await;
    }
    socket.frame(0x80, b"").await;
    listener.receives("আড্ডা").await;
}

#[tokio::test]
async fn a_frame_beyond_the_limit_is_closed_with_1009() {
    let node = Node::memory().await;
    let mut friends = Friends::meet(&node).await;
    let (whole, half) = (vec![b' '; 65_537], vec![b' '; 40_000]);
    let mebibyte = vec![b' '; 1 << 20];
    assert_eq!(close_code_of(&node, &[(TEXT, &whole)]).await, Some(1009), "one byte too many");
    assert_eq!(close_code_of(&node, &[(0x82, &mebibyte)]).await, Some(1009), "a binary mebibyte");
    assert_eq!(
        close_code_of(&node, &[(TEXT_BEGIN, &half), (0x80, &half)]).await,
        Some(1009),
        "in two frames"
    );
    let mut claims = plain(&node).await;
    claims.write(&[TEXT, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]).await;
    let code = claims.close_code().await;
    assert_eq!(code, Some(1009), "a claim of 2^63 - 1 bytes");
    friends.still_talk().await;

    let mut full = Client::full(&node, "offender").await;
    full.send_message(" ".repeat(65_536).into()).await;
    assert_eq!(full.expect("error").await["code"], "bad_frame", "exactly the limit is read");
    full.try_send(" ".repeat(65_537).into()).await;
    assert_eq!(full.closed().await, 1009);
}

#[tokio::test]
async fn floods_of_tiny_frames_delay_no_other_session() {
    let node = Node::memory().await;
    let mut friends = Friends::meet(&node).await;
    // Each write fills many reads of the node. The client reads no responses.
    for (begin, frame) in [
        (masked(TEXT_BEGIN, b""), masked(CONTINUE, b"")),
        (masked(PING, b""), masked(PING, b"")),
        (masked(PING, b""), masked(PING, &[b'x'; 125])),
        (masked(PING, b""), masked(TEXT, b"no")),
    ] {
        let mut socket = plain(&node).await;
        socket.write(&begin).await;
        let flood = frame.repeat(20_000);
        for _ in 0..5 {
            // The node may read on, close, or stop reading.
            let _ = tokio::time::timeout(Duration::from_millis(500), socket.write(&flood)).await;
            friends.still_talk().await;
        }
    }
}

#[tokio::test]
async fn deep_and_odd_json_is_a_bad_frame() {
    let node = Node::memory().await;
    let mut friends = Friends::meet(&node).await;
    let mut offender = Client::full(&node, "offender").await;
    offender.join("general").await;
    let deep = "[".repeat(30_000);
    for frame in [
        deep.clone(),
        format!("{{\"type\":\"text\",\"content\":{deep}"),
        "{\"a\":".repeat(9_000),
        r#"["text","general","an array is no object",null,null,null,null]"#.to_owned(),
        r#"{"type":"join","room_id":{"$gt":""}}"#.to_owned(),
        r#"{"type":"join","room_id":"general","history":1e400}"#.to_owned(),
        r#"{"type":"join","room_id":"general","history":99999999999999999999999}"#.to_owned(),
        r#"{"type":"text","room_id":"general","content":"\ud800"}"#.to_owned(),
        r#"{"type":true}"#.to_owned(),
    ] {
        offender.send_message(frame.clone().into()).await;
        let error = offender.expect("error").await;
        assert_eq!(error["code"], "bad_frame", "{frame:.80}: {error}");
        friends.still_talk().await;
    }
    let depths = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    offender.send_message(format!("{{\"type\":\"ping\",\"unknown\":{depths}}}").into()).await;
    // An unknown field may be ignored or refused, at any depth.
    offender.expect_that("an answer", |frame| frame["type"] == "pong" || frame["code"] == "bad_frame").await;
    offender.posts("general", "still here").await;
    let body = format!("{{\"content\":{}1{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let reply = node
        .http()
        .call("POST", "/api/rooms/general/messages")
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await;
    assert_eq!(reply.status, 400, "{reply:?}");
    friends.still_talk().await;
}

#[tokio::test]
async fn unknown_types_are_refused_with_a_shortened_echo() {
    let node = Node::memory().await;
    let mut offender = Client::full(&node, "offender").await;
    for kind in ["", "TEXT", "welcome", "ack", "__proto__", "\u{202e}", &"x".repeat(60_000)] {
        offender.send(json!({ "type": kind })).await;
        let error = offender.expect("error").await;
        assert_eq!(error["code"], "unknown_type", "{kind:.40}");
        assert!(error.to_string().len() < 1000, "{kind:.40}");
    }
}

#[tokio::test]
async fn markup_and_odd_names_come_back_as_data() {
    let node = Node::memory().await;
    let markup = "<img src=x onerror=alert(1)>";
    let mut offender = Client::full(&node, markup).await;
    offender.join("<script>").await;
    offender.posts("<script>", markup).await;
    assert_eq!(offender.receives(markup).await["username"], markup);
    for path in
        ["/api/rooms", "/api/rooms/%3Cscript%3E", "/api/rooms/%3Cscript%3E/messages", "/api/rooms/%3Cb%3E"]
    {
        let reply = node.http().get(path).await;
        assert!(reply.header("content-type").starts_with("application/json"), "{path}: {reply:?}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}: {reply:?}");
        reply.json();
    }
}
