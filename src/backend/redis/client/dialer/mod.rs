//! Opens connections to one server, at a fixed address or the master that Sentinels name.

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
    /// To the current master of the Sentinels.
    Sentinels(Box<Sentinels>),
}

impl Dialer {
    /// To a server at a known address.
    pub fn fixed(info: &ConnectionInfo) -> RedisResult<Self> {
        Ok(Self::Fixed(Box::new(Client::open(info.clone())?)))
    }

    /// The same dialer with the password and the certificates of a target of the same kind.
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

    /// A connection on which Redis pushes; `config` has the receiver.
    pub async fn for_pushes(&self, config: &AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
        let client = self.client().await?;
        let info = client.get_connection_info();
        // Pushes arrive between replies; RESP3 distinguishes them.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.clone().set_redis_settings(settings))?;
        client.get_multiplexed_async_connection_with_config(config).await
    }

    /// Whether the server must be a master: a Sentinel may name one too early or too late.
    pub fn asks_for_masters(&self) -> bool {
        matches!(self, Self::Sentinels(_))
    }

    /// Whether another server has become master.
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
