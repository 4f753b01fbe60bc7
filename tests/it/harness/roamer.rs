//! A well-behaved client: it reconnects to any node, authenticates, resumes by position, and repeats unacknowledged
//! posts with the same nonce.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;

use super::{Client, DEADLINE, Dial, LONG_DEADLINE, Node, eventually};

/// One user in one room, on one node or another.
#[derive(Debug)]
pub struct Roamer {
    /// The received messages in order.
    pub received: Vec<Value>,
    /// The close codes of its connections.
    pub closes: Vec<u16>,
    /// The number of refused posts.
    pub refusals: usize,
    client: Client,
    ports: Vec<u16>,
    room: String,
    epoch: Value,
    seq: u64,
}

impl Roamer {
    /// Joins a room through the first node; it may reconnect to the others.
    pub async fn enter(nodes: &[&Node], username: &str, room: &str) -> Self {
        let mut client = Client::full(nodes[0], username).await;
        let joined = client.join(room).await;
        Self {
            received: Vec::new(),
            closes: Vec::new(),
            refusals: 0,
            client,
            ports: nodes.iter().map(|node| node.port).collect(),
            room: room.to_owned(),
            epoch: joined["epoch"].clone(),
            seq: joined["seq"].as_u64().expect("seq"),
        }
    }

    /// Posts a message, retrying as needed, and returns the ack.
    pub async fn posts(&mut self, content: &str) -> Value {
        let nonce = uuid::Uuid::new_v4().to_string();
        let frame = json!({ "type": "text", "room_id": self.room, "content": content, "nonce": nonce });
        let frame = frame.to_string();
        for _ in 0..1000 {
            let is_sent = self.client.try_send(Message::text(frame.clone())).await;
            let is_answer = |reply: &Value| {
                reply["nonce"] == *nonce && (reply["type"] == "ack" || reply["type"] == "error")
            };
            let reply = if is_sent { self.client.find("ack or error", is_answer).await } else { None };
            match reply {
                Some(reply) if reply["type"] == "ack" => return reply,
                Some(reply) => {
                    assert_eq!(reply["code"], "unavailable", "{reply}");
                    self.refusals += 1;
                    // Shorter than the wait that the error asks for.
                    sleep(Duration::from_millis(50)).await;
                }
                None => self.reconnect().await,
            }
        }
        panic!("{content} was refused a thousand times");
    }

    /// Receives until it has a number of messages, reconnecting as needed.
    pub async fn receives(&mut self, count: usize) {
        while self.received.len() < count {
            match self.client.find("more messages", |frame| frame["type"] == "text").await {
                Some(message) => self.take(message),
                None => self.reconnect().await,
            }
        }
    }

    /// Asserts that it received no notice, gap or reset.
    pub fn assert_undisturbed(&self) {
        for kind in ["join", "leave", "gap", "reset"] {
            let frames = self.client.untaken(kind);
            assert!(frames.is_empty(), "{} received {frames:?}", self.client.username);
        }
    }

    /// The texts of the received messages, in order.
    pub fn contents(&self) -> Vec<String> {
        self.received.iter().map(|message| message["content"].to_string()).collect()
    }

    /// Asserts that the numbers of the received messages have neither a hole nor a repetition.
    pub fn assert_whole(&self) {
        let seqs: Vec<_> =
            self.received.iter().map(|message| message["seq"].as_u64().expect("seq")).collect();
        let first = seqs.first().copied().unwrap_or_default();
        let whole: Vec<_> = (first..).take(seqs.len()).collect();
        assert_eq!(seqs, whole, "the messages of {}", self.client.username);
    }

    /// Its current connection.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    fn take(&mut self, message: Value) {
        self.seq = message["seq"].as_u64().expect("seq");
        self.received.push(message);
    }

    async fn reconnect(&mut self) {
        self.closes.push(self.client.closed().await);
        for message in self.client.untaken("text") {
            self.take(message);
        }
        let (token, mut place) = (self.client.token.clone(), 0);
        self.client = eventually("a node lets it in", LONG_DEADLINE, async || {
            place = (place + 1) % self.ports.len();
            Self::come_back(self.ports[place], &token).await
        })
        .await;
        let since = json!({ "epoch": self.epoch, "seq": self.seq });
        let joined = self.client.join_with(json!({ "room_id": self.room, "since": since })).await;
        assert_eq!(joined["recovered"], true, "nothing was lost: {joined}");
        self.epoch = joined["epoch"].clone();
        for message in joined["messages"].as_array().expect("messages") {
            self.take(message.clone());
        }
    }

    async fn come_back(port: u16, token: &str) -> Option<Client> {
        let mut client = Dial::full(port, "/ws").try_open().await.ok()?;
        client.find("welcome", |frame| frame["type"] == "welcome").await?;
        let auth = json!({ "type": "auth", "token": token }).to_string();
        let is_sent = client.try_send(Message::text(auth)).await;
        let success = client.find("auth_success", |frame| frame["type"] == "auth_success").await?;
        client.username = success["username"].as_str()?.to_owned();
        client.token = token.to_owned();
        is_sent.then_some(client)
    }
}

/// Waits for a time that a test is about, such as the length of an outage.
pub async fn outage(length: Duration) {
    assert!(length < DEADLINE, "the outage is longer than the deadline of the tests");
    sleep(length).await;
}

/// Asserts that all clients receive so many messages, each once and in one order.
pub async fn assert_received_once(roamers: &mut [Roamer], count: usize) {
    for roamer in &mut *roamers {
        roamer.receives(count).await;
        roamer.assert_whole();
    }
    for roamer in &*roamers {
        assert_eq!(roamer.contents(), roamers[0].contents(), "one order");
    }
    let mut once = roamers[0].contents();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), count, "each message once");
}
