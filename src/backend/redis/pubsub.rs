//! The supervised subscription: one connection for all rooms of the node, made anew for ever, with
//! one owner that serialises what is wanted against what is.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Client, Pipeline};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use super::keys::Keys;
use super::link::{Connector, Link};
use super::wire;
use crate::backend::{BackendError, BackendEvent, Result, Subscription};
use crate::config::Redis as Settings;
use crate::model::{NodeId, RoomName};
use crate::telemetry::meters;

/// Channels in one SUBSCRIBE, at most.
const GROUP: usize = 512;

/// Waits between attempts to connect: doubled from the first to the second, each shortened at
/// random by up to a half so that nodes don't return in step.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The handle to the subscription's task, which ends with this value.
#[derive(Debug)]
pub(super) struct Subscriber {
    wanted: Arc<Wanted>,
    canary: Arc<Canary>,
    confirm_within: Duration,
    _supervisor: AbortOnDropHandle<()>,
}

/// The rooms that this node wants to hear. Written by the node's joins and leaves, read by the
/// owner alone, which makes the connection equal to it.
#[derive(Debug, Default)]
struct Wanted {
    state: Mutex<WantedState>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct WantedState {
    /// Each wanted room with those who wait for its confirmation.
    rooms: HashMap<RoomName, Vec<oneshot::Sender<()>>>,
    /// Rooms that changed since the owner last looked.
    changed: HashSet<RoomName>,
}

/// When the last message of the node to itself came back, in ms since `epoch`; 0: never.
#[derive(Debug)]
struct Canary {
    epoch: Instant,
    heard_at: AtomicU64,
    late: Duration,
}

impl Subscriber {
    /// Spawns the supervisor.
    pub(super) fn start(
        client: Client,
        keys: Keys,
        node: NodeId,
        connector: Connector,
        settings: &Settings,
        events: mpsc::Sender<BackendEvent>,
    ) -> Self {
        let wanted = Arc::new(Wanted::default());
        let canary = Arc::new(Canary {
            epoch: Instant::now(),
            heard_at: AtomicU64::new(0),
            late: settings.canary_late,
        });
        let supervisor = Supervisor {
            client,
            link: connector.link(),
            connector,
            canary_channel: keys.canary(node),
            keys,
            settings: settings.clone(),
            events,
            wanted: wanted.clone(),
            canary: canary.clone(),
        };
        let task = AbortOnDropHandle::new(tokio::spawn(supervisor.run()));
        Self { wanted, canary, confirm_within: settings.command_timeout, _supervisor: task }
    }

    pub(super) async fn subscribe(&self, room: &RoomName) -> Result<()> {
        let (confirm, confirmed) = oneshot::channel();
        {
            let mut state = self.wanted.lock();
            state.rooms.entry(room.clone()).or_default().push(confirm);
            state.changed.insert(room.clone());
        }
        self.wanted.changed.notify_one();
        match tokio::time::timeout(self.confirm_within, confirmed).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(BackendError::Unavailable("the room was given up meanwhile".into())),
            Err(elapsed) => Err(BackendError::Unavailable(elapsed.into())),
        }
    }

    pub(super) fn unsubscribe(&self, room: &RoomName) {
        {
            let mut state = self.wanted.lock();
            state.rooms.remove(room);
            state.changed.insert(room.clone());
        }
        self.wanted.changed.notify_one();
    }

    pub(super) fn state(&self) -> Subscription {
        self.canary.state()
    }
}

impl Wanted {
    fn lock(&self) -> MutexGuard<'_, WantedState> {
        self.state.lock().expect("no code panics while it holds this lock")
    }

    fn confirm<'a>(&self, rooms: impl IntoIterator<Item = &'a RoomName>) {
        let mut state = self.lock();
        for room in rooms {
            for waiting in state.rooms.get_mut(room).map(std::mem::take).unwrap_or_default() {
                // Whoever waited may have given up.
                let _ = waiting.send(());
            }
        }
    }
}

impl Canary {
    fn hear(&self) {
        let millis = self.epoch.elapsed().as_millis() as u64;
        self.heard_at.store(millis.max(1), Ordering::Relaxed);
    }

    fn lose(&self) {
        self.heard_at.store(0, Ordering::Relaxed);
    }

    fn state(&self) -> Subscription {
        let heard_at = self.heard_at.load(Ordering::Relaxed);
        let age = self.epoch.elapsed().saturating_sub(Duration::from_millis(heard_at));
        if heard_at > 0 && age < self.late { Subscription::Fresh } else { Subscription::Deaf }
    }
}

struct Supervisor {
    client: Client,
    connector: Connector,
    /// For canaries.
    link: Link,
    keys: Keys,
    canary_channel: String,
    settings: Settings,
    events: mpsc::Sender<BackendEvent>,
    wanted: Arc<Wanted>,
    canary: Arc<Canary>,
}

/// Why a subscribed connection ended.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
    #[error("Redis did not answer in time")]
    Silent(#[from] tokio::time::error::Elapsed),
    #[error("the connection was closed")]
    Closed,
    #[error("the canary did not come back")]
    Deaf,
}

impl Supervisor {
    async fn run(self) {
        let mut wait = BACKOFF.0;
        loop {
            let started = Instant::now();
            let Err(lost) = self.connect_and_listen().await else { return };
            if self.canary.state() == Subscription::Fresh || started.elapsed() > BACKOFF.1 {
                wait = BACKOFF.0;
            }
            self.canary.lose();
            self.connector.suspect();
            meters().subscription_losses.increment(1);
            warn!(reason = %lost, "Lost the subscription to Redis; connecting again");
            tokio::time::sleep(wait.mul_f64(1.0 - fastrand::f64() / 2.0)).await;
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    /// Ends with an error when the connection does, without one when the node does.
    async fn connect_and_listen(&self) -> std::result::Result<(), Lost> {
        let connecting = self.client.get_async_pubsub();
        let connection = tokio::time::timeout(self.settings.connect_timeout, connecting).await??;
        let (mut sink, stream) = connection.split();
        let mut owner = Owner { supervisor: self, actual: HashSet::new() };
        self.within(sink.subscribe(&self.canary_channel)).await?;
        owner.settle_all(&mut sink).await?;
        info!(rooms = owner.actual.len(), "Subscribed to Redis");
        // Also the first time: rooms may have been wanted before there was a connection.
        if self.events.send(BackendEvent::Resumed).await.is_err() {
            return Ok(());
        }
        tokio::select! {
            end = self.forward(stream) => end,
            end = owner.settle_changes(&mut sink) => end,
            end = self.send_canaries() => end,
        }
    }

    async fn within<T>(
        &self,
        work: impl Future<Output = redis::RedisResult<T>>,
    ) -> std::result::Result<T, Lost> {
        Ok(tokio::time::timeout(self.settings.command_timeout, work).await??)
    }

    /// Hands on what arrives, in order. If the node can't keep up, publications are left out
    /// rather than piled up without bound, and the node is told to compare its rooms with the log.
    async fn forward(&self, mut stream: PubSubStream) -> std::result::Result<(), Lost> {
        let mut is_behind = false;
        while let Some(publication) = stream.next().await {
            let channel = publication.get_channel_name();
            if channel == self.canary_channel {
                self.canary.hear();
            }
            if is_behind && self.events.try_send(BackendEvent::Resumed).is_ok() {
                is_behind = false;
            }
            let Some(room) = self.keys.room_of_channel(channel) else { continue };
            let Some(event) = wire::decode(publication.get_payload_bytes().to_vec()) else { continue };
            match self.events.try_send(BackendEvent::Room(room, event)) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(_)) => {
                    meters().events_left_out.increment(1);
                    is_behind = true;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => return Ok(()),
            }
        }
        Err(Lost::Closed)
    }

    /// A subscriber that is connected but deaf passes a ping; so the node publishes to itself.
    async fn send_canaries(&self) -> std::result::Result<(), Lost> {
        let mut ticks = tokio::time::interval(self.settings.canary_every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.canary.hear();
        let mut canary = Pipeline::new();
        canary.cmd("PUBLISH").arg(&self.canary_channel).arg("");
        loop {
            ticks.tick().await;
            if self.canary.state() == Subscription::Deaf {
                return Err(Lost::Deaf);
            }
            // A failure shows as a canary that is late.
            let _ = self.link.run(&canary).await;
        }
    }
}

/// Makes the connection's subscriptions equal to the wanted ones. The only one to send SUBSCRIBE
/// and UNSUBSCRIBE, and always by what is wanted at that moment: so a late UNSUBSCRIBE can't
/// overtake a new join and leave the node deaf to the room.
struct Owner<'a> {
    supervisor: &'a Supervisor,
    actual: HashSet<RoomName>,
}

impl Owner<'_> {
    async fn settle_all(&mut self, sink: &mut PubSubSink) -> std::result::Result<(), Lost> {
        let all = {
            let mut state = self.supervisor.wanted.lock();
            state.changed.clear();
            state.rooms.keys().cloned().collect()
        };
        self.settle(sink, all).await
    }

    async fn settle_changes(&mut self, sink: &mut PubSubSink) -> std::result::Result<(), Lost> {
        loop {
            self.supervisor.wanted.changed.notified().await;
            let changed = std::mem::take(&mut self.supervisor.wanted.lock().changed);
            self.settle(sink, changed.into_iter().collect()).await?;
        }
    }

    async fn settle(&mut self, sink: &mut PubSubSink, rooms: Vec<RoomName>) -> std::result::Result<(), Lost> {
        let (wanted, unwanted): (Vec<_>, Vec<_>) = {
            let state = self.supervisor.wanted.lock();
            rooms.into_iter().partition(|room| state.rooms.contains_key(room))
        };
        let leaving: Vec<_> = unwanted.into_iter().filter(|room| self.actual.remove(room)).collect();
        for group in leaving.chunks(GROUP) {
            self.supervisor.within(sink.unsubscribe(self.channels(group))).await?;
        }
        let (confirmed, coming): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|room| self.actual.contains(room));
        self.supervisor.wanted.confirm(&confirmed);
        for group in coming.chunks(GROUP) {
            self.supervisor.within(sink.subscribe(self.channels(group))).await?;
            self.actual.extend(group.iter().cloned());
            self.supervisor.wanted.confirm(group);
        }
        Ok(())
    }

    fn channels(&self, rooms: &[RoomName]) -> Vec<String> {
        rooms.iter().map(|room| self.supervisor.keys.channel(room)).collect()
    }
}
