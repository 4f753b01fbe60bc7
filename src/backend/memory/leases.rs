//! Which nodes live.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::rules::{is_over, is_settled, steady_since};
use crate::backend::{Lease, NodeInfo, Vitals};
use crate::config::Presence as Settings;
use crate::model::NodeId;

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
