//! One subscribed connection to one server.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Pipeline, PushInfo, PushKind, RedisResult, Value};
use tokio::sync::Notify;
use tracing::{debug, info, warn};

use super::canary::Canary;
use super::{CANARIES, Changes, Context, lock};
use crate::backend::events::{EventSender, NotQueued};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::dialer;
use crate::backend::redis::client::server::{Atomicity, Reason, Sending, Server};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::pubsub::codec::Wire;
use crate::backend::{BackendEvent, FeedHealth};
use crate::model::RoomName;
use crate::supervisor::ticks;
use crate::telemetry::{Outage, Unreadable, count_unreadable, meters};

/// Channels in one pipeline, at most.
const GROUP: usize = 512;

/// Waits between attempts to connect: doubled from the first to the second, each shortened at
/// random by up to a half so that nodes don't return in step.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Keeps one connection subscribed to the rooms that are this server's.
pub(super) struct Ear {
    context: Context,
    server: Arc<Server>,
    canary: Arc<Canary>,
    changes: Arc<Changes>,
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
    #[error("the channel of a room has moved to another server")]
    Moved,
    #[error("another server has taken its place")]
    Replaced,
    #[error("the canary did not come back")]
    Deaf,
    #[error("the server has no slots")]
    Empty,
}

/// What the log was told of an outage.
struct Told {
    reason: String,
    outage: Outage,
}

impl Ear {
    pub(super) fn new(
        context: Context,
        server: Arc<Server>,
        canary: Arc<Canary>,
        changes: Arc<Changes>,
    ) -> Self {
        Self { context, server, canary, changes }
    }

    /// Until the node ends.
    pub(super) async fn run(self) {
        let (mut wait, mut told) = (BACKOFF.0, None);
        loop {
            let started = Instant::now();
            let Err(lost) = self.connect_and_listen().await else { return };
            if self.canary.state() == FeedHealth::Live || started.elapsed() > BACKOFF.1 {
                (wait, told) = (BACKOFF.0, None);
            }
            self.canary.lose();
            self.server.invalidate_connections();
            meters().pubsub_reconnects.increment(1);
            told = Some(self.tell(lost.to_string(), told));
            tokio::select! {
                () = tokio::time::sleep(wait.mul_f64(1.0 - fastrand::f64() / 2.0)) => {}
                // Somebody else has reached it.
                () = self.server.connected() => {}
            }
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    /// Logs a loss once an outage and minute, not once a try.
    fn tell(&self, reason: String, told: Option<Told>) -> Told {
        let (redis, now) = (&self.server.name, Instant::now());
        let Some(mut told) = told.filter(|told| told.reason == reason) else {
            warn!(reason, %redis, "Lost the subscription to Redis; connecting again");
            return Told { reason, outage: Outage::begin(now) };
        };
        match told.outage.remind(now) {
            Some(lasts) => {
                warn!(reason, %redis, lasts_s = lasts.as_secs(), "Still no subscription to Redis; connecting again");
            }
            None => debug!(reason, %redis, "Still no subscription to Redis"),
        }
        told
    }

    /// Ends with an error when the connection does, without one when the node does.
    async fn connect_and_listen(&self) -> Result<(), Lost> {
        // A slot that has moved is the usual reason for being here, in a Redis Cluster.
        self.context.shards.refresh().await;
        let canary_channel = self.canary_channel()?;
        let (closed, moved) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let leaving = Leaving::default();
        let hearing = Hearing {
            keys: self.context.keys.clone(),
            wire: self.context.wire.clone(),
            events: self.context.events.clone(),
            canary: self.canary.clone(),
            canary_channel: canary_channel.clone(),
            is_behind: AtomicBool::new(false),
            leaving: leaving.clone(),
            closed: closed.clone(),
            moved: moved.clone(),
        };
        let config = dialer::config(&self.context.settings).set_push_sender(move |push| hearing.take(push));
        let connection = self.connect(&config).await?;
        let mut owner = Owner { ear: self, connection, actual: HashSet::new(), leaving };
        owner.subscribe(std::slice::from_ref(&canary_channel)).await?;
        // Before the first look: what changes from now on is looked at again.
        self.changes.take();
        owner.settle_all().await?;
        info!(rooms = owner.actual.len(), redis = %self.server.name, "Subscribed to Redis");
        // Also the first time: rooms may have been wanted before there was a connection.
        if self.context.events.send_resumed().await.is_err() {
            return Ok(());
        }
        tokio::select! {
            () = closed.notified() => Err(Lost::Closed),
            () = moved.notified() => Err(Lost::Moved),
            () = self.server.master_changed() => Err(Lost::Replaced),
            end = owner.settle_changes() => end,
            end = self.send_canaries(&canary_channel) => end,
            () = self.context.events.closed() => Ok(()),
        }
    }

    async fn connect(&self, config: &AsyncConnectionConfig) -> Result<MultiplexedConnection, Lost> {
        loop {
            let connecting = self.server.subscriber(config);
            tokio::select! {
                connected = tokio::time::timeout(self.context.settings.connect_timeout, connecting) => {
                    return Ok(connected??);
                }
                // Somebody else has reached it while the packets of this attempt were lost.
                () = self.server.connected() => {}
            }
        }
    }

    fn canary_channel(&self) -> Result<String, Lost> {
        let Context { keys, node, shards, .. } = &self.context;
        if !shards.is_cluster() {
            return Ok(keys.canary(*node, None));
        }
        let tag = shards.map().hash_tag_for(&self.server).ok_or(Lost::Empty)?;
        Ok(keys.canary(*node, Some(&tag)))
    }

    /// Whether the channel of a room is this server's.
    fn has(&self, room: &RoomName) -> bool {
        let Context { keys, shards, .. } = &self.context;
        shards.map().server(&keys.channel(room)).is_some_and(|server| Arc::ptr_eq(server, &self.server))
    }

    async fn send_canaries(&self, channel: &str) -> Result<(), Lost> {
        let mut ticks = ticks(self.context.settings.canary_every);
        self.canary.hear();
        let publish = self.context.shards.publishing().command();
        let call = Call::plain(publish, channel.to_owned()).arg("");
        loop {
            ticks.tick().await;
            if self.canary.state() == FeedHealth::Stale {
                return Err(Lost::Deaf);
            }
            // A failure shows as a canary that is late.
            let sending = Sending { role: &CANARIES, atomicity: Atomicity::None, reason: Reason::Owner };
            let _ = self.server.run(sending, &[&call]).await;
        }
    }
}

/// Takes what the connection hears, where it hears it: so it is in order, and nothing waits in between.
struct Hearing {
    keys: Keys,
    wire: Wire,
    events: EventSender,
    canary: Arc<Canary>,
    canary_channel: String,
    is_behind: AtomicBool,
    leaving: Leaving,
    closed: Arc<Notify>,
    moved: Arc<Notify>,
}

/// Channels of a cluster whose end we have asked for ourselves.
type Leaving = Arc<Mutex<HashSet<Vec<u8>>>>;

impl Hearing {
    fn take(&self, push: PushInfo) -> Result<(), redis::aio::SendError> {
        match push.kind {
            PushKind::Message | PushKind::SMessage => {
                let mut data = push.data.into_iter();
                if let (Some(Value::BulkString(channel)), Some(Value::BulkString(payload))) =
                    (data.next(), data.next())
                {
                    self.hear(&channel, payload);
                }
            }
            PushKind::SUnsubscribe if self.is_asked_for(push.data.first()) => {}
            // The slot has moved away. What is published there now is not heard here.
            PushKind::SUnsubscribe => self.moved.notify_one(),
            PushKind::Disconnection => self.closed.notify_one(),
            _ => {}
        }
        Ok(())
    }

    fn is_asked_for(&self, channel: Option<&Value>) -> bool {
        matches!(channel, Some(Value::BulkString(channel)) if lock(&self.leaving).remove(channel))
    }

    /// If the node can't keep up, publications are left out rather than piled up without bound, and
    /// the node is told to compare its rooms with the log.
    fn hear(&self, channel: &[u8], payload: Vec<u8>) {
        let Ok(channel) = std::str::from_utf8(channel) else { return };
        if channel == self.canary_channel {
            self.canary.hear();
        }
        if self.is_behind.load(Ordering::Relaxed) && self.events.try_send(BackendEvent::Resumed).is_ok() {
            self.is_behind.store(false, Ordering::Relaxed);
        }
        let Some(room) = self.keys.room_of_channel(channel) else { return };
        let event = match self.wire.decode(payload) {
            Some(event) => BackendEvent::Room(room, event),
            None => {
                count_unreadable(Unreadable::Publication, 1);
                BackendEvent::Unreadable(room)
            }
        };
        if self.events.try_send(event) == Err(NotQueued::Full) {
            meters().pubsub_events_dropped.increment(1);
            self.is_behind.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Hearing {
    /// The connection's own task has ended, if only by a panic that told nobody.
    fn drop(&mut self) {
        self.closed.notify_one();
    }
}

/// Makes the connection's subscriptions equal to the wanted ones. The only one to subscribe and
/// unsubscribe, and always by what is wanted at that moment: so a late UNSUBSCRIBE can't overtake a
/// new join and leave the node deaf to the room.
struct Owner<'a> {
    ear: &'a Ear,
    connection: MultiplexedConnection,
    actual: HashSet<RoomName>,
    leaving: Leaving,
}

impl Owner<'_> {
    async fn settle_all(&mut self) -> Result<(), Lost> {
        let mut all: HashSet<RoomName> = self.ear.context.wanted.lock().keys().cloned().collect();
        all.extend(self.actual.iter().cloned());
        self.settle(all).await
    }

    async fn settle_changes(&mut self) -> Result<(), Lost> {
        loop {
            self.ear.changes.notify.notified().await;
            let changed = self.ear.changes.take();
            if changed.all {
                self.settle_all().await?;
                // What was published while a room changed its server was heard by nobody.
                let _ = self.ear.context.events.send_resumed().await;
            } else {
                self.settle(changed.rooms).await?;
            }
        }
    }

    async fn settle(&mut self, rooms: HashSet<RoomName>) -> Result<(), Lost> {
        let context = &self.ear.context;
        let (wanted, unwanted): (Vec<_>, Vec<_>) = {
            let all = context.wanted.lock();
            rooms.into_iter().partition(|room| all.contains_key(room) && self.ear.has(room))
        };
        let leaving: Vec<_> = unwanted.into_iter().filter(|room| self.actual.remove(room)).collect();
        for group in leaving.chunks(GROUP) {
            self.unsubscribe(&self.channels(group)).await?;
        }
        let (confirmed, coming): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|room| self.actual.contains(room));
        context.wanted.confirm(&confirmed);
        for group in coming.chunks(GROUP) {
            self.subscribe(&self.channels(group)).await?;
            self.actual.extend(group.iter().cloned());
            context.wanted.confirm(group);
        }
        Ok(())
    }

    fn channels(&self, rooms: &[RoomName]) -> Vec<String> {
        rooms.iter().map(|room| self.ear.context.keys.channel(room)).collect()
    }

    async fn subscribe(&mut self, channels: &[String]) -> Result<(), Lost> {
        if self.ear.context.shards.is_cluster() {
            return self.one_by_one("SSUBSCRIBE", channels).await;
        }
        let subscribing = self.connection.subscribe(channels);
        Ok(tokio::time::timeout(self.ear.context.settings.command_timeout, subscribing).await??)
    }

    async fn unsubscribe(&mut self, channels: &[String]) -> Result<(), Lost> {
        if self.ear.context.shards.is_cluster() {
            lock(&self.leaving).extend(channels.iter().map(|channel| channel.clone().into_bytes()));
            return self.one_by_one("SUNSUBSCRIBE", channels).await;
        }
        let unsubscribing = self.connection.unsubscribe(channels);
        Ok(tokio::time::timeout(self.ear.context.settings.command_timeout, unsubscribing).await??)
    }

    /// Channels of different slots can't be in one command.
    async fn one_by_one(&mut self, command: &str, channels: &[String]) -> Result<(), Lost> {
        let mut pipeline = Pipeline::with_capacity(channels.len());
        for channel in channels {
            pipeline.cmd(command).arg(channel);
        }
        let sending = self.connection.send_packed_commands(&pipeline, 0, channels.len());
        let answers = tokio::time::timeout(self.ear.context.settings.command_timeout, sending).await??;
        answers.into_iter().try_for_each(|answer| -> RedisResult<()> { answer.extract_error().map(drop) })?;
        Ok(())
    }
}
