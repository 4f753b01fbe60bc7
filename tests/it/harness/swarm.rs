//! Thousands of clients in one process, each a socket, a token and a position. They stay in a room, can be
//! disconnected all at once, and reconnect as the browser client does.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::http::text;
use super::line::Line;
use super::raw::first_byte;
use super::{Http, LONG_DEADLINE, eventually};

/// The longest wait before the first reconnect, and before any (public/js/net/backoff.js).
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(30);

/// Time-out from the connect to the `welcome` (public/js/net/socket.js).
const OPENING_LIMIT: Duration = Duration::from_secs(10);

/// The clients; they end when this is dropped.
#[derive(Debug)]
pub struct Swarm {
    clients: Vec<JoinHandle<()>>,
    tally: Arc<Tally>,
    /// The number of times that all were disconnected.
    cuts: watch::Sender<usize>,
}

/// Totals over all clients.
#[derive(Debug, Default)]
pub struct Tally {
    /// Clients that are in their room now.
    pub inside: AtomicUsize,
    /// Joins that were answered with `recovered: true`.
    pub recovered: AtomicUsize,
    /// Joins after the first that were not.
    pub unrecovered: AtomicUsize,
    /// Received messages, live or in a page.
    pub messages: AtomicUsize,
    /// Messages that did not follow the last one.
    pub misplaced: AtomicUsize,
    /// Join notices.
    pub joins: AtomicUsize,
    /// Leave notices.
    pub leaves: AtomicUsize,
    /// Requests that were refused.
    pub refusals: AtomicUsize,
    /// Connections that failed, or ended without being cut.
    pub losses: AtomicUsize,
}

/// The end of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Cut with all the others.
    Cut,
    /// Any other end.
    Lost,
}

/// One client.
struct SwarmClient {
    name: String,
    room: String,
    ports: Vec<u16>,
    token: Option<String>,
    epoch: Value,
    seq: u64,
    is_inside: bool,
    tally: Arc<Tally>,
    cuts: watch::Receiver<usize>,
}

impl Swarm {
    /// Connects so many clients, spread over nodes and rooms, and waits until each has joined its room.
    pub async fn enter(count: usize, ports: &[u16], room_of: impl Fn(usize) -> String) -> Self {
        let (tally, cuts) = (Arc::new(Tally::default()), watch::Sender::new(0));
        let mut swarm = Self { clients: Vec::with_capacity(count), tally, cuts };
        for number in 0..count {
            let sitter = SwarmClient {
                name: format!("sitter {number}"),
                room: room_of(number),
                ports: ports.to_vec(),
                token: None,
                epoch: Value::Null,
                seq: 0,
                is_inside: false,
                tally: swarm.tally.clone(),
                cuts: swarm.cuts.subscribe(),
            };
            swarm.clients.push(tokio::spawn(sitter.live()));
            // Limits the rate of joins.
            if number % 50 == 49 {
                swarm.until_inside(number.saturating_sub(100)).await;
            }
        }
        swarm.until_inside(count).await;
        swarm
    }

    /// Cuts all connections at this moment, without a close frame.
    pub fn cut(&self) {
        self.tally.inside.store(0, Ordering::Relaxed);
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Waits until so many clients are in their rooms.
    pub async fn until_inside(&self, count: usize) {
        let inside = async || (self.tally.inside.load(Ordering::Relaxed) >= count).then_some(());
        eventually(&format!("{count} clients are in their rooms"), LONG_DEADLINE * 3, inside).await;
    }

    /// Posts in each of these rooms and returns when all clients have received it, and so all earlier frames.
    pub async fn settle(&self, node: Http, rooms: impl Iterator<Item = String>) {
        let expected = self.tally.messages.load(Ordering::Relaxed) + self.clients.len();
        for room in rooms {
            node.post(&room, "a message to all").await;
        }
        let have_received = async || (self.tally.messages.load(Ordering::Relaxed) >= expected).then_some(());
        eventually("all clients have received it", LONG_DEADLINE, have_received).await;
    }

    /// Totals over all clients.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        self.clients.iter().for_each(JoinHandle::abort);
    }
}

impl SwarmClient {
    async fn live(mut self) {
        let mut tries = 0;
        loop {
            let port = self.ports[fastrand::usize(..self.ports.len())];
            self.is_inside = false;
            let end = match self.open(port).await {
                Some(mut line) => self.stay(&mut line).await,
                None => End::Lost,
            };
            if end == End::Lost {
                self.tally.losses.fetch_add(1, Ordering::Relaxed);
                if self.is_inside {
                    self.tally.inside.fetch_sub(1, Ordering::Relaxed);
                }
            }
            // A connection that worked resets the backoff.
            tries = if self.is_inside { 0 } else { tries + 1 };
            let longest = LAST_WAIT.min(FIRST_WAIT * 2_u32.pow(tries.min(10)));
            sleep(longest.mul_f64(fastrand::f64())).await;
        }
    }

    async fn open(&self, port: u16) -> Option<Line> {
        let path = format!("/ws?username={}", self.name.replace(' ', "%20"));
        timeout(OPENING_LIMIT, Line::open(port, &path)).await.ok()?
    }

    /// Receives until the connection ends or is cut.
    async fn stay(&mut self, line: &mut Line) -> End {
        let mut cuts = self.cuts.clone();
        cuts.mark_unchanged();
        loop {
            let received = tokio::select! {
                // Frames after a cut are ignored.
                biased;
                _ = cuts.changed() => {
                    line.reset_at_end();
                    return End::Cut;
                }
                received = line.next() => received,
            };
            let Some((first_byte, payload)) = received else { return End::Lost };
            let is_over = match first_byte {
                first_byte::TEXT => self.take(line, &payload).await.is_break(),
                first_byte::PING => !line.send(first_byte::PONG, &payload).await,
                first_byte::CLOSE => true,
                _ => false,
            };
            if is_over {
                return End::Lost;
            }
        }
    }

    async fn take(&mut self, line: &mut Line, payload: &[u8]) -> ControlFlow<()> {
        let count = |counter: &AtomicUsize| {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        let frame = std::str::from_utf8(payload).expect("a text frame is UTF-8");
        // Most frames of a storm are counts and notices, which need no parsing.
        for (kind, counter) in [("join", &self.tally.joins), ("leave", &self.tally.leaves)] {
            if frame.contains(&format!("\"type\":\"{kind}\"")) {
                count(counter);
                return ControlFlow::Continue(());
            }
        }
        if frame.contains("\"type\":\"count\"") {
            return ControlFlow::Continue(());
        }
        let frame: Value = serde_json::from_str(frame).expect("a text frame is JSON");
        let answer = match frame["type"].as_str() {
            Some("welcome") => Some(self.prove(&frame)),
            Some("auth_success") => Some(self.join()),
            Some("joined") => {
                self.joined(&frame);
                None
            }
            Some("text") => {
                self.receives(&frame);
                None
            }
            Some("error") => {
                count(&self.tally.refusals);
                sleep(Duration::from_millis(frame["retry_after_ms"].as_u64().unwrap_or(1000))).await;
                Some(self.join())
            }
            _ => None,
        };
        match answer {
            Some(answer) if !line.send(first_byte::TEXT, answer.to_string().as_bytes()).await => {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn prove(&mut self, welcome: &Value) -> Value {
        match &self.token {
            Some(token) => json!({ "type": "auth", "token": token }),
            None => {
                self.token = Some(text(&welcome["token"]));
                self.join()
            }
        }
    }

    fn join(&self) -> Value {
        match &self.epoch {
            Value::Null => json!({ "type": "join", "room_id": self.room, "history": 50 }),
            epoch => {
                let since = json!({ "epoch": epoch, "seq": self.seq });
                json!({ "type": "join", "room_id": self.room, "since": since, "history": 50 })
            }
        }
    }

    fn joined(&mut self, frame: &Value) {
        if self.epoch.is_null() {
            self.seq = frame["seq"].as_u64().expect("a place");
        } else {
            let counter = match frame["recovered"] == true {
                true => &self.tally.recovered,
                false => &self.tally.unrecovered,
            };
            counter.fetch_add(1, Ordering::Relaxed);
            frame["messages"].as_array().into_iter().flatten().for_each(|message| self.receives(message));
        }
        self.epoch = frame["epoch"].clone();
        if !self.is_inside {
            self.is_inside = true;
            self.tally.inside.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn receives(&mut self, message: &Value) {
        let seq = message["seq"].as_u64().expect("a number");
        self.tally.messages.fetch_add(1, Ordering::Relaxed);
        if seq != self.seq + 1 {
            self.tally.misplaced.fetch_add(1, Ordering::Relaxed);
        }
        self.seq = seq;
    }
}
