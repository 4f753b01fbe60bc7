//! One subscribed connection to one server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use redis::{AsyncConnectionConfig, PushInfo, PushKind, Value};
use tokio::sync::Notify;
use tracing::{debug, info, warn};

use super::canary::Canary;
use super::reconciler::{PendingUnsubscribes, Reconciler};
use super::{CANARIES, Context, DirtyChannels, lock};
use crate::backend::node::events::{EventSender, NotQueued};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::dialer::{self, Dialed};
use crate::backend::redis::client::server::{Atomicity, Reason, Sending, Server};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::pubsub::codec::Wire;
use crate::backend::{BackendEvent, Channel, FeedHealth};
use crate::supervisor::ticks;
use crate::telemetry::{Outage, Unreadable, count_unreadable, meters};

/// First and longest delay between attempts to connect. Each delay doubles, and is shortened at random by up to a
/// half, so that nodes don't reconnect in step.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Keeps one connection subscribed to the channels of this server.
pub(super) struct ShardSubscriber {
    pub(super) context: Context,
    pub(super) server: Arc<Server>,
    canary: Arc<Canary>,
    pub(super) dirty: Arc<DirtyChannels>,
    /// Whether channels are being subscribed to again, each of which may have lost publications until then. So a mark of a
    /// possible loss goes before each publication.
    pub(super) is_settling: Arc<AtomicBool>,
}

/// Why a subscribed connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
    #[error("Redis did not answer in time")]
    TimedOut(#[from] tokio::time::error::Elapsed),
    #[error("the connection was closed")]
    Closed,
    #[error("a channel has moved to another server")]
    Moved,
    #[error("another server is master now")]
    Replaced,
    #[error("the canary is late")]
    CanaryLate,
    #[error("the server has no slots")]
    Empty,
}

/// The logged part of an outage.
struct Logged {
    reason: String,
    outage: Outage,
}

impl ShardSubscriber {
    pub(super) fn new(
        context: Context,
        server: Arc<Server>,
        canary: Arc<Canary>,
        dirty: Arc<DirtyChannels>,
    ) -> Self {
        Self { context, server, canary, dirty, is_settling: Arc::default() }
    }

    /// Runs until the node stops.
    pub(super) async fn run(self) {
        let mut wait = BACKOFF.0;
        let mut logged = None;
        loop {
            let started = Instant::now();
            let Err(lost) = self.connect_and_listen().await else { return };
            if self.canary.state() == FeedHealth::Live || started.elapsed() > BACKOFF.1 {
                wait = BACKOFF.0;
                logged = None;
            }
            self.canary.reset();
            self.server.invalidate_connections();
            meters().pubsub_reconnects.increment(1);
            logged = Some(self.log_loss(lost.to_string(), logged));
            tokio::select! {
                () = tokio::time::sleep(wait.mul_f64(1.0 - fastrand::f64() / 2.0)) => {}
                // Another task has connected to it.
                () = self.server.connected() => {}
            }
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    /// Logs a loss at its start and once a minute, not once an attempt.
    fn log_loss(&self, reason: String, logged: Option<Logged>) -> Logged {
        let redis = &self.server.name;
        let now = Instant::now();
        let Some(mut logged) = logged.filter(|logged| logged.reason == reason) else {
            warn!(reason, %redis, "subscription to Redis lost; reconnecting");
            return Logged { reason, outage: Outage::begin(now) };
        };
        match logged.outage.remind(now) {
            Some(lasts) => {
                warn!(reason, %redis, lasts_s = lasts.as_secs(), "subscription to Redis still lost; reconnecting");
            }
            None => debug!(reason, %redis, "subscription to Redis still lost"),
        }
        logged
    }

    /// Fails when the connection ends, and returns when the node does.
    async fn connect_and_listen(&self) -> Result<(), Lost> {
        // A slot that has moved is the usual reason for being here, in a Redis Cluster.
        self.context.shards.refresh().await;
        let canary_channel = self.canary_channel()?;
        let closed = Arc::new(Notify::new());
        let moved = Arc::new(Notify::new());
        let pending = PendingUnsubscribes::default();
        let reader = PublicationReader {
            keys: self.context.keys.clone(),
            wire: self.context.wire.clone(),
            events: self.context.events.clone(),
            canary: self.canary.clone(),
            canary_channel: canary_channel.clone(),
            is_behind: AtomicBool::new(false),
            is_settling: self.is_settling.clone(),
            pending: pending.clone(),
            closed: closed.clone(),
            moved: moved.clone(),
        };
        let config = dialer::config(&self.context.settings).set_push_sender(move |push| reader.on_push(push));
        let Dialed { connection, election } = self.connect(&config).await?;
        let mut reconciler = Reconciler::new(self, connection, pending);
        reconciler.subscribe(std::slice::from_ref(&canary_channel)).await?;
        // Before the first reconciliation: later changes are checked again.
        self.dirty.drain();
        self.is_settling.store(true, Ordering::Relaxed);
        reconciler.reconcile_all().await?;
        info!(channels = reconciler.actual.len(), redis = %self.server.name, "subscribed to Redis");
        // Also the first time: channels may have been desired before the first connection.
        if self.context.events.send_resumed().await.is_err() {
            return Ok(());
        }
        self.is_settling.store(false, Ordering::Relaxed);
        tokio::select! {
            () = closed.notified() => Err(Lost::Closed),
            () = moved.notified() => Err(Lost::Moved),
            () = self.server.master_changed(election) => Err(Lost::Replaced),
            end = reconciler.run() => end,
            end = self.send_canaries(&canary_channel) => end,
            () = self.context.events.closed() => Ok(()),
        }
    }

    async fn connect(&self, config: &AsyncConnectionConfig) -> Result<Dialed, Lost> {
        loop {
            let connecting = self.server.subscriber(config);
            tokio::select! {
                connected = tokio::time::timeout(self.context.settings.connect_timeout, connecting) => {
                    return Ok(connected??);
                }
                // Another task has connected while the packets of this attempt were lost.
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

    /// Whether this server has the channel.
    pub(super) fn has(&self, channel: &Channel) -> bool {
        let Context { keys, shards, .. } = &self.context;
        shards.map().server(&keys.bus(channel)).is_some_and(|server| Arc::ptr_eq(server, &self.server))
    }

    async fn send_canaries(&self, channel: &str) -> Result<(), Lost> {
        let mut ticks = ticks(self.context.settings.canary_every);
        self.canary.record();
        let publish = self.context.shards.publishing().command();
        let call = Call::plain(publish, channel.to_owned()).arg("");
        loop {
            ticks.tick().await;
            if self.canary.state() == FeedHealth::Stale {
                return Err(Lost::CanaryLate);
            }
            // A failure shows as a late canary.
            let sending = Sending { role: &CANARIES, atomicity: Atomicity::None, reason: Reason::Owner };
            let _ = self.server.run(sending, &[&call]).await;
        }
    }
}

/// Handles the pushes of the connection in its own task: in order, and without another queue.
struct PublicationReader {
    keys: Keys,
    wire: Wire,
    events: EventSender,
    canary: Arc<Canary>,
    canary_channel: String,
    is_behind: AtomicBool,
    is_settling: Arc<AtomicBool>,
    pending: PendingUnsubscribes,
    closed: Arc<Notify>,
    moved: Arc<Notify>,
}

impl PublicationReader {
    fn on_push(&self, push: PushInfo) -> Result<(), redis::aio::SendError> {
        match push.kind {
            PushKind::Message | PushKind::SMessage => {
                let mut data = push.data.into_iter();
                if let (Some(Value::BulkString(channel)), Some(Value::BulkString(payload))) =
                    (data.next(), data.next())
                {
                    self.on_publication(&channel, payload);
                }
            }
            PushKind::SUnsubscribe if self.is_expected(push.data.first()) => {}
            // The slot has moved to another server, and later publications with it.
            PushKind::SUnsubscribe => self.moved.notify_one(),
            PushKind::Disconnection => self.closed.notify_one(),
            _ => {}
        }
        Ok(())
    }

    fn is_expected(&self, channel: Option<&Value>) -> bool {
        matches!(channel, Some(Value::BulkString(channel)) if lock(&self.pending).remove(channel))
    }

    /// If the node reads too slowly, publications are dropped, and the counter of possible losses rises.
    fn on_publication(&self, channel: &[u8], payload: Vec<u8>) {
        let Ok(channel) = std::str::from_utf8(channel) else { return };
        if channel == self.canary_channel {
            self.canary.record();
        }
        if self.is_behind.load(Ordering::Relaxed) && self.events.try_send_resumed().is_ok() {
            self.is_behind.store(false, Ordering::Relaxed);
        }
        let Some(channel) = self.keys.read_bus(channel) else { return };
        if self.is_settling.load(Ordering::Relaxed) && self.events.try_send_resumed().is_err() {
            meters().pubsub_events_dropped.increment(1);
            self.is_behind.store(true, Ordering::Relaxed);
            return;
        }
        let event = match self.wire.decode(payload) {
            Some(event) => BackendEvent::Published(channel, event),
            None => {
                count_unreadable(Unreadable::Publication, 1);
                BackendEvent::Unreadable(channel)
            }
        };
        if self.events.try_send(event) == Err(NotQueued::Full) {
            meters().pubsub_events_dropped.increment(1);
            self.is_behind.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for PublicationReader {
    /// The connection's task has ended, possibly by a panic.
    fn drop(&mut self) {
        self.closed.notify_one();
    }
}
