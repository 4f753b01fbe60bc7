//! Token buckets of the cluster: how often something may happen on all nodes together.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::Result;
use crate::model::UserId;

/// The token buckets of the cluster. `tests/it/backend_contract/quotas.rs` is the suite that every implementation
/// passes.
///
/// A bucket that nobody has taken from is full. It fills by the backend's clock, and is forgotten when it is full.
#[async_trait]
pub trait Quotas: Send + Sync + fmt::Debug {
    /// Takes `wanted` tokens of a bucket, or as many as it has. Before that it deducts `spent` tokens, which a node
    /// has let pass without asking. A bucket may owe as many tokens as it can hold, not more, whatever was spent.
    /// If the clock is set back, a bucket is empty for the time that fills it twice, at most.
    ///
    /// Ends within `redis.command_timeout`.
    async fn take(&self, quota: &Quota, rate: Rate, spent: u32, wanted: u32) -> Result<Grant>;
}

/// A bucket, by its limit and its subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Quota {
    /// Messages of a user.
    UserMessages(UserId),
    /// Messages of guests of an address.
    AddressMessages(String),
    /// Attempts to log in to an account, by a hash of its name.
    AccountLogins(String),
    /// Attempts to log in from an address.
    AddressLogins(String),
    /// Accounts that are made from an address.
    AddressRegistrations(String),
}

/// The tokens of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Time in which a bucket gains a token, at least a microsecond.
    pub every: Duration,
    /// Tokens of a full bucket, at least one.
    pub burst: u32,
}

/// The answer of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The tokens that were taken.
    pub granted: u32,
    /// Time until the bucket has a token, if none was granted.
    pub retry_after: Duration,
}

impl Rate {
    /// Time in which an empty bucket becomes full.
    pub fn window(self) -> Duration {
        self.every.saturating_mul(self.burst)
    }
}
