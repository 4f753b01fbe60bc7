//! Presence: `reads` answers, `writer` changes, `reconcile` compares Redis with the node.

pub(super) mod entry;
pub(super) mod generation;
pub(super) mod index;
pub(super) mod reads;
pub(super) mod reconcile;
pub(super) mod writer;

use std::time::Duration;

use async_trait::async_trait;
use tokio_util::task::AbortOnDropHandle;

use self::reads::Reads;
use self::writer::Memberships;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::script::Script;
use crate::backend::{
    Busiest, Changing, Entered, LeaveMode, MemberPage, MemberPosition, Presence, Result, RoomCount, within,
};
use crate::model::{Member, RoomName};

/// Membership and leases.
pub(super) const MEMBERSHIPS: Role = Role::Ordered("memberships");

/// The cluster's time. Prepended to other scripts.
pub(super) const CLOCK: &str = include_str!("clock.lua");

/// Functions to read the members of a room. Prepended to other scripts.
pub(super) const SHARE: &str = include_str!("share.lua");

/// Functions to change the members of a room. Prepended to other scripts, behind [`TYPES`], [`SHARE`] and
/// [`PUBLISH`].
///
/// [`TYPES`]: crate::backend::redis::client::script::TYPES
/// [`PUBLISH`]: crate::backend::redis::pubsub::codec::PUBLISH
pub(super) const MEMBERS: &str = include_str!("members.lua");

/// The scripts of this folder.
pub(super) fn scripts() -> Vec<&'static Script> {
    [index::SCRIPTS, writer::SCRIPTS, &[&reconcile::digest::DIGEST]].concat()
}

/// The rooms' members in Redis.
#[derive(Debug)]
pub struct RedisPresence {
    pub reads: Reads,
    pub memberships: Memberships,
    pub deadline: Duration,
    pub _size_keeper: AbortOnDropHandle<()>,
}

#[async_trait]
impl Presence for RedisPresence {
    fn enter(&self, room: &RoomName, member: &Member) -> Changing<Entered> {
        Box::pin(within(self.deadline, self.memberships.enter(room, member)))
    }

    fn leave(&self, room: &RoomName, member: &Member, mode: LeaveMode) -> Changing<()> {
        Box::pin(within(self.deadline, self.memberships.leave(room, member, mode)))
    }

    fn resync_soon(&self, room: &RoomName) {
        self.memberships.pending().mark_dirty([room.clone()]);
    }

    async fn list_rooms(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<RoomCount>> {
        within(self.deadline, self.reads.list_rooms(prefix, after, limit)).await
    }

    async fn busiest(&self, limit: usize) -> Result<Busiest> {
        within(self.deadline, self.reads.busiest(limit)).await
    }

    async fn room_count(&self) -> Result<u64> {
        within(self.deadline, self.reads.room_count()).await
    }

    async fn members(
        &self,
        room: &RoomName,
        after: Option<MemberPosition>,
        limit: usize,
    ) -> Result<MemberPage> {
        within(self.deadline, self.reads.members(room, after, limit)).await
    }

    async fn counts(&self, rooms: &[RoomName]) -> Result<Vec<u64>> {
        within(self.deadline, self.reads.counts(rooms)).await
    }
}
