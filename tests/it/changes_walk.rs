//! Six users post, reply, edit, delete and react at random, while subscriptions are cut, clients come back on other nodes and a node is
//! killed. In the end each client, and each node's page, shows the same.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use serde_json::{Value, json};

use crate::harness::{Client, Cluster, DEADLINE, Node, eventually};

const USERS: usize = 6;
const STEPS: usize = 160;
const EMOJI: [&str; 3] = ["👍", "❤️", "🎉"];
const ROOM: &str = "general";

/// A message as a client shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Shown {
    content: String,
    is_deleted: bool,
    reactions: BTreeMap<String, BTreeSet<String>>,
    edited_at: Option<String>,
    /// The message that it replies to.
    reply_to: Option<u64>,
    changed: u64,
}

impl Shown {
    fn of(text: &Value) -> Self {
        let mut reactions = BTreeMap::new();
        for (emoji, shown) in text["reactions"].as_object().into_iter().flatten() {
            let users: BTreeSet<String> = users_of(&shown["users"]);
            assert_eq!(shown["count"], users.len(), "{text}");
            reactions.insert(emoji.clone(), users);
        }
        Self {
            content: text["content"].as_str().unwrap().to_owned(),
            is_deleted: text["deleted"] == true,
            reactions,
            edited_at: text["edited_at"].as_str().map(str::to_owned),
            reply_to: text["reply_to"]["seq"].as_u64(),
            changed: text["changed"].as_u64().unwrap_or(0),
        }
    }

    fn apply(&mut self, change: &Value) {
        let seq = change["seq"].as_u64().unwrap();
        if seq <= self.changed {
            return;
        }
        self.changed = seq;
        match change["type"].as_str().unwrap() {
            "edit" => {
                self.content = change["content"].as_str().unwrap().to_owned();
                self.edited_at = change["timestamp"].as_str().map(str::to_owned);
            }
            "delete" => *self = Self { is_deleted: true, changed: seq, ..Self::default() },
            _ => {
                let (emoji, user) = (change["emoji"].as_str().unwrap(), change["user_id"].as_str().unwrap());
                let users = self.reactions.entry(emoji.to_owned()).or_default();
                if change["on"] == true {
                    users.insert(user.to_owned())
                } else {
                    users.remove(user)
                };
                self.reactions.retain(|_, users| !users.is_empty());
            }
        }
    }
}

fn users_of(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|user| user.as_str().unwrap().to_owned()).collect()
}

/// The messages that a client shows, by number.
#[derive(Debug, Default)]
struct Timeline {
    epoch: String,
    seq: u64,
    texts: BTreeMap<u64, Shown>,
    /// The number below which it may show no text of those that there are.
    begins: u64,
}

impl Timeline {
    fn join(&mut self, joined: &Value) {
        if joined["recovered"] == false {
            (self.texts, self.begins) = (BTreeMap::new(), 0);
        }
        for entry in joined["messages"].as_array().unwrap() {
            self.take(entry);
        }
        self.epoch = joined["epoch"].as_str().unwrap().to_owned();
        self.seq = joined["seq"].as_u64().unwrap();
    }

    fn take(&mut self, frame: &Value) {
        match frame["type"].as_str().unwrap() {
            "text" => drop(self.texts.insert(frame["seq"].as_u64().unwrap(), Shown::of(frame))),
            "edit" | "delete" | "reaction" => {
                if let Some(text) = self.texts.get_mut(&frame["ref"].as_u64().unwrap()) {
                    text.apply(frame);
                }
            }
            // Changes of what it shows may be lost. A client would read a page.
            "gap" => {
                (self.texts, self.begins) = (BTreeMap::new(), frame["to"].as_u64().unwrap());
                return;
            }
            "reset" => panic!("nothing is lost: {frame}"),
            _ => return,
        }
        self.seq = self.seq.max(frame["seq"].as_u64().unwrap());
    }
}

struct Walker {
    client: Client,
    timeline: Timeline,
}

impl Walker {
    async fn enter(node: &Node, name: usize) -> Self {
        let mut client = Client::full(node, &format!("user {name}")).await;
        let mut timeline = Timeline::default();
        timeline.join(&client.join_with(json!({"room_id": ROOM, "history": 200})).await);
        Self { client, timeline }
    }

    fn read(&mut self) {
        for frame in self.client.take_all() {
            self.timeline.take(&frame);
        }
    }

    /// Comes back, on any node, from where it was.
    async fn return_to(&mut self, node: &Node) {
        self.read();
        let mut client = Client::returning(node, &self.client.token).await;
        let (epoch, seq) = (&self.timeline.epoch, self.timeline.seq);
        let since = json!({"room_id": ROOM, "history": 200, "since": {"epoch": epoch, "seq": seq}});
        let joined = client.join_with(since).await;
        self.client = client;
        self.timeline.join(&joined);
    }

    fn frame(&self, rng: &mut Rng, step: usize) -> Value {
        let newest = self.timeline.texts.keys().next_back().copied().unwrap_or(0);
        let target = *rng.choice(self.timeline.texts.keys().collect::<Vec<_>>()).unwrap_or(&newest);
        let mut frame = match rng.u8(..10) {
            0..3 => json!({"type": "text", "content": format!("text {step}")}),
            3 => json!({"type": "text", "content": format!("reply {step}"), "reply_to": target}),
            4..6 => json!({"type": "edit", "ref": target, "content": format!("edit {step}")}),
            6 => json!({"type": "delete", "ref": target}),
            _ => {
                json!({"type": "react", "ref": target, "emoji": EMOJI[rng.usize(..3)], "on": rng.u8(..3) > 0})
            }
        };
        frame["room_id"] = ROOM.into();
        frame["nonce"] = format!("step-{step}").into();
        frame
    }

    /// Sends a frame again until it is answered, as a good client does.
    async fn say(&mut self, frame: &Value) {
        for _ in 0..200 {
            self.client.send(frame.clone()).await;
            let nonce = &frame["nonce"];
            let is_answer = |reply: &Value| {
                (reply["type"] == "ack" || reply["type"] == "error") && reply["nonce"] == *nonce
            };
            let answer = self.client.expect_that("ack or error", is_answer).await;
            if answer["code"] != "unavailable" {
                let refusals = ["forbidden", "message_not_found"];
                assert!(
                    answer["type"] == "ack" || refusals.contains(&answer["code"].as_str().unwrap()),
                    "{frame}: {answer}"
                );
                return;
            }
        }
        panic!("{frame} was never taken");
    }
}

/// The messages that a node's pages show.
async fn shown_by(node: &Node) -> Vec<Value> {
    node.http().messages(ROOM, "?limit=200").await
}

/// A reply shows what it replies to as the page shows that.
fn check_quotations(page: &[Value]) {
    for reply in page.iter().filter(|text| text["reply_to"].is_object()) {
        let seq = &reply["reply_to"]["seq"];
        let quoted = page.iter().find(|text| text["seq"] == *seq && text["deleted"] != true);
        let expected = match quoted {
            Some(text) => json!({
                "seq": seq, "user_id": text["user_id"], "username": text["username"], "content": text["content"],
            }),
            None => json!({ "seq": seq, "deleted": true }),
        };
        assert_eq!(reply["reply_to"], expected, "{reply}");
    }
}

/// Returns how many replies the pages show.
async fn compare(walkers: &mut [Walker], nodes: &[Node], seed: u64) -> usize {
    let mut first = Walker::enter(&nodes[0], 99).await;
    let end = json!({"type": "text", "room_id": ROOM, "content": "the end", "nonce": "end"});
    first.say(&end).await;
    let page = shown_by(&nodes[0]).await;
    check_quotations(&page);
    for node in nodes {
        assert_eq!(shown_by(node).await, page, "seed {seed}");
        let joined =
            Client::full(node, "late").await.join_with(json!({"room_id": ROOM, "history": 200})).await;
        assert_eq!(joined["messages"], json!(page), "seed {seed}");
    }
    let truth: BTreeMap<u64, Shown> =
        page.iter().map(|text| (text["seq"].as_u64().unwrap(), Shown::of(text))).collect();
    let oldest = *truth.keys().next().expect("there are some");
    for walker in walkers {
        let last = walker
            .client
            .expect_that("the end", |frame| frame["type"] == "text" && frame["content"] == "the end")
            .await;
        walker.read();
        walker.timeline.take(&last);
        let Timeline { texts, begins, .. } = &mut walker.timeline;
        // It may show texts that the log has dropped.
        texts.retain(|seq, _| *seq >= oldest);
        let truth = truth.iter().filter(|(seq, _)| **seq > *begins);
        let truth: BTreeMap<u64, Shown> = truth.map(|(seq, shown)| (*seq, shown.clone())).collect();
        assert_eq!(*texts, truth, "seed {seed}: {}", walker.client);
    }
    page.iter().filter(|text| text["reply_to"].is_object()).count()
}

#[tokio::test]
async fn all_nodes_and_clients_show_the_same_in_the_end() {
    walk(&[]).await;
}

/// Texts leave the log while they are changed, and changes before those who come back have seen them.
#[tokio::test]
async fn all_show_the_same_where_the_log_is_short() {
    walk(&[("history.max_messages", "40"), ("history.max_changes", "30")]).await;
}

async fn walk(more: &[(&str, &str)]) {
    let seed = fastrand::u64(..);
    let mut rng = Rng::with_seed(seed);
    let settings = [&[("presence.leave_grace", "1s"), ("history.max_page", "200")], more].concat();
    let Some(mut cluster) = Cluster::with(3, &settings).await else { return };
    let mut walkers = Vec::new();
    for name in 0..USERS {
        walkers.push(Walker::enter(&cluster.nodes[name % 3], name).await);
    }
    for step in 0..STEPS {
        let who = rng.usize(..USERS);
        walkers[who].read();
        let frame = walkers[who].frame(&mut rng, step);
        if step == STEPS / 2 {
            // An action that is under way when its node dies is sent again elsewhere, with its nonce.
            walkers[who].client.send(frame.clone()).await;
            cluster.nodes[2].kill();
            for walker in &mut walkers {
                let node = rng.usize(..2);
                walker.return_to(&cluster.nodes[node]).await;
            }
        }
        walkers[who].say(&frame).await;
        match rng.u8(..20) {
            0 => drop(cluster.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await),
            1 | 2 => {
                let node = rng.usize(..2);
                walkers[rng.usize(..USERS)].return_to(&cluster.nodes[node]).await;
            }
            _ => {}
        }
    }
    cluster.nodes.pop();
    eventually("all nodes are ready", DEADLINE, async || {
        for node in &cluster.nodes {
            if node.http().status("/readyz").await != Some(200) {
                return None;
            }
        }
        Some(())
    })
    .await;
    let replies = compare(&mut walkers, &cluster.nodes, seed).await;
    assert!(replies > 0, "seed {seed}");
}

#[tokio::test]
async fn without_redis_all_clients_show_the_same_in_the_end() {
    let seed = fastrand::u64(..);
    let mut rng = Rng::with_seed(seed);
    let nodes = [Node::with(&[("history.max_page", "200")]).await];
    let mut walkers = Vec::new();
    for name in 0..USERS {
        walkers.push(Walker::enter(&nodes[0], name).await);
    }
    for step in 0..STEPS {
        let who = rng.usize(..USERS);
        walkers[who].read();
        let frame = walkers[who].frame(&mut rng, step);
        walkers[who].say(&frame).await;
        if rng.u8(..10) == 0 {
            walkers[rng.usize(..USERS)].return_to(&nodes[0]).await;
        }
    }
    compare(&mut walkers, &nodes, seed).await;
}
