//! Which nodes live.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryNode;
use super::rules::{is_over, is_settled, steady_since};
use crate::backend::{Cluster, Lease, NodeInfo, Result, Secrets, Vitals};
use crate::config::Presence as Settings;
use crate::model::NodeId;

/// `secret.lua`: earlier secrets that are kept.
const EARLIER_SECRETS: usize = 8;

#[async_trait]
impl Cluster for MemoryNode {
    async fn renew(&self, vitals: &Vitals) -> Result<Lease> {
        let mut shared = self.cluster.lock();
        let now = Instant::now();
        let (lease, dead) = shared.leases.renew(self.node, vitals, now);
        // None while nobody may be taken for dead; farewells wait for the same.
        if let Some(dead) = dead {
            for node in dead {
                tracing::warn!(dead_node = %node, "A node died; taking its sessions out of their rooms");
                let events = shared.rooms.reap(node, now);
                shared.publish(events);
            }
            let farewells = shared.rooms.say_farewells(now);
            shared.publish(farewells);
        }
        shared.logs.forget_unused(now);
        Ok(lease)
    }

    async fn retire(&self) -> Result<()> {
        self.cluster.lock().leases.give_back(self.node);
        Ok(())
    }

    async fn nodes(&self) -> Result<Vec<NodeInfo>> {
        Ok(self.cluster.lock().leases.living(Instant::now()))
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
    /// Without any renewal for so long, the process was away.
    away: Duration,
    nodes: BTreeMap<NodeId, Holder>,
    last_renewal: Option<Instant>,
    steady_since: Instant,
}

struct Holder {
    renewed: Instant,
    vitals: Vitals,
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

    /// Renews a node's lease, and returns the nodes that are dead and now forgotten; `None` while
    /// it is too early to tell.
    pub(super) fn renew(
        &mut self,
        node: NodeId,
        vitals: &Vitals,
        now: Instant,
    ) -> (Lease, Option<Vec<NodeId>>) {
        self.steady_since = steady_since(self.last_renewal, self.steady_since, now, self.away);
        self.last_renewal = Some(now);
        let before = self.nodes.insert(node, Holder { renewed: now, vitals: vitals.clone() });
        let lease = match before {
            Some(holder) if !is_over(holder.renewed, now, self.lease) => Lease::Held,
            _ => Lease::Lost,
        };
        (lease, is_settled(self.steady_since, now, self.lease).then(|| self.forget_dead(now)))
    }

    fn forget_dead(&mut self, now: Instant) -> Vec<NodeId> {
        let is_dead = |holder: &Holder| is_over(holder.renewed, now, self.lease);
        let dead = self.nodes.iter().filter(|(_, holder)| is_dead(holder)).map(|(id, _)| *id).collect();
        self.nodes.retain(|_, holder| !is_dead(holder));
        dead
    }

    pub(super) fn give_back(&mut self, node: NodeId) {
        self.nodes.remove(&node);
    }

    pub(super) fn living(&self, now: Instant) -> Vec<NodeInfo> {
        self.nodes
            .iter()
            .filter(|(_, holder)| !is_over(holder.renewed, now, self.lease))
            .map(|(id, holder)| NodeInfo { id: *id, vitals: holder.vitals.clone() })
            .collect()
    }
}
