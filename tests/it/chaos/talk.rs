//! The state machine of a client: takes received frames, returns frames to send. No sockets.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::memory::{Dialect, Notice, Place, SharedMemory, Told};
use super::messages::Received;
use super::person::{Behaviour, Return};
use super::speech::{Saying, Speech};

/// Time between two pings of a full session.
const PING_EVERY: Duration = Duration::from_secs(2);
/// Time after which an answer counts as lost; a node refuses sooner.
const ANSWER_LIMIT: Duration = Duration::from_secs(6);

/// The state of one client over all its connections.
#[derive(Debug)]
pub struct Talk {
    behaviour: Behaviour,
    memory: SharedMemory,
    stop_posting: CancellationToken,
    name: String,
    room: String,
    token: Option<String>,
    user_id: String,
    /// Its position.
    at: Option<Place>,
    speech: Speech,
    next_post: Instant,
    /// Posted and not acknowledged.
    pending: Option<Pending>,
    connection: Connection,
}

#[derive(Debug)]
struct Pending {
    saying: Saying,
    nonce: String,
    /// The time of the next (re)send.
    due: Instant,
}

/// The state of a connection.
#[derive(Debug)]
struct Connection {
    port: u16,
    step: Step,
    next_ping: Instant,
}

#[derive(Debug)]
enum Step {
    /// Waits for the `welcome`.
    Opened,
    /// Has a token to send.
    Unproven,
    /// Waits for the answer to the token.
    Proving,
    /// Sends the join at this time.
    Outside(Instant),
    /// Waits for the answer to the join until this time.
    Joining(Instant),
    Inside,
}

impl Talk {
    /// A client before its first connection.
    pub fn new(behaviour: &Behaviour, memory: SharedMemory, stop_posting: CancellationToken) -> Self {
        let (name, room) = {
            let memory = memory.lock();
            (memory.name.clone(), memory.room.clone())
        };
        let now = Instant::now();
        // Random, so that not all clients post at once.
        let next_post = now + behaviour.speaks_every.unwrap_or_default().mul_f64(fastrand::f64());
        let connection = Connection { port: 0, step: Step::Opened, next_ping: now };
        let behaviour = behaviour.clone();
        let (token, at, pending) = (None, None, None);
        Self {
            behaviour,
            memory,
            stop_posting,
            name,
            room,
            token,
            user_id: String::new(),
            at,
            speech: Speech::default(),
            next_post,
            pending,
            connection,
        }
    }

    /// Its subprotocol.
    pub fn dialect(&self) -> Dialect {
        self.behaviour.dialect
    }

    /// A connection is open.
    pub fn begin(&mut self, port: u16) {
        let now = Instant::now();
        self.connection = Connection { port, step: Step::Opened, next_ping: now + PING_EVERY };
        if let Some(pending) = &mut self.pending {
            pending.due = now;
        }
        if self.dialect() == Dialect::Plain {
            let (node_id, connection_id) = (String::new(), String::new());
            self.memory.note(Told::Connected { port, node_id, connection_id });
        }
    }

    // --- listening ---

    /// Takes and records one frame.
    pub fn on_frame(&mut self, frame: &Value) {
        match (self.dialect(), kind(frame)) {
            (Dialect::Full, "welcome") => self.welcomed(frame),
            (Dialect::Full, "auth_success") => self.go_in(frame),
            (Dialect::Full, "joined") => self.joined(frame),
            (Dialect::Full, "ack") => self.acked(frame),
            (Dialect::Full, "gap") => {
                let (from, to) = (number(&frame["from"]), number(&frame["to"]));
                self.move_to(to);
                self.memory.note(Told::Gap { from, to });
            }
            (Dialect::Full, "reset") => {
                self.at = Some(place(frame));
                self.speech.forget_all();
                self.memory.note(Told::Reset(place(frame)));
            }
            (_, "text" | "edit" | "delete" | "reaction") => self.received(frame),
            (Dialect::Plain, "join") if frame["username"] == *self.name => self.entered(frame),
            (_, "join") => self.noticed(Notice::Join, frame),
            (_, "leave") => self.noticed(Notice::Leave, frame),
            (_, "error") => self.refused(frame),
            _ => {}
        }
    }

    fn welcomed(&mut self, frame: &Value) {
        let (node_id, connection_id) = (text(&frame["node_id"]), text(&frame["connection_id"]));
        self.memory.note(Told::Connected { port: self.connection.port, node_id, connection_id });
        match self.token {
            Some(_) => self.connection.step = Step::Unproven,
            None => {
                self.token = Some(text(&frame["token"]));
                self.go_in(frame);
            }
        }
    }

    fn go_in(&mut self, frame: &Value) {
        self.user_id = text(&frame["user_id"]);
        self.memory.note(Told::User(self.user_id.clone()));
        self.connection.step = Step::Outside(Instant::now());
    }

    fn joined(&mut self, frame: &Value) {
        let at = place(frame);
        let messages: Vec<_> =
            frame["messages"].as_array().into_iter().flatten().map(Received::parse).collect();
        let is_recovered = frame["recovered"] == true;
        if !is_recovered {
            self.speech.forget_all();
        }
        let since = self.since();
        self.at = Some(at.clone());
        self.connection.step = Step::Inside;
        self.memory.note(Told::Joined { since, at, is_recovered, messages });
    }

    /// A plain session sees its own notice instead of an answer.
    fn entered(&mut self, frame: &Value) {
        self.connection.step = Step::Inside;
        self.memory.note(Told::User(text(&frame["user_id"])));
        // A plain session receives neither an epoch nor whether it missed messages.
        let at = Place { epoch: String::new(), seq: 0 };
        self.memory.note(Told::Joined { since: None, at, is_recovered: false, messages: Vec::new() });
    }

    fn acked(&mut self, frame: &Value) {
        let Some(pending) = self.pending.take_if(|pending| frame["nonce"] == *pending.nonce) else { return };
        let mut memory = self.memory.lock();
        memory.is_waiting = false;
        // A reaction that was there already has no number.
        if frame["unchanged"] != true {
            let place = place(frame);
            let message = pending.saying.logged(place.seq, &text(&frame["id"]), &self.user_id);
            memory.note_at(Instant::now(), Told::Acked { place, message });
        }
    }

    fn received(&mut self, frame: &Value) {
        let seq = number(&frame["seq"]);
        self.move_to(seq);
        match kind(frame) {
            "text" => self.speech.learn(seq, frame["user_id"] == *self.user_id),
            "delete" => self.speech.forget(number(&frame["ref"])),
            _ => {}
        }
        self.memory.note(Told::Message(Received::parse(frame)));
    }

    fn noticed(&self, kind: Notice, frame: &Value) {
        self.memory.note(Told::Notice { kind, user_id: text(&frame["user_id"]) });
    }

    fn refused(&mut self, frame: &Value) {
        let code = text(&frame["code"]);
        if code == "messages_skipped" {
            self.memory.note(Told::Skipped);
            return;
        }
        let again = Instant::now() + Duration::from_millis(frame["retry_after_ms"].as_u64().unwrap_or(1000));
        match &mut self.pending {
            Some(pending) if frame["nonce"] == *pending.nonce => match pending.saying {
                // Its text was deleted or lost, or its number names a text of another user now.
                Saying::Change { target, .. } if ["message_not_found", "forbidden"].contains(&&*code) => {
                    self.speech.forget(target);
                    self.pending = None;
                    self.memory.lock().is_waiting = false;
                }
                _ => pending.due = again,
            },
            _ => match self.connection.step {
                Step::Joining(_) => self.connection.step = Step::Outside(again),
                Step::Proving => self.connection.step = Step::Unproven,
                _ => {}
            },
        }
        self.memory.note(Told::Refused(code));
    }

    fn move_to(&mut self, seq: u64) {
        if let Some(at) = &mut self.at {
            at.seq = seq;
        }
    }

    // --- speaking ---

    /// The next frame to send now, if any; it counts as sent.
    pub fn due(&mut self) -> Option<Value> {
        if self.dialect() == Dialect::Plain {
            return None;
        }
        let now = Instant::now();
        match self.connection.step {
            Step::Unproven => {
                self.connection.step = Step::Proving;
                return Some(json!({ "type": "auth", "token": self.token }));
            }
            Step::Outside(due) | Step::Joining(due) if due <= now => {
                self.connection.step = Step::Joining(now + ANSWER_LIMIT);
                return Some(self.join());
            }
            Step::Inside => {
                if let Some(post) = self.due_post(now) {
                    return Some(post);
                }
            }
            _ => {}
        }
        (self.connection.next_ping <= now).then(|| {
            self.connection.next_ping = now + PING_EVERY;
            json!({ "type": "ping" })
        })
    }

    /// The join frame. A client that does not resume asks for no history either.
    fn join(&self) -> Value {
        let mut frame = json!({ "type": "join", "room_id": self.room });
        match (&self.at, self.since()) {
            (_, Some(since)) => frame["since"] = json!({ "epoch": since.epoch, "seq": since.seq }),
            (Some(_), None) => frame["history"] = 0.into(),
            (None, None) => {}
        }
        frame
    }

    fn since(&self) -> Option<Place> {
        self.at.clone().filter(|_| self.behaviour.comes_back != Return::Blindly)
    }

    fn due_post(&mut self, now: Instant) -> Option<Value> {
        self.create_post(now);
        let pending = self.pending.as_mut().filter(|pending| pending.due <= now)?;
        pending.due = now + ANSWER_LIMIT;
        Some(pending.saying.frame(&self.room, &pending.nonce))
    }

    /// Creates a new post if it is due and the last one is acknowledged.
    fn create_post(&mut self, now: Instant) {
        let Some(every) = self.behaviour.speaks_every else { return };
        if self.pending.is_some() || self.next_post > now || self.stop_posting.is_cancelled() {
            return;
        }
        // Posts that were due during an outage are dropped.
        self.next_post = (self.next_post + every).max(now);
        let saying = self.speech.next(&self.name);
        let nonce = uuid::Uuid::new_v4().to_string();
        self.pending = Some(Pending { saying, nonce, due: now });
        self.memory.lock().is_waiting = true;
    }
}

fn kind(frame: &Value) -> &str {
    frame["type"].as_str().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn place(frame: &Value) -> Place {
    Place { epoch: text(&frame["epoch"]), seq: number(&frame["seq"]) }
}
