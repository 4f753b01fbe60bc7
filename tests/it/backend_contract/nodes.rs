//! Nodes that share a backend, without sessions or sockets, and the events that they receive.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use adda::backend::memory::MemoryCluster;
use adda::backend::{
    self, Backend, BackendEvent, Channel, Entered, Events, Fingerprints, Health, LeaveMode, LocalNode,
    LocalRoom, MemberPage, NodeSecret, NodeStats, Secrets,
};
use adda::config::Config;
use adda::model::{
    Author, ConnectionId, Draft, Event, LoggedMessage, Member, MessageId, NodeId, Nonce, Notice, NoticeKind,
    Receipt, RoomName, Timestamp, UserId, Username,
};
use adda::supervisor::Supervisor;
use tokio::time::timeout;
use uuid::Uuid;

use crate::harness::redis::RedisServer;
use crate::harness::{DEADLINE, RedisCluster, eventually};

/// The cluster of a case, which starts its nodes. Settings are to be changed before the first node.
pub struct Cluster {
    pub config: Config,
    memory: Option<MemoryCluster>,
    // The servers live as long as the cluster.
    redis: Option<RedisServer>,
    redis_cluster: Option<Arc<RedisCluster>>,
}

impl Cluster {
    pub fn memory() -> Self {
        Self { config: Config::defaults(), memory: None, redis: None, redis_cluster: None }
    }

    /// `None` if there is no Redis to be had here.
    pub async fn redis() -> Option<Self> {
        let redis = RedisServer::start().await?;
        let mut config = Config::defaults();
        config.redis.url = redis.url();
        Some(Self { config, redis: Some(redis), ..Self::memory() })
    }

    pub fn redis_cluster(redis: &Arc<RedisCluster>) -> Self {
        let mut config = Config::defaults();
        config.redis.url = redis.url();
        config.redis.prefix = format!("adda-{}:", Uuid::new_v4().simple());
        Self { config, redis_cluster: Some(redis.clone()), ..Self::memory() }
    }

    pub async fn node(&mut self) -> Node {
        let id = NodeId::random();
        let (backend, events) = match (&self.redis, &self.redis_cluster) {
            (None, None) => self.memory.get_or_insert_with(|| MemoryCluster::new(&self.config)).join(id),
            _ => backend::start(&self.config, id, &Supervisor::default()).await.expect("Redis is there"),
        };
        Node { id, backend, events, local: Arc::default(), supervisor: Supervisor::default() }
    }

    pub async fn nodes<const N: usize>(&mut self) -> [Node; N] {
        let mut nodes = Vec::new();
        for _ in 0..N {
            nodes.push(self.node().await);
        }
        nodes.try_into().unwrap_or_else(|_| unreachable!("there are N"))
    }

    /// Makes time pass quickly: a lease of 400 ms, a grace period of 100 ms.
    pub fn hurry(&mut self) {
        self.config.presence.lease = Duration::from_millis(400);
        self.config.presence.renew_every = Duration::from_millis(100);
        self.config.presence.leave_grace = Duration::from_millis(100);
    }
}

/// The user that "types" to mark a place among the events of a room.
const MARK: &str = "mark";

/// One node's share of the cluster.
pub struct Node {
    pub id: NodeId,
    pub backend: Backend,
    pub local: Arc<Local>,
    events: Events,
    supervisor: Supervisor,
}

/// The truth about a node's sessions.
#[derive(Debug, Default)]
pub struct Local {
    pub rooms: Mutex<BTreeMap<RoomName, Vec<Member>>>,
    pub sessions_said: AtomicU64,
}

impl LocalNode for Local {
    fn rooms(&self) -> Vec<LocalRoom> {
        let rooms = self.rooms.lock().unwrap();
        let room = |(name, members): (&RoomName, &Vec<Member>)| LocalRoom {
            name: name.clone(),
            sessions: members.len(),
        };
        rooms.iter().filter(|(_, members)| !members.is_empty()).map(room).collect()
    }

    fn members(&self, room: &RoomName) -> Vec<Member> {
        self.rooms.lock().unwrap().get(room).cloned().unwrap_or_default()
    }

    fn stats(&self) -> NodeStats {
        stats(self.sessions_said.load(Ordering::Relaxed))
    }

    fn secret(&self) -> NodeSecret {
        NodeSecret::Configured
    }

    fn set_secrets(&self, _secrets: Secrets) {}

    fn on_complete(&self) {}
}

impl Node {
    pub async fn subscribe(&self, room: &RoomName) {
        self.backend.pubsub.subscribe(&Channel::Room(room.clone())).await.unwrap();
    }

    pub async fn say(&self, room: &RoomName, content: &str) -> Receipt {
        self.backend.log.append(draft(room, content)).await.unwrap()
    }

    /// Begins to renew the lease, or goes on.
    pub fn start(&self) {
        self.backend.cluster.clone().start(self.local.clone(), &self.supervisor);
    }

    /// As [`Node::start`]; returns when the node can rely on its backend.
    pub async fn start_and_wait(&self) {
        self.start();
        let mut health = self.backend.cluster.health();
        let ready = health.wait_for(|health| *health == Health::Ready);
        timeout(DEADLINE, ready).await.expect("it is ready in time").unwrap();
    }

    /// Ends the node's tasks, as if it stood still. It may start again.
    pub async fn freeze(&mut self) {
        std::mem::take(&mut self.supervisor).stop().await;
    }

    pub async fn enter(&self, room: &RoomName, member: &Member) -> backend::Result<Entered> {
        let entering = self.backend.presence.enter(room, member);
        {
            let mut rooms = self.local.rooms.lock().unwrap();
            let members = rooms.entry(room.clone()).or_default();
            members.retain(|other| other.id != member.id);
            members.push(member.clone());
        }
        entering.await
    }

    pub async fn leave(&self, room: &RoomName, member: &Member, mode: LeaveMode) -> backend::Result<()> {
        let leaving = self.backend.presence.leave(room, member, mode);
        {
            let mut rooms = self.local.rooms.lock().unwrap();
            rooms.entry(room.clone()).or_default().retain(|other| other.id != member.id);
        }
        leaving.await
    }

    /// The next event whatever it is.
    pub async fn next(&mut self) -> BackendEvent {
        let event = timeout(DEADLINE, self.events.recv()).await.expect("an event comes in time");
        event.expect("events come as long as the backend lives")
    }

    /// The next message; notices and interruptions are passed over.
    pub async fn next_message(&mut self) -> LoggedMessage {
        loop {
            if let BackendEvent::Published(_, Event::Message(message)) = self.next().await {
                return message;
            }
        }
    }

    /// All that has reached this node and was not taken yet, in one sentence an event. The node
    /// must be subscribed to the room: what stands before a mark that it publishes there has come,
    /// and what does not will not come.
    pub async fn hears(&mut self, room: &RoomName) -> Vec<String> {
        let mark = typing(MARK);
        self.backend.pubsub.publish(&Channel::Room(room.clone()), mark.clone()).await.unwrap();
        let mut heard = Vec::new();
        loop {
            match self.next().await {
                BackendEvent::Published(_, Event::Notice(notice)) if notice.id == mark.id => return heard,
                event => heard.extend(sentence(&event)),
            }
        }
    }

    /// The members of a room, by id.
    pub async fn members(&self, room: &RoomName) -> Vec<Member> {
        // While nodes put their sessions back there is no answer.
        let MemberPage { client_count, mut members, next } = eventually("members", DEADLINE, async || {
            self.backend.presence.members(room, None, 1000).await.ok()
        })
        .await;
        assert_eq!((client_count, next), (members.len() as u64, None));
        members.sort();
        members
    }
}

/// All events that a node receives up to a sentence, and those that came with it.
pub async fn hear_until(node: &mut Node, room: &RoomName, sentence: &str) -> Vec<String> {
    let mut heard = Vec::new();
    eventually(sentence, DEADLINE, async || {
        heard.extend(node.hears(room).await);
        heard.iter().any(|told| told == sentence).then_some(())
    })
    .await;
    heard
}

/// The events of a room in a readable form: `#7 hello`, `Rahim joined, 2`, `Rahim left, 1`, `count 2`.
fn sentence(event: &BackendEvent) -> Option<String> {
    let BackendEvent::Published(_, event) = event else { return None };
    Some(match event {
        Event::Message(message) => format!("#{} {}", message.seq, content(message)),
        Event::Count { client_count, .. } => format!("count {client_count}"),
        Event::Notice(Notice { kind, username, .. }) => match kind {
            NoticeKind::Join { client_count } => format!("{username} joined, {client_count}"),
            NoticeKind::Leave { client_count } => format!("{username} left, {client_count}"),
            NoticeKind::Typing if username.as_str() == MARK => return None,
            NoticeKind::Typing => format!("{username} is typing"),
        },
    })
}

/// The content of a logged message, after a check that its JSON has its number.
pub fn content(message: &LoggedMessage) -> String {
    let json: serde_json::Value = serde_json::from_slice(&message.json).expect("a message is JSON");
    assert_eq!(json["seq"], message.seq);
    json["content"].as_str().expect("a message has content").to_owned()
}

pub fn room(name: &str) -> RoomName {
    RoomName::parse(name, 64).unwrap()
}

/// A user with as many sessions as are asked for.
pub struct User {
    pub id: UserId,
    pub name: Username,
}

impl User {
    pub fn new(name: &str) -> Self {
        Self { id: UserId::guest(), name: Username::from_trusted(name) }
    }

    pub fn session(&self) -> Member {
        Member { id: ConnectionId::random(), user_id: self.id.clone(), username: self.name.clone() }
    }

    pub fn draft(&self, room: &RoomName, nonce: &str) -> Draft {
        let author = Author { user_id: self.id.clone(), username: self.name.clone() };
        Draft { author, nonce: Nonce::parse(nonce), ..draft(room, "a message with a nonce") }
    }
}

pub fn draft(room: &RoomName, content: &str) -> Draft {
    Draft {
        id: MessageId::now(),
        room: room.clone(),
        author: Author { user_id: UserId::guest(), username: Username::from_trusted("Anonymous") },
        content: content.to_owned(),
        taken_in: Instant::now(),
        nonce: None,
    }
}

/// In whole milliseconds, as notices travel.
pub fn typing(username: &str) -> Notice {
    Notice {
        kind: NoticeKind::Typing,
        id: MessageId::now(),
        connection: Some(ConnectionId::random()),
        user_id: UserId::guest(),
        username: Username::from_trusted(username),
        timestamp: Timestamp::from_unix_millis(Timestamp::now().unix_millis()).unwrap(),
    }
}

pub fn stats(sessions: u64) -> NodeStats {
    let fingerprints = Fingerprints { secret: "a".into(), settings: "b".into() };
    NodeStats { version: "1.2.3".into(), uptime_s: 4, sessions, rooms: 5, fingerprints }
}
