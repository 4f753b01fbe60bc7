//! The state that nodes share, one trait a concern: the logs, the events of rooms, presence, the cluster's
//! nodes, accounts, the standing and the preferences of users, moderation, private rooms, notifications, schedules, quotas, and records of files. A backend carries events, not frames, and knows no
//! socket.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::model::{Claimant, ControlEvent, NodeId, UserEvent, UserId};
use crate::supervisor::Supervisor;

mod accounts;
mod cluster;
mod cursors;
mod files;
mod log;
pub mod memory;
mod moderation;
mod node;
mod notifications;
mod preferences;
mod presence;
mod pubsub;
mod quotas;
pub mod redis;
mod reports;
mod rooms;
mod schedules;
mod standing;

pub use self::accounts::{Account, Accounts, Condition, Creation, PasswordHash};
pub use self::cluster::{
    Cluster, FIGURES_KEPT, FIGURES_PAGE, FiguresPage, FiguresPlace, FiguresSpan, Fingerprints, Health,
    NodeFigures, NodeInfo, NodeStats, Secrets,
};
pub use self::cursors::{Cursors, LastText, Reader, ReaderKind, Unread};
pub use self::files::{
    Begun, ByteQuota, Claim, Claimed, Expired, FileDescription, FileSweep, Files, PostedFile, QuotaOwner,
    REPETITION_WAITS, StoredFile, Upload,
};
pub use self::log::{Appending, Continuity, Delta, Excerpt, Log, NONCE_TTL, Page, Span};
pub use self::moderation::{
    AuditAction, AuditEntry, AuditPage, AuditPosition, AuditRecord, AuditUser, KICK_KEPT, MAX_RULES,
    Moderation, Mute, RoomRules, RulesChange,
};
pub use self::node::{Events, LocalNode, LocalRoom, NodeSecret, Release, share_secret};
pub use self::notifications::{Broadcast, Notifications, Seen, SeenBroadcast, Sent, UserNotifications};
pub use self::preferences::{Preferences, ReadSharing};
pub use self::presence::{
    Busiest, Changing, Entered, LeaveMode, MEMBERS_IN_JOINED, MemberPage, MemberPosition, Presence, RoomCount,
};
pub use self::pubsub::{BackendEvent, Channel, FeedHealth, PubSub, Publication};
pub use self::quotas::{Grant, Quota, Quotas, Rate};
pub use self::reports::{
    Filed, MAX_REPORTS, REPORTS_OF_USER, ReportPage, ReportRecord, ReportedMessage, ReportedUser, Reports,
};
pub use self::rooms::{
    Listing, MAX_LISTED, MAX_LISTED_BY_OTHERS, MAX_MEMBERS, Relation, RoomChange, RoomChanged, RoomRecord,
    Rooms, Unlisting,
};
pub use self::schedules::{Addition, CLAIM, CLAIM_BATCH, Claims, MAX_WAITING, Planned, Schedules};
pub use self::standing::{Ban, BanPage, BannedUser, Standing, StandingChange, Standings};

/// Access to the state that all nodes share; a cheap handle. A service takes only the concern that it needs.
#[derive(Debug, Clone)]
pub struct Backend {
    /// The rooms' logs.
    pub log: Arc<dyn Log>,
    /// The places up to which users have read rooms.
    pub cursors: Arc<dyn Cursors>,
    /// Events of channels.
    pub pubsub: Arc<dyn PubSub>,
    /// The members of rooms.
    pub presence: Arc<dyn Presence>,
    /// Nodes, leases and the secrets of the cluster.
    pub cluster: Arc<dyn Cluster>,
    /// Names, hashes of passwords, and the first admin.
    pub accounts: Arc<dyn Accounts>,
    /// The standing of users.
    pub standings: Arc<dyn Standings>,
    /// The preferences of users.
    pub preferences: Arc<dyn Preferences>,
    /// Token buckets.
    pub quotas: Arc<dyn Quotas>,
    /// The rules of rooms, and the record of what moderators did.
    pub moderation: Arc<dyn Moderation>,
    /// The reports of users to moderators.
    pub reports: Arc<dyn Reports>,
    /// The records of files.
    pub files: Arc<dyn Files>,
    /// The search for files to remove.
    pub file_sweep: Arc<dyn FileSweep>,
    /// Private rooms, and the rooms of users.
    pub rooms: Arc<dyn Rooms>,
    /// Notifications to users.
    pub notifications: Arc<dyn Notifications>,
    /// The words that are to be said later.
    pub schedules: Arc<dyn Schedules>,
}

impl Backend {
    /// Tells all nodes that the standing of a user has changed.
    ///
    /// # Errors
    /// As [`PubSub::publish`].
    pub async fn tell_change(&self, user: &UserId) -> Result<()> {
        self.tell(ControlEvent::UserChanged(user.clone())).await
    }

    /// Tells all nodes that an account was created.
    ///
    /// # Errors
    /// As [`PubSub::publish`].
    pub async fn tell_account(&self, account: &Account) -> Result<()> {
        self.tell(ControlEvent::AccountCreated(account.author())).await
    }

    /// Tells the full sessions of a user something, on whatever nodes they are.
    ///
    /// # Errors
    /// As [`PubSub::publish`].
    pub async fn tell_user(&self, user: &UserId, event: UserEvent) -> Result<()> {
        self.pubsub.publish(&Channel::User(user.clone()), Publication::User(event)).await
    }

    /// Tells all nodes that a user was notified whose channel none of them follows.
    ///
    /// # Errors
    /// As [`PubSub::publish`].
    pub async fn tell_notified(&self, user: &UserId) -> Result<()> {
        self.tell(ControlEvent::UserNotified(user.clone())).await
    }

    /// Tells all nodes that the reports have changed.
    ///
    /// # Errors
    /// As [`PubSub::publish`].
    pub async fn tell_reported(&self) -> Result<()> {
        self.tell(ControlEvent::ReportsChanged).await
    }

    /// Tells all nodes that a schedule was made.
    ///
    /// # Errors
    /// As [`PubSub::publish`].
    pub async fn tell_scheduled(&self) -> Result<()> {
        self.tell(ControlEvent::SchedulesChanged).await
    }

    /// Tells all nodes that one claims tokens for somebody's messages.
    ///
    /// # Errors
    /// As [`PubSub::publish`].
    pub async fn tell_claim(&self, claimant: Claimant) -> Result<()> {
        self.tell(ControlEvent::Claimed(claimant)).await
    }

    async fn tell(&self, event: ControlEvent) -> Result<()> {
        self.pubsub.publish(&Channel::Control, Publication::Control(event)).await
    }
}

/// The result of asking a backend.
pub type Result<T> = std::result::Result<T, BackendError>;

/// The failure of a request to a backend.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The backend does not answer, or refuses for now. Whether the request took effect is unknown, so only an
    /// idempotent request may be repeated without asking the user.
    #[error("the backend is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The user has posted a message with this nonce in this room, and it had other content.
    #[error("the nonce was used for another message")]
    NonceReused,
    /// The log has no message of this number.
    #[error("there is no such message")]
    MessageNotFound,
    /// The user may not change this message, or not any more.
    #[error("the message may not be changed by this user")]
    NotAllowed,
    /// The message has as many kinds of reactions as it may have.
    #[error("the message has too many reactions")]
    TooManyReactions,
    /// The user is no member of the private room.
    #[error("the user is no member of the room")]
    NoMember,
    /// The only admin must stay one.
    #[error("the last admin must stay one")]
    LastAdmin,
    /// The room has as many mutes and kicks as it may have.
    #[error("the room has too many mutes and kicks")]
    TooManyRules,
    /// The backend can never work as it is configured: a wrong password, a server that is too old.
    #[error("{0}")]
    Misconfigured(String),
}

impl BackendError {
    /// The underlying error, for the log.
    pub fn root_cause(&self) -> String {
        std::error::Error::source(self).map_or_else(|| self.to_string(), ToString::to_string)
    }
}

/// Checks the settings of the backend and the files that they name, without connecting.
///
/// # Errors
/// [`BackendError::Misconfigured`] as [`start`].
pub fn check(config: &Config) -> Result<()> {
    if config.redis.url.is_empty() { Ok(()) } else { redis::check(&config.redis) }
}

/// Starts the backend that the configuration names, and the stream of its events.
///
/// # Errors
/// [`BackendError::Misconfigured`] if the backend can never work. An unreachable Redis is no error: the backend
/// keeps connecting.
pub async fn start(config: &Config, node: NodeId, supervisor: &Supervisor) -> Result<(Backend, Events)> {
    if config.redis.url.is_empty() {
        Ok(memory::MemoryCluster::new(config).join(node))
    } else {
        redis::start(config, node, supervisor).await
    }
}

/// Applies a deadline that counts from this call, not from the first poll of the result.
pub fn within<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T>> + Send,
) -> impl Future<Output = Result<T>> + Send {
    let ending = tokio::time::timeout(deadline, work);
    async { ending.await.unwrap_or_else(|elapsed| Err(BackendError::Unavailable(elapsed.into()))) }
}
