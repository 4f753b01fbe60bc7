//! The preferences of users; only those that differ from the default are stored.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryNode;
use crate::backend::{Preferences, ReadSharing, Reader, ReaderKind, Result};
use crate::model::UserId;

#[async_trait]
impl Preferences for MemoryNode {
    async fn read_sharing(&self, users: &[UserId]) -> Result<Vec<ReadSharing>> {
        let (shared, now) = (self.cluster.lock(), Instant::now());
        Ok(users.iter().map(|user| shared.preferences.read_sharing(user, now)).collect())
    }

    async fn share_reading(&self, user: &Reader, sharing: ReadSharing) -> Result<()> {
        self.cluster.lock().preferences.share_reading(user, sharing, Instant::now());
        Ok(())
    }
}

/// The users who share nothing, each until it may be forgotten; `None`: for good.
pub(super) struct PreferenceTable {
    token_ttl: Duration,
    hidden: HashMap<UserId, Option<Instant>>,
}

impl PreferenceTable {
    pub(super) fn new(token_ttl: Duration) -> Self {
        Self { token_ttl, hidden: HashMap::new() }
    }

    fn read_sharing(&self, user: &UserId, now: Instant) -> ReadSharing {
        let hidden = self.hidden.get(user).is_some_and(|ends| ends.is_none_or(|ends| ends > now));
        ReadSharing::from_flag(!hidden)
    }

    fn share_reading(&mut self, user: &Reader, sharing: ReadSharing, now: Instant) {
        match sharing {
            ReadSharing::On => drop(self.hidden.remove(&user.user)),
            ReadSharing::Off => {
                let ends = (user.kind == ReaderKind::Guest).then(|| now + self.token_ttl);
                self.hidden.insert(user.user.clone(), ends);
            }
        }
    }

    pub(super) fn remove_expired(&mut self, now: Instant) {
        self.hidden.retain(|_, ends| ends.is_none_or(|ends| ends > now));
    }
}
