//! The setting of a run: Redis, nodes, a balancer, everybody who talks, and those who watch.

use std::time::{Duration, Instant};

use futures_util::future::LocalBoxFuture;

use super::crowd::{Crowd, Size};
use super::truth::Away;
use super::watch::Watch;
use crate::harness::{Cluster, HaProxy, Network, Swarm};

/// How long a fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// As it is promised to be survived.
    Full,
    /// Short enough for a test that runs with every change.
    Short,
}

impl Length {
    /// One of two numbers of seconds.
    pub fn seconds(self, full: f64, short: f64) -> Duration {
        Duration::from_secs_f64(if self == Self::Full { full } else { short })
    }
}

/// How a run is set up.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Nodes behind the balancer.
    pub nodes: usize,
    /// Who talks how much.
    pub size: Size,
    /// How long the fault lasts.
    pub length: Length,
    /// Talk before the fault.
    pub warm_up: Duration,
    /// `presence.leave_grace`: shorter than the default, so that no run waits ten seconds for leaves that must not come.
    pub leave_grace: Duration,
    /// `history.max_messages`: as many as a room is told in a run, so that whatever is lost is not lost for its age.
    pub log: usize,
    /// Further settings of the nodes.
    pub settings: Vec<(&'static str, &'static str)>,
}

/// Everything that runs. Clients go before the nodes do, and those before their Redis.
#[derive(Debug)]
pub struct Scene {
    /// Everybody.
    pub crowd: Crowd,
    /// Asks the nodes all the time.
    pub watch: Watch,
    /// In front of the nodes.
    pub balancer: HaProxy,
    /// The nodes, and Redis between them.
    pub cluster: Cluster,
    /// How long the fault shall last.
    pub length: Length,
    /// Nodes that were shut off from the others, which a fault notes for whoever judges.
    pub away: Vec<Away>,
    /// The network that it is in, if that is its own.
    pub network: Option<Network>,
    /// More clients than usual, each of which remembers little.
    pub swarm: Option<Swarm>,
    /// What a fault has seen for itself: a name, and what is wrong if it is.
    pub findings: Vec<(&'static str, Result<(), String>)>,
    ports: Vec<u16>,
    rooms: Vec<String>,
}

impl Scene {
    /// Starts everything and lets everybody in; `None` if a program is not installed here.
    pub async fn start(plan: &Plan) -> Option<Self> {
        Self::around(plan, |settings| Box::pin(Cluster::with(plan.nodes, settings))).await
    }

    /// The same around a cluster that is started in another way, with these settings.
    pub async fn around(
        plan: &Plan,
        start: impl for<'s> FnOnce(&'s [(&'s str, &'s str)]) -> LocalBoxFuture<'s, Option<Cluster>>,
    ) -> Option<Self> {
        let (leave_grace, log) = (format!("{}ms", plan.leave_grace.as_millis()), plan.log.to_string());
        // A node that is told to stop moves everybody within a second, for the sake of time; the default is ten.
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

    /// The nodes' ports, by place.
    pub fn nodes(&self) -> &[u16] {
        &self.ports
    }

    /// The rooms that are talked in.
    pub fn rooms(&self) -> &[String] {
        &self.rooms
    }

    /// The room that all kinds of sessions are in.
    pub fn main_room(&self) -> &str {
        &self.rooms[0]
    }

    /// Lets time pass with the fault in effect.
    pub async fn endure(&self, full: f64, short: f64) {
        tokio::time::sleep(self.length.seconds(full, short)).await;
    }

    /// Notes that a node was shut off from the others since `from` until now.
    pub fn was_away(&mut self, node: usize, from: Instant) {
        self.away.push(Away { port: self.ports[node], from, to: Instant::now() });
    }
}
