//! The rooms' logs: appending, and pages that continue from a reader's position.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::Result;
use crate::model::{
    ChangeDraft, ChangeReceipt, Draft, EntryKind, Epoch, LoggedMessage, Nonce, Position, Receipt, RoomName,
    UserId,
};

/// How long a nonce is remembered.
pub const NONCE_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The receipt of a draft that is queued for the log.
pub type Appending<T> = BoxFuture<'static, Result<T>>;

/// The rooms' logs. `log.rs`, `log_pages.rs`, `log_changes.rs` and `log_changes_bounds.rs` in `tests/it/backend_contract/` are the
/// suite that every implementation passes.
///
/// Every method is safe to call concurrently and ends within `redis.command_timeout`. `heads` may take as long
/// again for rooms that have moved.
#[async_trait]
pub trait Log: Send + Sync + fmt::Debug {
    /// Numbers, logs and publishes a message in one atomic step. If this user has used the nonce in this room
    /// within 24 hours ([`NONCE_TTL`]), the first receipt is returned and nothing else happens, or
    /// [`super::BackendError::NonceReused`] if the first message had other content. Drafts are numbered in the
    /// order of the calls, not in the order in which receipts are awaited. If the returned future is dropped, the
    /// draft may never be appended.
    ///
    /// Only members post to a private room, and the system ([`UserId::is_system`](crate::model::UserId::is_system)):
    /// [`super::BackendError::NoMember`].
    ///
    /// A message that replies to a number that was not assigned yet is refused:
    /// [`super::BackendError::MessageNotFound`].
    fn append(&self, draft: Draft) -> Appending<Receipt>;

    /// Changes a message and numbers, logs and publishes the change in one atomic step, under the next number of the
    /// room and in one order with [`Log::append`]; nonces are shared. Of a text that was deleted or replaced nothing
    /// remains.
    ///
    /// [`super::BackendError::MessageNotFound`]: the log has no message of this number, or it was deleted.
    /// [`super::BackendError::NotAllowed`]: the message is another user's, or older than `messages.editable`.
    /// [`super::BackendError::TooManyReactions`]: it has [`MAX_REACTIONS`](crate::model::message::change::MAX_REACTIONS) kinds.
    fn change(&self, draft: ChangeDraft) -> Appending<ChangeReceipt>;

    /// The position of the room's newest message. A room that was never used gets its epoch now, so its first
    /// message continues from a position that clients can hold.
    async fn head(&self, room: &RoomName) -> Result<Position>;

    /// The heads of rooms as [`Log::head`], in the order of `rooms`. A part of the backend that does not answer
    /// fails its own rooms alone.
    async fn heads(&self, rooms: &[RoomName]) -> Vec<Result<Position>>;

    /// A page for sessions of a room: at most `limit` messages (at least 1), and at most `limits.outbox_bytes / 2`
    /// bytes of JSON or one larger message. A room without an epoch gets one now. Any number may be requested.
    async fn read(&self, room: &RoomName, span: Span, limit: usize) -> Result<Page>;

    /// The same for a reader outside the room. Writes nothing. Continuity after a position can only be proven in an
    /// open epoch, so [`Log::read`] serves that.
    async fn peek(&self, room: &RoomName, span: Span, limit: usize) -> Result<Excerpt>;

    /// Whether a message or change of the user has this nonce: another one with it would be refused, or be a duplicate.
    async fn has_nonce(&self, room: &RoomName, user: &UserId, nonce: &Nonce) -> Result<bool>;

    /// Whether posts of this node are accepted, as far as is known: false after a failed post if the node's own
    /// test post failed, too.
    fn accepts_posts(&self) -> bool;
}

/// The part of a log to read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Span {
    /// The newest messages.
    Newest,
    /// Messages below a number, the nearest to it.
    Before(u64),
    /// Messages and changes after a position, the nearest to it. All other spans have messages only.
    After(Position),
    /// Messages above a number in the current epoch, the nearest to it.
    Above(u64),
}

/// A page of a room's log, oldest message first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The room's head at the time of reading.
    pub head: Position,
    /// The messages, as they are now. In a page of [`Span::After`] a missing number between two of them, or up to `end`,
    /// is an entry that was dropped, or that this version can't read.
    pub messages: Vec<LoggedMessage>,
    /// The last number that a page of [`Span::After`] or [`Span::Above`] covers: that of the head, unless there is
    /// more.
    pub end: u64,
    /// Number of entries that this version can't read.
    pub unreadable: usize,
    /// How the page follows the position of [`Span::After`]. Other spans are always proven: [`Span::Above`] resumes
    /// at its number, [`Span::Newest`] and [`Span::Before`] just below the oldest message.
    pub continuity: Continuity,
    /// Whether the log holds more in the direction of reading.
    pub has_more: bool,
}

impl Page {
    /// Whether the page has every message after the reader's position up to `end`.
    pub fn is_whole(&self) -> bool {
        self.continuity.is_whole() && self.unreadable == 0
    }

    /// The steps from a reader's position `from` to the end of the page, in order.
    pub fn deltas(&self, from: &Position) -> impl Iterator<Item = Delta<'_>> {
        let is_reset = !self.continuity.is_proven || from.epoch != self.head.epoch;
        let mut reached = if is_reset { self.continuity.resume_at } else { from.seq };
        let reset = is_reset.then(|| Delta::Reset(Position { epoch: self.head.epoch.clone(), seq: reached }));
        let messages = self.messages.iter().map(Some).chain([None]);
        let rest = messages.flat_map(move |message| {
            // Messages that the log has dropped, and entries that can't be read.
            let to = message.map_or(self.end, |message| message.seq.saturating_sub(1));
            let gap = (to > reached).then(|| self.gap(reached + 1, to));
            reached = message.map_or(reached.max(to), |message| message.seq);
            gap.into_iter().chain(message.map(Delta::Message))
        });
        reset.into_iter().chain(rest)
    }

    fn gap(&self, from: u64, to: u64) -> Delta<'_> {
        // All texts from the oldest one on are in the page.
        let has_texts = from < self.continuity.oldest_text || self.unreadable > 0;
        Delta::Gap { from, to, of: if has_texts { EntryKind::Text } else { EntryKind::Change } }
    }
}

/// One step of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta<'a> {
    /// The reader's position is not proven, or belongs to an earlier epoch. Numbering continues after this
    /// position.
    Reset(Position),
    /// The messages `from` to `to`, both included, are lost.
    Gap {
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
        /// `Change` if there was no text among them, else `Text`.
        of: EntryKind,
    },
    /// The next message.
    Message(&'a LoggedMessage),
}

impl Delta<'_> {
    /// The reader's number after this step.
    pub fn end(&self) -> u64 {
        match self {
            Self::Reset(position) => position.seq,
            Self::Gap { to, .. } => *to,
            Self::Message(message) => message.seq,
        }
    }
}

/// A page for a reader outside the room, oldest message first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The current epoch. A room without sessions for long has none; a session that enters opens one.
    pub epoch: Option<Epoch>,
    /// The messages.
    pub messages: Vec<LoggedMessage>,
    /// The number to pass as [`Span::Before`] or [`Span::Above`] for the next page, if there is more.
    pub next: Option<u64>,
}

/// How a page follows a reader's position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continuity {
    /// Whether the messages up to the reader's position are a prefix of this log. If not, the numbers after
    /// `resume_at` were assigned again, in another epoch.
    pub is_proven: bool,
    /// The last number on which reader and log agree. For a proven position it is the reader's own. For a position
    /// above the end of its epoch it is that end. For an unknown epoch it is the start of the current epoch (or of
    /// epochs that ended within seconds before it), or the reader's number if that is lower. The page begins after
    /// it, or after the messages that the log has dropped.
    pub resume_at: u64,
    /// The number of the oldest message in the log; head + 1 if it is empty. Of [`Span::After`] the number from which on
    /// nothing is missing: `history.max_changes` may have dropped changes of later messages.
    pub oldest: u64,
    /// The number of the oldest message in the log, changes not counted; head + 1 if there is none.
    pub oldest_text: u64,
}

impl Continuity {
    /// Whether the log has every message after the reader's position.
    pub fn is_whole(&self) -> bool {
        self.is_proven && !self.has_hole()
    }

    /// Whether the log has dropped messages after `resume_at`.
    pub fn has_hole(&self) -> bool {
        self.oldest > self.resume_at.saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: &str, seq: u64) -> Position {
        Position { epoch: Epoch::new(epoch), seq }
    }

    /// A page of epoch `e` with these messages, up to `end`.
    fn page(resume_at: u64, messages: &[u64], end: u64) -> Page {
        let message = |seq: &u64| LoggedMessage {
            epoch: Epoch::new("e"),
            seq: *seq,
            json: "{}".into(),
            kind: EntryKind::Text,
            taken_in: None,
        };
        Page {
            head: at("e", end),
            messages: messages.iter().map(message).collect(),
            end,
            unreadable: 0,
            continuity: Continuity { is_proven: true, resume_at, oldest: 1, oldest_text: 3 },
            has_more: false,
        }
    }

    #[test]
    fn a_page_has_steps_for_messages_gaps_and_resets() {
        use Delta::{Gap, Message, Reset};
        let whole = page(1, &[2, 3], 3);
        let [second, third] = [&whole.messages[0], &whole.messages[1]];
        let steps =
            |page: &Page, from| page.deltas(&from).map(|delta| format!("{delta:?}")).collect::<Vec<_>>();
        let expected =
            |deltas: &[Delta<'_>]| deltas.iter().map(|delta| format!("{delta:?}")).collect::<Vec<_>>();
        assert_eq!(steps(&whole, at("e", 1)), expected(&[Message(second), Message(third)]));
        assert_eq!(steps(&page(1, &[], 1), at("e", 1)), expected(&[]));
        let holes = page(0, &[2, 3], 5);
        let gaps = |last| {
            let first = Gap { from: 1, to: 1, of: EntryKind::Text };
            expected(&[first, Message(second), Message(third), Gap { from: 4, to: 5, of: last }])
        };
        assert_eq!(
            steps(&holes, at("e", 0)),
            gaps(EntryKind::Change),
            "all texts from the oldest on are there"
        );
        let unreadable = Page { unreadable: 1, ..holes.clone() };
        assert_eq!(steps(&unreadable, at("e", 0)), gaps(EntryKind::Text), "one may be a text");
        let reset = [Reset(at("e", 1)), Message(second), Message(third)];
        assert_eq!(steps(&whole, at("d", 7)), expected(&reset));
        let mut unproven = whole.clone();
        unproven.continuity.is_proven = false;
        assert_eq!(steps(&unproven, at("e", 7)), expected(&reset));
        // The reader is ahead of `resume_at`: it has not lost any message before its position.
        assert_eq!(steps(&page(0, &[11], 11), at("e", 10)).len(), 1);
    }
}
