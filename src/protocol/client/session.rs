//! Frames about the session itself.

use super::raw::{RawFrame, missing};
use crate::protocol::Rejection;

/// Proves who the session speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The token of an earlier `welcome` or `auth_success`.
    pub token: String,
}

impl Auth {
    pub(super) fn read(raw: &RawFrame<'_>) -> Result<Self, Rejection> {
        Ok(Self { token: raw.token()?.ok_or_else(|| missing("token"))? })
    }
}
