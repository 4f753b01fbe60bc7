//! The Sentinels that watch over a master: who it is, and whether it is another by now.
//!
//! For seconds after a vote they disagree: who has not heard of it yet names the master of before, and that
//! one hears of it last and says till then that it is the master. What it takes in meanwhile will be
//! lost, and nodes that believe it and nodes that don't are two clusters. So the youngest vote is believed,
//! and asked for again and again. (The `redis` crate's client believes whoever answers first.)

use std::collections::HashMap;
use std::sync::{Mutex as StdMutex, MutexGuard};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{Client, ConnectionInfo, ErrorKind, RedisError, RedisResult, Value};
use tokio::sync::Mutex;

use crate::backend::redis::client::target::at;

/// Time that the other Sentinels have once one has answered: one that is dead holds up nobody.
const MOMENT: Duration = Duration::from_millis(200);

/// All Sentinels that are known.
pub struct Sentinels {
    /// The name under which they know the master.
    master: String,
    /// How one proves oneself to it; the address is theirs to tell.
    redis: ConnectionInfo,
    all: Vec<Sentinel>,
    /// What was believed when a connection was opened last.
    believed: StdMutex<Vote>,
}

struct Sentinel {
    info: ConnectionInfo,
    /// Kept, as it is asked again and again.
    connection: Mutex<Option<MultiplexedConnection>>,
}

/// Who is the master, by which vote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Vote {
    epoch: u64,
    host: String,
    port: u16,
}

impl Sentinels {
    pub fn new(sentinels: &[ConnectionInfo], master: &str, redis: &ConnectionInfo) -> Self {
        let sentinel = |info: &ConnectionInfo| Sentinel { info: info.clone(), connection: Mutex::default() };
        let all = sentinels.iter().map(sentinel).collect();
        Self { master: master.to_owned(), redis: redis.clone(), all, believed: StdMutex::default() }
    }

    /// The same with other passwords and certificates. What was believed stays.
    pub fn with_access(&self, sentinels: &[ConnectionInfo], master: &str, redis: &ConnectionInfo) -> Self {
        let believed = StdMutex::new(self.lock_believed().clone());
        Self { believed, ..Self::new(sentinels, master, redis) }
    }

    /// How to reach the master of the moment.
    pub async fn master(&self) -> RedisResult<Client> {
        let vote = self.ask().await?;
        let client = Client::open(at(&self.redis, &vote.host, vote.port))?;
        *self.lock_believed() = vote;
        Ok(client)
    }

    /// Whether another server was voted for since a connection was opened last.
    pub async fn name_another(&self) -> bool {
        let vote = self.ask().await;
        let believed = self.lock_believed();
        let is_another = |vote: &Vote| (&vote.host, vote.port) != (&believed.host, believed.port);
        !believed.host.is_empty() && vote.as_ref().is_ok_and(is_another)
    }

    /// The youngest vote that they know of, of those who answer soon.
    async fn ask(&self) -> RedisResult<Vote> {
        let mut asking: FuturesUnordered<_> =
            self.all.iter().map(|sentinel| sentinel.vote(&self.master)).collect();
        let (mut votes, mut refusal): (Vec<Vote>, Option<RedisError>) = (Vec::new(), None);
        loop {
            let moment = if votes.is_empty() { Duration::MAX } else { MOMENT };
            match tokio::time::timeout(moment, asking.next()).await {
                Ok(Some(Ok(vote))) => votes.push(vote),
                Ok(Some(Err(error)))
                    if refusal.as_ref().is_none_or(|told| weight(told) <= weight(&error)) =>
                {
                    refusal = Some(error);
                }
                Ok(Some(Err(_))) => {}
                Ok(None) | Err(_) => break,
            }
        }
        let no_sentinel = || (ErrorKind::MasterNameNotFoundBySentinel, "no Sentinel is known").into();
        match credible(votes, &self.lock_believed(), self.all.len()) {
            Some(vote) => Ok(vote),
            None => Err(refusal.unwrap_or_else(no_sentinel)),
        }
    }

    fn lock_believed(&self) -> MutexGuard<'_, Vote> {
        self.believed.lock().expect("no code panics while it holds this lock")
    }
}

/// The youngest vote. One older than what was believed before is that of a few who are cut off, together
/// with a master of before perhaps; if it is that of most, they were set up anew.
fn credible(votes: Vec<Vote>, believed: &Vote, sentinels: usize) -> Option<Vote> {
    let is_of_most = votes.len() * 2 > sentinels;
    let youngest = votes.into_iter().max_by_key(|vote| vote.epoch)?;
    (is_of_most || youngest.epoch >= believed.epoch).then_some(youngest)
}

impl Sentinel {
    async fn vote(&self, master: &str) -> RedisResult<Vote> {
        let mut kept = self.connection.lock().await;
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Client::open(self.info.clone())?.get_multiplexed_async_connection().await?,
        };
        let mut ask = redis::pipe();
        ask.cmd("SENTINEL").arg("MASTER").arg(master);
        // Names whom it has voted for before the vote has been carried out everywhere.
        ask.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(master);
        let (about, address): (HashMap<String, String>, Value) = ask.query_async(&mut connection).await?;
        let (host, port) = redis::from_redis_value(address)?;
        *kept = Some(connection);
        let epoch = about.get("config-epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
        Ok(Vote { epoch, host, port })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(epoch: u64, port: u16) -> Vote {
        Vote { epoch, host: "h".into(), port }
    }

    #[test]
    fn the_youngest_vote_is_believed_though_most_have_not_heard_of_it() {
        let votes = vec![vote(1, 1), vote(2, 2), vote(1, 1)];
        assert_eq!(credible(votes, &vote(1, 1), 3), Some(vote(2, 2)));
    }

    #[test]
    fn a_few_who_are_cut_off_do_not_lead_back_to_the_master_of_before() {
        assert_eq!(credible(vec![vote(1, 1)], &vote(2, 2), 3), None);
        assert_eq!(credible(vec![vote(2, 2)], &vote(2, 2), 3), Some(vote(2, 2)));
    }

    #[test]
    fn sentinels_that_were_set_up_anew_are_believed() {
        assert_eq!(credible(vec![vote(0, 3), vote(0, 3)], &vote(7, 2), 3), Some(vote(0, 3)));
        assert_eq!(credible(Vec::new(), &vote(7, 2), 3), None);
    }
}
