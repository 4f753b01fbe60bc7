//! Keeps the map of a Redis Cluster up to date: asks the servers which of them has which slots.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::{ConnectionInfo, Value};
use tracing::{debug, info, warn};

use super::{PATIENCE, Shards};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::dialer::Dialer;
use crate::backend::redis::client::server::{Lane, Manner, Server, parsed, value_or_error};
use crate::backend::redis::client::target::{Target, at};
use crate::backend::redis::presence::generation::Generations;
use crate::backend::redis::reason;
use crate::backend::redis::topology::slot_map::{Map, masters};
use crate::backend::{BackendError, Result};
use crate::supervisor::ticks;

/// Time between two looks at a cluster's map, or at who is the master for the Sentinels. A key that has
/// moved is found sooner: the old place says so.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Shards {
    /// Keeps the map up to date, for ever.
    pub async fn keep_up(self: Arc<Self>) {
        let mut ticks = ticks(LOOK_EVERY);
        loop {
            ticks.tick().await;
            match &self.target {
                // Nothing moves.
                Target::One(_) => std::future::pending().await,
                Target::Sentinel { .. } => {
                    for server in self.map().servers() {
                        server.follow_sentinels().await;
                    }
                }
                Target::Cluster(_) => self.look().await,
            }
        }
    }

    /// Asks the cluster who has which slots; if nobody answers, all stays as it is.
    pub async fn look(&self) {
        if !self.is_cluster() {
            return;
        }
        let Ok(_looking) = self.looking.try_lock() else {
            // Somebody is asking: what he learns serves all.
            drop(self.looking.lock().await);
            return;
        };
        let (before, mut known) = (self.map(), self.map().servers());
        known.extend(self.seeds.iter().filter(|seed| !before.has(&seed.name)).cloned());
        let mut asking: FuturesUnordered<_> =
            known.iter().map(async |server| (server, self.ask(server, &known).await)).collect();
        let (mut newest, mut refusal): (Option<Map>, _) = (None, None);
        loop {
            // A dead server must not hold up the others, and one that was cut off from them knows less:
            // so once one has said what is not older than before, the others have a moment.
            let is_enough = newest.as_ref().is_some_and(|map| map.epoch >= before.epoch);
            let moment = if is_enough { PATIENCE } else { Duration::MAX };
            match tokio::time::timeout(moment, asking.next()).await {
                Ok(Some((_, Ok(map)))) if newest.as_ref().is_none_or(|newest| newest.epoch < map.epoch) => {
                    newest = Some(map);
                }
                Ok(Some((_, Ok(_)))) => {}
                Ok(Some((server, Err(error)))) => {
                    debug!(error = %reason(&error), redis = %server.name, "No map from a server");
                    refusal = Some(error);
                }
                Ok(None) | Err(_) => break,
            }
        }
        match (newest, refusal) {
            (Some(map), _) => self.adopt(map),
            (None, Some(error)) => {
                warn!(error = %reason(&error), "No server of the Redis Cluster says who has which slots");
            }
            (None, None) => {}
        }
    }

    fn adopt(&self, map: Map) {
        let before = self.map();
        if map.is_as(&before) {
            *self.write() = Arc::new(map);
            return;
        }
        // One that is named in `redis.url` may have been connected to as a replica, whose history counts
        // for nothing: the next connection sees which one the master goes on with.
        map.servers().iter().filter(|server| !before.has(&server.name)).for_each(|server| server.suspect());
        let servers: Vec<String> = map.servers().iter().map(|server| server.name.clone()).collect();
        info!(masters = servers.join(", "), "The Redis Cluster has another map");
        *self.write() = Arc::new(map);
        self.generations.keep_histories(&servers);
        self.changes.send_replace(());
    }

    /// The server at an address that another one has sent us to. It may have no slot yet, and so not stand
    /// in the map; then its history counts for nothing, and begins to once it has one.
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
        let dialer = Dialer::fixed(&info, &self.settings).ok()?;
        let server = Arc::new(self.server_with(address, dialer, Generations::default()));
        importing.push(server.clone());
        Some(server)
    }

    /// A server of the map, or one not known yet.
    pub fn at(&self, name: String, like: &ConnectionInfo, known: &[Arc<Server>]) -> Option<Arc<Server>> {
        if let Some(server) = known.iter().find(|server| server.name == name) {
            return Some(server.clone());
        }
        let dialer = Dialer::fixed(like, &self.settings);
        dialer.ok().map(|dialer| self.server(name, dialer))
    }

    async fn ask(&self, server: &Arc<Server>, known: &[Arc<Server>]) -> Result<Map> {
        let Target::Cluster(seeds) = &self.target else { return Ok(Map::default()) };
        let [slots, info] = ["SLOTS", "INFO"].map(|what| Call::beside("CLUSTER", String::new()).arg(what));
        let mut values = server.run(Lane::Reads, &[&slots, &info], Manner::Loose, false).await?;
        // Who may not ask for it takes the maps as they come.
        let info: String = parsed(values.pop().unwrap_or(Value::Nil)).unwrap_or_default();
        let epoch = info.lines().find_map(|line| line.strip_prefix("cluster_current_epoch:"));
        let epoch = epoch.and_then(|epoch| epoch.trim().parse().ok()).unwrap_or(0);
        let mut ranges: Vec<(u16, u16, Arc<Server>)> = Vec::new();
        for (first, last, host, port) in masters(value_or_error(values.pop().unwrap_or(Value::Nil))?)? {
            // A server that has not been told its own name leaves it out.
            let info = at(&seeds[0], host.as_deref().unwrap_or(server.host()), port);
            let name = info.addr().to_string();
            let named =
                ranges.iter().map(|(_, _, server)| server).find(|server| server.name == name).cloned();
            let Some(owner) = named.or_else(|| self.at(name, &info, known)) else { continue };
            ranges.push((first, last, owner));
        }
        ranges.sort_by_key(|&(first, _, _)| first);
        match ranges.is_empty() {
            true => Err(BackendError::Unavailable("the Redis Cluster has no slots yet".into())),
            false => Ok(Map { ranges, epoch }),
        }
    }
}
