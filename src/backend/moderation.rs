//! Moderation: the rules of rooms (who is mute, whether only moderators speak, who was removed), and the record of what
//! moderators did.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Result;
use crate::model::{Role, RoomName, Timestamp, UserId};

/// Mutes and kicks that a room has at one time, at most.
pub const MAX_RULES: usize = 1000;

/// How long a kick is kept for nodes that missed the event.
pub const KICK_KEPT: Duration = Duration::from_secs(600);

/// Moderation. `tests/it/backend_contract/moderation.rs` is the suite that every implementation passes.
///
/// Every method is safe to call concurrently and ends within `redis.command_timeout`.
#[async_trait]
pub trait Moderation: Send + Sync + fmt::Debug {
    /// The present rules of rooms, one result each, in the order of `rooms`. Ended mutes and kicks are absent.
    async fn rules(&self, rooms: &[RoomName]) -> Vec<Result<RoomRules>>;

    /// Changes the rules of a room, and publishes [`super::ControlEvent::RulesChanged`] on its channel, in one step.
    ///
    /// # Errors
    /// [`super::BackendError::TooManyRules`] beyond [`MAX_RULES`].
    async fn change_rules(&self, room: &RoomName, change: &RulesChange) -> Result<()>;

    /// Appends to the record, and drops the oldest entries beyond `moderation.audit_entries`.
    async fn record(&self, entry: &AuditRecord) -> Result<()>;

    /// The newest entries first: at most `limit` before a position.
    async fn audit(&self, before: Option<AuditPosition>, limit: usize) -> Result<AuditPage>;
}

/// The rules of a room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomRules {
    /// Rises with each change; milliseconds since 1970. 0 if nothing is stored.
    pub version: u64,
    /// Only moderators speak.
    pub is_locked: bool,
    /// Users who may not speak, by user.
    pub mutes: Vec<Mute>,
    /// Users who were removed lately, each with the version of that change.
    pub kicks: Vec<(UserId, u64)>,
}

/// A user who may not speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mute {
    /// The user.
    pub user: UserId,
    /// When the user may speak again.
    pub until: Timestamp,
    /// How long that is from now, by the backend's clock.
    pub left: Duration,
}

/// A change of a room's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RulesChange {
    /// The user may not speak for this long. Replaces an earlier mute.
    Mute(UserId, Duration),
    /// The user may speak again.
    Unmute(UserId),
    /// Only moderators speak.
    Lock,
    /// Everybody may speak again.
    Unlock,
    /// The sessions that the user has in the room now are removed.
    Kick(UserId),
}

/// The place of an entry in the record: milliseconds since 1970, and a number within them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditPosition {
    /// When the entry was appended.
    pub millis: u64,
    /// Its number among those of the same time.
    pub number: u64,
}

impl fmt::Display for AuditPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.number)
    }
}

impl AuditPosition {
    /// No entry has it, or one below.
    pub const LEAST: Self = Self { millis: 0, number: 0 };

    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (millis, number) = text.split_once('-')?;
        Some(Self { millis: millis.parse().ok()?, number: number.parse().ok()? })
    }
}

/// An act of a moderator. It is appended before it is done; if that fails, once more with `failed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRecord {
    /// The user who did it.
    pub by: AuditUser,
    /// The act.
    pub action: AuditAction,
    /// The user that it was done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The room in which it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<String>,
    /// The notification, the schedule or the report.
    #[serde(default, rename = "object_id", alias = "id", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The number of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// For how many seconds; absent: for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<u64>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The role that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// It may not have been done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
}

/// A user as the record names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditUser {
    /// The user.
    pub user_id: String,
    /// The name at that time.
    pub username: String,
    /// The role at that time.
    pub role: Role,
}

/// The acts that are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// A user was removed from a room.
    Kick,
    /// A user may not speak in a room.
    Mute,
    /// A user may speak again.
    Unmute,
    /// Only moderators speak in a room.
    Lock,
    /// Everybody may speak in a room again.
    Unlock,
    /// A user was banned.
    Ban,
    /// A ban was lifted.
    Unban,
    /// A user was given a role.
    Role,
    /// A notification was sent.
    Notify,
    /// A notification was taken back.
    TakeBackNotification,
    /// A schedule was made.
    Schedule,
    /// A schedule was removed.
    RemoveSchedule,
    /// A report was settled.
    SettleReport,
    /// A message of another user was deleted.
    DeleteMessage,
    /// A user was made a member of the private room of another.
    AddMember,
    /// A user was removed from the members of the private room of another.
    RemoveMember,
    /// The private room of another was given a title or a topic.
    DescribeRoom,
    /// The private room of another was deleted.
    DeleteRoom,
}

/// An entry of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place.
    pub position: AuditPosition,
    /// The act.
    pub record: AuditRecord,
}

/// A page of the record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// The newest first. May be fewer than asked for although there are more.
    pub entries: Vec<AuditEntry>,
    /// The position to pass as `before` for the next page, if there is one.
    pub next: Option<AuditPosition>,
}
