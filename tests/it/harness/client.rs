//! A WebSocket client with a selective receive: a test waits for one frame, and earlier frames stay in the inbox.
//! So no test depends on an order that is not guaranteed.

use std::collections::VecDeque;
use std::fmt::Display;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::http::{encode, text};
use super::{DEADLINE, LONG_DEADLINE, Node};

/// The code of a connection that ended without a close frame (RFC 6455, 7.1.5).
pub const ABNORMAL: u16 = 1006;

/// A connection to be opened.
#[derive(Debug)]
pub struct Dial {
    port: u16,
    path: String,
    headers: Vec<(&'static str, String)>,
}

/// One WebSocket connection.
#[derive(Debug)]
pub struct Client {
    /// The name that others see.
    pub username: String,
    /// Its user; empty for a plain session until its own join notice.
    pub user_id: String,
    /// The connection id; empty for a plain session.
    pub connection_id: String,
    /// The token of its user; empty for a plain session.
    pub token: String,
    socket: WebSocketStream<TcpStream>,
    inbox: VecDeque<Value>,
    close_code: Option<u16>,
}

impl Dial {
    /// A connection without a subprotocol.
    pub fn plain(port: u16, path: impl Into<String>) -> Self {
        Self { port, path: path.into(), headers: Vec::new() }
    }

    /// A connection that asks for `adda.v1`.
    pub fn full(port: u16, path: impl Into<String>) -> Self {
        Self::plain(port, path).header("sec-websocket-protocol", "adda.v1")
    }

    /// Adds a header to the upgrade.
    pub fn header(mut self, name: &'static str, value: impl Display) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// Connects; fails if the server does not upgrade.
    pub async fn open(self) -> Client {
        self.try_open().await.expect("the node accepts a WebSocket")
    }

    /// Connects, or returns the error.
    pub async fn try_open(self) -> Result<Client, Error> {
        let url = format!("ws://127.0.0.1:{}{}", self.port, self.path);
        let mut request = url.into_client_request().expect("a well-formed address");
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value).expect("a well-formed header");
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        let config = WebSocketConfig::default().read_buffer_size(4096);
        let handshake = async {
            let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            stream.set_nodelay(true)?;
            tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await
        };
        let (socket, _) = timeout(DEADLINE, handshake).await.expect("an upgrade within the deadline")?;
        Ok(Client {
            username: String::new(),
            user_id: String::new(),
            connection_id: String::new(),
            token: String::new(),
            socket,
            inbox: VecDeque::new(),
            close_code: None,
        })
    }
}

impl Client {
    /// A plain session that has received its own join notice; its history is in the inbox.
    pub async fn plain(node: &Node, room: &str, username: &str) -> Self {
        let path = format!("/ws?room={}&username={}", encode(room), encode(username));
        let mut client = Dial::plain(node.port, path).open().await;
        let join = client
            .expect_that("its own join notice", |frame| {
                frame["type"] == "join" && frame["username"] == username
            })
            .await;
        client.username = username.to_owned();
        client.user_id = text(&join["user_id"]);
        client
    }

    /// A full session of a new guest.
    pub async fn full(node: &Node, username: &str) -> Self {
        let mut client = Dial::full(node.port, format!("/ws?username={}", encode(username))).open().await;
        client.welcomed().await;
        client
    }

    /// A full session of a known guest.
    pub async fn returning(node: &Node, token: &str) -> Self {
        Self::returning_or_refused(node, token).await.expect("the token is valid")
    }

    /// The same; `None` if the token is not valid there.
    pub async fn returning_or_refused(node: &Node, token: &str) -> Option<Self> {
        let mut client = Dial::full(node.port, "/ws").open().await;
        client.welcomed().await;
        client.send(json!({ "type": "auth", "token": token })).await;
        let answer = client.next_of(&["auth_success", "error"]).await;
        if answer["type"] == "error" {
            return None;
        }
        client.username = text(&answer["username"]);
        client.user_id = text(&answer["user_id"]);
        client.token = text(&answer["token"]);
        Some(client)
    }

    /// Takes the `welcome` and stores its ids.
    pub async fn welcomed(&mut self) -> Value {
        let welcome = self.expect("welcome").await;
        self.username = text(&welcome["username"]);
        self.user_id = text(&welcome["user_id"]);
        self.connection_id = text(&welcome["connection_id"]);
        self.token = text(&welcome["token"]);
        welcome
    }

    /// The client's own port.
    pub fn port(&self) -> u16 {
        self.socket.get_ref().local_addr().expect("an open socket").port()
    }

    // --- sending ---

    /// Sends a JSON frame.
    pub async fn send(&mut self, frame: Value) {
        self.send_message(Message::text(frame.to_string())).await;
    }

    /// Sends any WebSocket message.
    pub async fn send_message(&mut self, message: Message) {
        assert!(self.try_send(message).await, "{self} can send");
    }

    /// Sends any WebSocket message; `false` if the connection is gone.
    pub async fn try_send(&mut self, message: Message) -> bool {
        timeout(DEADLINE, self.socket.send(message)).await.expect("a send within the deadline").is_ok()
    }

    /// Sends a binary frame.
    pub async fn send_binary(&mut self, bytes: &'static [u8]) {
        self.send_message(Message::Binary(Bytes::from_static(bytes))).await;
    }

    /// Joins a room.
    pub async fn join(&mut self, room: &str) -> Value {
        self.join_with(json!({ "room_id": room })).await
    }

    /// Joins a room with further fields in the frame. Tries again while the node can't, as a good client does: on a slow
    /// machine Redis or a new subscription may be late.
    pub async fn join_with(&mut self, mut frame: Value) -> Value {
        frame["type"] = "join".into();
        let room = frame["room_id"].clone();
        let is_answer = |reply: &Value| {
            let is_late = reply["type"] == "error" && reply["code"] == "unavailable";
            (reply["type"] == "joined" || is_late) && reply["room_id"] == room
        };
        let deadline = Instant::now() + LONG_DEADLINE;
        loop {
            self.send(frame.clone()).await;
            let answer = self.expect_that("joined", is_answer).await;
            if answer["type"] == "joined" {
                return answer;
            }
            assert!(Instant::now() < deadline, "{self} could not join: {answer}");
            let wait = answer["retry_after_ms"].as_u64().expect("when to try again");
            sleep(Duration::from_millis(wait)).await;
        }
    }

    /// Joins a room and resumes after a position: the epoch and seq of a message or an ack.
    pub async fn resume(&mut self, room: &str, epoch: &Value, seq: u64) -> Value {
        self.join_with(json!({ "room_id": room, "since": { "epoch": epoch, "seq": seq } })).await
    }

    /// Leaves a room.
    pub async fn leave(&mut self, room: &str) {
        self.send(json!({ "type": "leave", "room_id": room })).await;
        self.expect_that("left", |reply| reply["type"] == "left" && reply["room_id"] == room).await;
    }

    /// Posts as a full session and returns the ack; fails on an error.
    pub async fn posts(&mut self, room: &str, content: &str) -> Value {
        let nonce = uuid::Uuid::new_v4().to_string();
        let reply = self.post(room, content, &nonce).await;
        assert_eq!(reply["type"], "ack", "{reply}");
        reply
    }

    /// Posts as a full session with a nonce and returns the ack or the error.
    pub async fn post(&mut self, room: &str, content: &str, nonce: &str) -> Value {
        self.send(json!({ "type": "text", "room_id": room, "content": content, "nonce": nonce })).await;
        self.expect_that("ack or error", |reply| {
            (reply["type"] == "ack" || reply["type"] == "error") && reply["nonce"] == nonce
        })
        .await
    }

    /// Posts as a plain session.
    pub async fn speak(&mut self, content: &str) {
        self.send(json!({ "type": "text", "content": content })).await;
    }

    /// Returns when all frames that the server sent before this call are in the inbox.
    pub async fn catch_up(&mut self) {
        self.send(json!({ "type": "ping" })).await;
        self.expect("pong").await;
    }

    // --- receiving ---

    /// Takes the oldest frame that is not taken yet.
    pub async fn next(&mut self) -> Value {
        self.expect_that("any frame", |_| true).await
    }

    /// Takes the oldest frame of a type.
    pub async fn expect(&mut self, kind: &str) -> Value {
        self.expect_that(kind, |frame| frame["type"] == kind).await
    }

    /// Takes the oldest frame of some types.
    pub async fn next_of(&mut self, kinds: &[&str]) -> Value {
        let is_one = |frame: &Value| kinds.iter().any(|kind| frame["type"] == *kind);
        self.expect_that(&kinds.join(" or "), is_one).await
    }

    /// Takes the oldest frame that a test is waiting for.
    pub async fn expect_that(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let frame = self.find(what, is_it).await;
        frame.unwrap_or_else(|| {
            panic!("{self} was closed with {:?} before it received: {what}", self.close_code)
        })
    }

    /// Takes the oldest frame that a test is waiting for; `None` if the connection ends before.
    pub async fn find(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Option<Value> {
        self.find_within(DEADLINE, what, is_it).await
    }

    /// The same with another deadline.
    pub async fn find_within(
        &mut self,
        within: Duration,
        what: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        let deadline = Instant::now() + within;
        let mut seen = 0;
        loop {
            if let Some(place) = self.inbox.iter().skip(seen).position(&is_it) {
                return self.inbox.remove(seen + place);
            }
            seen = self.inbox.len();
            match timeout_at(deadline, self.receive()).await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(_) => panic!("{self} did not receive: {what}"),
            }
        }
    }

    /// Takes the next messages, in the order in which they came.
    pub async fn texts(&mut self, count: usize) -> Vec<Value> {
        let mut texts = Vec::with_capacity(count);
        while texts.len() < count {
            texts.push(self.expect("text").await);
        }
        texts
    }

    /// Takes the message with this content.
    pub async fn receives(&mut self, content: &str) -> Value {
        self.expect_that(content, |frame| frame["type"] == "text" && frame["content"] == content).await
    }

    /// Takes the join notice of a user.
    pub async fn sees_join(&mut self, username: &str) -> Value {
        self.expect_that("a join", |frame| frame["type"] == "join" && frame["username"] == username).await
    }

    /// Takes the leave notice of a user.
    pub async fn sees_leave(&mut self, username: &str) -> Value {
        self.expect_that("a leave", |frame| frame["type"] == "leave" && frame["username"] == username).await
    }

    /// The frames of a type that have come and were not taken.
    pub fn untaken(&self, kind: &str) -> Vec<Value> {
        self.inbox.iter().filter(|frame| frame["type"] == kind).cloned().collect()
    }

    /// Takes all frames that have come.
    pub fn take_all(&mut self) -> Vec<Value> {
        self.inbox.drain(..).collect()
    }

    /// Reads until the server closes and returns the code.
    pub async fn closed(&mut self) -> u16 {
        let reading = async { while self.receive().await {} };
        let ended = timeout(DEADLINE, reading).await.is_ok();
        assert!(ended, "{self} was not closed");
        self.close_code.expect("set at the end")
    }

    /// Sends a close frame and waits for the answer.
    pub async fn close(mut self) {
        self.try_send(Message::Close(None)).await;
        self.closed().await;
    }

    /// Puts the next frame into the inbox; `false` at the end of the connection. Safe to cancel.
    async fn receive(&mut self) -> bool {
        if self.close_code.is_some() {
            return false;
        }
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => {
                let frame = serde_json::from_str(&text)
                    .unwrap_or_else(|error| panic!("a text frame is JSON ({error}): {text}"));
                self.inbox.push_back(frame);
            }
            Some(Ok(Message::Binary(bytes))) => self.inbox.push_back(json!({ "binary": bytes.as_ref() })),
            Some(Ok(Message::Close(frame))) => {
                self.close_code = Some(frame.map_or(1005, |frame| frame.code.into()));
                // Sends the answer that tungstenite has prepared; the server may be gone already.
                let _ = self.socket.close(None).await;
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => self.close_code = Some(ABNORMAL),
        }
        self.close_code.is_none()
    }
}

impl Display for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let frames: Vec<_> = self.inbox.iter().rev().take(12).map(Value::to_string).collect();
        write!(f, "{:?} (newest frames in its inbox: {})", self.username, frames.join(" "))
    }
}
