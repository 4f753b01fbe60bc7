//! The Sentinels of a master, and failovers.
//!
//! For seconds after a failover Sentinels disagree: those that do not know of it name the old master, which learns
//! last and until then reports itself as master. Writes that it accepts are lost, and nodes that use it and nodes
//! that don't are two clusters. So the answer with the highest config-epoch counts, and is queried repeatedly. (The
//! client of the `redis` crate takes the first answer.) Connections are opened one by one, on first use: as soon as one
//! answer names another master, those to the former one must not be used again.

use std::collections::HashMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Client, ConnectionInfo, ErrorKind, RedisError, RedisResult, Value};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use tracing::info;

use crate::backend::redis::client::newest::newest_within;
use crate::backend::redis::client::target::at;

/// Grace period of the other Sentinels after the first answer: a dead one delays no connection.
const SENTINEL_GRACE: Duration = Duration::from_millis(200);

/// For how long most Sentinels must name an older master before they count as set up again. A Sentinel learns of a
/// failover from the others within two seconds.
const OLDER_FOR: Duration = Duration::from_secs(10);

/// All Sentinels that are known.
pub struct Sentinels {
    /// Their name of the master.
    master: String,
    /// Credentials for the master; the Sentinels name its address.
    redis: ConnectionInfo,
    all: Vec<Sentinel>,
    elected: watch::Sender<Elected>,
}

/// The master that this node follows.
#[derive(Debug, Clone, Default)]
struct Elected {
    /// `None` before the first answer.
    vote: Option<MasterVote>,
    /// The number of masters until this one. A connection that was opened under another number is not used again.
    number: u64,
    /// Since when the Sentinels have answered with older votes only.
    older_since: Option<Instant>,
}

struct Sentinel {
    info: ConnectionInfo,
    /// Kept open for repeated queries.
    connection: Mutex<Option<MultiplexedConnection>>,
}

/// A master and the config-epoch of its election.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MasterVote {
    epoch: u64,
    host: String,
    port: u16,
}

impl Sentinels {
    pub fn new(sentinels: &[ConnectionInfo], master: &str, redis: &ConnectionInfo) -> Self {
        let sentinel = |info: &ConnectionInfo| Sentinel { info: info.clone(), connection: Mutex::default() };
        let all = sentinels.iter().map(sentinel).collect();
        Self { master: master.to_owned(), redis: redis.clone(), all, elected: watch::Sender::default() }
    }

    /// The same Sentinels with other passwords and certificates. Follows the same master.
    pub fn with_access(&self, sentinels: &[ConnectionInfo], master: &str, redis: &ConnectionInfo) -> Self {
        Self { elected: self.elected.clone(), ..Self::new(sentinels, master, redis) }
    }

    /// A client for the current master, and the number of its election.
    pub async fn master(&self) -> RedisResult<(Client, u64)> {
        let (vote, number) = self.ask().await?;
        Ok((Client::open(at(&self.redis, &vote.host, vote.port))?, number))
    }

    /// Asks for the current master. An error is that of the next connection, too.
    pub async fn refresh(&self) {
        let _ = self.ask().await;
    }

    /// The number of the last known election.
    pub fn election(&self) -> u64 {
        self.elected.borrow().number
    }

    /// Waits until another election than this is known.
    pub async fn elected_since(&self, number: u64) {
        // The sender is in `self`, so the channel stays open.
        let _ = self.elected.subscribe().wait_for(|elected| elected.number != number).await;
    }

    /// The newest vote of the Sentinels that answer in time, and the number of its election.
    async fn ask(&self) -> RedisResult<(MasterVote, u64)> {
        let asked = self.all.iter().map(|sentinel| sentinel.vote(&self.master));
        let newest = newest_within(SENTINEL_GRACE, 0, asked, |vote: &MasterVote| vote.epoch).await;
        if let Some(vote) = newest.answer {
            let answered = Answered { some: newest.answers, all: self.all.len() };
            let mut taken = None;
            self.elected.send_if_modified(|elected| {
                let before = elected.number;
                taken = elected.take(&vote, answered, Instant::now());
                elected.number != before
            });
            if let Some(number) = taken {
                return Ok((vote, number));
            }
        }
        let no_sentinel = || (ErrorKind::MasterNameNotFoundBySentinel, "no Sentinel is known").into();
        Err(newest.refusals.into_iter().max_by_key(specificity).unwrap_or_else(no_sentinel))
    }
}

/// The number of Sentinels that answered.
#[derive(Debug, Clone, Copy)]
struct Answered {
    some: usize,
    all: usize,
}

impl Elected {
    /// Follows a vote and returns the number of its election. A vote that is older than the last is not followed: it
    /// comes from Sentinels that are partitioned, or have not learned of the failover yet. If all answered, or most of
    /// them for a while, they were set up again.
    fn take(&mut self, vote: &MasterVote, answered: Answered, now: Instant) -> Option<u64> {
        if self.vote.as_ref().is_some_and(|last| vote.epoch < last.epoch) {
            let since = *self.older_since.get_or_insert(now);
            let is_of_most = answered.some * 2 > answered.all;
            let is_set_up_again =
                answered.some == answered.all || is_of_most && now.duration_since(since) >= OLDER_FOR;
            if !is_set_up_again {
                return None;
            }
        }
        self.older_since = None;
        let last = self.vote.replace(vote.clone());
        if last.is_some_and(|last| (last.host, last.port) != (vote.host.clone(), vote.port)) {
            self.number += 1;
            info!(host = vote.host, port = vote.port, "Sentinel failover: new master");
        }
        Some(self.number)
    }
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

    const MOST: Answered = Answered { some: 2, all: 3 };
    const ALL: Answered = Answered { some: 3, all: 3 };

    #[test]
    fn another_master_is_another_election() {
        let (mut elected, now) = (Elected::default(), Instant::now());
        assert_eq!(elected.take(&vote(1, 1), MOST, now), Some(0));
        assert_eq!(elected.take(&vote(2, 1), MOST, now), Some(0), "the same server again");
        assert_eq!(elected.take(&vote(3, 2), Answered { some: 1, all: 3 }, now), Some(1));
        assert_eq!(elected.take(&vote(3, 2), ALL, now), Some(1));
    }

    #[test]
    fn sentinels_that_do_not_know_of_the_failover_do_not_restore_the_old_master() {
        let (mut elected, now) = (Elected::default(), Instant::now());
        elected.take(&vote(2, 2), ALL, now);
        assert_eq!(elected.take(&vote(1, 1), MOST, now), None);
        assert_eq!(elected.take(&vote(2, 2), MOST, now), Some(0));
        // The wait begins again.
        assert_eq!(elected.take(&vote(1, 1), MOST, now + OLDER_FOR), None);
    }

    #[test]
    fn sentinels_that_were_set_up_again_are_followed() {
        let (mut elected, now) = (Elected::default(), Instant::now());
        elected.take(&vote(7, 2), ALL, now);
        assert_eq!(elected.take(&vote(0, 3), ALL, now), Some(1), "all say so");
        elected.take(&vote(7, 2), ALL, now);
        assert_eq!(elected.take(&vote(0, 3), MOST, now), None);
        assert_eq!(elected.take(&vote(0, 3), Answered { some: 1, all: 3 }, now + OLDER_FOR), None);
        assert_eq!(elected.take(&vote(0, 3), MOST, now + OLDER_FOR), Some(3));
    }
}
