//! Bytes on the port that are neither HTTP nor WebSocket.

use std::time::Instant;

use crate::harness::raw::first_byte::TEXT;
use crate::harness::{Client, DEADLINE, Launch, Node, RawSocket};

async fn witness(node: &Node) -> Client {
    let mut witness = Client::full(node, "witness").await;
    witness.join("quiet corner").await;
    witness
}

async fn still_talks(witness: &mut Client) {
    witness.posts("quiet corner", "still here").await;
    witness.receives("still here").await;
}

/// Pseudo-random bytes, the same in every run.
fn noise(seed: u32, length: usize) -> Vec<u8> {
    let step = |state: &mut u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((*state >> 24) as u8)
    };
    std::iter::repeat(()).scan(seed, |state, ()| step(state)).take(length).collect()
}

#[tokio::test]
async fn random_bytes_on_the_port_end_only_their_own_connection() {
    let node = Launch::new().set("server.header_timeout", "1s").start().await;
    let mut witness = witness(&node).await;
    for seed in 0..40 {
        let mut socket = RawSocket::connect(node.port).await;
        socket.write(&noise(seed, 3000)).await;
        socket.read_to_end().await;
    }
    still_talks(&mut witness).await;
}

#[tokio::test]
async fn random_bytes_after_the_upgrade_end_only_their_own_session() {
    let node = Node::memory().await;
    let mut witness = witness(&node).await;
    for seed in 0..40 {
        let mut socket = RawSocket::upgraded(node.port, "/ws", None).await;
        // Frames with valid headers, so that all of the noise is read, then an invalid one.
        for (number, piece) in noise(seed, 3000).chunks(1 + seed as usize).enumerate() {
            let first_byte = [0x82, 0x89, 0x8a][number % 3];
            socket.frame(first_byte, piece).await;
        }
        socket.write(&[&[0xf3], &noise(seed, 3000)[..]].concat()).await;
        assert_eq!(socket.close_code().await, Some(1002), "seed {seed}");
    }
    still_talks(&mut witness).await;
}

/// Nearly valid JSON frames in valid WebSocket frames: each is read to its end and answered.
#[tokio::test]
async fn noise_within_frames_is_answered_and_the_session_goes_on() {
    let node = Node::memory().await;
    let mut witness = witness(&node).await;
    let mut socket = RawSocket::upgraded(node.port, "/ws", Some("adda.v1")).await;
    let whole = r#"{"type":"join","room_id":"r","since":{"epoch":"e","seq":5},"history":7,"nonce":"n"}"#;
    let mut errors = 0;
    for seed in 0..300 {
        let mut bytes = whole.as_bytes().to_vec();
        for hit in noise(seed, 4).chunks(2) {
            let place = hit[0] as usize % bytes.len();
            // ASCII, because invalid UTF-8 ends the session.
            bytes[place] = hit[1] & 0x7f;
        }
        socket.frame(TEXT, &bytes).await;
        socket.frame(TEXT, br#"{"type":"ping"}"#).await;
        loop {
            let (_, payload) = socket.read_frame().await.expect("the session lives");
            let frame: serde_json::Value = serde_json::from_slice(&payload).expect("JSON");
            errors += usize::from(frame["type"] == "error");
            if frame["type"] == "pong" {
                break;
            }
        }
    }
    assert!(errors > 100, "{errors} of 300 were refused");
    still_talks(&mut witness).await;
}

#[tokio::test]
async fn an_unfinished_request_times_out() {
    let node = Launch::new().set("server.header_timeout", "1s").start().await;
    let mut witness = witness(&node).await;
    for half in ["G", "GET / HTTP/1.1\r\n", "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"] {
        let mut socket = RawSocket::connect(node.port).await;
        socket.write(half.as_bytes()).await;
        let answer = socket.read_to_end().await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{half:?}: {answer:?}");
    }
    still_talks(&mut witness).await;
}

#[tokio::test]
async fn an_unfinished_body_times_out() {
    let node = Launch::new().set("server.body_timeout", "1s").start().await;
    let mut witness = witness(&node).await;
    let post = "POST /api/rooms/x/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    for half in [
        "Content-Length: 100\r\n\r\n",
        "Content-Length: 100\r\n\r\n{\"content\":",
        "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"con\r\n",
    ] {
        let mut socket = RawSocket::connect(node.port).await;
        socket.write(format!("{post}{half}").as_bytes()).await;
        let answer = String::from_utf8(socket.read_to_end().await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408"), "{half:?}: {answer}");
        assert!(answer.contains("\"code\":\"bad_request\"") && answer.contains("\"error\":"), "{answer}");
    }
    // These routes take no body.
    for request in ["GET /api/rooms", "POST /healthz", "GET /", "POST /ws"] {
        let mut socket = RawSocket::connect(node.port).await;
        socket
            .write(format!("{request} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{").as_bytes())
            .await;
        let answer = socket.read_to_end().await;
        assert!(answer.starts_with(b"HTTP/1.1 "), "{request}: {answer:?}");
    }
    still_talks(&mut witness).await;
}

#[tokio::test]
async fn unread_responses_time_out() {
    let node = Launch::new().set("session.write_timeout", "1s").start().await;
    let mut witness = witness(&node).await;
    let mut socket = RawSocket::connect(node.port).await;
    let requests = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
    let mut begin = Instant::now();
    while socket.write(requests.as_bytes()).await {
        begin = Instant::now();
    }
    assert!(begin.elapsed() < DEADLINE, "the node ends it while the client waits to write more");
    still_talks(&mut witness).await;
}

#[tokio::test]
async fn requests_that_are_no_http_are_refused() {
    let node = Launch::new().set("server.header_timeout", "1s").start().await;
    let mut witness = witness(&node).await;
    let long_header = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(1 << 20));
    let many_headers = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-Many: x\r\n".repeat(5_000));
    let long_path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(1 << 20));
    for garbage in [
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        "G\u{0}T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n",
        "POST /api/rooms/x/messages HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /api/rooms/x/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}",
        &long_header,
        &many_headers,
        &long_path,
    ] {
        let mut socket = RawSocket::connect(node.port).await;
        socket.write(garbage.as_bytes()).await;
        let answer = socket.read_to_end().await;
        let is_refused =
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4") || answer.starts_with(b"HTTP/1.0 4");
        assert!(is_refused, "{garbage:.60?}: {}", String::from_utf8_lossy(&answer));
    }
    still_talks(&mut witness).await;
}

/// Sends bytes and reads an answer that must be JSON, from any layer of the node.
async fn refusal(node: &Node, request: &str) -> (u16, serde_json::Value, String) {
    let mut socket = RawSocket::connect(node.port).await;
    socket.write(request.as_bytes()).await;
    let answer = String::from_utf8(socket.read_to_end().await).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{request:.80?}: {answer:?}"));
    let body = serde_json::from_str(body).unwrap_or_else(|error| panic!("{request:.80?}: {error}: {answer}"));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body, head.to_lowercase())
}

#[tokio::test]
async fn a_head_that_can_not_be_read_is_refused_with_json() {
    let node = Launch::new().set("server.header_timeout", "1s").start().await;
    let long = "x".repeat(20_000);
    for (request, status) in [
        ("GET\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/9.9\r\nHost: x\r\n\r\n".to_owned(), 400),
        ("GET /api/rooms?prefix=\u{1} HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n".to_owned(), 400),
        ("POST /api/rooms/x/messages HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_owned(), 400),
        (format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n\r\n"), 431),
        (format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-Many: x\r\n".repeat(101)), 431),
        ("GET / HTTP/1.1\r\nHost: x\r\n".to_owned(), 408),
    ] {
        let (found, body, head) = refusal(&node, &request).await;
        assert_eq!((found, &body["code"]), (status, &"bad_request".into()), "{request:.80?}: {head}");
        assert!(head.contains("access-control-allow-origin: *"), "{head}");
    }
}

#[tokio::test]
async fn a_request_names_one_host_and_one_framing() {
    let node = Node::memory().await;
    for head in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST /api/rooms/x/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /api/rooms/x/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "OPTIONS /api/rooms HTTP/1.1\r\nAccess-Control-Request-Method: GET\r\n\r\n",
    ] {
        // A page of another origin may read why.
        let head = head.replacen("\r\n", "\r\nOrigin: http://elsewhere.example\r\n", 1);
        let (status, body, head) = refusal(&node, &head).await;
        assert_eq!((status, &body["code"]), (400, &"bad_request".into()), "{head:?}");
        assert!(head.contains("access-control-allow-origin: *"), "{head}");
        assert!(head.contains("connection: close"), "{head}");
    }
    for head in [
        "GET /healthz HTTP/1.0\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: [::1]:3000\r\nConnection: close\r\n\r\n",
        "GET http://a/healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ] {
        assert_eq!(refusal(&node, head).await.0, 200, "{head:?}");
    }
}

#[tokio::test]
async fn upgrades_that_break_rfc_6455_are_refused() {
    let node = Node::memory().await;
    let mut witness = witness(&node).await;
    let upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for (wrong, value) in [
        ("Connection", "close"),
        ("Upgrade", "h2c"),
        ("Sec-WebSocket-Version", "8"),
        ("Sec-WebSocket-Key", ""),
        ("Sec-WebSocket-Key", "too short"),
    ] {
        let call = upgrade.iter().fold(node.http().call("GET", "/ws"), |call, (name, right)| {
            call.header(name, if *name == wrong { value } else { right })
        });
        let reply = call.send().await;
        assert!(matches!(reply.status, 400 | 426), "{wrong}: {value}: {reply:?}");
        assert!(!reply.error(reply.status).is_empty());
        if wrong == "Sec-WebSocket-Version" {
            assert_eq!(reply.header("sec-websocket-version"), "13", "RFC 6455, 4.4");
        }
    }
    still_talks(&mut witness).await;
}

#[tokio::test]
async fn connections_that_vanish_leave_nothing_behind() {
    let node = Node::memory().await;
    let mut witness = witness(&node).await;
    for _ in 0..50 {
        drop(RawSocket::connect(node.port).await);
        drop(RawSocket::upgraded(node.port, "/ws?room=quiet%20corner", None).await);
        drop(RawSocket::upgraded(node.port, "/ws?room=quiet%20corner", Some("adda.v1")).await);
    }
    let only = [witness.connection_id.clone()];
    crate::harness::eventually("only the witness is left", crate::harness::DEADLINE, async || {
        (node.http().connections("quiet corner").await == only).then_some(())
    })
    .await;
    still_talks(&mut witness).await;
}
