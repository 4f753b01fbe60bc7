//! A walk: nodes post, readers read, and Redis loses data, in an order given by a seed. After each step the received
//! answers are checked against all earlier ones and against the data in Redis.

use adda::config::Config;
use adda::model::RoomName;
use fastrand::Rng;
use futures_util::future::join_all;

use super::held::Holds;
use super::node::{Node, follow, newest, told};
use super::posts::Posts;
use super::reader::Reader;
use super::record::Record;
use super::world::{Fault, World};
use crate::harness::{LONG_DEADLINE, eventually};

const NODES: usize = 3;
const READERS: usize = 6;

/// The state of a walk.
pub struct Walk {
    pub record: Record,
    /// The steps so far, printed with a violation.
    pub trace: Vec<String>,
    rng: Rng,
    world: World,
    rooms: [RoomName; 2],
    nodes: Vec<Node>,
    readers: Vec<Reader>,
    posts: Posts,
}

impl Walk {
    /// Starts Redis and the nodes; `None` if redis-server is not installed.
    pub async fn start(seed: u64) -> Option<Self> {
        let world = World::start().await?;
        let mut config = Config::defaults();
        config.redis.url = world.front.url();
        let rooms = ["busy", "quiet"].map(|name| RoomName::parse(name, 64).unwrap());
        let mut record = Record::default();
        let mut nodes = Vec::new();
        for _ in 0..NODES {
            nodes.push(Node::start(&config, &rooms, &mut record).await);
        }
        let (rng, posts) = (Rng::with_seed(seed), Posts::default());
        let mut walk =
            Self { record, trace: Vec::new(), rng, world, rooms, nodes, readers: Vec::new(), posts };
        for _ in 0..READERS {
            let reader = walk.join().await;
            walk.readers.push(reader);
        }
        Some(walk)
    }

    /// Runs so many steps, or up to the first violation.
    pub async fn go(&mut self, steps: usize) {
        for _ in 0..steps {
            match self.rng.u8(..100) {
                0..32 => self.post().await,
                32..45 => self.send_again().await,
                45..62 => self.read().await,
                62..75 => self.listen().await,
                _ => self.lose().await,
            }
            self.inspect().await;
            if !self.record.violations().is_empty() {
                return;
            }
        }
        self.end().await;
    }

    /// The number of possible losses.
    pub fn losses(&self) -> u64 {
        self.world.losses
    }

    // --- the steps ---

    async fn post(&mut self) {
        let answers = self.say_something().await;
        self.trace.push(format!("post {answers:?}"));
    }

    async fn lose(&mut self) {
        let fault = self.world.draw(&mut self.rng);
        let room = self.some_room();
        let mut world_rng = self.rng.fork();
        let losses = self.world.losses;
        // Sometimes while posts are in flight.
        let answers = if self.rng.u8(..3) == 0 {
            let batch = self.posts.write(&mut self.rng, &self.rooms, NODES);
            let appends =
                batch.iter().map(|post| self.nodes[post.node].backend.log.append(post.draft.clone()));
            let (answers, ()) =
                tokio::join!(join_all(appends), self.world.inject(fault, &room, &mut world_rng));
            let told = answers.iter().map(told).collect();
            // Messages acknowledged meanwhile may be lost.
            for (post, answer) in batch.into_iter().zip(answers) {
                self.posts.keep(post, answer.ok(), losses, &mut self.record);
            }
            told
        } else {
            self.world.inject(fault, &room, &mut world_rng).await;
            Vec::new()
        };
        self.trace.push(format!("{fault:?} {room} {answers:?}"));
        // Sometimes the nodes reconnect before the next step.
        if self.rng.bool() && fault != Fault::Copy {
            for node in &self.nodes {
                let heads = eventually("heads", LONG_DEADLINE, async || {
                    let heads = node.backend.log.heads(&self.rooms).await;
                    heads.into_iter().collect::<Result<Vec<_>, _>>().ok()
                })
                .await;
                for (room, head) in self.rooms.iter().zip(&heads) {
                    self.record.head(room, head);
                }
            }
        }
    }

    async fn say_something(&mut self) -> Vec<String> {
        let batch = self.posts.write(&mut self.rng, &self.rooms, NODES);
        let appends = batch.iter().map(|post| self.nodes[post.node].backend.log.append(post.draft.clone()));
        let answers = join_all(appends).await;
        let told = answers.iter().map(told).collect();
        for (post, answer) in batch.into_iter().zip(answers) {
            self.posts.keep(post, answer.ok(), self.world.losses, &mut self.record);
        }
        told
    }

    /// Repeats a post, as a client does that received no ack.
    async fn send_again(&mut self) {
        let Some(post) = self.posts.again(&mut self.rng, NODES) else { return };
        let draft = &post.draft;
        let room = draft.room.clone();
        let (user, nonce) = (draft.author.user_id.clone(), draft.nonce.clone().unwrap());
        let kept = self.world.nonce(&room, user.as_str(), nonce.as_str()).await;
        let answer = self.nodes[post.node].backend.log.append(draft.clone()).await;
        self.trace.push(format!("again {} {kept:?} {}", draft.content, told(&answer)));
        let Ok(receipt) = answer else { return self.posts.keep(post, None, 0, &mut self.record) };
        let held = self.world.held(&room).await;
        self.posts.check_repetition(
            &post,
            kept.as_deref(),
            &receipt,
            &held,
            self.world.losses,
            &mut self.record,
        );
        self.posts.keep(post, Some(receipt), self.world.losses, &mut self.record);
    }

    async fn read(&mut self) {
        let place = self.rng.usize(..READERS);
        if self.rng.u8(..6) == 0 {
            self.readers[place] = self.join().await;
            return;
        }
        let limit = if self.rng.bool() { self.rng.usize(1..6) } else { 200 };
        let (node, reader) = (self.rng.usize(..NODES), &mut self.readers[place]);
        self.trace.push(format!("read {:?} {limit}", reader.place));
        follow(&self.nodes[node].backend, &self.world, reader, limit, &mut self.record).await;
    }

    async fn join(&mut self) -> Reader {
        let (room, limit) = (self.some_room(), self.rng.usize(1..20));
        let node = &self.nodes[self.rng.usize(..NODES)];
        self.trace.push(format!("join {room} {limit}"));
        Reader::join(&room, &newest(&node.backend, &room, limit).await, &mut self.record)
    }

    /// A node takes its received events, and reads the missed messages.
    async fn listen(&mut self) {
        let place = self.rng.usize(..NODES);
        self.trace.push(format!("listen {place}"));
        self.receive(place).await;
    }

    async fn receive(&mut self, place: usize) {
        self.nodes[place].receive(&self.world, &mut self.rng, &mut self.record).await;
    }

    /// All readers read to the end.
    async fn end(&mut self) {
        self.trace.push("the end".into());
        for place in 0..NODES {
            self.nodes[place].mark_behind();
            self.receive(place).await;
        }
        for reader in &mut self.readers {
            while follow(&self.nodes[0].backend, &self.world, reader, 7, &mut self.record).await {}
            let held = self.world.held(&reader.room).await;
            reader.check_whole(&held.log, &mut self.record);
        }
    }

    fn some_room(&mut self) -> RoomName {
        self.rooms[usize::from(self.rng.u8(..4) == 0)].clone()
    }

    // --- invariants ---

    async fn inspect(&mut self) {
        for room in &self.rooms {
            self.world.held(room).await.check(room, &mut self.record);
        }
    }
}
