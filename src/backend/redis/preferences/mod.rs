//! Preferences in Redis: a hash a user, with those that differ from the default.

use std::time::Duration;

use async_trait::async_trait;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::parsed_if_ours;
use crate::backend::redis::keys::Keys;
use crate::backend::redis::topology::pooled::PooledCalls;
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
    calls: PooledCalls,
    token_ttl: Duration,
}

impl RedisPreferences {
    pub fn new(keys: Keys, calls: PooledCalls, config: &Config) -> Self {
        Self { keys, calls, token_ttl: config.auth.token_ttl }
    }
}

#[async_trait]
impl Preferences for RedisPreferences {
    async fn read_sharing(&self, users: &[UserId]) -> Result<Vec<ReadSharing>> {
        let call = |user: &UserId| Call::plain("HGET", self.keys.preferences(user)).arg("share_reading");
        let calls: Vec<Call> = users.iter().map(call).collect();
        let reading = async { Ok(self.calls.call_all(&calls).await) };
        let values = within(self.calls.deadline, reading).await?;
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
        self.calls.call(call).await.map(drop)
    }
}
