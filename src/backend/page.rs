//! Pages of a room's log: which one is wanted, and how it follows what its reader has.

use crate::model::{Epoch, LoggedMessage, Position};

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
