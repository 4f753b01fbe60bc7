//! Who takes part in a run: writers, readers, plain sessions, and guests who don't come back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::memory::{Dialect, Memory, SharedMemory};
use super::person::{self, Habits, Orders, Return};
use super::talk::received;
use super::verdict::Log;
use super::watch;
use crate::harness::{Http, LONG_DEADLINE, eventually};

/// The longest wait of most clients before they try to come back.
const PATIENCE: Duration = Duration::from_secs(2);
/// That of those who tell when a node is well again.
const EAGERNESS: Duration = Duration::from_millis(100);
/// Messages a second that one writer says, about.
const PACE: f64 = 10.0;

/// Everybody, and what they remember.
#[derive(Debug, Default)]
pub struct Crowd {
    people: Vec<(SharedMemory, JoinHandle<()>)>,
    orders: Orders,
    /// Those who stay on one node, by its place.
    posted: Vec<SharedMemory>,
}

/// How many, how fast, and how those who read come back.
#[derive(Debug, Clone)]
pub struct Size {
    /// Rooms that are talked in.
    pub rooms: usize,
    /// Messages a second, in all.
    pub rate: f64,
    /// What readers do when their connection ends.
    pub comes_back: Return,
}

impl Size {
    /// The rooms' names. All kinds of sessions are in the first.
    pub fn rooms(&self) -> Vec<String> {
        (1..=self.rooms).map(|number| format!("room {number}")).collect()
    }
}

impl Crowd {
    /// Lets everybody in. `nodes` and `balancer` are ports.
    pub async fn enter(size: &Size, nodes: &[u16], balancer: u16) -> Self {
        let mut crowd = Self::default();
        let doors: Vec<_> = nodes.iter().copied().chain([balancer]).collect();
        for (place, room) in size.rooms().iter().enumerate() {
            crowd.add_writers(size, place, room, &doors);
            for (number, door) in doors.iter().enumerate() {
                let habits =
                    Habits { comes_back: size.comes_back, ..habits(beginning_with(*door, nodes, balancer)) };
                crowd.add(&format!("reader {number} of {room}"), room, habits);
            }
        }
        let room = &size.rooms()[0];
        for (number, port) in nodes.iter().enumerate() {
            let at_node = habits(vec![*port]);
            let habits = Habits { patience: EAGERNESS, ..at_node.clone() };
            let posted = crowd.add(&format!("post {number}"), room, habits);
            crowd.posted.push(posted);
            let habits = Habits { comes_back: Return::Never, ..at_node };
            crowd.add(&format!("guest {number}"), room, habits);
        }
        for (number, door) in doors.iter().enumerate() {
            let ports = beginning_with(*door, nodes, balancer);
            crowd.add(&format!("plain {number}"), room, Habits { dialect: Dialect::Plain, ..habits(ports) });
        }
        crowd.until("everybody is in", |memory| !memory.sessions().is_empty()).await;
        crowd
    }

    fn add_writers(&mut self, size: &Size, place: usize, room: &str, doors: &[u16]) {
        let rate = size.rate / size.rooms as f64;
        let count = (rate / PACE).ceil().max(1.0);
        for number in 0..count as usize {
            let first = (place + number) % doors.len();
            let ports = doors[first..].iter().chain(&doors[..first]).copied().collect();
            let speaks_every = Some(Duration::from_secs_f64(count / rate));
            self.add(&format!("writer {number} of {room}"), room, Habits { speaks_every, ..habits(ports) });
        }
    }

    /// Lets one more in and returns what it will remember.
    pub fn add(&mut self, name: &str, room: &str, habits: Habits) -> SharedMemory {
        let memory = SharedMemory::new(Memory::new(name, habits.dialect, room));
        let life = tokio::spawn(person::live(habits, memory.clone(), self.orders.clone()));
        self.people.push((memory.clone(), life));
        memory
    }

    /// Someone whom nobody drives: what is noted is what it was told.
    pub fn add_silent(&mut self, name: &str, room: &str) -> SharedMemory {
        let mut memory = Memory::new(name, Dialect::Full, room);
        memory.is_gone = true;
        let memory = SharedMemory::new(memory);
        self.people.push((memory.clone(), tokio::spawn(async {})));
        memory
    }

    /// Those who stay on one node, by its place.
    pub fn posted(&self) -> &[SharedMemory] {
        &self.posted
    }

    /// A copy of what everybody remembers now.
    pub fn memories(&self) -> Vec<Memory> {
        self.people.iter().map(|(memory, _)| memory.lock().clone()).collect()
    }

    /// The keys of the sessions that are in a room now, as far as their clients know.
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

    /// Nobody says anything new; returns when all that was said is acknowledged, or not within a while.
    pub async fn hush(&self, within: Duration) -> bool {
        self.orders.hush.cancel();
        let deadline = Instant::now() + within;
        while self.people.iter().any(|(memory, _)| memory.lock().is_waiting) {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    /// Sends everybody home.
    pub async fn leave(&mut self) {
        self.orders.stop.cancel();
        for (_, life) in &mut self.people {
            life.await.expect("a client only remembers");
        }
    }

    /// Waits until something is true of everybody.
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

/// A good full session's client that only listens.
pub fn habits(ports: Vec<u16>) -> Habits {
    let (dialect, comes_back) = (Dialect::Full, Return::Resuming);
    Habits { dialect, comes_back, speaks_every: None, ports, patience: PATIENCE }
}

/// Who goes through the balancer leaves the choice to it; others try the nodes in turn.
fn beginning_with(door: u16, nodes: &[u16], balancer: u16) -> Vec<u16> {
    if door == balancer {
        return vec![balancer];
    }
    let first = nodes.iter().position(|node| *node == door).unwrap_or_default();
    nodes[first..].iter().chain(&nodes[..first]).copied().collect()
}

/// All that the log of each room holds, as a node that is well says.
pub async fn read_logs(node: Http, rooms: &[String]) -> BTreeMap<String, Log> {
    let mut logs = BTreeMap::new();
    for room in rooms {
        let mut log = Log::default();
        loop {
            let after = log.messages.last().map_or(0, |last| last.seq);
            let page = eventually("a page of the log", LONG_DEADLINE, async || {
                watch::log_after(node, room, after).await
            });
            let page = page.await;
            let before = log.messages.len();
            log.messages.extend(page["data"].as_array().into_iter().flatten().map(received));
            log.epoch = page["epoch"].as_str().unwrap_or_default().to_owned();
            if log.messages.len() == before {
                break;
            }
        }
        logs.insert(room.clone(), log);
    }
    logs
}
