//! The rooms' logs: what is appended, which page of it is wanted, and how that follows what its reader has.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::Result;
use crate::model::{Draft, Epoch, LoggedMessage, Position, Receipt, RoomName};

/// How long a nonce is remembered.
pub const NONCE_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The receipt of a draft that has its place in the queue of the log, whenever it is asked for.
pub type Appending = BoxFuture<'static, Result<Receipt>>;

/// The rooms' logs. `tests/it/backend_contract/log.rs` and `pages.rs` are the suite that every implementation passes.
///
/// Every method may be called from many tasks at once and ends within `redis.command_timeout`, but for `heads`, which
/// may take as long again for rooms that have moved.
#[async_trait]
pub trait Log: Send + Sync + fmt::Debug {
    /// Numbers, logs and publishes a message in one atomic step, unless its nonce was used by this
    /// user in this room within 24 hours ([`NONCE_TTL`]): then the first receipt comes back and nothing
    /// else happens, or [`super::BackendError::NonceReused`] if the first message had other content. Drafts are
    /// numbered in the order in which this method was called, in whatever order their receipts are awaited. An
    /// appending that is dropped may never be carried out.
    fn append(&self, draft: Draft) -> Appending;

    /// The room's newest place. A room that was never used gets its epoch now, so that its first
    /// message continues from a place that clients can hold.
    async fn head(&self, room: &RoomName) -> Result<Position>;

    /// The rooms' newest places as [`Log::head`] gives them, in the order of `rooms`: a part of the
    /// backend that does not answer keeps back those of its own rooms alone.
    async fn heads(&self, rooms: &[RoomName]) -> Vec<Result<Position>>;

    /// A page for sessions of a room, which gets its epoch now if it has none: at most `limit` messages, where `limit`
    /// is at least 1, and at most `limits.outbox_bytes / 2` bytes of JSON, or one message that is larger. Any number
    /// may be asked for.
    async fn read(&self, room: &RoomName, span: Span, limit: usize) -> Result<Page>;

    /// The same for a reader who is in no room. Writes nothing, whatever is asked for. A page after a place
    /// can only be proven in an open epoch, so that is for [`Log::read`].
    async fn peek(&self, room: &RoomName, span: Span, limit: usize) -> Result<Excerpt>;

    /// Whether posts of this node are accepted, as far as is known: not after one that failed, if another that
    /// the node has tried by itself failed as well.
    fn accepts_posts(&self) -> bool;
}

/// Which messages of a log are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Span {
    /// The last ones.
    Newest,
    /// Those older than a number, the nearest to it.
    Before(u64),
    /// Those that follow a place, the nearest to it.
    After(Position),
    /// Those above a number in whatever epoch is current, the nearest to it.
    Above(u64),
}

/// A page of a room's log, oldest message first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The room's newest place at the moment of reading.
    pub head: Position,
    /// The messages. A number that is left out between two of them, or up to `end`, is of an entry that this
    /// version can't read.
    pub messages: Vec<LoggedMessage>,
    /// The last number that a page of [`Span::After`] or [`Span::Above`] tells of: that of the head, unless
    /// there is more.
    pub end: u64,
    /// Entries that this version can't read.
    pub unreadable: usize,
    /// Where the page stands in relation to the place that was asked for with [`Span::After`].
    /// The other spans ask for none that could be disproved: [`Span::Above`] resumes at its
    /// number, [`Span::Newest`] and [`Span::Before`] just below the oldest message.
    pub continuity: Continuity,
    /// Whether the log holds more in the direction of reading.
    pub has_more: bool,
}

impl Page {
    /// Whether everything after the reader's place up to `end` is given to it.
    pub fn is_whole(&self) -> bool {
        self.continuity.is_whole() && self.unreadable == 0
    }
}

/// A page for a reader who is in no room, oldest message first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The current epoch. None is open in a room that no session was in lately: a session that enters opens one.
    pub epoch: Option<Epoch>,
    /// The messages.
    pub messages: Vec<LoggedMessage>,
    /// Where a further page in the direction of reading begins, if there is more: the number to name as
    /// [`Span::Before`] or [`Span::Above`].
    pub next: Option<u64>,
}

/// How a page follows the place that a reader has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continuity {
    /// Whether what the reader has seen is a beginning of what the log had. If not, the numbers
    /// from `resume_at` on were given a second time, in another epoch.
    pub is_proven: bool,
    /// The last number that the reader and the log agree on: the reader's own if it is proven; if
    /// it lies above the end of its epoch, that end; of an unknown epoch, the number at which the
    /// current one began, or those that ended within seconds before it, or the reader's if that is smaller.
    /// The page begins after it, or after what the log has dropped.
    pub resume_at: u64,
    /// The oldest number that the log can still give; head + 1 if it is empty.
    pub oldest: u64,
}

impl Continuity {
    /// Whether everything after the reader's place can be given to it.
    pub fn is_whole(&self) -> bool {
        self.is_proven && !self.has_hole()
    }

    /// Whether messages after `resume_at` are no longer in the log.
    pub fn has_hole(&self) -> bool {
        self.oldest > self.resume_at.saturating_add(1)
    }
}
