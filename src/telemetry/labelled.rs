//! Counters with a label: one series a kind. Each begins at 0, as a rate is not seen of a series that appears
//! with its first event.

use metrics::{counter, describe_counter, describe_gauge, gauge};

use super::limits;
use super::metrics::meters;

/// Describes them, and begins those whose kinds are known here.
pub(super) fn begin() {
    describe_gauge!("adda_build_info", "1; the label tells the version");
    gauge!("adda_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    describe_counter!("adda_http_requests_total", "HTTP requests that were answered, by route and status");
    describe_counter!("adda_errors_total", "Errors sent to clients, by code");
    describe_counter!(
        "adda_unreadable_total",
        "Data in Redis that this version can't read and skips, by place"
    );
    describe_counter!("adda_redis_errors_total", "What Redis refused, and where it did not answer, by kind");
    describe_counter!("adda_logins_total", "Log-ins with a password, by outcome");
    for outcome in LoginOutcome::ALL {
        counter!("adda_logins_total", "outcome" => outcome.as_str()).absolute(0);
    }
    for kind in RedisFailure::ALL {
        counter!("adda_redis_errors_total", "kind" => kind.as_str()).absolute(0);
    }
    limits::begin();
    describe_counter!("adda_uploads_refused_total", "Uploads that were refused, by reason");
    for why in Refusal::ALL {
        counter!("adda_uploads_refused_total", "reason" => why.as_str()).absolute(0);
    }
    describe_counter!("adda_files_removed_total", "Files that were removed, by reason");
    Removal::ALL.into_iter().for_each(|why| count_removed_files(why, 0));
    Unreadable::ALL.into_iter().for_each(|what| count_unreadable(what, 0));
}

/// Begins the counts of errors, whose codes are the protocol's.
pub fn begin_errors(codes: impl IntoIterator<Item = &'static str>) {
    for code in codes {
        counter!("adda_errors_total", "code" => code).absolute(0);
    }
}

/// Data that can't be read: of a later version, or not adda's at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// On the channel of a room.
    Publication,
    /// In the log of a room.
    LogEntry,
    /// A key of another type than adda gives it.
    Key,
    /// Among the members of a room.
    Member,
    /// A name in the index of rooms.
    RoomName,
    /// Among the nodes' leases and what they say of themselves.
    Lease,
    /// Among the leave notices that are due.
    LeaveNotice,
    /// An account.
    Account,
    /// In the standing of a user, or the list of bans.
    Standing,
    /// In the rules of a room, or the record of moderators.
    Moderation,
    /// The record of a file.
    File,
    /// In the record of a private room.
    RoomRecord,
    /// Among the notifications.
    Notification,
    /// Among the schedules.
    Schedule,
}

impl Unreadable {
    const ALL: [Self; 14] = [
        Self::Publication,
        Self::LogEntry,
        Self::Key,
        Self::Member,
        Self::RoomName,
        Self::Lease,
        Self::LeaveNotice,
        Self::Account,
        Self::Standing,
        Self::Moderation,
        Self::File,
        Self::RoomRecord,
        Self::Notification,
        Self::Schedule,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Publication => "publication",
            Self::LogEntry => "log_entry",
            Self::Key => "key",
            Self::Member => "member",
            Self::RoomName => "room_name",
            Self::Lease => "lease",
            Self::LeaveNotice => "leave_notice",
            Self::Account => "account",
            Self::Standing => "standing",
            Self::Moderation => "moderation",
            Self::File => "file",
            Self::RoomRecord => "room_record",
            Self::Notification => "notification",
            Self::Schedule => "schedule",
        }
    }
}

/// The outcome of a log-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginOutcome {
    /// The user has a token.
    Accepted,
    /// Name and password do not belong together.
    WrongPassword,
    /// More often than the limits allow.
    TooFast,
    /// Anything else: the user is banned, the queue is full, the backend does not answer, the name is none.
    Failed,
}

impl LoginOutcome {
    const ALL: [Self; 4] = [Self::Accepted, Self::WrongPassword, Self::TooFast, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::WrongPassword => "wrong_password",
            Self::TooFast => "too_fast",
            Self::Failed => "failed",
        }
    }
}

/// Why an upload was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its file has too many bytes.
    TooLarge,
    /// Its user has uploaded as much as it may in a day.
    Quota,
    /// The node has as many uploads under way as it takes.
    Busy,
    /// Its client sent too slowly, or something else than a file.
    Unreadable,
}

impl Refusal {
    const ALL: [Self; 4] = [Self::TooLarge, Self::Quota, Self::Busy, Self::Unreadable];

    fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Quota => "quota",
            Self::Busy => "busy",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Why a file was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// No message was posted with it.
    Orphan,
    /// Its message was deleted.
    Deleted,
    /// The log has dropped its message.
    Dropped,
    /// Its record was lost.
    Unrecorded,
}

impl Removal {
    const ALL: [Self; 4] = [Self::Orphan, Self::Deleted, Self::Dropped, Self::Unrecorded];

    fn as_str(self) -> &'static str {
        match self {
            Self::Orphan => "orphan",
            Self::Deleted => "deleted",
            Self::Dropped => "dropped",
            Self::Unrecorded => "unrecorded",
        }
    }
}

/// Counts an upload that was refused.
pub fn count_refused_upload(why: Refusal) {
    counter!("adda_uploads_refused_total", "reason" => why.as_str()).increment(1);
}

/// Counts files that were removed.
pub fn count_removed_files(why: Removal, count: u64) {
    counter!("adda_files_removed_total", "reason" => why.as_str()).increment(count);
}

/// Counts a log-in.
pub fn count_login(outcome: LoginOutcome) {
    counter!("adda_logins_total", "outcome" => outcome.as_str()).increment(1);
}

/// How Redis failed, or what it refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisFailure {
    /// The user may not.
    NoPermission,
    /// The password is not accepted.
    NoAuthentication,
    /// A key holds something else.
    WrongType,
    /// At its memory limit.
    OutOfMemory,
    /// It is a replica.
    ReadOnly,
    /// It can't for now: loading, without a master, in a script.
    Busy,
    /// Fewer replicas than are asked for.
    TooFewReplicas,
    /// It can't write its file.
    Persistence,
    /// A script failed.
    Script,
    /// No answer came in time.
    Timeout,
    /// The connection broke, or there is none.
    Connection,
    /// Anything else.
    Other,
}

impl RedisFailure {
    const ALL: [Self; 12] = [
        Self::NoPermission,
        Self::NoAuthentication,
        Self::WrongType,
        Self::OutOfMemory,
        Self::ReadOnly,
        Self::Busy,
        Self::TooFewReplicas,
        Self::Persistence,
        Self::Script,
        Self::Timeout,
        Self::Connection,
        Self::Other,
    ];

    /// The label of `adda_redis_errors_total`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoPermission => "no_permission",
            Self::NoAuthentication => "no_authentication",
            Self::WrongType => "wrong_type",
            Self::OutOfMemory => "out_of_memory",
            Self::ReadOnly => "read_only",
            Self::Busy => "busy",
            Self::TooFewReplicas => "too_few_replicas",
            Self::Persistence => "persistence",
            Self::Script => "script",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Other => "other",
        }
    }
}

/// Counts a failure of Redis.
pub fn count_redis_failure(kind: RedisFailure) {
    counter!("adda_redis_errors_total", "kind" => kind.as_str()).increment(1);
}

/// Counts what was skipped because it can't be read.
pub fn count_unreadable(what: Unreadable, count: u64) {
    counter!("adda_unreadable_total", "what" => what.as_str()).increment(count);
}

/// Counts an error by its code, once, where an error frame or an answer with an error is sent.
pub fn count_error(code: &'static str) {
    meters().errors.increment(1);
    counter!("adda_errors_total", "code" => code).increment(1);
}

/// Counts an answered request. `route` is one of the node's own templates, never what a client wrote: each is a series.
pub fn count_request(route: &str, status: u16) {
    meters().requests.increment(1);
    let labels = [("route", route.to_owned()), ("status", status.to_string())];
    counter!("adda_http_requests_total", &labels).increment(1);
}
