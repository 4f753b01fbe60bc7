//! The supervised subscription: one connection to each server for all rooms of the node, made anew
//! for ever, with one owner each that serialises what is wanted against what is.

mod canary;
pub(super) mod codec;
mod shard_subscriber;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, oneshot};
use tokio_util::task::AbortOnDropHandle;

use self::canary::Canary;
use self::shard_subscriber::Ear;
use crate::backend::events::EventSender;
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::server::Server;
use crate::backend::redis::keys::Keys;
use crate::backend::redis::pubsub::codec::Wire;
use crate::backend::redis::topology::Shards;
use crate::backend::{BackendError, FeedHealth, PubSub, Result, within};
use crate::config::Redis as Settings;
use crate::model::{NodeId, Notice, RoomName};
use crate::supervisor::Supervisor;

/// Notices that no script publishes.
pub const NOTICES: Role = Role::Ordered("notices");

/// The node's messages to itself.
pub const CANARIES: Role = Role::Ordered("canaries");

/// The handle to the subscription's tasks, which end with this value.
#[derive(Debug)]
pub struct Subscriber {
    wanted: Arc<Wanted>,
    ears: Arc<Mutex<Ears>>,
    keys: Keys,
    shards: Arc<Shards>,
    deadline: Duration,
    _keeper: AbortOnDropHandle<()>,
}

/// The rooms that this node wants to hear, each with those who wait for its confirmation. Written by
/// the node's joins and leaves, read by the owners alone, which make their connections equal to it.
#[derive(Debug, Default)]
struct Wanted {
    rooms: Mutex<HashMap<RoomName, Vec<oneshot::Sender<()>>>>,
}

/// The servers that are listened to.
type Ears = Vec<Listener>;

#[derive(Debug)]
struct Listener {
    server: Arc<Server>,
    canary: Arc<Canary>,
    changes: Arc<Changes>,
    _ear: AbortOnDropHandle<()>,
}

/// Rooms that an owner has to look at.
#[derive(Debug, Default)]
struct Changes {
    rooms: Mutex<Changed>,
    notify: Notify,
}

#[derive(Debug, Default)]
struct Changed {
    rooms: HashSet<RoomName>,
    /// The map of the shards has changed, so any room may be another's.
    all: bool,
}

/// What every ear is made from.
#[derive(Debug, Clone)]
struct Context {
    keys: Keys,
    wire: Wire,
    node: NodeId,
    shards: Arc<Shards>,
    settings: Settings,
    events: EventSender,
    wanted: Arc<Wanted>,
    supervisor: Supervisor,
}

impl Subscriber {
    /// Spawns the ears.
    pub fn start(
        keys: Keys,
        wire: Wire,
        node: NodeId,
        shards: Arc<Shards>,
        settings: &Settings,
        events: EventSender,
        supervisor: &Supervisor,
    ) -> Self {
        let (wanted, ears) = (Arc::<Wanted>::default(), Arc::<Mutex<Ears>>::default());
        let settings = settings.clone();
        let deadline = settings.command_timeout;
        let context = Context {
            keys: keys.clone(),
            wire,
            node,
            shards: shards.clone(),
            settings,
            events,
            wanted: wanted.clone(),
            supervisor: supervisor.clone(),
        };
        let keeper = context.supervisor.keep("subscriptions", keep_ears(context.clone(), ears.clone()));
        Self { wanted, ears, keys, shards, deadline, _keeper: keeper }
    }

    fn change(&self, room: &RoomName) {
        for listener in lock(&self.ears).iter() {
            listener.changes.add(room.clone());
        }
    }
}

#[async_trait]
impl PubSub for Subscriber {
    async fn subscribe(&self, room: &RoomName) -> Result<()> {
        let (confirm, confirmed) = oneshot::channel();
        self.wanted.lock().entry(room.clone()).or_default().push(confirm);
        self.change(room);
        match tokio::time::timeout(self.deadline, confirmed).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(BackendError::Unavailable("the room was given up meanwhile".into())),
            Err(elapsed) => {
                self.wanted.forget_waiting(room);
                Err(BackendError::Unavailable(elapsed.into()))
            }
        }
    }

    fn unsubscribe(&self, room: &RoomName) {
        self.wanted.lock().remove(room);
        self.change(room);
    }

    async fn publish(&self, room: &RoomName, notice: Notice) -> Result<()> {
        let publish = self.shards.publishing().command();
        let call = Call::plain(publish, self.keys.channel(room)).arg(codec::encode_notice(&notice));
        within(self.deadline, self.shards.call(&NOTICES, call)).await.map(drop)
    }

    /// Live only if every server is heard.
    fn health(&self) -> FeedHealth {
        let ears = lock(&self.ears);
        let is_fresh = |listener: &Listener| listener.canary.state() == FeedHealth::Live;
        if !ears.is_empty() && ears.iter().all(is_fresh) { FeedHealth::Live } else { FeedHealth::Stale }
    }
}

/// Listens to each server of the map, and to no other.
async fn keep_ears(context: Context, ears: Arc<Mutex<Ears>>) {
    let mut changes = context.shards.changes();
    loop {
        let servers = context.shards.map().servers();
        {
            let mut ears = lock(&ears);
            // First of all, so that nothing is heard twice: a master of before may be a replica now.
            ears.retain(|listener| servers.iter().any(|server| Arc::ptr_eq(server, &listener.server)));
            ears.iter().for_each(|listener| listener.changes.add_all());
            for server in servers {
                if !ears.iter().any(|listener| Arc::ptr_eq(&server, &listener.server)) {
                    ears.push(listen(&context, server));
                }
            }
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

fn listen(context: &Context, server: Arc<Server>) -> Listener {
    let canary = Arc::new(Canary::new(context.settings.canary_late));
    let changes = Arc::<Changes>::default();
    let ear = Ear::new(context.clone(), server.clone(), canary.clone(), changes.clone());
    Listener { server, canary, changes, _ear: context.supervisor.keep("subscription", ear.run()) }
}

impl Wanted {
    fn lock(&self) -> MutexGuard<'_, HashMap<RoomName, Vec<oneshot::Sender<()>>>> {
        lock(&self.rooms)
    }

    /// Forgets those who have given up waiting: each attempt to join would leave one behind.
    fn forget_waiting(&self, room: &RoomName) {
        if let Some(waiting) = self.lock().get_mut(room) {
            waiting.retain(|confirm| !confirm.is_closed());
        }
    }

    fn confirm<'a>(&self, rooms: impl IntoIterator<Item = &'a RoomName>) {
        let mut wanted = self.lock();
        for room in rooms {
            for waiting in wanted.get_mut(room).map(std::mem::take).unwrap_or_default() {
                // Whoever waited may have given up.
                let _ = waiting.send(());
            }
        }
    }
}

impl Changes {
    fn add(&self, room: RoomName) {
        lock(&self.rooms).rooms.insert(room);
        self.notify.notify_one();
    }

    fn add_all(&self) {
        lock(&self.rooms).all = true;
        self.notify.notify_one();
    }

    fn take(&self) -> Changed {
        std::mem::take(&mut lock(&self.rooms))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no code panics while it holds this lock")
}
