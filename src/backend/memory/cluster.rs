//! Nodes, leases and secrets.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::Instant;

use super::MemoryNode;
use super::rules::{is_expired, may_declare_dead, steady_since};
use crate::backend::node::lease::{Lease, LeaseHolder, LeaseLoop};
use crate::backend::{
    Cluster, FIGURES_KEPT, FIGURES_PAGE, FiguresPage, FiguresPlace, FiguresSpan, Health, LocalNode,
    NodeFigures, NodeInfo, NodeStats, Result, Secrets,
};
use crate::config::Presence as Settings;
use crate::model::{NodeId, Timestamp};
use crate::supervisor::Supervisor;
use crate::telemetry::Figures;

/// Number of earlier secrets that are stored, as in `secret.lua`.
const EARLIER_SECRETS: usize = 8;

#[async_trait]
impl LeaseHolder for MemoryNode {
    async fn renew(&self, stats: &NodeStats, figures: Option<&Figures>) -> Result<Lease> {
        let mut shared = self.cluster.lock();
        let now = Instant::now();
        if let Some(figures) = figures {
            shared.figures.add(self.node, figures.clone());
        }
        let (lease, dead) = shared.leases.renew(self.node, stats, now);
        // `None` while no node may be declared dead; pending leave notices wait, too.
        if let Some(dead) = dead {
            for node in dead {
                tracing::warn!(dead_node = %node, "node died; removing its sessions");
                let events = shared.rooms.reap(node, now);
                shared.publish(events);
            }
            let notices = shared.rooms.send_due_leaves(now);
            shared.publish(notices);
        }
        shared.logs.remove_unused(now);
        shared.users.remove_expired(now);
        shared.preferences.remove_expired(now);
        shared.moderation.remove_ended(now);
        shared.records.remove_expired(now);
        shared.notifications.remove_ended();
        Ok(lease)
    }

    async fn resync(&self) -> Result<()> {
        let local = self.lock_local();
        let mut membership = BTreeMap::new();
        if let Some(node) = local.as_ref().and_then(Weak::upgrade) {
            let rooms = node.rooms().into_iter().map(|room| room.name).chain(self.pending.rooms());
            membership.extend(rooms.map(|room| (room.clone(), self.pending.expected(&*node, &room))));
        }
        let mut shared = self.cluster.lock();
        let events = shared.rooms.restore(self.node, &membership, Instant::now());
        shared.publish(events);
        Ok(())
    }
}

#[async_trait]
impl Cluster for MemoryNode {
    fn start(self: Arc<Self>, node: Arc<dyn LocalNode>, supervisor: &Supervisor) {
        *self.lock_local() = Some(Arc::downgrade(&node));
        let (health, renew_every, holder) = (self.health.clone(), self.renew_every, self);
        let lease = LeaseLoop { holder, node, health, renew_every, supervisor: supervisor.clone() };
        supervisor.run("lease", lease.run());
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    async fn retire(&self) -> Result<()> {
        *self.lock_local() = None;
        self.resync().await?;
        self.cluster.lock().leases.remove(self.node);
        Ok(())
    }

    async fn nodes(&self) -> Result<Vec<NodeInfo>> {
        Ok(self.cluster.lock().leases.living(Instant::now()))
    }

    async fn figures(&self, span: FiguresSpan) -> Result<FiguresPage> {
        Ok(self.cluster.lock().figures.page(span))
    }

    async fn secrets(&self) -> Result<Option<Secrets>> {
        Ok(self.cluster.lock().secrets.clone())
    }

    async fn keep_secret(&self, own: &str) -> Result<Secrets> {
        let mut shared = self.cluster.lock();
        let first = || Secrets { current: own.to_owned(), earlier: Vec::new() };
        let secrets = shared.secrets.get_or_insert_with(first);
        if secrets.current != own {
            secrets.earlier.retain(|earlier| earlier != own);
            secrets.earlier.push(own.to_owned());
            let excess = secrets.earlier.len().saturating_sub(EARLIER_SECRETS);
            secrets.earlier.drain(..excess);
        }
        Ok(secrets.clone())
    }
}

/// The nodes that have renewed a lease and were neither retired nor reaped.
pub(super) struct Leases {
    lease: Duration,
    /// A pause of all renewals for longer than this means that the process was suspended.
    away: Duration,
    nodes: BTreeMap<NodeId, Holder>,
    last_renewal: Option<Instant>,
    steady_since: Instant,
}

struct Holder {
    renewed: Instant,
    stats: NodeStats,
}

impl Leases {
    pub(super) fn new(settings: &Settings, now: Instant) -> Self {
        Self {
            lease: settings.lease,
            away: settings.lease.div_f64(2.0).max(settings.renew_every * 2),
            nodes: BTreeMap::new(),
            last_renewal: None,
            steady_since: now,
        }
    }

    /// Renews a node's lease, and removes and returns the dead nodes; `None` while it is too early to declare any
    /// dead.
    pub(super) fn renew(
        &mut self,
        node: NodeId,
        stats: &NodeStats,
        now: Instant,
    ) -> (Lease, Option<Vec<NodeId>>) {
        self.steady_since = steady_since(self.last_renewal, self.steady_since, now, self.away);
        self.last_renewal = Some(now);
        let before = self.nodes.insert(node, Holder { renewed: now, stats: stats.clone() });
        let lease = match before {
            Some(holder) if !is_expired(holder.renewed, now, self.lease) => Lease::Held,
            _ => Lease::Expired,
        };
        (lease, may_declare_dead(self.steady_since, now, self.lease).then(|| self.forget_dead(now)))
    }

    fn forget_dead(&mut self, now: Instant) -> Vec<NodeId> {
        let is_dead = |holder: &Holder| is_expired(holder.renewed, now, self.lease);
        let dead = self.nodes.iter().filter(|(_, holder)| is_dead(holder)).map(|(id, _)| *id).collect();
        self.nodes.retain(|_, holder| !is_dead(holder));
        dead
    }

    pub(super) fn remove(&mut self, node: NodeId) {
        self.nodes.remove(&node);
    }

    pub(super) fn living(&self, now: Instant) -> Vec<NodeInfo> {
        self.nodes
            .iter()
            .filter(|(_, holder)| !is_expired(holder.renewed, now, self.lease))
            .map(|(id, holder)| NodeInfo { id: *id, stats: holder.stats.clone() })
            .collect()
    }
}

/// The figures of all nodes in the order of storage.
#[derive(Default)]
pub(super) struct StoredFigures(VecDeque<(FiguresPlace, NodeFigures)>);

impl StoredFigures {
    fn add(&mut self, node: NodeId, figures: Figures) {
        let last = self.0.back().map(|(place, _)| *place);
        let now_ms = Timestamp::now().unix_millis();
        // The clock may go back, places don't.
        let place = match last {
            Some(last) if last.at_ms >= now_ms => FiguresPlace { number: last.number + 1, ..last },
            _ => FiguresPlace { at_ms: now_ms, number: 0 },
        };
        let oldest_ms = place.at_ms.saturating_sub(FIGURES_KEPT.as_millis() as u64);
        while self.0.front().is_some_and(|(place, _)| place.at_ms < oldest_ms) {
            self.0.pop_front();
        }
        self.0.push_back((place, NodeFigures { node, at_ms: place.at_ms, figures }));
    }

    fn page(&self, span: FiguresSpan) -> FiguresPage {
        let (first, most) = match span {
            FiguresSpan::After(None) => (0, FIGURES_PAGE),
            FiguresSpan::After(Some(after)) => {
                (self.0.partition_point(|(place, _)| *place <= after), FIGURES_PAGE)
            }
            FiguresSpan::Newest(count) => {
                let count = count.min(FIGURES_PAGE);
                (self.0.len().saturating_sub(count), count)
            }
        };
        let found: Vec<_> = self.0.range(first..).take(most).cloned().collect();
        FiguresPage {
            last: found.last().map(|(place, _)| *place),
            is_full: found.len() == FIGURES_PAGE,
            figures: found.into_iter().map(|(_, figures)| figures).collect(),
        }
    }
}
