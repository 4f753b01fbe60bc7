//! The rooms' logs: numbers, messages, nonces, pages.

use std::collections::{HashMap, VecDeque};
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

use super::{MemoryNode, rules};
use crate::backend::{Appending, BackendError, Continuity, Excerpt, Log, NONCE_TTL, Page, Result, Span};
use crate::config::{History, Limits};
use crate::model::message::close_json;
use crate::model::{
    Draft, Epoch, Event, LoggedMessage, MessageId, Nonce, Position, Receipt, RoomName, Timestamp, UserId,
};

/// Interval between two removals of unused logs.
const CLEANUP_INTERVAL: Duration = Duration::from_secs(60 * 60);

#[async_trait]
impl Log for MemoryNode {
    fn append(&self, draft: Draft) -> Appending {
        let open_json = draft.open_json();
        let mut shared = self.cluster.lock();
        let posted = shared.logs.post(&draft, &open_json, Instant::now()).map(|(receipt, message)| {
            if let Some(message) = message {
                shared.fanout.publish_in(&draft.room, &Event::Message(message));
            }
            receipt
        });
        Box::pin(ready(posted))
    }

    async fn head(&self, room: &RoomName) -> Result<Position> {
        Ok(self.cluster.lock().logs.head(room, Instant::now()))
    }

    async fn heads(&self, rooms: &[RoomName]) -> Vec<Result<Position>> {
        let mut shared = self.cluster.lock();
        let now = Instant::now();
        rooms.iter().map(|room| Ok(shared.logs.head(room, now))).collect()
    }

    async fn read(&self, room: &RoomName, span: Span, limit: usize) -> Result<Page> {
        Ok(self.cluster.lock().logs.read(room, &span, limit, Instant::now()))
    }

    async fn peek(&self, room: &RoomName, span: Span, limit: usize) -> Result<Excerpt> {
        Ok(self.cluster.lock().logs.peek(room, &span, limit, Instant::now()))
    }

    fn accepts_posts(&self) -> bool {
        true
    }
}

/// The logs of all rooms that were used lately. An older log is removed when no client can hold a position of it.
pub(super) struct Logs {
    max_messages: usize,
    ttl: Duration,
    page_bytes: usize,
    rooms: HashMap<RoomName, RoomLog>,
    last_cleanup: Option<Instant>,
}

/// One room's log. Its messages are numbered without gaps up to `seq`, so an index gives a number.
struct RoomLog {
    epoch: Epoch,
    seq: u64,
    messages: VecDeque<Logged>,
    nonces: HashMap<Arc<NonceKey>, First>,
    nonces_by_age: VecDeque<(Instant, Arc<NonceKey>)>,
    used: Instant,
}

struct Logged {
    at: Instant,
    json: Bytes,
}

type NonceKey = (UserId, Nonce);

/// The receipt of the first message with a nonce.
struct First {
    seq: u64,
    id: MessageId,
    timestamp: String,
    /// [`Draft::digest`]
    digest: String,
}

impl Logs {
    pub(super) fn new(history: &History, limits: &Limits) -> Self {
        Self {
            max_messages: history.max_messages,
            ttl: history.ttl,
            page_bytes: limits.outbox_bytes / 2,
            rooms: HashMap::new(),
            last_cleanup: None,
        }
    }

    /// Numbers and logs a message, which the caller must publish before any other change. `None` if its nonce was
    /// used before.
    pub(super) fn post(
        &mut self,
        draft: &Draft,
        open_json: &str,
        now: Instant,
    ) -> Result<(Receipt, Option<LoggedMessage>)> {
        let (max_messages, ttl) = (self.max_messages, self.ttl);
        let log = self.open(&draft.room, now);
        log.forget_nonces(now);
        let key = draft.nonce.clone().map(|nonce| (draft.author.user_id.clone(), nonce));
        let digest = draft.digest();
        match key.as_ref().and_then(|key| log.nonces.get(key)) {
            Some(first) if first.digest != digest => return Err(BackendError::NonceReused),
            Some(first) => return Ok((log.receipt(first, true), None)),
            None => {}
        }
        log.seq += 1;
        let timestamp = Timestamp::now().to_string();
        let json = Bytes::from(close_json(open_json, &timestamp, log.seq));
        let first = First { seq: log.seq, id: draft.id, timestamp, digest };
        let receipt = log.receipt(&first, false);
        if let Some(key) = key.map(Arc::new) {
            log.nonces_by_age.push_back((now, key.clone()));
            log.nonces.insert(key, first);
        }
        log.messages.push_back(Logged { at: now, json: json.clone() });
        log.trim(max_messages, ttl, now);
        let message = LoggedMessage { taken_in: Some(draft.taken_in), ..log.logged(log.seq, json) };
        Ok((receipt, Some(message)))
    }

    pub(super) fn head(&mut self, room: &RoomName, now: Instant) -> Position {
        self.open(room, now).head()
    }

    pub(super) fn read(&mut self, room: &RoomName, span: &Span, limit: usize, now: Instant) -> Page {
        let (max_messages, ttl, page_bytes) = (self.max_messages, self.ttl, self.page_bytes);
        let log = self.open(room, now);
        log.trim(max_messages, ttl, now);
        log.page(span, limit.max(1), page_bytes)
    }

    pub(super) fn peek(&mut self, room: &RoomName, span: &Span, limit: usize, now: Instant) -> Excerpt {
        let (max_messages, ttl, page_bytes) = (self.max_messages, self.ttl, self.page_bytes);
        let Some(log) = self.rooms.get_mut(room) else {
            return Excerpt { epoch: None, messages: Vec::new(), next: None };
        };
        log.trim(max_messages, ttl, now);
        let Page { head, messages, has_more, .. } = log.page(span, limit.max(1), page_bytes);
        let edge = match span {
            Span::Newest | Span::Before(_) => messages.first(),
            Span::Above(_) | Span::After(_) => messages.last(),
        };
        let next = edge.filter(|_| has_more).map(|message| message.seq);
        Excerpt { epoch: Some(head.epoch), messages, next }
    }

    /// Removes logs that were unused for a day longer than a message is kept.
    pub(super) fn remove_unused(&mut self, now: Instant) {
        if self.last_cleanup.is_some_and(|last| now - last < CLEANUP_INTERVAL) {
            return;
        }
        self.last_cleanup = Some(now);
        let kept_for = self.ttl + NONCE_TTL;
        self.rooms.retain(|_, log| now - log.used <= kept_for);
    }

    fn open(&mut self, room: &RoomName, now: Instant) -> &mut RoomLog {
        let log = self.rooms.entry(room.clone()).or_insert_with(|| RoomLog {
            epoch: Epoch::new(&Uuid::new_v4().simple().to_string()),
            seq: 0,
            messages: VecDeque::new(),
            nonces: HashMap::new(),
            nonces_by_age: VecDeque::new(),
            used: now,
        });
        log.used = now;
        log
    }
}

impl RoomLog {
    fn head(&self) -> Position {
        Position { epoch: self.epoch.clone(), seq: self.seq }
    }

    /// head + 1 if the log is empty.
    fn oldest(&self) -> u64 {
        self.seq + 1 - self.messages.len() as u64
    }

    fn receipt(&self, message: &First, is_duplicate: bool) -> Receipt {
        Receipt {
            id: message.id.to_string(),
            epoch: self.epoch.clone(),
            seq: message.seq,
            timestamp: message.timestamp.clone(),
            is_duplicate,
        }
    }

    fn logged(&self, seq: u64, json: Bytes) -> LoggedMessage {
        LoggedMessage { epoch: self.epoch.clone(), seq, json, taken_in: None }
    }

    fn trim(&mut self, max_messages: usize, ttl: Duration, now: Instant) {
        let excess = self.messages.len().saturating_sub(max_messages);
        self.messages.drain(..excess);
        while self.messages.front().is_some_and(|message| now - message.at > ttl) {
            self.messages.pop_front();
        }
    }

    fn forget_nonces(&mut self, now: Instant) {
        let is_old = |(since, _): &(Instant, Arc<NonceKey>)| now - *since >= NONCE_TTL;
        while self.nonces_by_age.front().is_some_and(is_old) {
            if let Some((_, key)) = self.nonces_by_age.pop_front() {
                self.nonces.remove(&key);
            }
        }
    }

    fn page(&self, span: &Span, limit: usize, max_bytes: usize) -> Page {
        let (head, oldest) = (self.head(), self.oldest());
        let (is_proven, resume_at) = match span {
            Span::Newest | Span::Before(_) => (true, oldest - 1),
            Span::Above(seq) => (true, *seq),
            Span::After(place) => rules::continuity(place, &head),
        };
        // The indexes of the page, as a half-open range.
        let place_of = |seq: u64| (seq.clamp(oldest, self.seq + 1) - oldest) as usize;
        let all = 0..self.messages.len();
        let (taken, has_more) = match span {
            Span::Newest => self.take_backward(all, limit, max_bytes),
            Span::Before(seq) => self.take_backward(0..place_of(*seq), limit, max_bytes),
            Span::Above(_) | Span::After(_) => {
                self.take_forward(place_of(resume_at.saturating_add(1))..all.end, limit, max_bytes)
            }
        };
        let end = if has_more { oldest + taken.end as u64 - 1 } else { self.seq };
        let messages = taken
            .map(|place| self.logged(oldest + place as u64, self.messages[place].json.clone()))
            .collect();
        let continuity = Continuity { is_proven, resume_at, oldest };
        Page { head, messages, end, unreadable: 0, continuity, has_more }
    }

    fn take_forward(&self, from: Places, limit: usize, max_bytes: usize) -> (Places, bool) {
        let count = fitting(self.messages.range(from.clone()), limit, max_bytes);
        let end = from.start + count;
        (from.start..end, end < from.end)
    }

    fn take_backward(&self, from: Places, limit: usize, max_bytes: usize) -> (Places, bool) {
        let count = fitting(self.messages.range(from.clone()).rev(), limit, max_bytes);
        let start = from.end - count;
        (start..from.end, start > from.start)
    }
}

type Places = std::ops::Range<usize>;

/// The number of messages that fit a page: at most `limit`, and at least one whatever its size.
fn fitting<'a>(messages: impl Iterator<Item = &'a Logged>, limit: usize, max_bytes: usize) -> usize {
    let mut bytes = 0;
    let fits = |(place, message): &(usize, &Logged)| {
        bytes += message.json.len();
        *place == 0 || bytes <= max_bytes
    };
    messages.take(limit).enumerate().take_while(fits).count()
}
