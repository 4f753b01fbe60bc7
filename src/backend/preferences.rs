//! Preferences of users, which hold on all nodes and in all their browsers.

use std::fmt;

use async_trait::async_trait;

use super::{Reader, Result};
use crate::model::UserId;

/// Preferences of users. `tests/it/backend_contract/preferences.rs` is the suite that every implementation passes.
///
/// Every method is safe to call concurrently and ends within `redis.command_timeout`.
#[async_trait]
pub trait Preferences: Send + Sync + fmt::Debug {
    /// Whether users share what they have read, in the order of `users`.
    async fn read_sharing(&self, users: &[UserId]) -> Result<Vec<ReadSharing>>;

    /// Stores whether a user shares what it has read: for good, or for `auth.token_ttl` if it is a guest.
    async fn share_reading(&self, user: &Reader, sharing: ReadSharing) -> Result<()>;
}

/// Whether the two users of a conversation see how far the other one has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReadSharing {
    /// The user shows its cursor, and sees that of another user who does.
    #[default]
    On,
    /// The user neither shows its cursor nor sees that of others.
    Off,
}

impl ReadSharing {
    /// On or off.
    pub fn from_flag(is_on: bool) -> Self {
        if is_on { Self::On } else { Self::Off }
    }

    /// Whether it is on.
    pub fn is_on(self) -> bool {
        self == Self::On
    }
}
