//! The embedded backend: all shared state is in this process, behind one lock. It serves a single node. Several
//! nodes can join one cluster for tests without Redis.

mod accounts;
mod cluster;
mod cursors;
mod files;
mod grace_periods;
mod log;
mod members;
mod moderation;
mod notifications;
mod preferences;
mod presence;
mod pubsub;
mod quotas;
mod reports;
mod rooms;
mod rules;
mod schedules;
mod standing;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use self::accounts::AccountTable;
use self::cluster::{Leases, StoredFigures};
use self::files::FileTable;
use self::log::Logs;
use self::moderation::ModerationState;
use self::notifications::NotificationTable;
use self::preferences::PreferenceTable;
use self::presence::Rooms;
use self::pubsub::Fanout;
use self::quotas::Buckets;
use self::reports::ReportList;
use self::rooms::Records;
use self::schedules::ScheduleTable;
use self::standing::Users;
use super::node::pending::PendingChanges;
use super::{Backend, Events, Health, LocalNode, Secrets};
use crate::config::Config;
use crate::model::{Event, NodeId, RoomName};

/// The shared state of a memory cluster; a handle. The cluster lives as long as a handle or a node of it.
#[derive(Clone)]
pub struct MemoryCluster {
    shared: Arc<Mutex<Shared>>,
}

/// All state of a cluster. An atomic step holds the lock throughout. In particular a room's events are published in
/// the order of their changes.
struct Shared {
    fanout: Fanout,
    logs: Logs,
    rooms: Rooms,
    leases: Leases,
    figures: StoredFigures,
    buckets: Buckets,
    secrets: Option<Secrets>,
    accounts: AccountTable,
    users: Users,
    preferences: PreferenceTable,
    moderation: ModerationState,
    reports: ReportList,
    files: FileTable,
    records: Records,
    notifications: NotificationTable,
    schedules: ScheduleTable,
    renew_every: Duration,
}

impl MemoryCluster {
    /// An empty cluster with the settings `history`, `presence`, `limits.outbox_bytes`, `auth.token_ttl`, `moderation`
    /// and `redis.feed_queue…`. It
    /// uses tokio's clock, which a test may pause.
    pub fn new(config: &Config) -> Self {
        let now = Instant::now();
        let shared = Shared {
            fanout: Fanout::new((&config.redis).into()),
            logs: Logs::new(config),
            rooms: Rooms::new(&config.presence),
            leases: Leases::new(&config.presence, now),
            figures: StoredFigures::default(),
            buckets: Buckets::default(),
            secrets: None,
            accounts: AccountTable::default(),
            users: Users::new(config.auth.token_ttl),
            preferences: PreferenceTable::new(config.auth.token_ttl),
            moderation: ModerationState::new(config.moderation.audit_entries),
            reports: ReportList::default(),
            files: FileTable::default(),
            records: Records::new(config.auth.token_ttl),
            notifications: NotificationTable::new(config),
            schedules: ScheduleTable::new(config.notifications.schedules),
            renew_every: config.presence.renew_every,
        };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    /// Adds a node, and returns its backend and its events. The node is living once it has renewed its lease.
    pub fn join(&self, node: NodeId) -> (Backend, Events) {
        let events = self.lock().fanout.open(node);
        let node = Arc::new(MemoryNode::new(self.clone(), node));
        let backend = Backend {
            log: node.clone(),
            cursors: node.clone(),
            pubsub: node.clone(),
            presence: node.clone(),
            cluster: node.clone(),
            accounts: node.clone(),
            standings: node.clone(),
            preferences: node.clone(),
            moderation: node.clone(),
            reports: node.clone(),
            files: node.clone(),
            file_sweep: node.clone(),
            rooms: node.clone(),
            notifications: node.clone(),
            schedules: node.clone(),
            quotas: node,
        };
        (backend, events)
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
            self.fanout.publish_in(&room, &event);
        }
    }
}

/// One node's backend. Never unavailable.
#[derive(Debug)]
struct MemoryNode {
    cluster: MemoryCluster,
    node: NodeId,
    pending: PendingChanges,
    /// The local sessions; locked while they change or are restored.
    local: Mutex<Option<Weak<dyn LocalNode>>>,
    health: watch::Sender<Health>,
    renew_every: Duration,
}

impl MemoryNode {
    fn new(cluster: MemoryCluster, node: NodeId) -> Self {
        let renew_every = cluster.lock().renew_every;
        let health = watch::Sender::new(Health::Starting);
        Self {
            cluster,
            node,
            pending: PendingChanges::default(),
            local: Mutex::default(),
            health,
            renew_every,
        }
    }

    fn lock_local(&self) -> MutexGuard<'_, Option<Weak<dyn LocalNode>>> {
        self.local.lock().expect("no code panics while it holds this lock")
    }
}
