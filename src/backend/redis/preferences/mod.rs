//! Preferences in Redis: a hash a user, with those that differ from the default.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::parsed_if_ours;
use crate::backend::redis::keys::Keys;
use crate::backend::redis::topology::Shards;
use crate::backend::{Preferences, ReadSharing, Reader, ReaderKind, Result, within};
use crate::config::Config;
use crate::model::UserId;

static SHARE_READING: Script = Script::new(Memory::Grows, &[TYPES, include_str!("share_reading.lua")]);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&SHARE_READING];

/// The preferences.
#[derive(Debug)]
pub struct RedisPreferences {
    keys: Keys,
    shards: Arc<Shards>,
    token_ttl: Duration,
    deadline: Duration,
}

impl RedisPreferences {
    pub fn new(keys: Keys, shards: Arc<Shards>, config: &Config) -> Self {
        Self { keys, shards, token_ttl: config.auth.token_ttl, deadline: config.redis.command_timeout }
    }
}

#[async_trait]
impl Preferences for RedisPreferences {
    async fn read_sharing(&self, users: &[UserId]) -> Result<Vec<ReadSharing>> {
        let call = |user: &UserId| Call::plain("HGET", self.keys.preferences(user)).arg("share_reading");
        let calls: Vec<Call> = users.iter().map(call).collect();
        let reading = async { Ok(self.shards.call_all(&Role::Pooled, &calls).await) };
        let values = within(self.deadline, reading).await?;
        let sharing = values.into_iter().map(|value| {
            let stored: Option<Vec<u8>> = parsed_if_ours(value)?;
            Ok(ReadSharing::from_flag(stored.as_deref() != Some(b"off")))
        });
        sharing.collect()
    }

    async fn share_reading(&self, user: &Reader, sharing: ReadSharing) -> Result<()> {
        let ttl = match user.kind {
            ReaderKind::Guest => self.token_ttl.as_millis().to_string(),
            ReaderKind::Lasting => String::new(),
        };
        let call = Call::new(&SHARE_READING, [self.keys.preferences(&user.user)])
            .arg(if sharing.is_on() { "on" } else { "off" })
            .arg(ttl);
        within(self.deadline, self.shards.call(&Role::Pooled, call)).await.map(drop)
    }
}
