//! The embedded backend: everything shared lives in this process, behind one lock. A node alone
//! needs no more, and several can join one cluster to be tested without Redis.

mod fanout;
mod leases;
mod lingering;
mod log;
mod presence;
mod rules;
mod seats;

use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use tokio::time::Instant;

use self::fanout::Fanout;
use self::leases::Leases;
use self::log::Logs;
use self::presence::Presence;
use super::{
    Backend, Busiest, Comparison, Entered, Events, Excerpt, Farewell, Lease, MemberPage, MemberPosition,
    Membership, NodeInfo, Page, Posting, Result, RoomCount, Secrets, SharedBackend, Span, Subscription,
    Touched, Vitals,
};
use crate::config::Config;
use crate::model::{Draft, Event, Member, NodeId, Notice, Position, RoomName};

/// `secret.lua`: earlier secrets that are kept.
const EARLIER_SECRETS: usize = 8;

/// What the nodes of one memory cluster share. A clone is another handle to the same cluster,
/// which lives as long as a handle or a node of it.
#[derive(Clone)]
pub struct MemoryCluster {
    shared: Arc<Mutex<Shared>>,
}

/// All state of a cluster. What must be one atomic step happens under one holding of its lock; in
/// particular a room's events are published in the order in which they came about.
struct Shared {
    fanout: Fanout,
    logs: Logs,
    presence: Presence,
    leases: Leases,
    secrets: Option<Secrets>,
}

impl MemoryCluster {
    /// An empty cluster with the settings `history`, `presence`, `limits.outbox_bytes` and
    /// `redis.feed_queue…`. Its clock is tokio's, so a test may pause it.
    pub fn new(config: &Config) -> Self {
        let now = Instant::now();
        let shared = Shared {
            fanout: Fanout::new((&config.redis).into()),
            logs: Logs::new(&config.history, &config.limits),
            presence: Presence::new(&config.presence),
            leases: Leases::new(&config.presence, now),
            secrets: None,
        };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    /// Adds a node, and returns its door to the cluster and the stream of its events. It counts as
    /// living once it has renewed its lease.
    pub fn join(&self, node: NodeId) -> (SharedBackend, Events) {
        let events = self.lock().fanout.open(node);
        (Arc::new(MemoryNode { cluster: self.clone(), node }), events)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("no code panics while it holds this lock")
    }
}

impl fmt::Debug for MemoryCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCluster").finish_non_exhaustive()
    }
}

impl Shared {
    fn publish(&mut self, events: impl IntoIterator<Item = (RoomName, Event)>) {
        for (room, event) in events {
            self.fanout.publish(&room, &event);
        }
    }
}

/// One node's door to its cluster. Never unavailable.
#[derive(Debug)]
struct MemoryNode {
    cluster: MemoryCluster,
    node: NodeId,
}

#[async_trait]
impl Backend for MemoryNode {
    fn post(&self, draft: Draft) -> Posting {
        let open_json = draft.open_json();
        let mut shared = self.cluster.lock();
        let posted = shared.logs.post(&draft, &open_json, Instant::now()).map(|(receipt, message)| {
            if let Some(message) = message {
                shared.fanout.publish(&draft.room, &Event::Message(message));
            }
            receipt
        });
        Box::pin(ready(posted))
    }

    async fn announce(&self, room: &RoomName, notice: Notice) -> Result<()> {
        self.cluster.lock().fanout.publish(room, &Event::Notice(notice));
        Ok(())
    }

    async fn head(&self, room: &RoomName) -> Result<Position> {
        Ok(self.cluster.lock().logs.head(room, Instant::now()))
    }

    async fn heads(&self, rooms: &[RoomName]) -> Vec<Result<Position>> {
        let mut shared = self.cluster.lock();
        let now = Instant::now();
        rooms.iter().map(|room| Ok(shared.logs.head(room, now))).collect()
    }

    async fn read(&self, room: &RoomName, span: Span, limit: usize) -> Result<Page> {
        Ok(self.cluster.lock().logs.read(room, &span, limit, Instant::now()))
    }

    async fn peek(&self, room: &RoomName, span: Span, limit: usize) -> Result<Excerpt> {
        Ok(self.cluster.lock().logs.peek(room, &span, limit, Instant::now()))
    }

    async fn subscribe(&self, room: &RoomName) -> Result<()> {
        self.cluster.lock().fanout.subscribe(room, self.node);
        Ok(())
    }

    fn unsubscribe(&self, room: &RoomName) {
        self.cluster.lock().fanout.unsubscribe(room, self.node);
    }

    async fn enter(&self, room: &RoomName, member: &Member) -> Result<Entered> {
        let mut shared = self.cluster.lock();
        let (entered, event) = shared.presence.enter(room, self.node, member);
        shared.publish(event.map(|event| (room.clone(), event)));
        Ok(entered)
    }

    async fn leave(&self, room: &RoomName, member: &Member, farewell: Farewell) -> Result<()> {
        let mut shared = self.cluster.lock();
        let event = shared.presence.leave(room, self.node, member, farewell, Instant::now());
        shared.publish(event.map(|event| (room.clone(), event)));
        Ok(())
    }

    async fn restore(&self, membership: &Membership) -> Result<()> {
        let mut shared = self.cluster.lock();
        let events = shared.presence.restore(self.node, membership, Instant::now());
        shared.publish(events);
        Ok(())
    }

    fn touched(&self) -> Touched {
        // Nobody else has this memory, so nothing changes that no node asked for.
        Touched::default()
    }

    async fn compare(&self, membership: &Membership) -> Comparison {
        self.cluster.lock().presence.compare(self.node, membership)
    }

    async fn unlisted(&self, _rooms: &[RoomName]) -> Result<Vec<RoomName>> {
        // The lists are made from the members.
        Ok(Vec::new())
    }

    async fn mend(&self, membership: &Membership) -> Result<()> {
        let mut shared = self.cluster.lock();
        let events = shared.presence.mend(self.node, membership, Instant::now());
        shared.publish(events);
        Ok(())
    }

    async fn rooms(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<RoomCount>> {
        Ok(self.cluster.lock().presence.seats.rooms(prefix, after, limit))
    }

    async fn busiest(&self, limit: usize) -> Result<Busiest> {
        Ok(self.cluster.lock().presence.seats.busiest(limit))
    }

    async fn members(
        &self,
        room: &RoomName,
        after: Option<MemberPosition>,
        limit: usize,
    ) -> Result<MemberPage> {
        Ok(self.cluster.lock().presence.seats.members(room, after, limit))
    }

    async fn counts(&self, rooms: &[RoomName]) -> Result<Vec<u64>> {
        let shared = self.cluster.lock();
        Ok(rooms.iter().map(|room| shared.presence.seats.count(room) as u64).collect())
    }

    async fn renew(&self, vitals: &Vitals) -> Result<Lease> {
        let mut shared = self.cluster.lock();
        let now = Instant::now();
        let (lease, dead) = shared.leases.renew(self.node, vitals, now);
        // None while nobody may be taken for dead; farewells wait for the same.
        if let Some(dead) = dead {
            for node in dead {
                tracing::warn!(dead_node = %node, "A node died; taking its sessions out of their rooms");
                let events = shared.presence.reap(node, now);
                shared.publish(events);
            }
            let farewells = shared.presence.say_farewells(now);
            shared.publish(farewells);
        }
        shared.logs.forget_unused(now);
        Ok(lease)
    }

    async fn retire(&self) -> Result<()> {
        self.cluster.lock().leases.give_back(self.node);
        Ok(())
    }

    async fn nodes(&self) -> Result<Vec<NodeInfo>> {
        Ok(self.cluster.lock().leases.living(Instant::now()))
    }

    async fn secrets(&self) -> Result<Option<Secrets>> {
        Ok(self.cluster.lock().secrets.clone())
    }

    async fn keep_secret(&self, own: &str) -> Result<Secrets> {
        let mut shared = self.cluster.lock();
        let first = || Secrets { current: own.to_owned(), earlier: Vec::new() };
        let secrets = shared.secrets.get_or_insert_with(first);
        if secrets.current != own {
            secrets.earlier.retain(|earlier| earlier != own);
            secrets.earlier.push(own.to_owned());
            let excess = secrets.earlier.len().saturating_sub(EARLIER_SECRETS);
            secrets.earlier.drain(..excess);
        }
        Ok(secrets.clone())
    }

    fn accepts_posts(&self) -> bool {
        true
    }

    fn subscription(&self) -> Subscription {
        Subscription::Fresh
    }
}
