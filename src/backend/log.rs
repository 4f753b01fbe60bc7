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

    /// What the page tells a reader who has come to `from`, in order.
    pub fn deltas(&self, from: &Position) -> impl Iterator<Item = Delta<'_>> {
        let is_reset = !self.continuity.is_proven || from.epoch != self.head.epoch;
        let mut reached = if is_reset { self.continuity.resume_at } else { from.seq };
        let reset = is_reset.then(|| Delta::Reset(Position { epoch: self.head.epoch.clone(), seq: reached }));
        let steps = self.messages.iter().map(Some).chain([None]);
        let rest = steps.flat_map(move |message| {
            // What the log has dropped, and what stands there and can't be read.
            let to = message.map_or(self.end, |message| message.seq.saturating_sub(1));
            let gap = (to > reached).then(|| Delta::Gap { from: reached + 1, to });
            reached = message.map_or(reached.max(to), |message| message.seq);
            gap.into_iter().chain(message.map(Delta::Message))
        });
        reset.into_iter().chain(rest)
    }
}

/// One thing that a page tells its reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta<'a> {
    /// What the reader has seen is not proven, or of an earlier epoch: numbers go on after this place.
    Reset(Position),
    /// The messages `from` to `to`, both included, can't be given any more.
    Gap {
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
    },
    /// The next message.
    Message(&'a LoggedMessage),
}

impl Delta<'_> {
    /// The number that the reader has come to after it.
    pub fn end(&self) -> u64 {
        match self {
            Self::Reset(position) => position.seq,
            Self::Gap { to, .. } => *to,
            Self::Message(message) => message.seq,
        }
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
            taken_in: None,
        };
        Page {
            head: at("e", end),
            messages: messages.iter().map(message).collect(),
            end,
            unreadable: 0,
            continuity: Continuity { is_proven: true, resume_at, oldest: 1 },
            has_more: false,
        }
    }

    #[test]
    fn a_page_tells_what_follows_what_is_lost_and_where_an_epoch_began() {
        use Delta::{Gap, Message, Reset};
        let whole = page(1, &[2, 3], 3);
        let [second, third] = [&whole.messages[0], &whole.messages[1]];
        let told =
            |page: &Page, from| page.deltas(&from).map(|delta| format!("{delta:?}")).collect::<Vec<_>>();
        let expected =
            |deltas: &[Delta<'_>]| deltas.iter().map(|delta| format!("{delta:?}")).collect::<Vec<_>>();
        assert_eq!(told(&whole, at("e", 1)), expected(&[Message(second), Message(third)]));
        assert_eq!(told(&page(1, &[], 1), at("e", 1)), expected(&[]));
        let holes = page(0, &[2, 3], 5);
        let gaps = [Gap { from: 1, to: 1 }, Message(second), Message(third), Gap { from: 4, to: 5 }];
        assert_eq!(told(&holes, at("e", 0)), expected(&gaps));
        let reset = [Reset(at("e", 1)), Message(second), Message(third)];
        assert_eq!(told(&whole, at("d", 7)), expected(&reset));
        let mut unproven = whole.clone();
        unproven.continuity.is_proven = false;
        assert_eq!(told(&unproven, at("e", 7)), expected(&reset));
        // The reader is ahead of where the page could resume: nothing before its place is lost to it.
        assert_eq!(told(&page(0, &[11], 11), at("e", 10)).len(), 1);
    }
}
