//! One room's log: its texts and changes, and the pages of both.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::text::{Text, gone};
use crate::backend::memory::rules;
use crate::backend::{BackendError, Continuity, Page, Result, Span, Unread};
use crate::model::message::close_json;
use crate::model::{
    Change, ChangeDraft, DeleteRights, Draft, EntryKind, Epoch, LoggedMessage, Position, UserId,
};

/// How much a log keeps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) texts: usize,
    pub(super) changes: usize,
    pub(super) ttl: Duration,
    pub(super) page_bytes: usize,
    pub(super) editable: Duration,
}

/// The entries of a room, numbered without gaps up to `seq`, texts and changes together.
pub(super) struct RoomLog {
    pub(super) epoch: Epoch,
    pub(super) seq: u64,
    texts: VecDeque<Text>,
    changes: VecDeque<ChangeEntry>,
    /// The number of the last change that was dropped.
    dropped: u64,
}

/// A change; that of an edit has no content, which its text has.
struct ChangeEntry {
    seq: u64,
    draft: ChangeDraft,
    timestamp: String,
}

/// The outcome of a change.
pub(super) struct Changed {
    /// `None` if nothing changed.
    pub(super) published: Option<LoggedMessage>,
    pub(super) files: Vec<String>,
}

impl RoomLog {
    pub(super) fn new(epoch: Epoch) -> Self {
        Self { epoch, seq: 0, texts: VecDeque::new(), changes: VecDeque::new(), dropped: 0 }
    }

    pub(super) fn head(&self) -> Position {
        Position { epoch: self.epoch.clone(), seq: self.seq }
    }

    pub(super) fn append(&mut self, draft: &Draft, timestamp: &str, now: Instant) -> Result<LoggedMessage> {
        if draft.reply_to.is_some_and(|seq| seq > self.seq) {
            return Err(BackendError::MessageNotFound);
        }
        self.seq += 1;
        let text = Text::new(self.seq, now, draft.clone(), timestamp.to_owned());
        let message = LoggedMessage { taken_in: Some(draft.taken_in), ..self.logged_text(&text) };
        self.texts.push_back(text);
        Ok(message)
    }

    pub(super) fn change(
        &mut self,
        draft: &ChangeDraft,
        timestamp: &str,
        now: Instant,
        bounds: &Bounds,
    ) -> Result<Changed> {
        let next = self.seq + 1;
        let place = self.place_of(draft.target).filter(|place| self.texts[*place].kind() == EntryKind::Text);
        let text = &mut self.texts[place.ok_or(BackendError::MessageNotFound)?];
        let is_own = text.draft.author.user_id == draft.author.user_id && now - text.at <= bounds.editable;
        let mut files = Vec::new();
        match &draft.change {
            Change::Edit { .. } if !is_own => return Err(BackendError::NotAllowed),
            Change::Edit { content } => text.edit(content, timestamp),
            Change::Delete { rights: DeleteRights::Own } if !is_own => return Err(BackendError::NotAllowed),
            Change::Delete { .. } => files = text.delete(),
            Change::React { emoji, on } => {
                if !text.react(*emoji, &draft.author.user_id, *on)? {
                    return Ok(Changed { published: None, files });
                }
            }
        }
        text.set_changed(next);
        self.seq = next;
        let mut stored = draft.clone();
        if let Change::Edit { content } = &mut stored.change {
            content.clear();
        }
        let entry = ChangeEntry { seq: next, draft: stored, timestamp: timestamp.to_owned() };
        let logged = self.logged_change(&entry);
        self.changes.push_back(entry);
        let published = Some(LoggedMessage { taken_in: Some(draft.taken_in), ..logged });
        Ok(Changed { published, files })
    }

    /// Drops what the bounds do not allow.
    pub(super) fn trim(&mut self, bounds: &Bounds, now: Instant) {
        let excess = self.texts.len().saturating_sub(bounds.texts);
        self.texts.drain(..excess);
        while self.texts.front().is_some_and(|text| now - text.at > bounds.ttl) {
            self.texts.pop_front();
        }
        let oldest = self.oldest();
        while self
            .changes
            .front()
            .is_some_and(|change| change.seq < oldest || self.changes.len() > bounds.changes)
        {
            self.dropped = self.changes.pop_front().map_or(self.dropped, |change| change.seq);
        }
    }

    /// The number of the oldest text; head + 1 if there is none.
    fn oldest(&self) -> u64 {
        self.texts.front().map_or(self.seq + 1, |text| text.seq)
    }

    fn place_of(&self, seq: u64) -> Option<usize> {
        self.texts.binary_search_by_key(&seq, |text| text.seq).ok()
    }

    fn logged(&self, seq: u64, json: Bytes, kind: EntryKind) -> LoggedMessage {
        LoggedMessage { epoch: self.epoch.clone(), seq, json, kind, taken_in: None }
    }

    fn logged_text(&self, text: &Text) -> LoggedMessage {
        let quoted = text.draft.reply_to;
        let quotation = quoted
            .map(|seq| self.place_of(seq).map_or_else(|| gone(seq), |place| self.texts[place].quotation()));
        self.logged(text.seq, text.json(quotation), text.kind())
    }

    fn logged_change(&self, change: &ChangeEntry) -> LoggedMessage {
        let mut open = change.draft.open_json();
        if let Change::Edit { .. } = change.draft.change {
            let content = self.place_of(change.draft.target).map(|place| &*self.texts[place].draft.content);
            open += &serde_json::to_string(content.unwrap_or_default()).expect("a string is always JSON");
        }
        let json = close_json(&open, &change.timestamp, change.seq).into();
        self.logged(change.seq, json, EntryKind::Change)
    }

    /// The texts that a user has not read.
    pub(super) fn unread(&self, user: &UserId, cursor: Option<u64>) -> Unread {
        let first = self.texts.partition_point(|text| text.seq <= cursor.unwrap_or(0));
        let is_shown = |text: &&Text| text.kind() == EntryKind::Text;
        let is_unread = |text: &&Text| is_shown(text) && text.draft.author.user_id != *user;
        let unread = || self.texts.range(first..).filter(is_unread);
        Unread {
            head: self.seq,
            cursor,
            texts: unread().count() as u64,
            mentions: unread().filter(|text| text.draft.mentions.contains(user)).count() as u64,
            last: self.texts.iter().rev().find(is_shown).map(Text::shown_last),
        }
    }

    pub(super) fn page(&self, span: &Span, limit: usize, max_bytes: usize) -> Page {
        let (head, mut oldest) = (self.head(), self.oldest());
        let (is_proven, resume_at) = match span {
            Span::Newest | Span::Before(_) => (true, oldest - 1),
            Span::Above(seq) => (true, *seq),
            Span::After(place) => rules::continuity(place, &head),
        };
        let first = self.texts.partition_point(|text| text.seq <= resume_at);
        let texts = self.texts.range(first..).map(|text| self.logged_text(text));
        let (mut messages, has_more) = match span {
            Span::Newest => {
                take(self.texts.iter().rev().map(|text| self.logged_text(text)), limit, max_bytes)
            }
            Span::Before(seq) => {
                let end = self.texts.partition_point(|text| text.seq < *seq);
                take(self.texts.range(..end).rev().map(|text| self.logged_text(text)), limit, max_bytes)
            }
            Span::Above(_) => take(texts, limit, max_bytes),
            Span::After(_) => {
                let begin = oldest.max(resume_at.saturating_add(1));
                let changes = self.changes.partition_point(|change| change.seq < begin);
                let changes = self.changes.range(changes..).map(|change| self.logged_change(change));
                oldest = oldest.max(self.dropped + 1);
                take(merged(texts, changes), limit, max_bytes)
            }
        };
        let is_backward = matches!(span, Span::Newest | Span::Before(_));
        if is_backward {
            messages.reverse();
        }
        let edge = messages.last().map(|message| message.seq);
        let end = edge.filter(|_| has_more && !is_backward).unwrap_or(self.seq);
        let continuity = Continuity { is_proven, resume_at, oldest, oldest_text: self.oldest() };
        Page { head, messages, end, unreadable: 0, continuity, has_more }
    }
}

/// Two sequences in the order of their numbers.
fn merged(
    one: impl Iterator<Item = LoggedMessage>,
    other: impl Iterator<Item = LoggedMessage>,
) -> impl Iterator<Item = LoggedMessage> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some(first), Some(second)) if second.seq < first.seq => other.next(),
        (Some(_), _) => one.next(),
        (None, _) => other.next(),
    })
}

/// The entries that fit a page, at most `limit`, and at least one whatever its size; and whether there are more.
fn take(
    entries: impl Iterator<Item = LoggedMessage>,
    limit: usize,
    max_bytes: usize,
) -> (Vec<LoggedMessage>, bool) {
    let (mut taken, mut bytes) = (Vec::new(), 0);
    for entry in entries {
        bytes += entry.json.len();
        if taken.len() == limit || (!taken.is_empty() && bytes > max_bytes) {
            return (taken, true);
        }
        taken.push(entry);
    }
    (taken, false)
}
