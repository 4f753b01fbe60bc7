//! The token buckets in Redis: one key each, which expires when its bucket is full.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::parsed;
use crate::backend::redis::keys::Keys;
use crate::backend::redis::topology::Shards;
use crate::backend::{Grant, Quota, Quotas, Rate, Result, within};

/// A connection of its own, opened with the first use: neither posts nor reads wait for a limit.
const QUOTAS: Role = Role::Ordered("quotas");

static TAKE: Script = Script::new(Memory::Grows, &[TYPES, include_str!("take.lua")]);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&TAKE];

/// The token buckets.
#[derive(Debug)]
pub struct RedisQuotas {
    keys: Keys,
    shards: Arc<Shards>,
    deadline: Duration,
}

impl RedisQuotas {
    pub fn new(keys: Keys, shards: Arc<Shards>, deadline: Duration) -> Self {
        Self { keys, shards, deadline }
    }
}

#[async_trait]
impl Quotas for RedisQuotas {
    async fn take(&self, quota: &Quota, rate: Rate, spent: u32, wanted: u32) -> Result<Grant> {
        let call = Call::new(&TAKE, [self.keys.quota(quota)])
            .arg(rate.every.as_micros().max(1))
            .arg(rate.burst)
            .arg(spent)
            .arg(wanted);
        let taken = within(self.deadline, self.shards.call(&QUOTAS, call)).await?;
        let (granted, wait_us): (u32, u64) = parsed(taken)?;
        Ok(Grant { granted, retry_after: Duration::from_micros(wait_us) })
    }
}
