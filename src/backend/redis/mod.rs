//! The backend of a cluster: everything shared lives in Redis, and every change of it that must
//! be whole is one Lua script. Nothing here knows a session, a frame or a socket.

mod generation;
mod keys;
mod link;
mod liveness;
mod log;
mod presence;
mod pubsub;
mod scripts;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use deadpool_redis::{Manager, Pool, PoolConfig, Runtime, Timeouts};
use redis::{AsyncConnectionConfig, Client, ErrorKind, Pipeline, RedisError};
use tokio::sync::mpsc;
use tracing::{info, warn};

use self::generation::Generations;
use self::keys::Keys;
use self::link::{Connector, Link, first, unavailable};
use self::liveness::Liveness;
use self::log::Log;
use self::presence::Presence;
use self::pubsub::Subscriber;
use self::scripts::Scripts;
use super::{
    Backend, BackendError, Entered, Events, Farewell, Lease, Membership, NodeInfo, Page, Result, RoomCount,
    SharedBackend, Span, Subscription, Vitals,
};
use crate::config::{Config, Redis as Settings};
use crate::model::{Draft, Member, NodeId, Notice, Position, Receipt, RoomName};

/// One node's share of a cluster over Redis.
#[derive(Debug)]
pub struct RedisBackend {
    keys: Keys,
    log: Log,
    presence: Presence,
    liveness: Liveness,
    subscriber: Subscriber,
    // Reads and announcements; posts and memberships have links of their own, so that a slow page
    // delays neither.
    reads: Link,
    deadline: std::time::Duration,
}

impl RedisBackend {
    /// Starts the tasks that keep up the connections. A Redis that is not there yet is waited for.
    ///
    /// # Errors
    /// [`BackendError::Misconfigured`] for a URL that is none, a refused password, or a Redis
    /// before version 7, which would replicate scripts and so defeat their fence.
    pub async fn start(config: &Config, node: NodeId) -> Result<(SharedBackend, Events)> {
        let settings = &config.redis;
        let client = Client::open(settings.url.as_str()).map_err(|error| misconfigured_url(&error))?;
        check(&client, settings).await?;
        let connector = Connector::new(pool(settings)?, settings.command_timeout);
        let (posts, memberships, reads) = (connector.link(), connector.link(), connector.link());
        let (keys, scripts) = (Keys::new(&settings.prefix), Scripts::default());
        let generations = Generations::default();
        let (events, receiver) = mpsc::channel(settings.event_queue);
        let log = Log::start(
            keys.clone(),
            scripts.clone(),
            [posts, reads.clone()],
            &config.history,
            &config.limits,
        );
        let presence = Presence::new(
            node,
            keys.clone(),
            scripts.clone(),
            [memberships.clone(), reads.clone()],
            generations.clone(),
            &config.presence,
        );
        let liveness =
            Liveness::new(node, keys.clone(), scripts, memberships.clone(), generations, &config.presence);
        let subscriber = Subscriber::start(client, keys.clone(), node, connector, settings, events);
        let deadline = settings.command_timeout;
        Ok((Arc::new(Self { keys, log, presence, liveness, subscriber, reads, deadline }), receiver))
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        tokio::time::timeout(self.deadline, work)
            .await
            .unwrap_or_else(|elapsed| Err(BackendError::Unavailable(elapsed.into())))
    }
}

/// The pool that opens connections, with deadlines. Each link holds one.
fn pool(settings: &Settings) -> Result<Pool> {
    let connection = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(settings.connect_timeout))
        .set_response_timeout(Some(settings.command_timeout));
    let manager = Manager::new_with_config(settings.url.as_str(), connection)
        .map_err(|error| misconfigured_url(&error))?;
    Pool::builder(manager)
        .config(PoolConfig { max_size: 4, ..PoolConfig::default() })
        .timeouts(Timeouts { create: Some(settings.connect_timeout), ..Timeouts::wait_millis(2_000) })
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| BackendError::Misconfigured(error.to_string()))
}

/// Tells what will never work from what is not there yet.
async fn check(client: &Client, settings: &Settings) -> Result<()> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(settings.connect_timeout))
        .set_response_timeout(Some(settings.command_timeout));
    let asked: redis::RedisResult<String> = async {
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        redis::cmd("INFO").arg("server").query_async(&mut connection).await
    }
    .await;
    match asked {
        Ok(server) => check_version(&server),
        Err(error) if is_refused(&error) => Err(BackendError::Misconfigured(format!(
            "Redis at {} refused the user or password; check redis.url",
            client.get_connection_info().addr()
        ))),
        Err(error) => {
            let address = client.get_connection_info().addr();
            warn!(%error, "Redis at {address} does not answer yet; waiting for it");
            Ok(())
        }
    }
}

fn check_version(server: &str) -> Result<()> {
    let version = server.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or("0").trim();
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < 7 {
        return Err(BackendError::Misconfigured(format!(
            "Redis {version} is too old; 7.0 or newer is needed"
        )));
    }
    info!(version, "Redis answers");
    Ok(())
}

fn is_refused(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"))
}

/// Never shows the URL: it may hold a password.
fn misconfigured_url(error: &RedisError) -> BackendError {
    BackendError::Misconfigured(format!(
        "redis.url is no usable URL ({}); say redis://host:port",
        error.category()
    ))
}

#[async_trait]
impl Backend for RedisBackend {
    async fn post(&self, draft: Draft) -> Result<Receipt> {
        self.within(self.log.post(draft)).await
    }

    async fn announce(&self, room: &RoomName, notice: Notice) -> Result<()> {
        let mut publish = Pipeline::new();
        publish.cmd("PUBLISH").arg(self.keys.channel(room)).arg(wire::encode_notice(&notice));
        first::<u64>(self.reads.run(&publish).await?).map(drop)
    }

    async fn heads(&self, rooms: &[RoomName]) -> Result<Vec<Position>> {
        self.log.heads(rooms).await
    }

    async fn read(&self, room: &RoomName, span: Span, limit: usize) -> Result<Page> {
        self.log.read(room, span, limit).await
    }

    async fn subscribe(&self, room: &RoomName) -> Result<()> {
        self.subscriber.subscribe(room).await
    }

    fn unsubscribe(&self, room: &RoomName) {
        self.subscriber.unsubscribe(room);
    }

    async fn enter(&self, room: &RoomName, member: &Member) -> Result<Entered> {
        self.presence.enter(room, member).await
    }

    async fn leave(&self, room: &RoomName, member: &Member, farewell: Farewell) -> Result<()> {
        self.presence.leave(room, member, farewell).await
    }

    async fn restore(&self, membership: &Membership) -> Result<()> {
        self.presence.restore(membership).await
    }

    async fn rooms(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<RoomCount>> {
        self.presence.rooms(prefix, after, limit).await
    }

    async fn members(
        &self,
        room: &RoomName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(u64, Vec<Member>)> {
        self.presence.members(room, after, limit).await
    }

    async fn renew(&self, vitals: &Vitals) -> Result<Lease> {
        self.liveness.renew(vitals).await
    }

    async fn retire(&self) -> Result<()> {
        self.liveness.retire().await
    }

    async fn nodes(&self) -> Result<Vec<NodeInfo>> {
        self.liveness.nodes().await
    }

    async fn secret(&self, candidate: &str) -> Result<String> {
        let mut keep = Pipeline::new();
        keep.cmd("SET").arg(self.keys.secret()).arg(candidate).arg("NX");
        keep.cmd("GET").arg(self.keys.secret());
        let mut answers = self.reads.run(&keep).await?;
        first::<Option<String>>(answers.split_off(1))?
            .ok_or_else(|| unavailable(RedisError::from((ErrorKind::Client, "the secret was not kept"))))
    }

    fn subscription(&self) -> Subscription {
        self.subscriber.state()
    }
}
