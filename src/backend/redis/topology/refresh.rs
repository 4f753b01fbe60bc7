//! Refreshes the topology: the slot map of a Redis Cluster, or the master that Sentinels name.

use std::sync::Arc;
use std::time::Duration;

use redis::{ConnectionInfo, Value};
use tracing::{debug, info, warn};

use super::{REDIRECT_DELAY, Shards, TOPOLOGY};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::dialer::Dialer;
use crate::backend::redis::client::newest::newest_within;
use crate::backend::redis::client::server::{Atomicity, Reason, Sending, Server, parsed, value_or_error};
use crate::backend::redis::client::target::{Target, at};
use crate::backend::redis::topology::slot_map::{MasterRange, SlotMap, SlotRange, masters};
use crate::backend::{BackendError, Result};
use crate::supervisor::ticks;

/// Interval between two refreshes. A key that has moved is found sooner, by a redirect.
const REFRESH_EVERY: Duration = Duration::from_secs(1);

impl Shards {
    /// Refreshes the topology periodically.
    pub async fn keep_refreshed(self: Arc<Self>) {
        let mut ticks = ticks(REFRESH_EVERY);
        loop {
            ticks.tick().await;
            match &self.target {
                // A single server never moves.
                Target::One(_) => std::future::pending().await,
                Target::Sentinel { .. } => {
                    for server in self.map().servers() {
                        server.follow_sentinels().await;
                    }
                }
                Target::Cluster(_) => self.refresh().await,
            }
        }
    }

    /// Fetches the slot map of the cluster. If no server answers, the map stays.
    pub async fn refresh(&self) {
        if !self.is_cluster() {
            return;
        }
        let Ok(_refreshing) = self.refresh_lock.try_lock() else {
            // Another task is refreshing; its result serves this one, too.
            drop(self.refresh_lock.lock().await);
            return;
        };
        let (before, mut known) = (self.map(), self.map().servers());
        known.extend(self.seeds.iter().filter(|seed| !before.has(&seed.name)).cloned());
        let asked = known.iter().map(async |server| {
            let answer = self.ask(server, &known).await;
            answer.inspect_err(|error| {
                debug!(error = %error.root_cause(), redis = %server.name, "CLUSTER SLOTS failed");
            })
        });
        let newest = newest_within(REDIRECT_DELAY, before.epoch, asked, |map: &SlotMap| map.epoch).await;
        if let Some(map) = newest.answer {
            self.apply(map);
        } else if let Some(error) = newest.refusals.last() {
            warn!(error = %error.root_cause(), "no server answered CLUSTER SLOTS");
        }
    }

    fn apply(&self, map: SlotMap) {
        let before = self.map();
        if map.same_layout(&before) {
            *self.write() = Arc::new(map);
            return;
        }
        // A server in `redis.url` may have been connected to as a replica, whose replication id does not count. The
        // next connection reports that of the master.
        let is_new = |server: &&Arc<Server>| !before.has(&server.name);
        map.servers().iter().filter(is_new).for_each(|server| server.invalidate_connections());
        let servers: Vec<String> = map.servers().iter().map(|server| server.name.clone()).collect();
        info!(masters = servers.join(", "), "cluster topology changed");
        *self.write() = Arc::new(map);
        self.observer.masters_changed(&servers);
        self.changes.send_replace(());
    }

    /// The server at the address of a redirect. It may not be in the map yet; then its replication id does not
    /// count until it is.
    pub async fn server_at(&self, address: String) -> Option<Arc<Server>> {
        let map = self.map();
        let mut importing = self.importing.lock().await;
        importing.retain(|server| !map.has(&server.name));
        let known = [map.servers(), importing.clone()].concat();
        let Target::Cluster(seeds) = &self.target else { return None };
        let (host, port) = address.rsplit_once(':')?;
        let info = at(&seeds[0], host, port.parse().ok()?);
        if let Some(server) = known.into_iter().find(|server| server.name == address) {
            return Some(server);
        }
        let dialer = Dialer::fixed(&info).ok()?;
        let server = self.observed(address, dialer, None);
        importing.push(server.clone());
        Some(server)
    }

    /// A known server, or another one.
    pub fn at(&self, name: String, like: &ConnectionInfo, known: &[Arc<Server>]) -> Option<Arc<Server>> {
        if let Some(server) = known.iter().find(|server| server.name == name) {
            return Some(server.clone());
        }
        let dialer = Dialer::fixed(like);
        dialer.ok().map(|dialer| self.server(name, dialer))
    }

    async fn ask(&self, server: &Arc<Server>, known: &[Arc<Server>]) -> Result<SlotMap> {
        let Target::Cluster(seeds) = &self.target else { return Ok(SlotMap::default()) };
        let [slots, info] = ["SLOTS", "INFO"].map(|what| Call::beside("CLUSTER", String::new()).arg(what));
        let sending = Sending { role: &TOPOLOGY, atomicity: Atomicity::None, reason: Reason::Owner };
        let mut values = server.run(sending, &[&slots, &info]).await?;
        // Without permission for CLUSTER INFO, maps are applied as they arrive.
        let info: String = parsed(values.pop().unwrap_or(Value::Nil)).unwrap_or_default();
        let epoch = info.lines().find_map(|line| line.strip_prefix("cluster_current_epoch:"));
        let epoch = epoch.and_then(|epoch| epoch.trim().parse().ok()).unwrap_or(0);
        let mut ranges: Vec<SlotRange> = Vec::new();
        for MasterRange { first, last, host, port } in
            masters(value_or_error(values.pop().unwrap_or(Value::Nil))?)?
        {
            // A server that does not know its own name omits it.
            let info = at(&seeds[0], host.as_deref().unwrap_or(server.host()), port);
            let name = info.addr().to_string();
            let named = ranges.iter().map(|range| &range.server).find(|server| server.name == name).cloned();
            let Some(server) = named.or_else(|| self.at(name, &info, known)) else { continue };
            ranges.push(SlotRange { first, last, server });
        }
        ranges.sort_by_key(|range| range.first);
        if ranges.is_empty() {
            return Err(BackendError::Unavailable("the Redis Cluster has no slots yet".into()));
        }
        Ok(SlotMap { ranges, epoch })
    }
}
