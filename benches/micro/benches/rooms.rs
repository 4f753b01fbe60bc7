//! A node without sockets on the memory backend: a message to a thousand sessions, and a room among ten thousand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use adda::backend::{self, Health};
use adda::chat::{
    Action, Chat, FrameSink, Identity, JoinPlace, NewMessage, Principal, Pushed, Room, RoomSession,
};
use adda::config::Config;
use adda::model::{Author, ConnectionId, Member, NodeId, UserId};
use adda::protocol::SessionKind;
use adda::supervisor::Supervisor;
use adda::websocket::{CloseCode, Frame};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

const SESSIONS: u64 = 1_000;
const ROOMS: usize = 10_000;

/// Frames that all sessions have been given together.
#[derive(Default)]
struct Deliveries {
    count: AtomicU64,
    expected: AtomicU64,
    complete: Notify,
}

impl Deliveries {
    fn expect(&self, more: u64) {
        self.expected.store(self.count.load(Ordering::SeqCst) + more, Ordering::SeqCst);
    }

    fn add(&self) {
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        if count == self.expected.load(Ordering::SeqCst) {
            self.complete.notify_one();
        }
    }
}

/// A session that counts what it is given.
struct CountingSink(Arc<Deliveries>);

impl FrameSink for CountingSink {
    fn push(&self, _: &Frame) -> Pushed {
        self.0.add();
        Pushed::Queued
    }

    fn flush(&self) {}

    fn close(&self, _: CloseCode) {}

    fn is_closing(&self) -> bool {
        false
    }
}

/// A node that is ready.
async fn start() -> Chat {
    let mut config = Config::defaults();
    config.redis.url.clear();
    let (node, supervisor) = (NodeId::random(), Supervisor::default());
    let (backend, events) = backend::start(&config, node, &supervisor).await.expect("a memory backend");
    let mut health = backend.cluster.health();
    let chat = Chat::start(node, config, backend, events, supervisor).expect("the defaults are usable");
    health.wait_for(|health| *health == Health::Ready).await.expect("the node runs");
    chat
}

async fn open(chat: &Chat, identity: &Identity, name: &str) -> Arc<Room> {
    let name = chat.room_name(name).expect("a name");
    let access = chat.check_access(Principal::User(identity), Action::Join, &name).await.expect("a public room");
    chat.open(&access).await.expect("the memory backend answers")
}

fn guest(chat: &Chat) -> Identity {
    Identity::guest(chat.username("bench").expect("a name"))
}

/// Lets a session that counts take part in a room.
async fn join(chat: &Chat, room: &Arc<Room>, deliveries: &Arc<Deliveries>) {
    let Author { username, .. } = guest(chat).author;
    let member = Member { id: ConnectionId::random(), user_id: UserId::guest(), username };
    let sink = Arc::new(CountingSink(deliveries.clone()));
    let session = RoomSession { member, kind: SessionKind::Full, sink };
    chat.join(room, &session, JoinPlace::default(), async || ()).await.expect("a join");
}

async fn post(chat: &Chat, identity: &Identity, room: &Room) {
    let access = chat.access_to_speak(identity, room).expect("an open room");
    let message = NewMessage { content: "আমি তোমায় ভালোবাসি".into(), ..NewMessage::default() };
    chat.post(identity.author.clone(), access, message).await.expect("a receipt");
}

fn fan_out(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let deliveries = Arc::new(Deliveries::default());
    let (chat, room, identity) = runtime.block_on(async {
        let chat = start().await;
        let identity = guest(&chat);
        let room = open(&chat, &identity, "general").await;
        for _ in 0..SESSIONS {
            join(&chat, &room, &deliveries).await;
        }
        (chat, room, identity)
    });
    let mut group = criterion.benchmark_group("fan-out");
    group.throughput(Throughput::Elements(SESSIONS));
    group.bench_function("a message to 1,000 sessions", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            deliveries.expect(SESSIONS);
            tokio::join!(post(&chat, &identity, &room), deliveries.complete.notified());
        });
    });
    group.finish();
}

fn lookup(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let (chat, identity, rooms) = runtime.block_on(async {
        let chat = start().await;
        let identity = guest(&chat);
        let mut rooms = Vec::with_capacity(ROOMS);
        for number in 0..ROOMS {
            rooms.push(open(&chat, &identity, &format!("room {number}")).await);
        }
        (chat, identity, rooms)
    });
    let name = &rooms[ROOMS / 2].name;
    criterion.bench_function("open a room among 10,000 that are open", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let access = chat.check_access(Principal::User(&identity), Action::Join, name).await.expect("access");
            chat.open(&access).await.expect("a room")
        });
    });
}

criterion_group! {
    name = rooms;
    config = Criterion::default().measurement_time(Duration::from_secs(10));
    targets = fan_out, lookup
}
criterion_main!(rooms);
