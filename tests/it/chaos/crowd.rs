//! The clients of a run: writers, readers, plain sessions, and guests that do not return.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::memory::{Dialect, Memory, SharedMemory};
use super::person::{self, Behaviour, Orders, Return};
use crate::harness::{LONG_DEADLINE, eventually};

/// The longest wait of most clients before they reconnect.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// The same of the clients by which recovery is measured.
const SHORT_WAIT: Duration = Duration::from_millis(100);
/// Messages a second of one writer, about.
const PACE: f64 = 10.0;

/// All clients and their recorded events.
#[derive(Debug, Default)]
pub struct Crowd {
    people: Vec<(SharedMemory, JoinHandle<()>)>,
    orders: Orders,
    /// The clients that stay on one node, by the node's index.
    posted: Vec<SharedMemory>,
}

/// The number and rate of clients, and how readers reconnect.
#[derive(Debug, Clone)]
pub struct Size {
    /// Rooms with traffic.
    pub rooms: usize,
    /// Messages a second, in all.
    pub rate: f64,
    /// How readers act when their connection ends.
    pub comes_back: Return,
}

impl Size {
    /// The rooms' names. The first has sessions of all kinds.
    pub fn rooms(&self) -> Vec<String> {
        (1..=self.rooms).map(|number| format!("room {number}")).collect()
    }
}

impl Crowd {
    /// Connects all clients. `nodes` and `balancer` are ports.
    pub async fn enter(size: &Size, nodes: &[u16], balancer: u16) -> Self {
        let mut crowd = Self::default();
        let endpoints: Vec<_> = nodes.iter().copied().chain([balancer]).collect();
        for (place, room) in size.rooms().iter().enumerate() {
            crowd.add_writers(size, place, room, &endpoints);
            for (number, endpoint) in endpoints.iter().enumerate() {
                let behaviour = Behaviour {
                    comes_back: size.comes_back,
                    ..behaviour(beginning_with(*endpoint, nodes, balancer))
                };
                crowd.add(&format!("reader {number} of {room}"), room, behaviour);
            }
        }
        let room = &size.rooms()[0];
        for (number, port) in nodes.iter().enumerate() {
            let at_node = behaviour(vec![*port]);
            let behaviour = Behaviour { longest_wait: SHORT_WAIT, ..at_node.clone() };
            let posted = crowd.add(&format!("post {number}"), room, behaviour);
            crowd.posted.push(posted);
            let behaviour = Behaviour { comes_back: Return::Never, ..at_node };
            crowd.add(&format!("guest {number}"), room, behaviour);
        }
        for (number, endpoint) in endpoints.iter().enumerate() {
            let ports = beginning_with(*endpoint, nodes, balancer);
            crowd.add(
                &format!("plain {number}"),
                room,
                Behaviour { dialect: Dialect::Plain, ..behaviour(ports) },
            );
        }
        crowd.until("all clients have joined", |memory| !memory.sessions().is_empty()).await;
        crowd
    }

    fn add_writers(&mut self, size: &Size, place: usize, room: &str, endpoints: &[u16]) {
        let rate = size.rate / size.rooms as f64;
        let count = (rate / PACE).ceil().max(1.0);
        for number in 0..count as usize {
            let first = (place + number) % endpoints.len();
            let ports = endpoints[first..].iter().chain(&endpoints[..first]).copied().collect();
            let speaks_every = Some(Duration::from_secs_f64(count / rate));
            self.add(
                &format!("writer {number} of {room}"),
                room,
                Behaviour { speaks_every, ..behaviour(ports) },
            );
        }
    }

    /// Adds one client and returns the record of its events.
    pub fn add(&mut self, name: &str, room: &str, behaviour: Behaviour) -> SharedMemory {
        let memory = SharedMemory::new(Memory::new(name, behaviour.dialect, room));
        let life = tokio::spawn(person::live(behaviour, memory.clone(), self.orders.clone()));
        self.people.push((memory.clone(), life));
        memory
    }

    /// Adds a record without a client, filled in by its caller.
    pub fn add_silent(&mut self, name: &str, room: &str) -> SharedMemory {
        let mut memory = Memory::new(name, Dialect::Full, room);
        memory.is_gone = true;
        let memory = SharedMemory::new(memory);
        self.people.push((memory.clone(), tokio::spawn(async {})));
        memory
    }

    /// The clients that stay on one node, by the node's index.
    pub fn posted(&self) -> &[SharedMemory] {
        &self.posted
    }

    /// Copies of all records.
    pub fn memories(&self) -> Vec<Memory> {
        self.people.iter().map(|(memory, _)| memory.lock().clone()).collect()
    }

    /// The keys of the sessions in a room, as their clients know them.
    pub fn present(&self, room: &str) -> Vec<String> {
        let mut present = Vec::new();
        for (memory, _) in &self.people {
            let memory = memory.lock();
            let last = memory.sessions().pop().filter(|last| memory.room == room && last.to.is_none());
            present.extend(last.map(|session| session.key().to_owned()));
        }
        present.sort();
        present
    }

    /// Stops new posts; returns whether all posts were acknowledged within this time.
    pub async fn stop_posting(&self, within: Duration) -> bool {
        self.orders.stop_posting.cancel();
        let deadline = Instant::now() + within;
        while self.people.iter().any(|(memory, _)| memory.lock().is_waiting) {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    /// Ends all clients.
    pub async fn leave(&mut self) {
        self.orders.stop.cancel();
        for (_, life) in &mut self.people {
            life.await.expect("a client only remembers");
        }
    }

    /// Waits until a condition holds for all clients.
    pub async fn until(&self, what: &str, is_true: impl Fn(&Memory) -> bool) {
        let all = async || self.people.iter().all(|(memory, _)| is_true(&memory.lock())).then_some(());
        eventually(what, LONG_DEADLINE, all).await;
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.people.iter().for_each(|(_, life)| life.abort());
    }
}

/// A full session that only listens and resumes.
pub fn behaviour(ports: Vec<u16>) -> Behaviour {
    let (dialect, comes_back) = (Dialect::Full, Return::Resuming);
    Behaviour { dialect, comes_back, speaks_every: None, ports, longest_wait: LONGEST_WAIT }
}

/// A client of the balancer leaves the choice of the node to it; others try the nodes in turn.
fn beginning_with(endpoint: u16, nodes: &[u16], balancer: u16) -> Vec<u16> {
    if endpoint == balancer {
        return vec![balancer];
    }
    let first = nodes.iter().position(|node| *node == endpoint).unwrap_or_default();
    nodes[first..].iter().chain(&nodes[..first]).copied().collect()
}
