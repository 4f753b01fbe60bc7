//! Opens connections to one server: one at a fixed address, or whichever the Sentinels call master.

pub mod sentinels;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, ProtocolVersion, RedisResult,
};

use self::sentinels::Sentinels;
use crate::backend::redis::client::target::{Target, at};
use crate::config::Redis as Settings;

/// Opens connections.
pub enum Dialer {
    /// To an address.
    Fixed(Box<Client>),
    /// To the master of the moment, as the Sentinels see it.
    Sentinels(Box<Sentinels>),
}

impl Dialer {
    /// To a server at a known address.
    pub fn fixed(info: &ConnectionInfo) -> RedisResult<Self> {
        Ok(Self::Fixed(Box::new(Client::open(info.clone())?)))
    }

    /// The same way with the password and the certificates of a target of the same kind.
    pub fn with_access_of(&self, target: &Target) -> RedisResult<Self> {
        match (self, target) {
            (Self::Fixed(client), Target::One(fresh)) => Self::fixed(&to_address_of(client, fresh)),
            (Self::Fixed(client), Target::Cluster(fresh)) => Self::fixed(&to_address_of(client, &fresh[0])),
            (Self::Sentinels(known), Target::Sentinel { sentinels, master, redis }) => {
                Ok(Self::Sentinels(Box::new(known.with_access(sentinels, master, redis))))
            }
            _ => Err((
                ErrorKind::InvalidClientConfig,
                "redis.url names another kind of Redis than at the start",
            )
                .into()),
        }
    }

    /// A connection for commands.
    pub async fn for_commands(&self, settings: &Settings) -> RedisResult<MultiplexedConnection> {
        self.client().await?.get_multiplexed_async_connection_with_config(&config(settings)).await
    }

    async fn client(&self) -> RedisResult<Client> {
        match self {
            Self::Fixed(client) => Ok(client.as_ref().clone()),
            Self::Sentinels(sentinels) => sentinels.master().await,
        }
    }

    /// A connection on which Redis says something unasked; `config` says where that goes.
    pub async fn for_pushes(&self, config: &AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
        let client = self.client().await?;
        let info = client.get_connection_info();
        // It comes between the answers: RESP3 tells them apart.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.clone().set_redis_settings(settings))?;
        client.get_multiplexed_async_connection_with_config(config).await
    }

    /// Whether whoever is reached must be a master: a Sentinel may name one that is none yet, or no longer.
    pub fn asks_for_masters(&self) -> bool {
        matches!(self, Self::Sentinels(_))
    }

    /// Whether connections should lead to another server by now.
    pub async fn master_moved(&self) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Sentinels(sentinels) => sentinels.changed_master().await,
        }
    }
}

fn to_address_of(client: &Client, fresh: &ConnectionInfo) -> ConnectionInfo {
    match client.get_connection_info().addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => at(fresh, host, *port),
        _ => fresh.clone(),
    }
}

/// The deadlines of a connection.
pub fn config(settings: &Settings) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(settings.connect_timeout))
        .set_response_timeout(Some(settings.command_timeout))
}
