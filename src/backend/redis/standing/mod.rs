//! The standing of users, a hash each. The admins are in a set as well, so that the last one can be told, and the banned
//! users in a list. A change that ends half-way leaves an entry too many in the list, or one too few in the set: the
//! list is read with the bans themselves, and a missing admin only makes the last one harder to dismiss.

mod bans;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream, FuturesUnordered};
use redis::Value;
use tokio::time::timeout;

use self::bans::BanList;
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::CLOCK;
use crate::backend::redis::topology::pooled::PooledCalls;
use crate::backend::{BackendError, Ban, BanPage, Result, Standing, StandingChange, Standings, within};
use crate::config::Config;
use crate::model::{Role, Timestamp, UserId};
use crate::telemetry::{Unreadable, count_unreadable};

const STANDING: &str = include_str!("standing.lua");

static READ: Script = Script::new(Memory::Untouched, &[CLOCK, STANDING, include_str!("read.lua")]);

/// For changes that clients may ask for themselves.
static CHANGE: Script = Script::new(Memory::Grows, &[TYPES, CLOCK, STANDING, include_str!("change.lua")]);

/// The same script for moderators, allowed at the memory limit.
static MODERATE: Script = Script::new(Memory::Spares, &[TYPES, CLOCK, STANDING, include_str!("change.lua")]);

static ADMINS: Script = Script::new(Memory::Spares, &[TYPES, include_str!("admins.lua")]);

/// The scripts of this folder.
pub(super) fn scripts() -> Vec<&'static Script> {
    [&[&READ, &CHANGE, &MODERATE, &ADMINS], bans::SCRIPTS].concat()
}

/// The standing of users in Redis.
#[derive(Debug)]
pub struct RedisStandings {
    keys: Keys,
    calls: PooledCalls,
    bans: BanList,
    token_ttl: Duration,
}

impl RedisStandings {
    pub fn new(keys: Keys, calls: PooledCalls, config: &Config) -> Self {
        let bans = BanList::new(keys.clone(), calls.clone());
        Self { keys, calls, bans, token_ttl: config.auth.token_ttl }
    }

    async fn read(&self, users: &[UserId]) -> Result<Vec<Standing>> {
        let call = |user: &UserId| Call::new(&READ, [self.keys.standing(user)]);
        let calls: Vec<Call> = users.iter().map(call).collect();
        let values = self.calls.call_all(&calls).await;
        values.into_iter().map(standing).collect()
    }

    /// Of users on one server.
    async fn read_each(&self, users: Vec<UserId>) -> Vec<(UserId, Result<Standing>)> {
        let calls: Vec<Call> =
            users.iter().map(|user| Call::new(&READ, [self.keys.standing(user)])).collect();
        let reading = self.calls.call_all(&calls);
        match timeout(self.calls.deadline, reading).await {
            Ok(values) => users.into_iter().zip(values.into_iter().map(standing)).collect(),
            Err(_) => {
                let late = || Err(BackendError::Unavailable("no answer in time".into()));
                users.into_iter().map(|user| (user, late())).collect()
            }
        }
    }

    async fn apply(&self, user: &UserId, change: StandingChange) -> Result<Standing> {
        match &change {
            StandingChange::Ban { .. } => {
                self.remove_ended_bans().await?;
                self.bans.add(user).await?;
                self.store(user, &change).await
            }
            StandingChange::Unban => {
                let standing = self.store(user, &change).await?;
                self.bans.remove(user).await?;
                Ok(standing)
            }
            StandingChange::SetRole(role @ Role::Admin) => {
                let standing = self.store(user, &change).await?;
                self.note_role(user, *role).await?;
                Ok(standing)
            }
            StandingChange::SetRole(role) => {
                self.note_role(user, *role).await?;
                self.store(user, &change).await
            }
            StandingChange::NextGeneration
            | StandingChange::NextGenerationAfter(_)
            | StandingChange::NextGuestGeneration => self.store(user, &change).await,
        }
    }

    async fn remove_ended_bans(&self) -> Result<()> {
        let users = self.bans.sample().await?;
        let standings = self.read(&users).await?;
        let ended = users.into_iter().zip(standings).filter(|(_, standing)| standing.ban.is_none());
        let ended: Vec<UserId> = ended.map(|(user, _)| user).collect();
        self.bans.remove_ended(&ended).await
    }

    /// Adds a user to the set of admins or removes it, as its role says.
    async fn note_role(&self, user: &UserId, role: Role) -> Result<()> {
        let call = Call::new(&ADMINS, [self.keys.admins()]).arg(user).arg(u8::from(role == Role::Admin));
        match parsed::<u8>(self.calls.call(call).await?)? {
            0 => Err(BackendError::LastAdmin),
            _ => Ok(()),
        }
    }

    async fn store(&self, user: &UserId, change: &StandingChange) -> Result<Standing> {
        let script = match change {
            StandingChange::NextGeneration
            | StandingChange::NextGenerationAfter(_)
            | StandingChange::NextGuestGeneration => &CHANGE,
            _ => &MODERATE,
        };
        let call = Call::new(script, [self.keys.standing(user)]).arg(self.token_ttl.as_millis());
        let call = match change {
            StandingChange::NextGeneration => call.arg("generation"),
            StandingChange::NextGenerationAfter(issued_at) => {
                call.arg("generation").arg(issued_at.unix_millis() + 1)
            }
            StandingChange::NextGuestGeneration => call.arg("guest_generation"),
            StandingChange::SetRole(role) => call.arg("role").arg(role.as_str()),
            StandingChange::Ban { lasts, reason } => {
                let lasts = lasts.map_or_else(|| "-".to_owned(), |lasts| lasts.as_millis().to_string());
                call.arg("ban").arg(lasts).arg(reason.as_deref().unwrap_or_default())
            }
            StandingChange::Unban => call.arg("unban"),
        };
        standing(self.calls.call(call).await)
    }
}

#[async_trait]
impl Standings for RedisStandings {
    async fn standings(&self, users: &[UserId]) -> Result<Vec<Standing>> {
        within(self.calls.deadline, self.read(users)).await
    }

    fn each_standing(&self, users: Vec<UserId>) -> BoxStream<'_, (UserId, Result<Standing>)> {
        let by_server = self.calls.shards.by_server(users, |user| self.keys.standing(user));
        let reads: FuturesUnordered<_> = by_server.into_iter().map(|users| self.read_each(users)).collect();
        reads.flat_map(stream::iter).boxed()
    }

    async fn change(&self, user: &UserId, change: StandingChange) -> Result<Standing> {
        within(self.calls.deadline, self.apply(user, change)).await
    }

    async fn bans(&self, before: Option<u64>, limit: usize) -> Result<BanPage> {
        within(self.calls.deadline, async {
            let listed = self.bans.list(before, limit).await?;
            let users: Vec<UserId> = listed.users.iter().map(|(user, _)| user.clone()).collect();
            let standings = self.read(&users).await?;
            Ok(listed.page(standings))
        })
        .await
    }
}

/// Reads the reply of `read.lua`. A field that can't be read is skipped and counted.
fn standing(value: Result<Value>) -> Result<Standing> {
    let fields: Vec<Option<Vec<u8>>> = parsed_if_ours(value)?;
    let mut fields = fields.into_iter();
    let mut unreadable = 0;
    let mut next = || match fields.next().flatten().map(String::from_utf8) {
        Some(Err(_)) => {
            unreadable += 1;
            None
        }
        Some(Ok(text)) => Some(text),
        None => None,
    };
    let (generation, signed_out_at, role) = (next(), next(), next());
    let (ends, reason, left) = (next(), next(), next());
    let mut read = |field: Option<String>| {
        let millis = field.as_ref().and_then(|text| text.parse::<u64>().ok());
        unreadable += u64::from(field.is_some() && millis.is_none());
        millis
    };
    let generation = read(generation).unwrap_or(0);
    let signed_out_at = read(signed_out_at).and_then(Timestamp::from_unix_millis);
    let ban = match (ends.as_deref(), left) {
        (Some("-"), Some(_)) => Some(None),
        (Some(_), Some(_)) => read(ends).and_then(Timestamp::from_unix_millis).map(Some),
        (Some(_), None) => {
            read(ends);
            None
        }
        (None, _) => None,
    };
    let known = role.as_deref().and_then(Role::parse);
    unreadable += u64::from(role.is_some() && known.is_none());
    count_unreadable(Unreadable::Standing, unreadable);
    let reason = reason.filter(|reason| !reason.is_empty());
    Ok(Standing { generation, role: known, ban: ban.map(|until| Ban { until, reason }), signed_out_at })
}
