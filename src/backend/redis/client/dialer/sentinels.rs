//! The Sentinels of a master, and failovers.
//!
//! For seconds after a failover Sentinels disagree: those that do not know of it name the old master, which learns
//! last and until then reports itself as master. Writes that it accepts are lost, and nodes that use it and nodes
//! that don't are two clusters. So the answer with the highest config-epoch counts, and is queried repeatedly. (The
//! client of the `redis` crate takes the first answer.)

use std::collections::HashMap;
use std::sync::{Mutex as StdMutex, MutexGuard};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Client, ConnectionInfo, ErrorKind, RedisError, RedisResult, Value};
use tokio::sync::Mutex;

use crate::backend::redis::client::newest::newest_within;
use crate::backend::redis::client::target::at;

/// Grace period of the other Sentinels after the first answer: a dead one delays no connection.
const SENTINEL_GRACE: Duration = Duration::from_millis(200);

/// All Sentinels that are known.
pub struct Sentinels {
    /// Their name of the master.
    master: String,
    /// Credentials for the master; the Sentinels name its address.
    redis: ConnectionInfo,
    all: Vec<Sentinel>,
    /// The vote of the last opened connection.
    last_vote: StdMutex<MasterVote>,
}

struct Sentinel {
    info: ConnectionInfo,
    /// Kept open for repeated queries.
    connection: Mutex<Option<MultiplexedConnection>>,
}

/// A master and the config-epoch of its election.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct MasterVote {
    epoch: u64,
    host: String,
    port: u16,
}

impl Sentinels {
    pub fn new(sentinels: &[ConnectionInfo], master: &str, redis: &ConnectionInfo) -> Self {
        let sentinel = |info: &ConnectionInfo| Sentinel { info: info.clone(), connection: Mutex::default() };
        let all = sentinels.iter().map(sentinel).collect();
        Self { master: master.to_owned(), redis: redis.clone(), all, last_vote: StdMutex::default() }
    }

    /// The same Sentinels with other passwords and certificates. Keeps the last vote.
    pub fn with_access(&self, sentinels: &[ConnectionInfo], master: &str, redis: &ConnectionInfo) -> Self {
        let last_vote = StdMutex::new(self.lock_last_vote().clone());
        Self { last_vote, ..Self::new(sentinels, master, redis) }
    }

    /// A client for the current master.
    pub async fn master(&self) -> RedisResult<Client> {
        let vote = self.ask().await?;
        let client = Client::open(at(&self.redis, &vote.host, vote.port))?;
        *self.lock_last_vote() = vote;
        Ok(client)
    }

    /// Whether another server was elected since a connection was last opened.
    pub async fn changed_master(&self) -> bool {
        let vote = self.ask().await;
        let last = self.lock_last_vote();
        let is_another = |vote: &MasterVote| (&vote.host, vote.port) != (&last.host, last.port);
        !last.host.is_empty() && vote.as_ref().is_ok_and(is_another)
    }

    /// The newest vote of the Sentinels that answer in time.
    async fn ask(&self) -> RedisResult<MasterVote> {
        let asked = self.all.iter().map(|sentinel| sentinel.vote(&self.master));
        let newest = newest_within(SENTINEL_GRACE, 0, asked, |vote: &MasterVote| vote.epoch).await;
        let is_of_most = newest.answers * 2 > self.all.len();
        if let Some(vote) = pick_vote(newest.answer, is_of_most, &self.lock_last_vote()) {
            return Ok(vote);
        }
        let no_sentinel = || (ErrorKind::MasterNameNotFoundBySentinel, "no Sentinel is known").into();
        Err(newest.refusals.into_iter().max_by_key(specificity).unwrap_or_else(no_sentinel))
    }

    fn lock_last_vote(&self) -> MutexGuard<'_, MasterVote> {
        self.last_vote.lock().expect("no code panics while it holds this lock")
    }
}

/// The newest vote. A vote that is older than the last comes from a few partitioned Sentinels, possibly with the
/// old master. If most Sentinels answered, they were set up again.
fn pick_vote(newest: Option<MasterVote>, is_of_most: bool, last: &MasterVote) -> Option<MasterVote> {
    newest.filter(|vote| is_of_most || vote.epoch >= last.epoch)
}

impl Sentinel {
    async fn vote(&self, master: &str) -> RedisResult<MasterVote> {
        let mut kept = self.connection.lock().await;
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Client::open(self.info.clone())?.get_multiplexed_async_connection().await?,
        };
        let mut ask = redis::pipe();
        ask.cmd("SENTINEL").arg("MASTER").arg(master);
        // Names the elected server before the failover is complete.
        ask.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(master);
        let (about, address): (HashMap<String, String>, Value) = ask.query_async(&mut connection).await?;
        let (host, port) = redis::from_redis_value(address)?;
        *kept = Some(connection);
        let epoch = about.get("config-epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
        Ok(MasterVote { epoch, host, port })
    }
}

/// The information in an error: a refused password ranks above an unknown master name, and that above an
/// unreachable Sentinel.
fn specificity(refusal: &RedisError) -> u8 {
    match refusal.kind() {
        ErrorKind::Io => 0,
        ErrorKind::MasterNameNotFoundBySentinel => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(epoch: u64, port: u16) -> MasterVote {
        MasterVote { epoch, host: "h".into(), port }
    }

    #[test]
    fn a_few_partitioned_sentinels_do_not_restore_the_old_master() {
        assert_eq!(pick_vote(Some(vote(1, 1)), false, &vote(2, 2)), None);
        assert_eq!(pick_vote(Some(vote(2, 2)), false, &vote(2, 2)), Some(vote(2, 2)));
    }

    #[test]
    fn a_new_set_of_sentinels_is_accepted() {
        assert_eq!(pick_vote(Some(vote(0, 3)), true, &vote(7, 2)), Some(vote(0, 3)));
        assert_eq!(pick_vote(None, true, &vote(7, 2)), None);
    }
}
