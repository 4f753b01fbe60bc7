//! The same over a Redis Cluster: masters are killed and replaced by replicas that may lag, and slots migrate, while
//! nodes post and read.

use std::cell::Cell;
use std::time::Duration;

use adda::config::Config;
use adda::model::RoomName;
use fastrand::Rng;
use futures_util::future::join_all;
use tokio::time::timeout;

use super::held::{Held, Holds};
use super::node::{Node, follow, newest, told};
use super::posts::Posts;
use super::reader::Reader;
use super::record::Record;
use super::setting;
use crate::harness::redis::RedisServer;
use crate::harness::roamer::outage;
use crate::harness::{LONG_DEADLINE, RedisCluster, eventually};

const NODES: usize = 3;
const READERS: usize = 4;

/// Turns of a usual run.
const TURNS: usize = 4;

/// The faults of a room's master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// CLUSTER FAILOVER: no data is lost.
    Switch,
    /// CLUSTER FAILOVER TAKEOVER: the replica does not coordinate with the master.
    TakeOver,
    /// It is killed, and returns as a replica.
    Kill,
    /// It is killed, and restarted before a failover.
    Restart,
    /// Its replica is frozen, then takes over with older data while the master is dead.
    Lag,
    /// The room's slot migrates to another master, key by key: no data is lost.
    Move,
}

const ALL: [Turn; 6] = [Turn::Switch, Turn::TakeOver, Turn::Kill, Turn::Restart, Turn::Lag, Turn::Move];

/// The state of the walk.
struct Walk {
    record: Record,
    trace: Vec<String>,
    rng: Rng,
    redis: RedisCluster,
    /// The next turns, from the end.
    turns: Vec<Turn>,
    rooms: [RoomName; 2],
    nodes: Vec<Node>,
    readers: Vec<Reader>,
    posts: Posts,
    /// The number of possible losses.
    losses: u64,
    /// Messages acknowledged since the last loss, which the log must have.
    acked: Vec<(RoomName, String)>,
}

impl Holds for RedisCluster {
    async fn held(&self, room: &RoomName) -> Held {
        let question = Held::question(room);
        let words = question.each_ref().map(String::as_str);
        // Only the master of the room answers it.
        let answer = eventually("the room has a master", LONG_DEADLINE, async || {
            for server in &self.servers {
                if let Ok(answer) = server.try_command(&words).await {
                    return Some(answer);
                }
            }
            None
        });
        Held::read(answer.await)
    }
}

impl Walk {
    async fn start(seed: u64) -> Option<Self> {
        let redis = RedisCluster::start().await?;
        let mut config = Config::defaults();
        config.redis.url = redis.url();
        let rooms = ["busy", "quiet"].map(|name| RoomName::parse(name, 64).unwrap());
        let (mut record, mut nodes, mut readers) = (Record::default(), Vec::new(), Vec::new());
        for _ in 0..NODES {
            nodes.push(Node::start(&config, &rooms, &mut record).await);
        }
        for place in 0..READERS {
            let room = &rooms[place % rooms.len()];
            readers.push(Reader::join(room, &newest(&nodes[0].backend, room, 20).await, &mut record));
        }
        let (rng, posts) = (Rng::with_seed(seed), Posts::default());
        let (trace, turns, losses, acked) = (Vec::new(), Vec::new(), 0, Vec::new());
        Some(Self { record, trace, rng, redis, turns, rooms, nodes, readers, posts, losses, acked })
    }

    /// Injects a fault while posts are in flight, then checks everything.
    async fn go(&mut self) {
        for _ in 0..self.rng.usize(1..4) {
            self.post(None).await;
        }
        let turn = self.draw();
        eprintln!("{turn:?}");
        self.post(Some(turn)).await;
        self.settle().await;
        for _ in 0..self.rng.usize(1..4) {
            self.post(None).await;
            self.send_again().await;
        }
        for place in 0..NODES {
            if self.rng.bool() {
                self.nodes[place].receive(&self.redis, &mut self.rng, &mut self.record).await;
            }
        }
        self.read().await;
        self.inspect().await;
    }

    /// The next turn: all of them in random order, then again.
    fn draw(&mut self) -> Turn {
        if self.turns.is_empty() {
            self.turns.extend(ALL);
            self.rng.shuffle(&mut self.turns);
        }
        self.turns.pop().expect("filled above")
    }

    /// Posts as long as the fault lasts; without a fault, some messages.
    async fn post(&mut self, turn: Option<Turn>) {
        let room = self.rooms[self.rng.usize(..2)].clone();
        let (losses, mut rng, mut fate_rng) = (self.losses, self.rng.fork(), self.rng.fork());
        let Self { redis, nodes, posts, rooms, .. } = self;
        let is_over = Cell::new(false);
        let talk = async {
            let mut sent = Vec::new();
            while !is_over.get() || sent.is_empty() {
                let batch = posts.write(&mut rng, rooms, NODES);
                let appends =
                    batch.iter().map(|post| nodes[post.node].backend.log.append(post.draft.clone()));
                let answers = join_all(appends).await;
                sent.extend(batch.into_iter().zip(answers));
                // At the pace of people, not at full speed.
                outage(Duration::from_millis(rng.u64(..40))).await;
            }
            sent
        };
        let inject = async {
            let may_have_lost = match turn {
                Some(turn) => inject(redis, turn, &room, &mut fate_rng).await,
                None => false,
            };
            is_over.set(true);
            may_have_lost
        };
        let (sent, may_have_lost) = tokio::join!(talk, inject);
        let answers: Vec<_> = sent.iter().map(|(_, answer)| told(answer)).collect();
        self.trace.push(format!("{turn:?} of {room} {answers:?}"));
        if may_have_lost {
            self.losses += 1;
            self.acked.clear();
        }
        for (post, answer) in sent {
            if answer.is_ok() && !may_have_lost {
                self.acked.push((post.draft.room.clone(), post.draft.content.clone()));
            }
            self.posts.keep(post, answer.ok(), losses, &mut self.record);
        }
    }

    async fn send_again(&mut self) {
        let Some(post) = self.posts.again(&mut self.rng, NODES) else { return };
        let receipt = eventually("a receipt", LONG_DEADLINE, async || {
            self.nodes[post.node].backend.log.append(post.draft.clone()).await.ok()
        })
        .await;
        let kept = receipt
            .is_duplicate
            .then(|| format!("{} {} {} {}", receipt.epoch, receipt.seq, receipt.id, receipt.timestamp));
        let held = self.redis.held(&post.draft.room).await;
        let (kept, losses) = (kept.as_deref(), self.losses);
        self.posts.check_repetition(&post, kept, &receipt, &held, losses, &mut self.record);
        self.posts.keep(post, Some(receipt), losses, &mut self.record);
    }

    /// Waits until all servers agree and all nodes have refreshed their topology.
    async fn settle(&mut self) {
        eventually("the cluster is whole", LONG_DEADLINE, async || {
            let mut masters = 0;
            for server in &self.redis.servers {
                let state = text(server, &["CLUSTER", "INFO"]).await?;
                let role = text(server, &["INFO", "replication"]).await?;
                let is_master = role.contains("role:master") && role.contains("connected_slaves:1");
                masters += usize::from(is_master);
                let is_well = is_master || role.contains("master_link_status:up");
                (is_well && state.contains("cluster_state:ok")).then_some(())?;
            }
            (masters == 3).then_some(())
        })
        .await;
        for node in &self.nodes {
            for room in &self.rooms {
                let head = eventually("the nodes find the masters", LONG_DEADLINE, async || {
                    let head = node.backend.log.head(room).await.ok()?;
                    let held = self.redis.held(room).await;
                    let is_it = |(epoch, seq): &(String, u64)| {
                        (epoch.as_str(), *seq) == (head.epoch.as_str(), head.seq)
                    };
                    held.lineage.first().is_some_and(is_it).then_some(head)
                })
                .await;
                self.record.head(room, &head);
            }
        }
    }

    async fn read(&mut self) {
        for reader in &mut self.readers {
            let (node, limit) = (self.rng.usize(..NODES), self.rng.usize(1..40));
            follow(&self.nodes[node].backend, &self.redis, reader, limit, &mut self.record).await;
        }
    }

    async fn inspect(&mut self) {
        for room in &self.rooms {
            let held = self.redis.held(room).await;
            held.check(room, &mut self.record);
            for (_, content) in self.acked.iter().filter(|(of, _)| of == room) {
                let has_it = held.log.iter().any(|entry| entry.content == *content);
                self.record.check(has_it, || {
                    format!("{content} was acknowledged, nothing was lost, and it is gone")
                });
            }
        }
    }

    async fn end(&mut self) {
        for node in &mut self.nodes {
            node.mark_behind();
            node.receive(&self.redis, &mut self.rng, &mut self.record).await;
        }
        for reader in &mut self.readers {
            while follow(&self.nodes[0].backend, &self.redis, reader, 7, &mut self.record).await {}
            let held = self.redis.held(&reader.room).await;
            reader.check_whole(&held.log, &mut self.record);
        }
    }
}

/// Injects a fault; returns whether data may have been lost.
async fn inject(redis: &mut RedisCluster, turn: Turn, room: &RoomName, rng: &mut Rng) -> bool {
    let slot = redis.slot(&format!("{{{room}}}")).await;
    let master = redis.master(slot).await;
    let replica = replica_of(redis, master).await;
    match turn {
        Turn::Switch => switch(redis, slot, master, replica).await,
        Turn::TakeOver => {
            redis.servers[replica].command(&["CLUSTER", "FAILOVER", "TAKEOVER"]).await;
            redis.until_not_master(slot, master).await;
        }
        Turn::Kill => {
            redis.servers[master].kill();
            let electing = timeout(Duration::from_secs(8), redis.until_not_master(slot, master));
            if electing.await.is_err() {
                // Redis sometimes elects no replica so soon after a takeover.
                redis.servers[replica].command(&["CLUSTER", "FAILOVER", "TAKEOVER"]).await;
                redis.until_not_master(slot, master).await;
            }
            redis.servers[master].restart().await;
        }
        Turn::Restart => {
            redis.servers[master].kill();
            redis.servers[master].restart().await;
        }
        Turn::Lag => {
            redis.servers[replica].freeze();
            redis.servers[master].command(&["CLIENT", "KILL", "TYPE", "replica"]).await;
            outage(Duration::from_millis(rng.u64(50..300))).await;
            redis.servers[master].kill();
            redis.servers[replica].thaw();
            redis.servers[replica].command(&["CLUSTER", "FAILOVER", "TAKEOVER"]).await;
            redis.until_not_master(slot, master).await;
            redis.servers[master].restart().await;
        }
        Turn::Move => {
            let to = another_master(redis, master, rng).await;
            redis.open_slot(slot, master, to).await;
            redis.move_keys(slot, master, to, rng.usize(1..6)).await;
            outage(Duration::from_millis(rng.u64(..50))).await;
            while redis.move_keys(slot, master, to, 20).await > 0 {}
            redis.hand_over(slot, master, to).await;
        }
    }
    !matches!(turn, Turn::Switch | Turn::Move)
}

/// Redis aborts a coordinated failover after five seconds, for example if the other masters voted for this shard lately.
async fn switch(redis: &RedisCluster, slot: u16, master: usize, replica: usize) {
    eventually("master and replica swap roles", LONG_DEADLINE, async || {
        redis.servers[replica].command(&["CLUSTER", "FAILOVER"]).await;
        timeout(Duration::from_secs(6), redis.until_not_master(slot, master)).await.ok()
    })
    .await;
}

async fn text(server: &RedisServer, words: &[&str]) -> Option<String> {
    redis::from_redis_value(server.try_command(words).await.ok()?).ok()
}

async fn replica_of(redis: &RedisCluster, master: usize) -> usize {
    let line = format!("master_port:{}\r\n", redis.servers[master].port());
    for (place, server) in redis.servers.iter().enumerate() {
        if text(server, &["INFO", "replication"]).await.is_some_and(|info| info.contains(&line)) {
            return place;
        }
    }
    panic!("each master has a replica")
}

async fn another_master(redis: &RedisCluster, not: usize, rng: &mut Rng) -> usize {
    let mut masters = Vec::new();
    for (place, server) in redis.servers.iter().enumerate() {
        let info = text(server, &["INFO", "replication"]).await;
        if place != not && info.is_some_and(|info| info.contains("role:master")) {
            masters.push(place);
        }
    }
    masters[rng.usize(..masters.len())]
}

#[tokio::test]
async fn a_number_names_one_message_after_any_failover() {
    let seed = setting("ADDA_EPOCHS_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    eprintln!("ADDA_EPOCHS_SEED={seed}");
    let Some(mut walk) = Walk::start(seed).await else { return };
    // About three seconds each.
    let turns = setting("ADDA_EPOCHS_SECONDS").map_or(TURNS, |seconds| seconds as usize / 3);
    for _ in 0..turns {
        walk.go().await;
        if !walk.record.violations().is_empty() {
            break;
        }
    }
    if walk.record.violations().is_empty() {
        walk.end().await;
    }
    let steps = walk.trace.join("\n");
    assert!(
        walk.record.violations().is_empty(),
        "ADDA_EPOCHS_SEED={seed}\n{steps}\n{}",
        walk.record.violations().join("\n")
    );
}
