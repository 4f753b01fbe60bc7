//! The records of files: who uploaded what to which room, and the message that has it. The bytes are elsewhere, under the
//! id of their file.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Result;
use crate::model::{FileId, NodeId, RoomName, UserId};

/// How long an upload that neither is finished nor fails keeps a repetition waiting. Its node may have died.
pub const REPETITION_WAITS: Duration = Duration::from_secs(10);

/// The records of files. `tests/it/backend_contract/files.rs` is the suite that every implementation passes.
///
/// A file is uploading, then stored, then claimed by a message that is about to be posted, then posted. Its record is removed
/// with its message, or when no message has claimed it for a while; then its id waits until its bytes are deleted.
///
/// Every method is safe to call concurrently and ends within `redis.command_timeout`.
#[async_trait]
pub trait Files: Send + Sync + fmt::Debug {
    /// Records a file whose upload begins, and takes bytes of all its quotas: as many as are wanted, or as many as they
    /// have left. No repetition of it begins for [`REPETITION_WAITS`], unless it is finished or cancelled before.
    async fn begin(&self, upload: &Upload) -> Result<Begun>;

    /// Records that an upload is still under way, so that its record does not expire.
    async fn keep(&self, upload: &Upload) -> Result<()>;

    /// Records that the bytes are stored, and gives back to the quotas what was taken beyond its size. Returns false if
    /// there is no record any more.
    async fn finish(&self, upload: &Upload, file: &FileDescription) -> Result<bool>;

    /// Removes the record of an upload that failed, and gives its bytes back to the quotas.
    async fn cancel(&self, upload: &Upload) -> Result<()>;

    /// A file that is stored.
    async fn find(&self, id: FileId) -> Result<Option<StoredFile>>;

    /// Claims files for a message, all of them or none: `None` unless each is stored, of this user and room, and not claimed
    /// by another message. In the order of `ids`.
    async fn claim(&self, ids: &[FileId], claim: &Claim) -> Result<Option<Vec<Claimed>>>;

    /// Records the message that has the files. Files without a record stay without one.
    async fn settle(&self, room: &RoomName, ids: &[FileId], seq: u64) -> Result<()>;

    /// Gives up the claims of a message that was not posted.
    async fn release(&self, ids: &[FileId]) -> Result<()>;

    /// Removes the records of files of a room. Returns how many there were.
    async fn remove(&self, room: &RoomName, ids: &[FileId]) -> Result<u64>;
}

/// The search for files to remove. One node of the cluster does it at a time.
#[async_trait]
pub trait FileSweep: Send + Sync + fmt::Debug {
    /// Whether this node may search for a while: none does, or it has done so last.
    async fn lead(&self, node: NodeId, lasts: Duration) -> Result<bool>;

    /// Removes the records of files that no message has claimed for `age`, and looks at `limit` files at most. The quotas get
    /// back what uploads among them have taken that were not finished. Files that a
    /// message claimed so long ago, of which nobody knows whether it was posted, are returned, and come again after
    /// another `age`.
    async fn expire(&self, age: Duration, limit: usize) -> Result<Expired>;

    /// Rooms with posted files, at most `limit`: those that were returned longest ago.
    async fn rooms(&self, limit: usize) -> Result<Vec<RoomName>>;

    /// Posted files of a room in the order of their messages, at most `limit` behind the first `skip`.
    async fn posted(&self, room: &RoomName, skip: usize, limit: usize) -> Result<Vec<PostedFile>>;

    /// Records that the message of files, if there is one, has a number up to `seq`. They stay as long as the message of that
    /// number does in the log.
    async fn settle_up_to(&self, room: &RoomName, ids: &[FileId], seq: u64) -> Result<()>;

    /// Files without a record whose bytes are to be deleted, at most `limit`.
    async fn removed(&self, limit: usize) -> Result<Vec<FileId>>;

    /// Records that the bytes are deleted.
    async fn deleted(&self, ids: &[FileId]) -> Result<()>;

    /// Records that the bytes could not be deleted. [`FileSweep::removed`] returns them after `wait` again.
    async fn postpone(&self, ids: &[FileId], wait: Duration) -> Result<()>;

    /// Those of the files that have no record.
    async fn unrecorded(&self, ids: &[FileId]) -> Result<Vec<FileId>>;

    /// Whether a list of all stored bytes is due. The first is due `every` after the first call.
    async fn begin_listing(&self, every: Duration) -> Result<bool>;
}

/// An upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The file, which no other upload has.
    pub id: FileId,
    /// Its user.
    pub user: UserId,
    /// The room that it is for.
    pub room: RoomName,
    /// Bytes to take of the quotas.
    pub wanted: u64,
    /// With fewer it need not begin.
    pub least: u64,
    /// The quotas that it counts against.
    pub quotas: Vec<ByteQuota>,
    /// Identifies a repetition of the same upload within 24 hours, by at most 128 characters.
    pub fingerprint: Option<String>,
}

/// Bytes that may be uploaded in a day (UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteQuota {
    /// The quota's owner.
    pub owner: QuotaOwner,
    /// Bytes in a day.
    pub limit: u64,
}

/// The owner of a quota.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum QuotaOwner {
    /// A user.
    User(UserId),
    /// The guests of an address.
    Guests(String),
}

/// The answer to an upload that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It may have so many bytes.
    Granted(u64),
    /// An upload with the same fingerprint is stored as this file.
    Stored(FileId),
    /// One with the same fingerprint is under way.
    UnderWay,
    /// A quota has too few bytes left, until the day ends.
    Exhausted {
        /// When that is.
        retry_after: Duration,
    },
}

/// The description of the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDescription {
    /// A name that is safe to save it under.
    pub name: String,
    /// The media type, from its bytes.
    pub r#type: String,
    /// Bytes.
    pub size: u64,
    /// Of an image, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Of an image, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// A file that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// The user who uploaded it.
    pub user: UserId,
    /// The room whose readers may read it.
    pub room: RoomName,
    /// Its bytes.
    pub description: FileDescription,
}

/// The message that claims files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its author.
    pub user: UserId,
    /// Its room.
    pub room: RoomName,
    /// The message among all of this user in this room: a second attempt has the same.
    pub message: String,
}

/// A file that a message has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The file.
    pub id: FileId,
    /// Its bytes.
    pub description: FileDescription,
    /// Whether an earlier attempt of the message had claimed it.
    pub was_claimed: bool,
}

/// A file that a message has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostedFile {
    /// The file.
    pub id: FileId,
    /// The number of its message.
    pub seq: u64,
    /// Whether its message has this number. If not, the number may be a lower one: no receipt says which.
    pub is_exact: bool,
}

/// The result of [`FileSweep::expire`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expired {
    /// How many records were removed.
    pub removed: u64,
    /// Files of messages that may have been posted.
    pub unsettled: Vec<(RoomName, FileId)>,
}
