//! The standing of users: the generation of their tokens, their roles and bans.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::Result;
use crate::model::{Role, Timestamp, UserId};

/// The standing of users. `tests/it/backend_contract/standing.rs` is the suite that every implementation passes.
///
/// Every method is safe to call concurrently and ends within `redis.command_timeout`. A change reaches the nodes by
/// [`super::ControlEvent::UserChanged`], which its caller publishes by [`super::Backend::tell_change`].
#[async_trait]
pub trait Standings: Send + Sync + fmt::Debug {
    /// The present standing of users, in the order of `users`. A ban that has ended is absent.
    async fn standings(&self, users: &[UserId]) -> Result<Vec<Standing>>;

    /// The present standing of one user.
    async fn standing(&self, user: &UserId) -> Result<Standing> {
        let standings = self.standings(std::slice::from_ref(user)).await?;
        Ok(standings.into_iter().next().unwrap_or_default())
    }

    /// The present standing of each of these users, in any order: each as soon as its part of the backend answers.
    fn each_standing(&self, users: Vec<UserId>) -> BoxStream<'_, (UserId, Result<Standing>)>;

    /// Changes the standing of a user, and returns the new one. A change may be repeated.
    ///
    /// # Errors
    /// [`super::BackendError::LastAdmin`] if no admin would be left.
    async fn change(&self, user: &UserId, change: StandingChange) -> Result<Standing>;

    /// The present bans, the newest first: at most `limit` with a number below `before`.
    async fn bans(&self, before: Option<u64>, limit: usize) -> Result<BanPage>;
}

/// The facts about a user besides its tokens. A user without stored facts has the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Tokens of an earlier generation are refused. 0, or milliseconds since 1970; a later generation is larger.
    pub generation: u64,
    /// The role, if one was given.
    pub role: Option<Role>,
    /// The ban, while there is one.
    pub ban: Option<Ban>,
    /// When the present generation began. Tokens without a generation that were issued before are refused.
    pub signed_out_at: Option<Timestamp>,
}

/// A ban.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// When it ends; `None`: never.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// A change of a user's standing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandingChange {
    /// All tokens of before are refused, for good: a token may live for years.
    NextGeneration,
    /// The same for a user of an issuer, whose clock may be ahead: a token that was issued at this time is refused as well.
    NextGenerationAfter(Timestamp),
    /// The same for a guest. Forgotten after `auth.token_ttl`, which no guest's token outlives.
    NextGuestGeneration,
    /// Gives a role.
    SetRole(Role),
    /// Bans the user, for good or for a time. Replaces an earlier ban.
    Ban {
        /// How long; `None`: for good.
        lasts: Option<Duration>,
        /// Why.
        reason: Option<String>,
    },
    /// Ends a ban.
    Unban,
}

/// A banned user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BannedUser {
    /// The user.
    pub user: UserId,
    /// When the ban was set.
    pub since: Timestamp,
    /// The ban.
    pub ban: Ban,
}

/// A page of bans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BanPage {
    /// The newest first. May be fewer than asked for although there are more.
    pub bans: Vec<BannedUser>,
    /// The number to pass as `before` for the next page, if there is one.
    pub next: Option<u64>,
}
