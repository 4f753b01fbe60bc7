//! The list of banned users, newest first. The bans themselves are part of the users' standing.

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::parsed_if_ours;
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::CLOCK;
use crate::backend::redis::topology::pooled::PooledCalls;
use crate::backend::{BanPage, BannedUser, Result, Standing};
use crate::model::{Timestamp, UserId};
use crate::telemetry::{Unreadable, count_unreadable};

static LIST: Script = Script::new(Memory::Spares, &[TYPES, CLOCK, include_str!("list_ban.lua")]);

static UNLIST: Script = Script::new(Memory::Spares, &[TYPES, CLOCK, include_str!("unlist_bans.lua")]);

/// The scripts of this file.
pub(super) const SCRIPTS: &[&Script] = &[&LIST, &UNLIST];

/// Entries that are looked at before one is added, so that the list does not grow with bans that have ended.
const SAMPLE: usize = 16;

/// Age of an entry without a ban after which it is removed. A ban is set right after its entry.
const SET_WITHIN_MS: u64 = 60_000;

/// The list in Redis.
#[derive(Debug)]
pub struct BanList {
    keys: Keys,
    calls: PooledCalls,
}

/// Entries of the list, the newest first.
#[derive(Debug, Default)]
pub struct Listed {
    /// The users, each with its number.
    pub users: Vec<(UserId, u64)>,
    /// The number of the last entry, if there may be more.
    next: Option<u64>,
}

impl BanList {
    pub fn new(keys: Keys, calls: PooledCalls) -> Self {
        Self { keys, calls }
    }

    pub async fn add(&self, user: &UserId) -> Result<()> {
        let call = Call::new(&LIST, [self.keys.bans()]).arg(user);
        self.calls.call(call).await.map(drop)
    }

    pub async fn remove(&self, user: &UserId) -> Result<()> {
        let call = Call::plain("ZREM", self.keys.bans()).arg(user);
        // A key of another type has no entry.
        parsed_if_ours::<u64>(self.calls.call(call).await).map(drop)
    }

    pub async fn list(&self, before: Option<u64>, limit: usize) -> Result<Listed> {
        let below = before.map_or_else(|| "+inf".to_owned(), |before| format!("({before}"));
        let call = Call::plain("ZREVRANGEBYSCORE", self.keys.bans()).arg(below).arg("-inf");
        let call = call.arg("WITHSCORES").arg("LIMIT").arg(0).arg(limit);
        let entries: Vec<(Vec<u8>, f64)> = parsed_if_ours(self.calls.call(call).await)?;
        let next = entries.last().filter(|_| entries.len() == limit).and_then(|(_, score)| number(*score));
        let read = entries.iter().filter_map(|(user, score)| {
            let user = std::str::from_utf8(user).ok().and_then(UserId::parse)?;
            Some((user, number(*score)?))
        });
        let users: Vec<_> = read.collect();
        count_unreadable(Unreadable::Standing, (entries.len() - users.len()) as u64);
        Ok(Listed { users, next })
    }

    /// Some entries, whichever.
    pub async fn sample(&self) -> Result<Vec<UserId>> {
        let call = Call::plain("ZRANDMEMBER", self.keys.bans()).arg(SAMPLE);
        let users: Vec<Vec<u8>> = parsed_if_ours(self.calls.call(call).await)?;
        Ok(users.iter().filter_map(|user| UserId::parse(std::str::from_utf8(user).ok()?)).collect())
    }

    /// Removes entries whose bans have ended.
    pub async fn remove_ended(&self, users: &[UserId]) -> Result<()> {
        if users.is_empty() {
            return Ok(());
        }
        let call = Call::new(&UNLIST, [self.keys.bans()]).arg(SET_WITHIN_MS);
        let call = users.iter().fold(call, |call, user| call.arg(user));
        self.calls.call(call).await.map(drop)
    }
}

impl Listed {
    /// The page of what is listed, with the users' standings. Entries without a ban are skipped.
    pub fn page(self, standings: Vec<Standing>) -> BanPage {
        let banned = self.users.into_iter().zip(standings).filter_map(|((user, number), standing)| {
            Some(BannedUser { user, since: Timestamp::from_unix_millis(number)?, ban: standing.ban? })
        });
        BanPage { bans: banned.collect(), next: self.next }
    }
}

/// A number of the list. Scores of other programs may be none.
fn number(score: f64) -> Option<u64> {
    (0.0..1e15).contains(&score).then_some(score as u64)
}
