//! The rooms' logs: numbers, nonces, and what each room has logged.

mod room;
mod text;

use std::collections::{HashMap, VecDeque};
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use uuid::Uuid;

use self::room::{Bounds, Changed, RoomLog};
use super::cursors::RoomCursors;
use super::{MemoryNode, Shared};
use crate::backend::{Appending, BackendError, Excerpt, Log, NONCE_TTL, Page, Result, Span, Unread};
use crate::config::Config;
use crate::model::{
    ChangeDraft, ChangeReceipt, Draft, Epoch, Event, LoggedMessage, MessageId, Nonce, Position, Receipt,
    RoomName, Timestamp, UserId,
};

/// Interval between two removals of unused logs.
const CLEANUP_INTERVAL: Duration = Duration::from_secs(60 * 60);

#[async_trait]
impl Log for MemoryNode {
    fn append(&self, draft: Draft) -> Appending<Receipt> {
        let mut shared = self.cluster.lock();
        let member = shared.records.check_post(&draft.room, &draft.author.user_id);
        let posted = member.and_then(|()| shared.logs.post(&draft, Instant::now()));
        Box::pin(ready(posted.map(|logged| shared.publish_logged(&draft.room, logged))))
    }

    fn change(&self, draft: ChangeDraft) -> Appending<ChangeReceipt> {
        let mut shared = self.cluster.lock();
        let member = shared.records.check_post(&draft.room, &draft.author.user_id);
        let changed = member.and_then(|()| shared.logs.change(&draft, Instant::now()));
        Box::pin(ready(changed.map(|logged| shared.publish_logged(&draft.room, logged))))
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

    async fn has_nonce(&self, room: &RoomName, user: &UserId, nonce: &Nonce) -> Result<bool> {
        let key = (user.clone(), nonce.clone());
        Ok(self.cluster.lock().logs.has_nonce(room, &key, Instant::now()))
    }

    fn accepts_posts(&self) -> bool {
        true
    }
}

impl Shared {
    fn publish_logged<T>(&mut self, room: &RoomName, Logged { receipt, message }: Logged<T>) -> T {
        if let Some(message) = message {
            self.fanout.publish_in(room, &Event::Message(message));
        }
        receipt
    }
}

/// The logs of all rooms that were used lately. An older log is removed when no client can hold a position of it.
pub(super) struct Logs {
    bounds: Bounds,
    cursors_per_room: usize,
    rooms: HashMap<RoomName, Used>,
    last_cleanup: Option<Instant>,
}

/// A room's log, and what it must remember besides.
struct Used {
    log: RoomLog,
    cursors: RoomCursors,
    nonces: HashMap<Arc<NonceKey>, First>,
    nonces_by_age: VecDeque<(Instant, Arc<NonceKey>)>,
    used: Instant,
}

type NonceKey = (UserId, Nonce);

/// The first message or change with a nonce.
struct First {
    /// `None`: a change that changed nothing.
    seq: Option<u64>,
    id: MessageId,
    timestamp: String,
    /// [`Draft::digest`] or [`ChangeDraft::digest`]
    digest: String,
}

/// A receipt, and what is to be published.
struct Logged<T> {
    receipt: T,
    message: Option<LoggedMessage>,
}

impl Logs {
    pub(super) fn new(config: &Config) -> Self {
        let history = &config.history;
        let bounds = Bounds {
            texts: history.max_messages,
            changes: history.max_changes,
            ttl: history.ttl,
            page_bytes: config.limits.outbox_bytes / 2,
            editable: config.messages.editable,
        };
        let cursors_per_room = config.limits.cursors_per_room;
        Self { bounds, cursors_per_room, rooms: HashMap::new(), last_cleanup: None }
    }

    fn has_nonce(&mut self, room: &RoomName, key: &NonceKey, now: Instant) -> bool {
        self.rooms.get_mut(room).is_some_and(|room| {
            room.forget_nonces(now);
            room.nonces.contains_key(key)
        })
    }

    /// Numbers and logs a message, which the caller must publish before any other change. No message if its nonce was
    /// used before.
    fn post(&mut self, draft: &Draft, now: Instant) -> Result<Logged<Receipt>> {
        let bounds = self.bounds;
        let room = self.open(&draft.room, now);
        let key = draft.nonce.clone().map(|nonce| (draft.author.user_id.clone(), nonce));
        let digest = draft.digest();
        let timestamp = Timestamp::now().to_string();
        if let Some(first) = room.first(key.as_ref(), &digest)? {
            let receipt = room.receipt(first, true).ok_or(BackendError::NonceReused)?;
            return Ok(Logged { receipt, message: None });
        }
        room.log.trim(&bounds, now);
        let message = room.log.append(draft, &timestamp, now)?;
        room.log.trim(&bounds, now);
        let first = First { seq: Some(message.seq), id: draft.id, timestamp, digest };
        let receipt = room.receipt(&first, false).expect("it has a number");
        room.remember(key, first, now);
        Ok(Logged { receipt, message: Some(message) })
    }

    /// The same for a change.
    fn change(&mut self, draft: &ChangeDraft, now: Instant) -> Result<Logged<ChangeReceipt>> {
        let bounds = self.bounds;
        let room = self.open(&draft.room, now);
        let key = draft.nonce.clone().map(|nonce| (draft.author.user_id.clone(), nonce));
        let digest = draft.digest();
        let timestamp = Timestamp::now().to_string();
        if let Some(first) = room.first(key.as_ref(), &digest)? {
            let receipt = room.change_receipt(first, Vec::new(), true);
            return Ok(Logged { receipt, message: None });
        }
        room.log.trim(&bounds, now);
        let Changed { published, files } = room.log.change(draft, &timestamp, now, &bounds)?;
        room.log.trim(&bounds, now);
        let seq = published.as_ref().map(|message| message.seq);
        let first = First { seq, id: draft.id, timestamp, digest };
        let receipt = room.change_receipt(&first, files, false);
        room.remember(key, first, now);
        Ok(Logged { receipt, message: published })
    }

    /// Removes a room's messages.
    pub(super) fn remove(&mut self, room: &RoomName) {
        self.rooms.remove(room);
    }

    pub(super) fn head(&mut self, room: &RoomName, now: Instant) -> Position {
        self.open(room, now).log.head()
    }

    /// The same without opening an epoch.
    pub(super) fn known_head(&self, room: &RoomName) -> Option<Position> {
        self.rooms.get(room).map(|room| room.log.head())
    }

    pub(super) fn read(&mut self, room: &RoomName, span: &Span, limit: usize, now: Instant) -> Page {
        let bounds = self.bounds;
        let log = &mut self.open(room, now).log;
        log.trim(&bounds, now);
        log.page(span, limit.max(1), bounds.page_bytes)
    }

    pub(super) fn peek(&mut self, room: &RoomName, span: &Span, limit: usize, now: Instant) -> Excerpt {
        let bounds = self.bounds;
        let Some(Used { log, .. }) = self.rooms.get_mut(room) else {
            return Excerpt { epoch: None, messages: Vec::new(), next: None };
        };
        log.trim(&bounds, now);
        let Page { head, messages, has_more, .. } = log.page(span, limit.max(1), bounds.page_bytes);
        let edge = match span {
            Span::Newest | Span::Before(_) => messages.first(),
            Span::Above(_) | Span::After(_) => messages.last(),
        };
        let next = edge.filter(|_| has_more).map(|message| message.seq);
        Excerpt { epoch: Some(head.epoch), messages, next }
    }

    /// The cursors of a room that was used lately, and its head.
    pub(super) fn cursors(&mut self, room: &RoomName) -> Option<(&mut RoomCursors, u64)> {
        self.rooms.get_mut(room).map(|room| (&mut room.cursors, room.log.seq))
    }

    pub(super) fn unread(&mut self, room: &RoomName, user: &UserId, now: Instant) -> Unread {
        let bounds = self.bounds;
        let Some(Used { log, cursors, .. }) = self.rooms.get_mut(room) else { return Unread::default() };
        log.trim(&bounds, now);
        log.unread(user, cursors.place(user))
    }

    /// Removes logs that were unused for a day longer than a message is kept.
    pub(super) fn remove_unused(&mut self, now: Instant) {
        if self.last_cleanup.is_some_and(|last| now - last < CLEANUP_INTERVAL) {
            return;
        }
        self.last_cleanup = Some(now);
        let kept_for = self.bounds.ttl + NONCE_TTL;
        self.rooms.retain(|_, room| now - room.used <= kept_for);
    }

    fn open(&mut self, room: &RoomName, now: Instant) -> &mut Used {
        let cursors_per_room = self.cursors_per_room;
        let room = self.rooms.entry(room.clone()).or_insert_with(|| Used {
            log: RoomLog::new(Epoch::new(&Uuid::new_v4().simple().to_string())),
            cursors: RoomCursors::new(cursors_per_room),
            nonces: HashMap::new(),
            nonces_by_age: VecDeque::new(),
            used: now,
        });
        room.used = now;
        room.forget_nonces(now);
        room
    }
}

impl Used {
    /// The first entry that had this nonce.
    fn first(&self, key: Option<&NonceKey>, digest: &str) -> Result<Option<&First>> {
        match key.and_then(|key| self.nonces.get(key)) {
            Some(first) if first.digest != digest => Err(BackendError::NonceReused),
            first => Ok(first),
        }
    }

    fn remember(&mut self, key: Option<NonceKey>, first: First, now: Instant) {
        if let Some(key) = key.map(Arc::new) {
            self.nonces_by_age.push_back((now, key.clone()));
            self.nonces.insert(key, first);
        }
    }

    fn receipt(&self, first: &First, is_duplicate: bool) -> Option<Receipt> {
        Some(Receipt {
            id: first.id.to_string(),
            epoch: self.log.epoch.clone(),
            seq: first.seq?,
            timestamp: first.timestamp.clone(),
            is_duplicate,
        })
    }

    fn change_receipt(&self, first: &First, files: Vec<String>, is_duplicate: bool) -> ChangeReceipt {
        match self.receipt(first, is_duplicate) {
            Some(receipt) => ChangeReceipt::Logged { receipt, files },
            None => ChangeReceipt::Unchanged {
                id: first.id.to_string(),
                epoch: self.log.epoch.clone(),
                timestamp: first.timestamp.clone(),
                is_duplicate,
            },
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
}
