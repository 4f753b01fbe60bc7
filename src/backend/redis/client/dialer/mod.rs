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

/// A connection that was just opened.
pub struct Dialed {
    pub connection: MultiplexedConnection,
    /// The number of the election of its master: see [`Dialer::election`].
    pub election: u64,
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
    pub async fn for_commands(&self, settings: &Settings) -> RedisResult<Dialed> {
        let (client, election) = self.client().await?;
        let connection = client.get_multiplexed_async_connection_with_config(&config(settings)).await?;
        Ok(Dialed { connection, election })
    }

    /// A connection on which Redis pushes; `config` has the receiver.
    pub async fn for_pushes(&self, config: &AsyncConnectionConfig) -> RedisResult<Dialed> {
        let (client, election) = self.client().await?;
        let info = client.get_connection_info();
        // Pushes arrive between replies; RESP3 distinguishes them.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.clone().set_redis_settings(settings))?;
        let connection = client.get_multiplexed_async_connection_with_config(config).await?;
        Ok(Dialed { connection, election })
    }

    async fn client(&self) -> RedisResult<(Client, u64)> {
        match self {
            Self::Fixed(client) => Ok((client.as_ref().clone(), 0)),
            Self::Sentinels(sentinels) => sentinels.master().await,
        }
    }

    /// Whether the server must be a master: a Sentinel may name one too early or too late.
    pub fn asks_for_masters(&self) -> bool {
        matches!(self, Self::Sentinels(_))
    }

    /// Asks the Sentinels for the current master.
    pub async fn refresh(&self) {
        if let Self::Sentinels(sentinels) = self {
            sentinels.refresh().await;
        }
    }

    /// The number of the last known election of a master.
    pub fn election(&self) -> u64 {
        match self {
            Self::Fixed(_) => 0,
            Self::Sentinels(sentinels) => sentinels.election(),
        }
    }

    /// Waits until another election than this is known.
    pub async fn elected_since(&self, election: u64) {
        match self {
            Self::Fixed(_) => std::future::pending().await,
            Self::Sentinels(sentinels) => sentinels.elected_since(election).await,
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
