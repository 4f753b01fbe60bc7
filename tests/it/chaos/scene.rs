//! The environment of a run: Redis, nodes, a balancer, clients and samplers.

use std::time::{Duration, Instant};

use futures_util::future::LocalBoxFuture;

use super::crowd::{Crowd, Size};
use super::truth::Away;
use super::watch::Watch;
use crate::harness::{Cluster, HaProxy, Network, Swarm};

/// The length of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// The length that the guarantees name.
    Full,
    /// Short enough for the test suite.
    Short,
}

impl Length {
    /// The number of seconds for this length.
    pub fn seconds(self, full: f64, short: f64) -> Duration {
        Duration::from_secs_f64(if self == Self::Full { full } else { short })
    }
}

/// The parameters of a run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Nodes behind the balancer.
    pub nodes: usize,
    /// The number and rate of clients.
    pub size: Size,
    /// The length of the fault.
    pub length: Length,
    /// Traffic before the fault.
    pub warm_up: Duration,
    /// `presence.leave_grace`: shorter than the default, since each run waits for it.
    pub leave_grace: Duration,
    /// `history.max_messages`: all messages of a run fit, so that none is trimmed.
    pub log: usize,
    /// Further settings of the nodes.
    pub settings: Vec<(&'static str, &'static str)>,
}

/// All that runs. Fields are dropped in order: clients, then nodes, then Redis.
#[derive(Debug)]
pub struct Scene {
    /// Everybody.
    pub crowd: Crowd,
    /// Samples the nodes.
    pub watch: Watch,
    /// The balancer in front of the nodes.
    pub balancer: HaProxy,
    /// The nodes, and Redis between them.
    pub cluster: Cluster,
    /// The length of the fault.
    pub length: Length,
    /// Partitioned nodes, recorded by the fault for the verdict.
    pub away: Vec<Away>,
    /// Its network namespace, if it has one of its own.
    pub network: Option<Network>,
    /// Additional clients that only count.
    pub swarm: Option<Swarm>,
    /// Results of the fault's own checks by name.
    pub findings: Vec<(&'static str, Result<(), String>)>,
    ports: Vec<u16>,
    rooms: Vec<String>,
}

impl Scene {
    /// Starts everything and connects the clients; `None` if a program is not installed.
    pub async fn start(plan: &Plan) -> Option<Self> {
        Self::around(plan, |settings| Box::pin(Cluster::with(plan.nodes, settings))).await
    }

    /// The same with a cluster that the caller starts with the given settings.
    pub async fn around(
        plan: &Plan,
        start: impl for<'s> FnOnce(&'s [(&'s str, &'s str)]) -> LocalBoxFuture<'s, Option<Cluster>>,
    ) -> Option<Self> {
        let (leave_grace, log) = (format!("{}ms", plan.leave_grace.as_millis()), plan.log.to_string());
        // A drain of one second instead of ten shortens the run.
        let mut settings = vec![
            ("presence.leave_grace", leave_grace.as_str()),
            ("history.max_messages", log.as_str()),
            ("server.drain", "1s"),
            ("log.level", "info"),
            ("presence.renew_every", "1s"),
        ];
        settings.extend(&plan.settings);
        let cluster = start(&settings).await?;
        let ports: Vec<_> = cluster.nodes.iter().map(|node| node.port).collect();
        let balancer = HaProxy::start(&ports).await?;
        let rooms = plan.size.rooms();
        let crowd = Crowd::enter(&plan.size, &ports, balancer.port).await;
        let watch = Watch::start(&ports, &rooms);
        let (length, away, findings) = (plan.length, Vec::new(), Vec::new());
        let (network, swarm) = (None, None);
        Some(Self { crowd, watch, balancer, cluster, length, away, network, swarm, findings, ports, rooms })
    }

    /// The nodes' ports, by index.
    pub fn nodes(&self) -> &[u16] {
        &self.ports
    }

    /// The rooms with traffic.
    pub fn rooms(&self) -> &[String] {
        &self.rooms
    }

    /// The room with sessions of all kinds.
    pub fn main_room(&self) -> &str {
        &self.rooms[0]
    }

    /// Waits while the fault is in effect.
    pub async fn endure(&self, full: f64, short: f64) {
        tokio::time::sleep(self.length.seconds(full, short)).await;
    }

    /// Records that a node was partitioned from `from` until now.
    pub fn was_away(&mut self, node: usize, from: Instant) {
        self.away.push(Away { port: self.ports[node], from, to: Instant::now() });
    }
}
