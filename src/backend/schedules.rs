//! Schedules: what is to be said later, and who says it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::Result;
use crate::model::{Firing, Schedule, ScheduleId, Timestamp};

/// How long a claim holds. A node that dies loses its claims after this time.
pub const CLAIM: Duration = Duration::from_secs(3);

/// Times of one schedule that wait to be fired, at most. Further ones are passed over while these wait.
pub const MAX_WAITING: usize = 8;

/// Schedules that one call claims for, at most.
pub const CLAIM_BATCH: usize = 16;

/// Schedules. `tests/it/backend_contract/schedules.rs` is the suite that every implementation passes.
///
/// A time is due by the backend's clock. It is claimed by one node at a time, for [`CLAIM`], until it is completed; so it may be
/// fired twice, and firing must be idempotent by (schedule, time). The times of [`crate::model::Timing::Every`] follow the
/// cluster's clock, which never goes back; that of [`crate::model::Timing::At`] follows the wall clock. Every method is safe to
/// call concurrently and ends within `redis.command_timeout`.
#[async_trait]
pub trait Schedules: Send + Sync + fmt::Debug {
    /// Stores a schedule.
    async fn add(&self, schedule: &Schedule) -> Result<Addition>;

    /// All schedules, by the time at which each is due next.
    async fn list(&self) -> Result<Vec<Planned>>;

    /// Removes a schedule. Returns whether it was there.
    async fn remove(&self, id: ScheduleId) -> Result<bool>;

    /// Claims times that are due and that no other node has claimed. If several times of a schedule have passed, the first of
    /// them is claimed, and the others are passed over.
    async fn claim(&self) -> Result<Claims>;

    /// Records that times were fired. A schedule for one time ends with it.
    async fn complete(&self, fired: &[(ScheduleId, u64)]) -> Result<()>;
}

/// The result of adding a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addition {
    /// It is stored.
    Added,
    /// There are as many as there may be.
    TooMany,
    /// Its only time has passed.
    Past,
}

/// A schedule, and when it is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The schedule.
    pub schedule: Schedule,
    /// When it is due next; `None`: its only time is being fired.
    pub next: Option<Timestamp>,
}

/// The claims of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The times to fire.
    pub firings: Vec<Firing>,
    /// Time until there may be something to claim; `None`: there is nothing.
    pub next_in: Option<Duration>,
}
