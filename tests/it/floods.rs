//! Sessions that flood, never finish a message, or read too slowly, and the responses to each. `scripts/flood`
//! measures the cost for others.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::raw::first_byte::{CLOSE, CONTINUE, PING, PONG, TEXT, TEXT_BEGIN};
use crate::harness::raw::masked;
use crate::harness::roamer::outage;
use crate::harness::{Client, DEADLINE, LONG_DEADLINE, Node, RawSocket};

/// A session that has received its `welcome`.
async fn silent(node: &Node, name: &str) -> RawSocket {
    let path = format!("/ws?username={name}");
    let mut socket = RawSocket::upgraded(node.port, &path, Some("adda.v1")).await;
    socket.read_frame().await.expect("its welcome");
    socket
}

#[tokio::test]
async fn pings_that_arrive_together_are_answered_by_the_newest() {
    const PINGS: u32 = 20_000;
    let node = Node::memory().await;
    let mut socket = silent(&node, "offender").await;
    // They fill many reads of some hundred pings each.
    let pings: Vec<u8> = (1..=PINGS).flat_map(|number| masked(PING, &number.to_be_bytes())).collect();
    assert!(socket.write(&pings).await);
    let (mut pongs, mut newest) = (0, 0);
    while newest < PINGS {
        let (first_byte, payload) = socket.read_frame().await.expect("a pong");
        assert_eq!(first_byte, PONG);
        let number = u32::from_be_bytes(payload.try_into().expect("a payload of ours"));
        assert!(number > newest, "{number} after {newest}");
        (pongs, newest) = (pongs + 1, number);
    }
    assert!(pongs < PINGS / 10, "{pongs} pongs");
}

#[tokio::test]
async fn a_session_that_floods_can_still_post() {
    let node = Node::memory().await;
    let mut listener = Client::full(&node, "listener").await;
    listener.join("general").await;
    for (kind, frame) in [
        ("empty pings", masked(PING, b"")),
        ("pongs", masked(PONG, b"")),
        ("bad JSON", masked(TEXT, b"{")),
        ("unknown types", masked(TEXT, br#"{"type":"dance"}"#)),
        ("JSON pings", masked(TEXT, br#"{"type":"ping"}"#)),
        ("typing", masked(TEXT, br#"{"type":"typing","room_id":"general"}"#)),
        ("bad tokens", masked(TEXT, br#"{"type":"auth","token":"x"}"#)),
        ("foreign leaves", masked(TEXT, br#"{"type":"leave","room_id":"elsewhere"}"#)),
    ] {
        let mut flooder = silent(&node, "flooder").await;
        flooder.frame(TEXT, br#"{"type":"join","room_id":"general"}"#).await;
        let mut bytes = frame.repeat(2_000);
        let content = format!("after {kind}");
        let text = json!({ "type": "text", "room_id": "general", "content": content }).to_string();
        bytes.extend(masked(TEXT, text.as_bytes()));
        let (written, _) = tokio::join!(flooder.write(&bytes), listener.receives(&content));
        assert!(written, "{kind}");
    }
}

#[tokio::test]
async fn after_a_violation_the_node_ends_the_connection() {
    let node = Node::memory().await;
    let reserved = masked(TEXT | 0x40, b"{}");
    let (half, rest) = reserved.split_at(1);
    for (what, pieces) in [
        ("a reserved bit", vec![&reserved[..]]),
        ("a reserved bit in pieces", vec![half, rest]),
        ("a reserved opcode, then a whole text", vec![&[0x83, 0x80, 0, 0, 0, 0][..], &masked(TEXT, b"{}")]),
        ("no UTF-8, then half a frame", vec![&masked(TEXT, b"\xff")[..], &[TEXT, 0xff]]),
        ("too long", vec![&[0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4][..], &[0; 100]]),
    ] {
        let mut socket = silent(&node, "offender").await;
        for piece in pieces {
            socket.write(piece).await;
        }
        assert!(socket.close_code().await.is_some(), "{what}");
        // The node sends nothing more, and does not wait for an answer.
        let ended = tokio::time::timeout(Duration::from_secs(1), socket.read_to_end()).await;
        assert_eq!(ended, Ok(Vec::new()), "{what}");
    }
}

#[tokio::test]
async fn a_client_that_continues_after_a_violation_is_cut() {
    let node = Node::memory().await;
    let mut socket = silent(&node, "offender").await;
    socket.write(&masked(0x83, b"")).await;
    let noise = masked(PING, b"").repeat(1000);
    let flood = async { while socket.write(&noise).await {} };
    tokio::time::timeout(DEADLINE, flood).await.expect("the node has stopped reading");
}

#[tokio::test]
async fn an_unfinished_message_has_a_deadline_that_no_byte_puts_off() {
    let node = Node::with(&[("session.message_timeout", "3s")]).await;
    let mut friend = Client::full(&node, "friend").await;
    friend.join("general").await;
    // Longer than what drips in until the deadline.
    let half_frame = [&[TEXT, 0xfe, 0xff, 0, 1, 2, 3, 4][..], &[b'x'; 100]].concat();
    let mut frame = silent(&node, "frame").await;
    let mut fragments = silent(&node, "fragments").await;
    let mut header = silent(&node, "header").await;
    frame.write(&half_frame).await;
    fragments.frame(TEXT_BEGIN, b"{").await;
    header.write(&[TEXT]).await;
    let drip = async {
        loop {
            let (goes_on, is_continued) = (frame.write(b"x").await, fragments.frame(CONTINUE, b"").await);
            friend.posts("general", "meanwhile").await;
            friend.receives("meanwhile").await;
            if !goes_on && !is_continued {
                return;
            }
        }
    };
    tokio::time::timeout(DEADLINE, drip).await.expect("both are closed");
    for socket in [&mut frame, &mut fragments, &mut header] {
        assert_eq!(socket.close_code().await, Some(4400));
    }
    // A message that is complete in time is accepted; the next has its own deadline.
    let mut slow = silent(&node, "slow").await;
    for _ in 0..3 {
        slow.frame(TEXT_BEGIN, br#"{"type":"#).await;
        outage(Duration::from_millis(1200)).await;
        slow.frame(0x80, br#""ping"}"#).await;
        let (first_byte, payload) = slow.read_frame().await.expect("an answer");
        assert_eq!((first_byte, &payload[..]), (TEXT, &br#"{"type":"pong"}"#[..]));
    }
}

/// Fills the kernel's buffers of a reader but not its outbox.
async fn burst(writer: &mut Client, count: usize) {
    let frame = json!({ "type": "text", "room_id": "general", "content": "x".repeat(4000) });
    for _ in 0..count {
        writer.send(frame.clone()).await;
    }
    writer.texts(count).await;
}

async fn narrow(node: &Node, writer: &mut Client, name: &str) -> RawSocket {
    let path = format!("/ws?username={name}");
    let mut socket = RawSocket::narrow(node.port, &path, Some("adda.v1")).await;
    socket.frame(TEXT, br#"{"type":"join","room_id":"general","history":0}"#).await;
    writer.sees_join(name).await;
    socket
}

#[tokio::test]
async fn a_reader_that_goes_on_taking_bytes_is_alive_however_slow() {
    let settings =
        [("session.ping_every", "1s"), ("session.idle_timeout", "3s"), ("presence.leave_grace", "500ms")];
    let node = Node::with(&settings).await;
    let mut writer = Client::full(&node, "writer").await;
    writer.join("general").await;
    let mut slow = narrow(&node, &mut writer, "slow").await;
    burst(&mut writer, 160).await;
    // That takes twice the idle time-out; the first ping arrives at the end.
    let reads = async {
        let (mut texts, mut is_pinged) = (0, false);
        while texts < 160 || !is_pinged {
            let (first_byte, payload) = slow.read_frame().await.expect("it is still served");
            match first_byte {
                PING => is_pinged = true,
                TEXT => texts += usize::from(is_text(&payload)),
                other => panic!("{other}: {:?}", code_of(&payload)),
            }
            outage(Duration::from_millis(40)).await;
        }
    };
    let is_leave = |frame: &Value| frame["type"] == "leave";
    tokio::select! {
        () = reads => {}
        // Answers pings while it waits.
        leave = writer.find_within(LONG_DEADLINE * 2, "a leave", is_leave) => panic!("{leave:?}"),
    }
}

fn is_text(payload: &[u8]) -> bool {
    serde_json::from_slice::<Value>(payload).expect("JSON")["type"] == "text"
}

fn code_of(payload: &[u8]) -> Option<u16> {
    payload.first_chunk().map(|code| u16::from_be_bytes(*code))
}

#[tokio::test]
async fn a_reader_that_takes_nothing_finds_4009_when_it_reads_again() {
    let settings = [
        ("session.ping_every", "1s"),
        ("session.idle_timeout", "2s"),
        ("session.write_timeout", "1s"),
        ("presence.leave_grace", "500ms"),
    ];
    let node = Node::with(&settings).await;
    let mut writer = Client::full(&node, "writer").await;
    writer.join("general").await;
    // The first one's data waits in the kernel, the second one's in its outbox too.
    for count in [100, 600] {
        let name = format!("stalled{count}");
        let mut stalled = narrow(&node, &mut writer, &name).await;
        burst(&mut writer, count).await;
        writer.sees_leave(&name).await;
        let close = loop {
            let (first_byte, payload) = stalled.read_frame().await.expect("frames, then a close frame");
            if first_byte == CLOSE {
                break payload;
            }
        };
        assert_eq!(code_of(&close), Some(4009), "{name}");
    }
}

/// A request of 51 bytes is answered with a full page of history.
#[tokio::test]
async fn joins_are_paid_for_with_the_history_that_they_ask_for() {
    let settings = [("limits.replay_bytes", "1000000"), ("limits.replay_bytes_per_second", "1000000")];
    let node = Node::with(&settings).await;
    let mut writer = Client::full(&node, "writer").await;
    writer.join("general").await;
    burst(&mut writer, 25).await;
    let mut greedy = Client::full(&node, "greedy").await;
    let begin = std::time::Instant::now();
    for _ in 0..40 {
        greedy.send(json!({ "type": "join", "room_id": "general", "history": 200 })).await;
    }
    let mut given = 0;
    for _ in 0..40 {
        given += greedy.expect("joined").await.to_string().len();
    }
    let earned = 1_000_000.0 + 1_000_000.0 * begin.elapsed().as_secs_f64();
    assert!(given > 3_000_000, "{given} bytes were to be had");
    // The last join may overdraw.
    assert!((given as f64) < earned + 130_000.0, "{given} bytes in {:?}", begin.elapsed());
}

/// A request of 35 bytes is answered with the list of rooms.
#[tokio::test]
async fn lists_of_rooms_are_paid_for_as_well() {
    const ASKED: usize = 150;
    /// The cost of an answer besides its bytes.
    const WORK: usize = 8 * 1024;
    let settings = [("limits.replay_bytes", "1000000"), ("limits.replay_bytes_per_second", "1000000")];
    let node = Node::with(&settings).await;
    let mut crowd = Client::full(&node, "crowd").await;
    for number in 0..100 {
        crowd.join(&format!("{number:060}")).await;
    }
    crowd.send(json!({ "type": "rooms", "watch": true })).await;
    crowd.expect("rooms").await;
    for question in [json!({ "type": "rooms", "watch": true }), json!({ "type": "rooms", "prefix": "0" })] {
        let mut greedy = Client::full(&node, "greedy").await;
        let begin = std::time::Instant::now();
        for _ in 0..ASKED {
            greedy.send(question.clone()).await;
        }
        let mut given = 0;
        for _ in 0..ASKED {
            given += greedy.expect("rooms").await.to_string().len() + WORK;
        }
        let earned = 1_000_000.0 + 1_000_000.0 * begin.elapsed().as_secs_f64();
        assert!(given > 1_500_000, "{given} bytes were to be had");
        // The last answer may overdraw.
        assert!((given as f64) < earned + 30_000.0, "{question}: {given} in {:?}", begin.elapsed());
    }
}

/// The types that a session says it knows, when it is sent another.
#[tokio::test]
async fn the_script_floods_with_each_type_of_frame() {
    let script = include_str!("../../scripts/flood");
    let node = Node::memory().await;
    let mut session = Client::full(&node, "session").await;
    session.send(json!({ "type": "dance" })).await;
    let sentence = session.expect("error").await["content"].as_str().expect("a sentence").to_owned();
    let (_, known) = sentence.split_once("known are ").expect("a list");
    for kind in known.split(", ") {
        assert!(script.contains(&format!("type=\"{kind}\"")), "{kind}");
    }
    assert!(known.contains("ping") && script.contains("frame(0x82, "), "files come in binary frames");
}
