//! The same through WebSockets: while Redis loses data, the messages that clients of real nodes receive are the log's,
//! or the loss is announced to them.

use std::collections::BTreeMap;

use adda::model::{Epoch, RoomName};
use fastrand::Rng;
use serde_json::{Value, json};

use super::held::Holds;
use super::record::Record;
use super::setting;
use super::world::World;
use crate::harness::{Client, LONG_DEADLINE, Launch, Node, eventually};

const ROOM: &str = "general";

/// Losses of one run.
const LOSSES: u64 = 10;

/// A listening client, with the messages that its received frames declare valid.
struct Listener {
    client: Client,
    epoch: Epoch,
    seq: u64,
    /// The position below which it has no knowledge.
    floor: u64,
    seen: BTreeMap<u64, String>,
    gaps: Vec<(u64, u64)>,
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap()
}

impl Listener {
    async fn enter(node: &Node) -> Self {
        let mut client = Client::full(node, "listener").await;
        let joined = client.join_with(json!({ "room_id": ROOM, "history": 0 })).await;
        let (epoch, seq) = (Epoch::new(word(&joined["epoch"])), number(&joined["seq"]));
        Self { client, epoch, seq, floor: seq, seen: BTreeMap::new(), gaps: Vec::new() }
    }

    /// Resumes on another node, as after a broken connection.
    async fn come_back(&mut self, node: &Node, record: &mut Record) {
        // Frames that arrived before are read first.
        for frame in self.client.take_all() {
            self.take(&frame, record);
        }
        let token = self.client.token.clone();
        self.client = Client::returning(node, &token).await;
        let since = json!({ "epoch": self.epoch, "seq": self.seq });
        let joined = eventually("a join", LONG_DEADLINE, async || {
            self.client.send(json!({ "type": "join", "room_id": ROOM, "since": since, "history": 5 })).await;
            let is_answer = |frame: &Value| frame["type"] == "joined" || frame["type"] == "error";
            let answer = self.client.find("joined or error", is_answer).await?;
            (answer["type"] == "joined").then_some(answer)
        })
        .await;
        let messages = joined["messages"].as_array().unwrap();
        if joined["recovered"] == true {
            self.begin(&joined["epoch"]);
            // `recovered: true`: its messages are a prefix of the log.
            for (seq, id) in &self.seen {
                record.name(&room(), &self.epoch, *seq, id);
            }
        } else {
            let before = messages.first().map_or(number(&joined["seq"]), |first| number(&first["seq"]) - 1);
            self.begin_anew(&joined["epoch"], before);
        }
        for message in messages {
            self.take(message, record);
        }
        record.check(self.seq == number(&joined["seq"]), || format!("at {} by {joined}", self.seq));
    }

    fn begin(&mut self, epoch: &Value) {
        self.epoch = Epoch::new(word(epoch));
    }

    fn begin_anew(&mut self, epoch: &Value, seq: u64) {
        self.begin(epoch);
        (self.seq, self.floor) = (seq, seq);
        self.seen.clear();
        self.gaps.clear();
    }

    fn take(&mut self, frame: &Value, record: &mut Record) {
        let next = self.seq + 1;
        match word(&frame["type"]) {
            "text" => {
                self.seq = number(&frame["seq"]);
                record.check(self.seq == next, || format!("{} where {next} was due: {frame}", self.seq));
                record.name(&room(), &self.epoch, self.seq, word(&frame["id"]));
                self.seen.insert(self.seq, word(&frame["id"]).to_owned());
            }
            "gap" => {
                let (from, to) = (number(&frame["from"]), number(&frame["to"]));
                record.check(from == next, || format!("{next} was due: {frame}"));
                self.gaps.push((from, to));
                self.seq = to;
            }
            "error" => record.check(false, || format!("an authenticated session is refused: {frame}")),
            "reset" => self.begin_anew(&frame["epoch"], number(&frame["seq"])),
            _ => {}
        }
    }

    /// Receives until a message arrives.
    async fn receive(&mut self, id: &str, record: &mut Record) {
        loop {
            let frame = self.client.next().await;
            self.take(&frame, record);
            if frame["type"] == "text" && frame["id"] == *id {
                return;
            }
        }
    }
}

fn room() -> RoomName {
    RoomName::parse(ROOM, 64).unwrap()
}

/// Posts a message, again with the same nonce until there is an ack, and returns its id.
async fn posts(writer: &mut Client, content: &str, record: &mut Record) -> String {
    let ack = eventually(content, LONG_DEADLINE, async || {
        let answer = writer.post(ROOM, content, content).await;
        (answer["type"] == "ack").then_some(answer)
    })
    .await;
    writer.take_all();
    let id = word(&ack["id"]).to_owned();
    record.name(&room(), &Epoch::new(word(&ack["epoch"])), number(&ack["seq"]), &id);
    id
}

#[tokio::test]
async fn clients_receive_every_message_or_the_announcement_of_its_loss() {
    let seed = setting("ADDA_EPOCHS_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    eprintln!("ADDA_EPOCHS_SEED={seed}");
    let (mut rng, mut record) = (Rng::with_seed(seed), Record::default());
    let Some(mut world) = World::start().await else { return };
    let launch = Launch::new().redis(&world.front.url());
    let nodes = [launch.another().start().await, launch.another().start().await];
    let mut writers = Vec::new();
    let mut listeners = Vec::new();
    for node in &nodes {
        let mut writer = Client::full(node, "writer").await;
        writer.join(ROOM).await;
        writers.push(writer);
        listeners.push(Listener::enter(node).await);
        listeners.push(Listener::enter(node).await);
    }
    let (mut said, mut faults) = (0, Vec::new());
    let rounds = LOSSES * setting("ADDA_EPOCHS_SECONDS").unwrap_or(10) / 10;
    while world.losses < rounds {
        let mut last = String::new();
        for _ in 0..rng.usize(1..4) {
            said += 1;
            last = posts(&mut writers[rng.usize(..2)], &format!("n-{said}"), &mut record).await;
        }
        let sleeper = rng.usize(..listeners.len());
        for (place, listener) in listeners.iter_mut().enumerate() {
            // One is disconnected meanwhile and resumes.
            if place != sleeper {
                listener.receive(&last, &mut record).await;
            }
        }
        listeners[sleeper].come_back(&nodes[rng.usize(..2)], &mut record).await;
        let fault = world.draw(&mut rng);
        eprintln!("{said} said, then {fault:?}");
        faults.push(fault);
        world.inject(fault, &room(), &mut rng).await;
        assert!(
            record.violations().is_empty(),
            "ADDA_EPOCHS_SEED={seed} {faults:?}\n{}",
            record.violations().join("\n")
        );
    }
    let last = posts(&mut writers[0], "the-end", &mut record).await;
    for listener in &mut listeners {
        listener.receive(&last, &mut record).await;
    }
    check_whole(&world, &listeners, &mut record).await;
    assert!(
        record.violations().is_empty(),
        "ADDA_EPOCHS_SEED={seed} {faults:?}\n{}",
        record.violations().join("\n")
    );
}

/// Checks that a listener received all messages of the log above its start, or an announcement of their loss.
async fn check_whole(world: &World, listeners: &[Listener], record: &mut Record) {
    for entry in world.held(&room()).await.log {
        for listener in listeners.iter().filter(|listener| entry.seq > listener.floor) {
            let is_told = listener.gaps.iter().any(|(from, to)| (from..=to).contains(&&entry.seq));
            let has_it = listener.seen.get(&entry.seq) == Some(&entry.id);
            record.check(has_it || is_told, || format!("{entry:?} was not given: {:?}", listener.seen));
        }
    }
}
