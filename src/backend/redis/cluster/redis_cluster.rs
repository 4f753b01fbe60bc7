//! A node's part in the cluster: its lease, and the reconciliation of its sessions.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::Leases;
use crate::backend::node::lease::{Lease, LeaseHolder, LeaseLoop};
use crate::backend::redis::presence::reconcile::Reconciler;
use crate::backend::{
    BackendError, Cluster, FiguresPage, FiguresSpan, Health, LocalNode, NodeInfo, NodeStats, Result, Secrets,
    within,
};
use crate::config::Presence as Settings;
use crate::supervisor::Supervisor;
use crate::telemetry::Figures;

/// One node's part in the cluster.
#[derive(Debug)]
pub struct RedisCluster {
    leases: Leases,
    reconciler: Reconciler,
    health: watch::Sender<Health>,
    renew_every: Duration,
}

impl RedisCluster {
    pub fn new(leases: Leases, reconciler: Reconciler, settings: &Settings) -> Self {
        let health = watch::Sender::new(Health::Starting);
        Self { leases, reconciler, health, renew_every: settings.renew_every }
    }
}

#[async_trait]
impl LeaseHolder for RedisCluster {
    async fn renew(&self, stats: &NodeStats, figures: Option<&Figures>) -> Result<Lease> {
        self.leases.renew(stats, figures).await
    }

    async fn resync(&self) -> Result<()> {
        self.reconciler.memberships.resync_all().await
    }
}

#[async_trait]
impl Cluster for RedisCluster {
    fn start(self: Arc<Self>, node: Arc<dyn LocalNode>, supervisor: &Supervisor) {
        self.reconciler.memberships.attach(Some(&node));
        supervisor.run("membership-check", self.reconciler.clone().run(node.clone(), supervisor.clone()));
        let (health, renew_every, holder) = (self.health.clone(), self.renew_every, self);
        let lease = LeaseLoop { holder, node, health, renew_every, supervisor: supervisor.clone() };
        supervisor.run("lease", lease.run());
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// If the sessions cannot be removed from all rooms, the lease is left to expire, and a reaper of another node
    /// removes them. Without the lease no node would look for them.
    async fn retire(&self) -> Result<()> {
        let memberships = &self.reconciler.memberships;
        memberships.attach(None);
        memberships.resync_all().await?;
        within(self.reconciler.deadline, self.leases.remove()).await
    }

    async fn nodes(&self) -> Result<Vec<NodeInfo>> {
        within(self.reconciler.deadline, self.leases.living()).await
    }

    async fn figures(&self, span: FiguresSpan) -> Result<FiguresPage> {
        within(self.reconciler.deadline, self.leases.figures(span)).await
    }

    async fn secrets(&self) -> Result<Option<Secrets>> {
        self.leases.exchange_secrets("").await
    }

    async fn keep_secret(&self, own: &str) -> Result<Secrets> {
        let kept = self.leases.exchange_secrets(own).await?;
        kept.ok_or_else(|| BackendError::Unavailable("Redis did not keep the secret".into()))
    }
}
