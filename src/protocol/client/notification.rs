//! Frames about notifications.

use super::raw::{RawFrame, bad, missing};
use crate::model::NotificationId;
use crate::protocol::Rejection;

/// The user has seen a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The notification.
    pub id: NotificationId,
}

impl Seen {
    pub(super) fn read(raw: &RawFrame<'_>) -> Result<Self, Rejection> {
        let id = raw.id()?.ok_or_else(|| missing("id"))?;
        Ok(Self { id: NotificationId::parse(&id).ok_or_else(|| bad("id is no notification's id"))? })
    }
}
