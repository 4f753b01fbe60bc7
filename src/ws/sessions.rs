//! All open sessions of the node: pinged, dropped when silent or stuck, sent away at the end.
//! One task for all; a quiet session costs no timer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::connection::{Beat, Outbox, Pulse, now_s};
use crate::chat::FrameSink;
use crate::config;
use crate::model::{ConnectionId, Timestamp};
use crate::supervisor::{Supervisor, isolated};
use crate::telemetry::meters;
use crate::websocket::{CloseCode, Frame, Opcode};

/// Shards of the table of sessions, so that a storm of connections does not queue for one lock.
const SHARDS: usize = 16;

/// All sessions of this node; a cheap handle.
#[derive(Debug, Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

/// The right to be a session, until it is dropped.
pub type Place = OwnedSemaphorePermit;

#[derive(Debug)]
struct Inner {
    most: usize,
    places: Arc<Semaphore>,
    shards: [Mutex<HashMap<ConnectionId, Arc<Outbox>>>; SHARDS],
    tasks: TaskTracker,
    is_draining: AtomicBool,
}

impl Sessions {
    /// A table for at most `most` sessions.
    pub fn new(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(most));
        let (shards, tasks, is_draining) = Default::default();
        Self { inner: Arc::new(Inner { most, places, shards, tasks, is_draining }) }
    }

    /// A place for one more session, if there is one.
    pub fn place(&self) -> Option<Place> {
        self.inner.places.clone().try_acquire_owned().ok()
    }

    fn shard(&self, id: ConnectionId) -> MutexGuard<'_, HashMap<ConnectionId, Arc<Outbox>>> {
        let shard = usize::from(id.0.as_bytes()[0]) % SHARDS;
        self.inner.shards[shard].lock().expect("no code panics while it holds this lock")
    }

    fn all(&self) -> Vec<Arc<Outbox>> {
        let shards = self.inner.shards.iter();
        let mut all = Vec::new();
        for shard in shards {
            all.extend(shard.lock().expect("no code panics while it holds this lock").values().cloned());
        }
        all
    }

    /// Number of open sessions, and of those that are about to be.
    pub fn count(&self) -> usize {
        self.inner.most - self.inner.places.available_permits()
    }

    /// Runs a session; it is counted among the open ones until its work ends.
    pub fn run(
        &self,
        id: ConnectionId,
        outbox: Arc<Outbox>,
        heartbeat: Duration,
        place: Place,
        session: impl Future<Output = ()> + Send + 'static,
    ) {
        // Spread, so that sessions which came together are not pinged together.
        let first_ping = fastrand::u32(heartbeat_s(heartbeat) / 2..=heartbeat_s(heartbeat));
        outbox.note_alive(now_s());
        outbox.ping_from(now_s() + first_ping);
        self.shard(id).insert(id, outbox.clone());
        if self.is_draining() {
            outbox.drain();
        }
        let registered = Registered { sessions: self.clone(), id };
        let session = isolated("session", session);
        self.inner.tasks.spawn(async move {
            let (_registered, _place) = (registered, place);
            session.await;
        });
    }

    /// Runs what leads to a session.
    pub fn spawn_upgrade(&self, upgrade: impl Future<Output = ()> + Send + 'static) {
        self.inner.tasks.spawn(isolated("upgrade", upgrade));
    }

    /// Whether sessions are being sent away, so that none should come.
    pub fn is_draining(&self) -> bool {
        self.inner.is_draining.load(Ordering::Relaxed)
    }

    /// Once a second: pings who is due, closes whose token has run out, drops who was silent or took nothing for too long. Not after the node
    /// stood still: it has read nothing of them.
    pub async fn keep_up(self, settings: config::Session, supervisor: Supervisor) {
        let ping = Frame::encode(Opcode::Ping, b"");
        let (every_s, silence_s) = (heartbeat_s(settings.ping_every), settings.idle_timeout.as_secs() as u32);
        let mut pulse = Pulse::start();
        while let Some(beat) = supervisor.until_stopping(pulse.beat()).await {
            if beat == Beat::Late {
                continue;
            }
            let (now, clock) = (now_s(), Timestamp::now());
            let (mut waiting, mut most_waiting) = (0, 0);
            for outbox in self.all() {
                let bytes = outbox.waiting_bytes();
                waiting += bytes;
                most_waiting = bytes.max(most_waiting);
                if outbox.is_silent(now, silence_s) || outbox.is_stuck(settings.write_timeout) {
                    outbox.give_up();
                } else if outbox.has_expired(clock) {
                    outbox.close(CloseCode::Unauthorized);
                } else if outbox.take_ping(now, every_s) {
                    outbox.send(&ping);
                }
            }
            meters().outbox_bytes.set(waiting as f64);
            meters().outbox_largest_bytes.set(most_waiting as f64);
        }
    }

    /// Sends all sessions away with [`CloseCode::Restarting`](crate::websocket::CloseCode::Restarting), each at a random moment of `drain` so
    /// that the other nodes are not stormed and as soon as what it has said is answered, and waits until all have ended, but no longer than
    /// `close_timeout` after the last was told: a Redis that does not answer must not keep the node.
    pub async fn drain(&self, drain: Duration, close_timeout: Duration) {
        self.inner.is_draining.store(true, Ordering::Relaxed);
        let begin = Instant::now();
        let mut leaving: Vec<_> =
            self.all().into_iter().map(|outbox| (begin + drain.mul_f64(fastrand::f64()), outbox)).collect();
        leaving.sort_unstable_by_key(|(moment, _)| *moment);
        for (moment, outbox) in leaving {
            tokio::time::sleep_until(moment).await;
            outbox.drain();
        }
        // A session that came in between was closed at once.
        self.inner.tasks.close();
        let _ = tokio::time::timeout(close_timeout, self.inner.tasks.wait()).await;
    }
}

/// A session among the open ones, until its task ends, be it by a panic.
struct Registered {
    sessions: Sessions,
    id: ConnectionId,
}

impl Drop for Registered {
    fn drop(&mut self) {
        let outbox = self.sessions.shard(self.id).remove(&self.id);
        // One that ended well has closed its socket already.
        outbox.inspect(|outbox| outbox.abort());
    }
}

fn heartbeat_s(heartbeat: Duration) -> u32 {
    (heartbeat.as_secs() as u32).max(1)
}
