//! The backend of a cluster: everything shared lives in Redis, and every change of it that must
//! be whole is one Lua script. Nothing here knows a session, a frame or a socket.

mod client;
mod cluster;
#[cfg(fuzzing)]
pub mod fuzzing;
mod keys;
mod log;
#[cfg(test)]
mod mutations;
mod presence;
mod pubsub;
mod topology;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::{ErrorKind, RedisError};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use self::client::call::Call;
use self::client::script::Script;
use self::client::server::{Lane, parsed};
use self::client::target::Target;
use self::cluster::Liveness;
use self::keys::Keys;
use self::log::Log;
use self::presence::Presence;
use self::presence::digest::Comparer;
use self::presence::generation::Generations;
use self::presence::index::Index;
use self::presence::index::sizes::Sizes;
use self::presence::tracking::Watch;
use self::presence::writer::Registry;
use self::pubsub::Subscriber;
use self::pubsub::codec::{self, Wire};
use self::topology::Shards;
use super::{
    Backend, BackendError, Busiest, Comparison, Entered, Events, Excerpt, Farewell, Lease, MemberPage,
    MemberPosition, Membership, NodeInfo, Page, Posting, Result, RoomCount, Secrets, SharedBackend, Span,
    Subscription, Touched, Vitals, events,
};
use crate::config::Config;
use crate::model::{Draft, Member, NodeId, Notice, Position, RoomName};
use crate::supervisor::Supervisor;

/// One node's share of a cluster over Redis.
#[derive(Debug)]
pub struct RedisBackend {
    keys: Keys,
    shards: Arc<Shards>,
    watch: Watch,
    log: Log,
    presence: Presence,
    comparer: Comparer,
    registry: Registry,
    liveness: Liveness,
    subscriber: Subscriber,
    deadline: Duration,
    _map_keeper: AbortOnDropHandle<()>,
    _size_keeper: AbortOnDropHandle<()>,
}

impl RedisBackend {
    /// Starts the tasks that keep up the connections. A Redis that is not there yet is waited for.
    ///
    /// # Errors
    /// [`BackendError::Misconfigured`] for a URL that is none, a refused password, or a Redis
    /// before version 7, which would replicate scripts and so defeat their fence.
    pub async fn start(
        config: &Config,
        node: NodeId,
        supervisor: &Supervisor,
    ) -> Result<(SharedBackend, Events)> {
        let settings = &config.redis;
        let (target, generations) = (Target::read(settings)?, Generations::default());
        let keys = Keys::new(&settings.prefix, target.database());
        let watch = Watch::new(keys.clone());
        let shards = Arc::new(Shards::new(target, settings, generations.clone(), watch.clone())?);
        try_first(&shards, &keys, settings).await?;
        let (events, receiver) = events::queue(settings.into());
        let wire = Wire::new(node);
        let log = Log::start(keys.clone(), shards.clone(), wire.clone(), config, supervisor);
        let sizes = Sizes::default();
        let index = Index::new(keys.clone(), shards.clone(), sizes.clone());
        let presence = Presence::new(keys.clone(), shards.clone(), generations.clone(), sizes.clone());
        let comparer = Comparer::new(node, keys.clone(), shards.clone());
        let registry = Registry::start(
            node,
            keys.clone(),
            shards.clone(),
            generations.clone(),
            index.clone(),
            &config.presence,
            supervisor,
        );
        let liveness = Liveness::new(
            node,
            keys.clone(),
            shards.clone(),
            generations,
            index,
            &config.presence,
            supervisor,
        );
        let subscriber =
            Subscriber::start(keys.clone(), wire, node, shards.clone(), settings, events, supervisor);
        let map_keeper = supervisor.keep("topology", shards.clone().keep_up());
        let size_keeper = supervisor.keep("room_sizes", sizes.keep(keys.clone(), shards.clone()));
        let deadline = settings.command_timeout;
        let backend = Self {
            keys,
            shards,
            watch,
            log,
            presence,
            comparer,
            registry,
            liveness,
            subscriber,
            deadline,
            _map_keeper: map_keeper,
            _size_keeper: size_keeper,
        };
        Ok((Arc::new(backend), receiver))
    }

    /// `own`: empty if this node has none.
    async fn exchange_secrets(&self, own: &str) -> Result<Option<Secrets>> {
        let keys = [self.keys.secret(), self.keys.earlier_secrets()];
        let call = Call::new(&cluster::SECRET, keys).arg(own);
        let kept: Vec<String> = parsed(self.within(self.shards.call(Lane::Reads, call)).await?)?;
        let mut kept = kept.into_iter();
        Ok(kept.next().map(|current| Secrets { current, earlier: kept.collect() }))
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        within(self.deadline, work).await
    }
}

/// Counts from the call, whenever the result is awaited.
fn within<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T>> + Send,
) -> impl Future<Output = Result<T>> + Send {
    let ending = tokio::time::timeout(deadline, work);
    async { ending.await.unwrap_or_else(|elapsed| Err(BackendError::Unavailable(elapsed.into()))) }
}

/// Reads `redis.url` and the files of certificates.
///
/// # Errors
/// [`BackendError::Misconfigured`]
pub fn check(settings: &crate::config::Redis) -> Result<()> {
    Target::read(settings).map(drop)
}

/// Tells what will never work from what is not there yet.
async fn try_first(shards: &Shards, keys: &Keys, settings: &crate::config::Redis) -> Result<()> {
    let deadline = settings.command_timeout;
    let address = shards.address();
    match tokio::time::timeout(deadline, shards.connect_first()).await {
        Ok(Ok(())) => {
            info!(%address, "Redis answers");
            // What takes longer goes on when it is needed.
            let _ = tokio::time::timeout(deadline, shards.connect_all()).await;
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
            warn!(%error, "Redis at {address} does not answer yet; waiting for it");
            Ok(())
        }
        Err(_) => {
            warn!("Redis at {address} does not answer yet; waiting for it");
            Ok(())
        }
    }
}

/// All scripts that a node may call.
fn scripts() -> Vec<&'static Script> {
    [log::SCRIPTS.to_vec(), presence::scripts(), cluster::scripts()].concat()
}

fn is_refused(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
}

/// The innermost reason, for the log.
fn reason(error: &BackendError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

#[async_trait]
impl Backend for RedisBackend {
    fn post(&self, draft: Draft) -> Posting {
        Box::pin(within(self.deadline, self.log.post(draft)))
    }

    async fn announce(&self, room: &RoomName, notice: Notice) -> Result<()> {
        let publish = self.shards.publishing().command();
        let call = Call::plain(publish, self.keys.channel(room)).arg(codec::encode_notice(&notice));
        self.within(self.shards.call(Lane::Reads, call)).await.map(drop)
    }

    async fn head(&self, room: &RoomName) -> Result<Position> {
        self.within(self.log.head(room)).await
    }

    async fn heads(&self, rooms: &[RoomName]) -> Vec<Result<Position>> {
        self.log.heads(rooms).await
    }

    async fn read(&self, room: &RoomName, span: Span, limit: usize) -> Result<Page> {
        self.within(self.log.read(room, span, limit)).await
    }

    async fn peek(&self, room: &RoomName, span: Span, limit: usize) -> Result<Excerpt> {
        self.within(self.log.peek(room, span, limit)).await
    }

    async fn subscribe(&self, room: &RoomName) -> Result<()> {
        self.subscriber.subscribe(room).await
    }

    fn unsubscribe(&self, room: &RoomName) {
        self.subscriber.unsubscribe(room);
    }

    async fn enter(&self, room: &RoomName, member: &Member) -> Result<Entered> {
        self.within(self.registry.enter(room, member)).await
    }

    async fn leave(&self, room: &RoomName, member: &Member, farewell: Farewell) -> Result<()> {
        self.within(self.registry.leave(room, member, farewell)).await
    }

    async fn restore(&self, membership: &Membership) -> Result<()> {
        self.registry.restore(membership).await
    }

    async fn mend(&self, membership: &Membership) -> Result<()> {
        self.registry.mend(membership).await
    }

    fn touched(&self) -> Touched {
        self.watch.take()
    }

    async fn compare(&self, membership: &Membership) -> Comparison {
        self.comparer.compare(membership).await
    }

    async fn unlisted(&self, rooms: &[RoomName]) -> Result<Vec<RoomName>> {
        self.within(self.comparer.unlisted(rooms)).await
    }

    async fn rooms(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<RoomCount>> {
        self.within(self.presence.rooms(prefix, after, limit)).await
    }

    async fn busiest(&self, limit: usize) -> Result<Busiest> {
        self.within(self.presence.busiest(limit)).await
    }

    async fn members(
        &self,
        room: &RoomName,
        after: Option<MemberPosition>,
        limit: usize,
    ) -> Result<MemberPage> {
        self.within(self.presence.members(room, after, limit)).await
    }

    async fn counts(&self, rooms: &[RoomName]) -> Result<Vec<u64>> {
        self.within(self.presence.counts(rooms)).await
    }

    async fn renew(&self, vitals: &Vitals) -> Result<Lease> {
        self.liveness.renew(vitals).await
    }

    async fn retire(&self) -> Result<()> {
        self.within(self.liveness.retire()).await
    }

    async fn nodes(&self) -> Result<Vec<NodeInfo>> {
        self.within(self.liveness.nodes()).await
    }

    async fn secrets(&self) -> Result<Option<Secrets>> {
        self.exchange_secrets("").await
    }

    async fn keep_secret(&self, own: &str) -> Result<Secrets> {
        let kept = self.exchange_secrets(own).await?;
        kept.ok_or_else(|| BackendError::Unavailable("Redis did not keep the secret".into()))
    }

    fn accepts_posts(&self) -> bool {
        self.log.accepts_posts()
    }

    fn subscription(&self) -> Subscription {
        self.subscriber.state()
    }
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
    fn every_script_is_asked_for_its_rights() {
        let scripts = super::scripts();
        let hashes: BTreeSet<&str> =
            scripts.iter().map(|script| script.hash(Publishing::Everywhere)).collect();
        assert_eq!(hashes.len(), scripts.len());
        assert_eq!(hashes.len(), count("Script::new(", Path::new("src/backend/redis")));
        assert!(scripts.iter().any(|script| script.commands().contains(&"XADD".to_owned())));
    }
}
