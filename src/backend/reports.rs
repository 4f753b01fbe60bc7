//! Reports: messages and users that users have pointed out to moderators.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{AuditPosition, Result};

/// Reports that are kept, at most. Beyond that the oldest of a user with more than [`REPORTS_OF_USER`] is dropped, else the oldest.
pub const MAX_REPORTS: usize = 1000;

/// Reports of a user that are as safe from being dropped as those of all others.
pub const REPORTS_OF_USER: usize = 20;

/// Reports. `tests/it/backend_contract/reports.rs` is the suite that every implementation passes.
///
/// Every method is safe to call concurrently and ends within `redis.command_timeout`.
#[async_trait]
pub trait Reports: Send + Sync + fmt::Debug {
    /// Keeps a report. A user's second one about the same is the first, as long as that is kept.
    async fn file_report(&self, report: &ReportRecord) -> Result<Filed>;

    /// The report of this place, if it is kept.
    async fn report(&self, id: AuditPosition) -> Result<Option<ReportRecord>>;

    /// The newest reports first: at most `limit` before a position.
    async fn reports(&self, before: Option<AuditPosition>, limit: usize) -> Result<ReportPage>;

    /// Removes a report. Returns whether it was kept until now.
    async fn settle_report(&self, id: AuditPosition) -> Result<bool>;
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRecord {
    /// The user that reports.
    pub by: ReportedUser,
    /// The room in which it was reported.
    pub room_id: String,
    /// The user that is reported.
    pub user: ReportedUser,
    /// The message that is reported; without one the report is about the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<ReportedMessage>,
    /// Why, in the words of the user that reports.
    pub reason: String,
}

/// A user as a report names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedUser {
    /// The user.
    pub user_id: String,
    /// The name at that time, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

/// A message as a report names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedMessage {
    /// Its number.
    pub seq: u64,
    /// Its id: another epoch may have another message of that number.
    pub id: String,
}

impl ReportRecord {
    /// The same for all reports of one user about one message, or about one user in one room.
    pub(super) fn subject(&self) -> String {
        // No id has a line break.
        let subject = match &self.message {
            Some(message) => format!("message {}", message.id),
            None => format!("user {}", self.user.user_id),
        };
        format!("{}\n{}\n{subject}", self.by.user_id, self.room_id)
    }
}

/// The result of filing a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filed {
    /// It is kept at this place.
    New(AuditPosition),
    /// The user has reported the same before.
    Again(AuditPosition),
}

impl Filed {
    /// Its place, which is its id.
    pub fn id(self) -> AuditPosition {
        match self {
            Self::New(id) | Self::Again(id) => id,
        }
    }
}

/// A page of reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportPage {
    /// The newest first. May be fewer than asked for although there are more.
    pub reports: Vec<(AuditPosition, ReportRecord)>,
    /// The position to pass as `before` for the next page, if there is one.
    pub next: Option<AuditPosition>,
}
