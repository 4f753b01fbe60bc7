//! Opens connections to one server: one at a fixed address, or whichever the Sentinels call master.

use deadpool_redis::{Manager, Pool, PoolConfig, Runtime, Timeouts};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ProtocolVersion};
use redis::{ErrorKind, RedisError, RedisResult, TlsCertificates, TlsMode};
use tokio::sync::Mutex;

use crate::config::Redis as Settings;

/// Opens connections.
pub(super) enum Dialer {
    /// To an address.
    Fixed { pool: Pool, client: Box<Client> },
    /// To the master of the moment, as at least one of the Sentinels and the master itself see it.
    Sentinels(Vec<Mutex<SentinelClient>>),
}

impl Dialer {
    /// To a server at a known address.
    pub(super) fn fixed(info: &ConnectionInfo, settings: &Settings) -> RedisResult<Self> {
        let manager = Manager::new_with_config(info.clone(), config(settings))?;
        let pool = Pool::builder(manager)
            .config(PoolConfig { max_size: 4, ..PoolConfig::default() })
            .timeouts(Timeouts { create: Some(settings.connect_timeout), ..Timeouts::wait_millis(2_000) })
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Self::Fixed { pool, client: Box::new(Client::open(info.clone())?) })
    }

    /// To the master that the Sentinels know by this name.
    pub(super) fn sentinels(
        sentinels: &[ConnectionInfo],
        master: &str,
        redis: &ConnectionInfo,
        tls: Option<&TlsCertificates>,
    ) -> RedisResult<Self> {
        let client = |info: &ConnectionInfo| sentinel(info, master, redis, tls).map(Mutex::new);
        sentinels.iter().map(client).collect::<RedisResult<_>>().map(Self::Sentinels)
    }

    /// A connection for commands.
    pub(super) async fn for_commands(&self, settings: &Settings) -> RedisResult<MultiplexedConnection> {
        match self {
            Self::Fixed { pool, .. } => match pool.get().await {
                Ok(pooled) => Ok(deadpool_redis::Connection::take(pooled)),
                Err(deadpool_redis::PoolError::Backend(error)) => Err(error),
                Err(other) => Err(std::io::Error::other(other).into()),
            },
            Self::Sentinels(sentinels) => {
                let master = master(sentinels).await?;
                master.get_multiplexed_async_connection_with_config(&config(settings)).await
            }
        }
    }

    /// A connection on which Redis says something unasked; `config` says where that goes.
    pub(super) async fn for_pushes(
        &self,
        config: &AsyncConnectionConfig,
    ) -> RedisResult<MultiplexedConnection> {
        let client = match self {
            Self::Fixed { client, .. } => client.as_ref().clone(),
            Self::Sentinels(sentinels) => master(sentinels).await?,
        };
        let info = client.get_connection_info();
        // It comes between the answers: RESP3 tells them apart.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.clone().set_redis_settings(settings))?;
        client.get_multiplexed_async_connection_with_config(config).await
    }
}

/// One Sentinel, and how to prove oneself to it and to the master that it names.
fn sentinel(
    info: &ConnectionInfo,
    master: &str,
    redis: &ConnectionInfo,
    tls: Option<&TlsCertificates>,
) -> RedisResult<SentinelClient> {
    let addresses = [info.addr().clone()];
    let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?
        .set_client_to_redis_db(redis.redis_settings().db());
    if let Some(mode) = tls_mode(redis) {
        builder = builder.set_client_to_redis_tls_mode(mode).set_client_to_sentinel_tls_mode(mode);
    }
    if let Some(tls) = tls {
        builder = builder.set_client_to_redis_certificates(tls.clone());
        builder = builder.set_client_to_sentinel_certificates(tls.clone());
    }
    if let Some(user) = redis.redis_settings().username() {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = redis.redis_settings().password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(user) = info.redis_settings().username() {
        builder = builder.set_client_to_sentinel_username(user);
    }
    if let Some(password) = info.redis_settings().password() {
        builder = builder.set_client_to_sentinel_password(password);
    }
    builder.build()
}

/// The master that a Sentinel names and that says so itself. All are asked at once: one that does not
/// answer, as its machine is dead, would use up the time that a connection has.
async fn master(sentinels: &[Mutex<SentinelClient>]) -> RedisResult<Client> {
    let ask = async |sentinel: &Mutex<SentinelClient>| sentinel.lock().await.async_get_client().await;
    let mut asking: FuturesUnordered<_> = sentinels.iter().map(ask).collect();
    let mut refusal: Option<RedisError> = None;
    while let Some(answer) = asking.next().await {
        match answer {
            Ok(master) => return Ok(master),
            Err(error) if refusal.as_ref().is_none_or(|told| weight(told) <= weight(&error)) => {
                refusal = Some(error);
            }
            Err(_) => {}
        }
    }
    Err(refusal.unwrap_or_else(|| (ErrorKind::MasterNameNotFoundBySentinel, "no Sentinel is known").into()))
}

/// How much a refusal tells: a refused password more than a name that a Sentinel does not know, and that
/// more than a Sentinel which is not there.
fn weight(refusal: &RedisError) -> u8 {
    match refusal.kind() {
        ErrorKind::Io => 0,
        ErrorKind::MasterNameNotFoundBySentinel => 1,
        _ => 2,
    }
}

/// The deadlines of a connection.
pub(super) fn config(settings: &Settings) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(settings.connect_timeout))
        .set_response_timeout(Some(settings.command_timeout))
}

fn tls_mode(info: &ConnectionInfo) -> Option<TlsMode> {
    match info.addr() {
        ConnectionAddr::TcpTls { insecure: true, .. } => Some(TlsMode::Insecure),
        ConnectionAddr::TcpTls { .. } => Some(TlsMode::Secure),
        _ => None,
    }
}
