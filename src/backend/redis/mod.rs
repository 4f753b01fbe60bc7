//! The backend of a cluster: all shared state is in Redis, and every change that must be atomic is one Lua script.
//! Nothing here knows a session, a frame or a socket.

mod accounts;
mod client;
mod cluster;
mod cursors;
mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod keys;
mod log;
mod moderation;
#[cfg(test)]
mod mutations;
mod notifications;
mod preferences;
mod presence;
mod pubsub;
mod quotas;
mod reports;
mod rooms;
mod schedules;
mod standing;
mod topology;

use std::sync::Arc;

use redis::{ErrorKind, RedisError};
use tracing::{info, warn};

use self::accounts::RedisAccounts;
use self::client::role::Role;
use self::client::script::Script;
use self::client::target::Target;
use self::cluster::{Leases, RedisCluster};
use self::cursors::RedisCursors;
use self::files::RedisFiles;
use self::keys::Keys;
use self::log::Log;
use self::moderation::RedisModeration;
use self::notifications::RedisNotifications;
use self::preferences::RedisPreferences;
use self::presence::RedisPresence;
use self::presence::generation::DataGeneration;
use self::presence::index::Index;
use self::presence::index::sizes::Sizes;
use self::presence::reads::Reads;
use self::presence::reconcile::Reconciler;
use self::presence::reconcile::digest::Comparer;
use self::presence::reconcile::tracking::KeyTracking;
use self::presence::writer::Memberships;
use self::pubsub::Subscriber;
use self::pubsub::codec::Wire;
use self::quotas::RedisQuotas;
use self::reports::RedisReports;
use self::rooms::RedisRooms;
use self::schedules::RedisSchedules;
use self::standing::RedisStandings;
use self::topology::Shards;
use self::topology::pooled::PooledCalls;
use super::node::events;
use super::{Backend, BackendError, Events, Result};
use crate::config::Config;
use crate::model::NodeId;
use crate::supervisor::Supervisor;

/// Starts the tasks of the backend. An unreachable Redis is waited for.
///
/// # Errors
/// [`BackendError::Misconfigured`] for an invalid URL, a refused password, or a Redis before version 7, which would
/// replicate scripts and so defeat their fence.
#[allow(clippy::too_many_lines, reason = "one step a concern")]
pub async fn start(config: &Config, node: NodeId, supervisor: &Supervisor) -> Result<(Backend, Events)> {
    let settings = &config.redis;
    let target = Target::read(settings)?;
    let data_generation = DataGeneration::default();
    let keys = Keys::new(&settings.prefix, target.database());
    let tracking = KeyTracking::new(keys.clone());
    let shards = Arc::new(Shards::new(target, settings, Arc::new(data_generation.clone()))?);
    try_first(&shards, &keys, &roles(&tracking), settings).await?;
    let (events, receiver) = events::queue(settings.into());
    let wire = Wire::new(node);
    let log = Log::start(keys.clone(), shards.clone(), wire.clone(), config, supervisor);
    let sizes = Sizes::default();
    let index = Index::new(keys.clone(), shards.clone(), sizes.clone());
    let memberships = Memberships::start(
        node,
        keys.clone(),
        shards.clone(),
        data_generation.clone(),
        index.clone(),
        &config.presence,
        supervisor,
    );
    let deadline = settings.command_timeout;
    let reconciler = Reconciler {
        comparer: Comparer::new(node, keys.clone(), shards.clone(), tracking.role()),
        tracking,
        memberships: memberships.clone(),
        verify_every: config.presence.verify_every,
        deadline,
    };
    let presence = RedisPresence {
        reads: Reads::new(keys.clone(), shards.clone(), data_generation.clone(), sizes.clone()),
        memberships,
        deadline,
        _size_keeper: supervisor.keep("room_sizes", sizes.keep(keys.clone(), shards.clone())),
    };
    let leases = Leases::new(node, keys.clone(), shards.clone(), data_generation, index, config, supervisor);
    let cluster = RedisCluster::new(leases, reconciler, &config.presence);
    let quotas = RedisQuotas::new(keys.clone(), shards.clone(), deadline);
    let calls = PooledCalls { shards: shards.clone(), deadline };
    let accounts = RedisAccounts { keys: keys.clone(), calls: calls.clone() };
    let moderation = RedisModeration::new(keys.clone(), calls.clone(), config);
    let standings = RedisStandings::new(keys.clone(), calls.clone(), config);
    let preferences = RedisPreferences::new(keys.clone(), calls.clone(), config);
    let reports = RedisReports { keys: keys.clone(), calls: calls.clone() };
    let rooms = RedisRooms::new(keys.clone(), calls.clone(), config);
    let notifications = RedisNotifications::new(keys.clone(), calls.clone(), config);
    let schedules = RedisSchedules::new(keys.clone(), calls.clone(), config);
    let cursors = RedisCursors::new(keys.clone(), calls.clone(), config);
    let files = Arc::new(RedisFiles { keys: keys.clone(), calls });
    let pubsub = Subscriber::start(keys, wire, node, shards, settings, events, supervisor);
    let backend = Backend {
        log: Arc::new(log),
        cursors: Arc::new(cursors),
        pubsub: Arc::new(pubsub),
        presence: Arc::new(presence),
        cluster: Arc::new(cluster),
        accounts: Arc::new(accounts),
        standings: Arc::new(standings),
        preferences: Arc::new(preferences),
        quotas: Arc::new(quotas),
        moderation: Arc::new(moderation),
        reports: Arc::new(reports),
        files: files.clone(),
        file_sweep: files,
        rooms: Arc::new(rooms),
        notifications: Arc::new(notifications),
        schedules: Arc::new(schedules),
    };
    Ok((backend, receiver))
}

/// Reads `redis.url` and the files of certificates.
///
/// # Errors
/// [`BackendError::Misconfigured`]
pub fn check(settings: &crate::config::Redis) -> Result<()> {
    Target::read(settings).map(drop)
}

/// Distinguishes a configuration that can never work from a Redis that is not reachable yet.
async fn try_first(
    shards: &Shards,
    keys: &Keys,
    roles: &[Role],
    settings: &crate::config::Redis,
) -> Result<()> {
    let deadline = settings.command_timeout;
    let address = shards.address();
    match tokio::time::timeout(deadline, shards.connect_first()).await {
        Ok(Ok(())) => {
            info!(%address, "connected to Redis");
            // Remaining connections are opened on first use.
            let _ = tokio::time::timeout(deadline, shards.connect_all(roles)).await;
            cluster::rights::check(shards, keys, &scripts(), settings.min_replicas_acked).await
        }
        Ok(Err(error)) if is_refused(&error) => Err(BackendError::Misconfigured(format!(
            "Redis at {address} refused the user or password; check redis.url"
        ))),
        Ok(Err(error)) if cluster::rights::is_lasting(&error.to_string()) => {
            Err(cluster::rights::misconfigured(shards, &error.to_string()))
        }
        Ok(Err(error)) if error.kind() == ErrorKind::InvalidClientConfig => {
            Err(BackendError::Misconfigured(format!("Redis at {address}: {error}")))
        }
        Ok(Err(error)) => {
            warn!(%error, %address, "waiting for Redis");
            Ok(())
        }
        Err(_) => {
            warn!(%address, "waiting for Redis");
            Ok(())
        }
    }
}

/// All roles that have a connection of their own.
fn roles(tracking: &KeyTracking) -> [Role; 6] {
    [log::POSTS, log::READS, presence::MEMBERSHIPS, tracking.role(), pubsub::NOTICES, pubsub::CANARIES]
}

/// All scripts that a node may call.
fn scripts() -> Vec<&'static Script> {
    [
        log::SCRIPTS.to_vec(),
        cursors::SCRIPTS.to_vec(),
        quotas::SCRIPTS.to_vec(),
        presence::scripts(),
        standing::scripts(),
        moderation::SCRIPTS.to_vec(),
        cluster::scripts(),
        accounts::SCRIPTS.to_vec(),
        preferences::SCRIPTS.to_vec(),
        files::scripts(),
        reports::SCRIPTS.to_vec(),
        rooms::SCRIPTS.to_vec(),
        notifications::SCRIPTS.to_vec(),
        schedules::SCRIPTS.to_vec(),
    ]
    .concat()
}

fn is_refused(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::client::script::Publishing;

    fn count(word: &str, folder: &Path) -> usize {
        let mut found = 0;
        for entry in std::fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                found += count(word, &path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source is text");
                found +=
                    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().matches(word).count();
            }
        }
        found
    }

    #[test]
    fn the_permissions_of_every_script_are_checked() {
        let scripts = super::scripts();
        let hashes: BTreeSet<&str> =
            scripts.iter().map(|script| script.hash(Publishing::Everywhere)).collect();
        assert_eq!(hashes.len(), scripts.len());
        assert_eq!(hashes.len(), count("Script::new(", Path::new("src/backend/redis")));
        assert!(scripts.iter().any(|script| script.commands().contains(&"XADD".to_owned())));
    }
}
