//! The cursors of a room, beside its log.

use std::collections::HashMap;

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryNode;
use super::log::Logs;
use crate::backend::{Cursors, Reader, ReaderKind, Result, Unread};
use crate::model::{RoomName, UserId};

#[async_trait]
impl Cursors for MemoryNode {
    async fn advance(&self, room: &RoomName, reader: &Reader, seq: u64) -> Result<Option<u64>> {
        let mut shared = self.cluster.lock();
        Ok(shared.logs.cursors(room).and_then(|(cursors, head)| cursors.advance(reader, seq.min(head))))
    }

    async fn begin(&self, room: &RoomName, reader: &Reader) -> Result<Option<u64>> {
        let mut shared = self.cluster.lock();
        Ok(shared.logs.cursors(room).and_then(|(cursors, head)| {
            if cursors.place(&reader.user).is_none() {
                cursors.advance(reader, head);
            }
            cursors.place(&reader.user)
        }))
    }

    async fn cursors(&self, of: &[(RoomName, UserId)]) -> Vec<Result<Option<u64>>> {
        let mut shared = self.cluster.lock();
        let mut place = |room: &RoomName, user: &UserId| {
            shared.logs.cursors(room).and_then(|(cursors, _)| cursors.place(user))
        };
        of.iter().map(|(room, user)| Ok(place(room, user))).collect()
    }

    async fn forget(&self, room: &RoomName, user: &UserId) -> Result<()> {
        self.cluster.lock().logs.forget_cursor(room, user);
        Ok(())
    }

    async fn unread(&self, user: &UserId, rooms: &[RoomName]) -> Vec<Result<Unread>> {
        let (mut shared, now) = (self.cluster.lock(), Instant::now());
        rooms.iter().map(|room| Ok(shared.logs.unread(room, user, now))).collect()
    }
}

impl Logs {
    /// `add.lua`
    pub(super) fn begin_cursor(&mut self, room: &RoomName, user: &UserId) {
        if let Some((cursors, head)) = self.cursors(room) {
            cursors.advance(&Reader { user: user.clone(), kind: ReaderKind::Lasting }, head);
        }
    }

    pub(super) fn forget_cursor(&mut self, room: &RoomName, user: &UserId) {
        if let Some((cursors, _)) = self.cursors(room) {
            cursors.places.remove(user);
        }
    }
}

/// `move.lua`
#[derive(Debug)]
pub(super) struct RoomCursors {
    places: HashMap<UserId, (u64, ReaderKind)>,
    max: usize,
}

impl RoomCursors {
    pub(super) fn new(max: usize) -> Self {
        Self { places: HashMap::new(), max }
    }

    pub(super) fn place(&self, user: &UserId) -> Option<u64> {
        self.places.get(user).map(|(place, _)| *place)
    }

    /// Returns the new place, if there is one.
    fn advance(&mut self, reader: &Reader, to: u64) -> Option<u64> {
        let place = self.place(&reader.user);
        if to <= place.unwrap_or(0) {
            return None;
        }
        if place.is_none() && self.places.len() >= self.max {
            self.evict();
        }
        self.places.insert(reader.user.clone(), (to, reader.kind));
        Some(to)
    }

    /// Removes that of a guest, if there is one, and the one that is furthest behind.
    fn evict(&mut self) {
        let rank = |(place, kind): &(u64, ReaderKind)| (*kind == ReaderKind::Lasting, *place);
        let victim = self.places.iter().min_by_key(|(_, cursor)| rank(cursor)).map(|(user, _)| user.clone());
        victim.map(|user| self.places.remove(&user));
    }
}
