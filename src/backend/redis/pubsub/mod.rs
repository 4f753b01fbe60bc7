//! The supervised subscription: one connection to each server for all channels of the node, which is reconnected
//! after each loss, with one reconciler each that makes the actual subscriptions equal to the desired ones.

mod canary;
pub(super) mod codec;
mod reconciler;
mod shard_subscriber;
mod user_event;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::task::AbortOnDropHandle;

use self::canary::Canary;
use self::shard_subscriber::ShardSubscriber;
use crate::backend::node::events::EventSender;
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::server::Server;
use crate::backend::redis::keys::Keys;
use crate::backend::redis::pubsub::codec::Wire;
use crate::backend::redis::topology::Shards;
use crate::backend::{BackendError, Channel, FeedHealth, PubSub, Publication, Release, Result, within};
use crate::config::Redis as Settings;
use crate::model::NodeId;
use crate::supervisor::Supervisor;

/// Publications of no script.
pub const NOTICES: Role = Role::Ordered("notices");

/// The node's messages to itself.
pub const CANARIES: Role = Role::Ordered("canaries");

/// The handle to the subscription's tasks, which end with this value.
#[derive(Debug)]
pub struct Subscriber {
    desired: Arc<DesiredChannels>,
    shard_subscribers: Arc<Mutex<ShardSubscribers>>,
    resumed: watch::Receiver<u64>,
    keys: Keys,
    shards: Arc<Shards>,
    deadline: Duration,
    _keeper: AbortOnDropHandle<()>,
}

/// The channels that this node subscribes to, each with the callers that wait for its confirmation. Written by
/// `subscribe` and `unsubscribe`, read by the reconcilers alone, which make their connections equal to it.
#[derive(Debug, Default)]
struct DesiredChannels {
    channels: Mutex<HashMap<Channel, Vec<oneshot::Sender<()>>>>,
}

/// The servers that are subscribed to.
type ShardSubscribers = Vec<Handle>;

/// The task of one [`ShardSubscriber`], which ends with this value.
#[derive(Debug)]
struct Handle {
    server: Arc<Server>,
    canary: Arc<Canary>,
    dirty: Arc<DirtyChannels>,
    _task: AbortOnDropHandle<()>,
}

/// Channels that a reconciler must check.
#[derive(Debug, Default)]
struct DirtyChannels {
    dirty: Mutex<Dirty>,
    notify: Notify,
}

#[derive(Debug, Default)]
struct Dirty {
    channels: HashSet<Channel>,
    /// The slot map has changed, so any channel may have moved.
    all: bool,
}

/// The common parts of all shard subscribers.
#[derive(Debug, Clone)]
struct Context {
    keys: Keys,
    wire: Wire,
    node: NodeId,
    shards: Arc<Shards>,
    settings: Settings,
    events: EventSender,
    desired: Arc<DesiredChannels>,
    supervisor: Supervisor,
}

impl Subscriber {
    /// Spawns the tasks.
    pub fn start(
        keys: Keys,
        wire: Wire,
        node: NodeId,
        shards: Arc<Shards>,
        settings: &Settings,
        events: EventSender,
        supervisor: &Supervisor,
    ) -> Self {
        let desired = Arc::<DesiredChannels>::default();
        let shard_subscribers = Arc::<Mutex<ShardSubscribers>>::default();
        let resumed = events.resumed();
        let settings = settings.clone();
        let deadline = settings.command_timeout;
        let context = Context {
            keys: keys.clone(),
            wire,
            node,
            shards: shards.clone(),
            settings,
            events,
            desired: desired.clone(),
            supervisor: supervisor.clone(),
        };
        let following = follow_topology(context.clone(), shard_subscribers.clone());
        let keeper = context.supervisor.keep("subscriptions", following);
        Self { desired, shard_subscribers, resumed, keys, shards, deadline, _keeper: keeper }
    }

    fn mark_dirty(&self, channel: &Channel) {
        for handle in lock(&self.shard_subscribers).iter() {
            handle.dirty.add(channel.clone());
        }
    }
}

#[async_trait]
impl PubSub for Subscriber {
    async fn subscribe(&self, channel: &Channel) -> Result<()> {
        let (confirm, confirmed) = oneshot::channel();
        self.desired.lock().entry(channel.clone()).or_default().push(confirm);
        self.mark_dirty(channel);
        match tokio::time::timeout(self.deadline, confirmed).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => {
                Err(BackendError::Unavailable("the channel was unsubscribed from meanwhile".into()))
            }
            Err(elapsed) => {
                self.desired.forget_waiting(channel);
                Err(BackendError::Unavailable(elapsed.into()))
            }
        }
    }

    fn unsubscribe(&self, channel: &Channel) {
        self.desired.remove(channel);
        self.mark_dirty(channel);
    }

    async fn publish(&self, channel: &Channel, publication: Publication) -> Result<()> {
        let publish = self.shards.publishing().command();
        let call = Call::plain(publish, self.keys.bus(channel)).arg(codec::encode(&publication));
        within(self.deadline, self.shards.call(&NOTICES, call)).await.map(drop)
    }

    fn resumed(&self) -> watch::Receiver<u64> {
        self.resumed.clone()
    }

    /// Live only if the canary of every server returns.
    fn health(&self) -> FeedHealth {
        let handles = lock(&self.shard_subscribers);
        let is_live = |handle: &Handle| handle.canary.state() == FeedHealth::Live;
        if !handles.is_empty() && handles.iter().all(is_live) { FeedHealth::Live } else { FeedHealth::Stale }
    }
}

/// Subscribes at each server of the map, and at no other.
async fn follow_topology(context: Context, shard_subscribers: Arc<Mutex<ShardSubscribers>>) {
    let mut changes = context.shards.changes();
    loop {
        let servers = context.shards.map().servers();
        {
            let mut handles = lock(&shard_subscribers);
            // First, so that no event arrives twice: a former master may be a replica now.
            handles.retain(|handle| servers.iter().any(|server| Arc::ptr_eq(server, &handle.server)));
            handles.iter().for_each(|handle| handle.dirty.add_all());
            for server in servers {
                if !handles.iter().any(|handle| Arc::ptr_eq(&server, &handle.server)) {
                    handles.push(start(&context, server));
                }
            }
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

fn start(context: &Context, server: Arc<Server>) -> Handle {
    let canary = Arc::new(Canary::new(context.settings.canary_late));
    let dirty = Arc::<DirtyChannels>::default();
    let subscriber = ShardSubscriber::new(context.clone(), server.clone(), canary.clone(), dirty.clone());
    Handle { server, canary, dirty, _task: context.supervisor.keep("subscription", subscriber.run()) }
}

impl DesiredChannels {
    fn lock(&self) -> MutexGuard<'_, HashMap<Channel, Vec<oneshot::Sender<()>>>> {
        lock(&self.channels)
    }

    fn remove(&self, channel: &Channel) {
        let mut desired = self.lock();
        desired.remove(channel);
        desired.release();
    }

    /// Removes callers that have timed out: each attempt to subscribe would leave one behind.
    fn forget_waiting(&self, channel: &Channel) {
        if let Some(waiting) = self.lock().get_mut(channel) {
            waiting.retain(|confirm| !confirm.is_closed());
        }
    }

    fn confirm<'a>(&self, channels: impl IntoIterator<Item = &'a Channel>) {
        let mut desired = self.lock();
        for channel in channels {
            for waiting in desired.get_mut(channel).map(std::mem::take).unwrap_or_default() {
                // The caller may have timed out.
                let _ = waiting.send(());
            }
        }
    }
}

impl DirtyChannels {
    fn add(&self, channel: Channel) {
        lock(&self.dirty).channels.insert(channel);
        self.notify.notify_one();
    }

    fn add_all(&self) {
        lock(&self.dirty).all = true;
        self.notify.notify_one();
    }

    fn drain(&self) -> Dirty {
        std::mem::take(&mut lock(&self.dirty))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no code panics while it holds this lock")
}
