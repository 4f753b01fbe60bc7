//! Positions in a room's log.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A stretch of numbering that is known to be continuous. Opaque: epochs are equal or not, never
/// earlier or later.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct Epoch(Arc<str>);

impl Epoch {
    /// Wraps the text of an epoch.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The epoch as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A position in a room's log: everything up to and including `seq` of `epoch`. A room's head is the
/// position of its newest message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The epoch that `seq` was counted in.
    pub epoch: Epoch,
    /// 0 before the first message.
    pub seq: u64,
}

impl Position {
    /// Whether everything up to `other` is up to here as well. Of another epoch nothing is.
    pub fn has_reached(&self, other: &Self) -> bool {
        self.epoch == other.epoch && self.seq >= other.seq
    }
}
