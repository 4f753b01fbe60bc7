//! The standing of users.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::time::Instant;

use super::MemoryNode;
use crate::backend::{BackendError, Ban, BanPage, BannedUser, Result, Standing, StandingChange, Standings};
use crate::model::{Role, Timestamp, UserId};

#[async_trait]
impl Standings for MemoryNode {
    async fn standings(&self, users: &[UserId]) -> Result<Vec<Standing>> {
        let shared = self.cluster.lock();
        let now = Instant::now();
        Ok(users.iter().map(|user| shared.users.standing(user, now)).collect())
    }

    fn each_standing(&self, users: Vec<UserId>) -> BoxStream<'_, (UserId, Result<Standing>)> {
        let shared = self.cluster.lock();
        let now = Instant::now();
        let read = |user: UserId| {
            let standing = shared.users.standing(&user, now);
            (user, Ok(standing))
        };
        stream::iter(users.into_iter().map(read).collect::<Vec<_>>()).boxed()
    }

    async fn change(&self, user: &UserId, change: StandingChange) -> Result<Standing> {
        self.cluster.lock().users.change(user, change, Instant::now())
    }

    async fn bans(&self, before: Option<u64>, limit: usize) -> Result<BanPage> {
        Ok(self.cluster.lock().users.bans(before, limit, Instant::now()))
    }
}

/// The users with something stored.
pub(super) struct Users {
    token_ttl: Duration,
    stored: HashMap<UserId, Stored>,
    last_ban: u64,
}

#[derive(Default)]
struct Stored {
    generation: u64,
    /// Whether the generation is a guest's, which is forgotten.
    is_guest: bool,
    signed_out_at: Option<Timestamp>,
    role: Option<Role>,
    ban: Option<StoredBan>,
    /// When it may be forgotten; `None`: never.
    expires: Option<Instant>,
}

struct StoredBan {
    ban: Ban,
    /// `None`: never.
    ends: Option<Instant>,
    /// Its place in the list.
    number: u64,
}

impl Users {
    pub(super) fn new(token_ttl: Duration) -> Self {
        Self { token_ttl, stored: HashMap::new(), last_ban: 0 }
    }

    fn standing(&self, user: &UserId, now: Instant) -> Standing {
        self.stored.get(user).map(|stored| stored.standing(now)).unwrap_or_default()
    }

    /// `change.lua`: the generation of a guest and a ban that ends are forgotten, all else is kept.
    fn change(&mut self, user: &UserId, change: StandingChange, now: Instant) -> Result<Standing> {
        if matches!(change, StandingChange::SetRole(role) if role != Role::Admin) && self.is_last_admin(user)
        {
            return Err(BackendError::LastAdmin);
        }
        let clock = Timestamp::now();
        let stored = self.stored.entry(user.clone()).or_default();
        match change {
            StandingChange::NextGeneration => stored.sign_out(clock, None),
            StandingChange::NextGenerationAfter(issued_at) => stored.sign_out(clock, Some(issued_at)),
            StandingChange::NextGuestGeneration => {
                stored.sign_out(clock, None);
                stored.is_guest = true;
            }
            StandingChange::SetRole(role) => stored.role = Some(role),
            StandingChange::Ban { lasts, reason } => {
                let millis = |lasts: Duration| clock.unix_millis().saturating_add(lasts.as_millis() as u64);
                let until = lasts.and_then(|lasts| Timestamp::from_unix_millis(millis(lasts)));
                self.last_ban = clock.unix_millis().max(self.last_ban + 1);
                let ends = lasts.and_then(|lasts| now.checked_add(lasts));
                stored.ban = Some(StoredBan { ban: Ban { until, reason }, ends, number: self.last_ban });
            }
            StandingChange::Unban => stored.ban = None,
        }
        let ban_ends = stored.ban.as_ref().and_then(|ban| ban.ends);
        let is_for_good = stored.role.is_some()
            || stored.ban.as_ref().is_some_and(|ban| ban.ends.is_none())
            || (stored.generation > 0 && !stored.is_guest);
        let until = (now + self.token_ttl).max(ban_ends.unwrap_or(now));
        stored.expires = (!is_for_good).then_some(until);
        Ok(stored.standing(now))
    }

    fn is_last_admin(&self, user: &UserId) -> bool {
        let is_admin = |stored: &Stored| stored.role == Some(Role::Admin);
        self.stored.get(user).is_some_and(is_admin)
            && self.stored.values().filter(|stored| is_admin(stored)).count() == 1
    }

    fn bans(&self, before: Option<u64>, limit: usize, now: Instant) -> BanPage {
        let banned = self.stored.iter().filter_map(|(user, stored)| {
            let StoredBan { ban, number, .. } = stored.ban.as_ref().filter(|ban| !ban.has_ended(now))?;
            let since = Timestamp::from_unix_millis(*number)?;
            Some((*number, BannedUser { user: user.clone(), since, ban: ban.clone() }))
        });
        let mut banned: Vec<_> =
            banned.filter(|(number, _)| before.is_none_or(|before| *number < before)).collect();
        banned.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
        banned.truncate(limit);
        let next = banned.last().filter(|_| banned.len() == limit).map(|(number, _)| *number);
        BanPage { bans: banned.into_iter().map(|(_, banned)| banned).collect(), next }
    }

    /// Forgets the generations of guests and bans that have ended.
    pub(super) fn remove_expired(&mut self, now: Instant) {
        self.stored.retain(|_, stored| stored.expires.is_none_or(|expires| expires > now));
    }
}

impl Stored {
    /// Refuses all tokens of before, that of `issued_at` as well. A clock that is set back makes none good again.
    fn sign_out(&mut self, clock: Timestamp, issued_at: Option<Timestamp>) {
        self.is_guest = false;
        self.generation = clock.unix_millis().max(self.generation + 1);
        let behind = issued_at.and_then(|issued_at| Timestamp::from_unix_millis(issued_at.unix_millis() + 1));
        let now = Timestamp::from_unix_millis(clock.unix_millis());
        self.signed_out_at = self.signed_out_at.max(behind).max(now);
    }

    fn standing(&self, now: Instant) -> Standing {
        if self.expires.is_some_and(|expires| expires <= now) {
            return Standing::default();
        }
        Standing {
            generation: self.generation,
            role: self.role,
            ban: self.ban.as_ref().filter(|ban| !ban.has_ended(now)).map(|ban| ban.ban.clone()),
            signed_out_at: self.signed_out_at,
        }
    }
}

impl StoredBan {
    fn has_ended(&self, now: Instant) -> bool {
        self.ends.is_some_and(|ends| ends <= now)
    }
}
