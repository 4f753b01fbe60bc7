//! Calls that no order binds: each takes a connection from the pool of its server.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;

use super::Shards;
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::{Result, within};

/// Calls on pooled connections.
#[derive(Debug, Clone)]
pub struct PooledCalls {
    /// The servers, for calls on other connections.
    pub shards: Arc<Shards>,
    /// The time that one operation has.
    pub deadline: Duration,
}

impl PooledCalls {
    /// Makes one call within the deadline.
    pub async fn call(&self, call: Call) -> Result<Value> {
        within(self.deadline, self.shards.call(&Role::Pooled, call)).await
    }

    /// Makes calls concurrently, as [`Shards::call_all`] does. One result for each.
    pub async fn call_all(&self, calls: &[Call]) -> Vec<Result<Value>> {
        self.shards.call_all(&Role::Pooled, calls).await
    }
}
