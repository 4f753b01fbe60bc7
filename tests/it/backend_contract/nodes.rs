//! Nodes that share a backend, without HTTP or sockets, and the events that they receive.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adda::backend::memory::MemoryCluster;
use adda::backend::{
    self, Backend, BackendEvent, Channel, Entered, Events, Fingerprints, Health, LeaveMode, LocalNode,
    LocalRoom, MemberPage, NodeSecret, NodeStats, Publication, Secrets,
};
use adda::config::Config;
use adda::model::{
    Author, Change, ChangeDraft, ConnectionId, Draft, Event, LoggedMessage, Member, MessageId, NodeId, Nonce,
    Notice, NoticeKind, Receipt, RoomName, Timestamp, UserId, Username,
};
use adda::supervisor::Supervisor;
use adda::telemetry::Figures;
use tokio::time::timeout;
use uuid::Uuid;

use crate::harness::redis::RedisServer;
use crate::harness::{DEADLINE, RedisCluster, eventually};

/// Starts the nodes of a case. Settings must be changed before the first node.
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

    /// `None` without a Redis on this machine.
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

    /// Later nodes of a memory cluster have the settings of now, and a cluster of their own.
    pub fn renew(&mut self) {
        self.memory = None;
    }

    /// The members of a sorted set of a room in Redis.
    pub async fn count_members(&self, room: &RoomName, what: &str) -> Option<usize> {
        let key = format!("{}{{{room}}}:{what}", self.config.redis.prefix);
        let value = self.redis.as_ref()?.command(&["ZCARD", &key]).await;
        redis::from_redis_value(value).ok()
    }

    pub async fn nodes<const N: usize>(&mut self) -> [Node; N] {
        let mut nodes = Vec::new();
        for _ in 0..N {
            nodes.push(self.node().await);
        }
        nodes.try_into().unwrap_or_else(|_| unreachable!("there are N"))
    }

    /// Shortens timers: a lease of 1 s, which a busy machine can keep, and a grace period of 100 ms.
    pub fn shorten_timers(&mut self) {
        self.config.presence.lease = Duration::from_secs(1);
        self.config.presence.renew_every = Duration::from_millis(100);
        self.config.presence.leave_grace = Duration::from_millis(100);
    }
}

/// The name in typing notices that mark a place among the events of a room.
const MARK: &str = "mark";

/// One node's share of the cluster.
pub struct Node {
    pub id: NodeId,
    pub backend: Backend,
    pub local: Arc<Local>,
    events: Events,
    supervisor: Supervisor,
}

/// The authority on a node's sessions.
#[derive(Debug, Default)]
pub struct Local {
    pub rooms: Mutex<BTreeMap<RoomName, Vec<Member>>>,
    pub reported_sessions: AtomicU64,
    /// The figures that its next renewal stores.
    pub figures: Mutex<Option<Figures>>,
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
        stats(self.reported_sessions.load(Ordering::Relaxed))
    }

    fn take_figures(&self) -> Option<Figures> {
        self.figures.lock().unwrap().take()
    }

    fn return_figures(&self, figures: Figures) {
        *self.figures.lock().unwrap() = Some(figures);
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

    pub async fn post(&self, room: &RoomName, content: &str) -> Receipt {
        self.backend.log.append(draft(room, content)).await.unwrap()
    }

    /// Starts or resumes the renewal of the lease.
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

    /// Ends the node's tasks, as if it were suspended. It may start again.
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

    /// All events since the last call, in one sentence each. The node must be subscribed to the room: it publishes
    /// a mark there, and all events before the mark have arrived.
    pub async fn received(&mut self, room: &RoomName) -> Vec<String> {
        let mark = typing(MARK);
        self.backend
            .pubsub
            .publish(&Channel::Room(room.clone()), Publication::Notice(mark.clone()))
            .await
            .unwrap();
        let mut received = Vec::new();
        loop {
            match self.next().await {
                BackendEvent::Published(_, Event::Notice(notice)) if notice.id == mark.id => return received,
                event => received.extend(sentence(&event)),
            }
        }
    }

    /// The members of a room, by id.
    pub async fn members(&self, room: &RoomName) -> Vec<Member> {
        // While nodes restore their sessions, reads fail.
        let MemberPage { client_count, mut members, next } = eventually("members", DEADLINE, async || {
            self.backend.presence.members(room, None, 1000).await.ok()
        })
        .await;
        assert_eq!((client_count, next), (members.len() as u64, None));
        members.sort();
        members
    }
}

/// All events of a node up to a sentence, and the events that came with it.
pub async fn receive_until(node: &mut Node, room: &RoomName, sentence: &str) -> Vec<String> {
    let mut received = Vec::new();
    eventually(sentence, DEADLINE, async || {
        received.extend(node.received(room).await);
        received.iter().any(|told| told == sentence).then_some(())
    })
    .await;
    received
}

/// An event as a sentence: `#7 hello`, `Rahim joined, 2`, `Rahim left, 1`, `count 2`.
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
        Event::Control(event) => format!("{event:?}"),
        Event::User(event) => format!("{event:?}"),
    })
}

/// The content of a logged message, after a check of the number in its JSON.
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

    pub fn author(&self) -> Author {
        Author { user_id: self.id.clone(), username: self.name.clone() }
    }

    pub fn draft(&self, room: &RoomName, nonce: &str) -> Draft {
        Draft { author: self.author(), nonce: Nonce::parse(nonce), ..draft(room, "a message with a nonce") }
    }

    pub fn text(&self, room: &RoomName, content: &str) -> Draft {
        Draft { author: self.author(), ..draft(room, content) }
    }

    pub fn change(&self, room: &RoomName, target: u64, change: Change) -> ChangeDraft {
        ChangeDraft::new(room.clone(), self.author(), target, change)
    }
}

pub fn draft(room: &RoomName, content: &str) -> Draft {
    let author = Author { user_id: UserId::guest(), username: Username::from_trusted("Anonymous") };
    Draft::new(room.clone(), author, content.to_owned())
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
