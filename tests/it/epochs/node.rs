//! A node in the walks: it posts, reads, and follows each room with a reader.

use adda::backend::{self, Backend, BackendEvent, Channel, Events, Page, Span};
use adda::config::Config;
use adda::model::{Event, NodeId, Position, Receipt, RoomName};
use adda::supervisor::Supervisor;
use fastrand::Rng;
use tokio::sync::watch;

use super::held::Holds;
use super::reader::{Lineage, Reader};
use super::record::Record;
use crate::harness::{LONG_DEADLINE, eventually};

/// A node's backend, and a reader of each room.
pub struct Node {
    pub backend: Backend,
    events: Events,
    /// Counts up when events may have been missed.
    feed: watch::Receiver<u64>,
    followers: Vec<Reader>,
}

impl Node {
    pub async fn start(config: &Config, rooms: &[RoomName], record: &mut Record) -> Self {
        let (backend, events) =
            backend::start(config, NodeId::random(), &Supervisor::default()).await.unwrap();
        let mut followers = Vec::new();
        for room in rooms {
            backend.pubsub.subscribe(&Channel::Room(room.clone())).await.unwrap();
            followers.push(Reader::join(room, &newest(&backend, room, 200).await, record));
        }
        let feed = backend.pubsub.resumed();
        Self { backend, events, feed, followers }
    }

    /// Marks all its rooms as possibly incomplete.
    pub fn mark_behind(&mut self) {
        self.followers.iter_mut().for_each(|follower| follower.is_behind = true);
    }

    /// Takes the received events, and reads the missed messages.
    pub async fn receive(&mut self, world: &impl Holds, rng: &mut Rng, record: &mut Record) {
        loop {
            let event = self.events.try_recv();
            if self.feed.has_changed().expect("the backend lives") {
                self.feed.mark_unchanged();
                self.mark_behind();
            }
            let Ok(event) = event else { break };
            let BackendEvent::Published(Channel::Room(room), Event::Message(message)) = event else {
                continue;
            };
            for follower in self.followers.iter_mut().filter(|follower| follower.room == room) {
                follower.receive(&message, record);
            }
        }
        for follower in self.followers.iter_mut().filter(|follower| follower.is_behind) {
            let limit = rng.usize(1..200);
            while follow(&self.backend, world, follower, limit, record).await {}
            follower.is_behind = false;
            let held = world.held(&follower.room).await;
            follower.check_whole(&held.log, record);
        }
    }
}

/// Reads one page after a reader's position; returns whether there is more.
pub async fn follow(
    backend: &Backend,
    world: &impl Holds,
    reader: &mut Reader,
    limit: usize,
    record: &mut Record,
) -> bool {
    let (lineage, page) = eventually("a page", LONG_DEADLINE, async || {
        let lineage: Lineage = world.held(&reader.room).await.lineage;
        let place: Position = reader.place.clone();
        Some((lineage, backend.log.read(&reader.room, Span::After(place), limit).await.ok()?))
    })
    .await;
    reader.follow(&page, &lineage, record)
}

pub async fn newest(backend: &Backend, room: &RoomName, limit: usize) -> Page {
    eventually("a page", LONG_DEADLINE, async || backend.log.read(room, Span::Newest, limit).await.ok()).await
}

/// A short form of an answer.
pub fn told(answer: &backend::Result<Receipt>) -> String {
    match answer {
        Ok(Receipt { epoch, seq, is_duplicate: false, .. }) => format!("{epoch}:{seq}"),
        Ok(Receipt { epoch, seq, .. }) => format!("{epoch}:{seq} again"),
        Err(_) => "refused".into(),
    }
}
