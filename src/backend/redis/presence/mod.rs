//! Who is in which room: `reads` answers, `writer` changes, `digest` compares.

pub(super) mod digest;
pub(super) mod entry;
pub(super) mod generation;
pub(super) mod index;
pub(super) mod reads;
pub(super) mod tracking;
pub(super) mod writer;

use std::time::Duration;

use async_trait::async_trait;
use tokio_util::task::AbortOnDropHandle;

use self::digest::Comparer;
use self::reads::Reads;
use self::tracking::KeyTracking;
use self::writer::Registry;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::script::Script;
use crate::backend::{
    Busiest, Comparison, Entered, LeaveMode, MemberPage, MemberPosition, Membership, Presence, Result,
    RoomCount, Touched, within,
};
use crate::model::{Member, RoomName};

/// Who is where, and leases.
pub(super) const MEMBERSHIPS: Role = Role::Ordered("memberships");

/// The cluster's time in scripts. Put in front of others.
pub(super) const CLOCK: &str = include_str!("clock.lua");

/// Lets a script read who is in a room. Put in front of others.
pub(super) const SHARE: &str = include_str!("share.lua");

/// Lets a script change who is in a room. Put in front of others, behind [`TYPES`], [`SHARE`] and [`PUBLISH`].
///
/// [`TYPES`]: crate::backend::redis::client::script::TYPES
/// [`PUBLISH`]: crate::backend::redis::pubsub::codec::PUBLISH
pub(super) const MEMBERS: &str = include_str!("members.lua");

/// The scripts of this folder.
pub(super) fn scripts() -> Vec<&'static Script> {
    [index::SCRIPTS, writer::SCRIPTS, &[&digest::DIGEST]].concat()
}

/// The rooms' members in Redis.
#[derive(Debug)]
pub struct RedisPresence {
    pub reads: Reads,
    pub registry: Registry,
    pub comparer: Comparer,
    pub tracking: KeyTracking,
    pub deadline: Duration,
    pub _size_keeper: AbortOnDropHandle<()>,
}

#[async_trait]
impl Presence for RedisPresence {
    async fn enter(&self, room: &RoomName, member: &Member) -> Result<Entered> {
        within(self.deadline, self.registry.enter(room, member)).await
    }

    async fn leave(&self, room: &RoomName, member: &Member, mode: LeaveMode) -> Result<()> {
        within(self.deadline, self.registry.leave(room, member, mode)).await
    }

    async fn restore(&self, membership: &Membership) -> Result<()> {
        self.registry.restore(membership).await
    }

    async fn mend(&self, membership: &Membership) -> Result<()> {
        self.registry.mend(membership).await
    }

    fn touched(&self) -> Touched {
        self.tracking.drain()
    }

    async fn compare(&self, membership: &Membership) -> Comparison {
        self.comparer.compare(membership).await
    }

    async fn unlisted(&self, rooms: &[RoomName]) -> Result<Vec<RoomName>> {
        within(self.deadline, self.comparer.unlisted(rooms)).await
    }

    async fn list_rooms(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<RoomCount>> {
        within(self.deadline, self.reads.list_rooms(prefix, after, limit)).await
    }

    async fn busiest(&self, limit: usize) -> Result<Busiest> {
        within(self.deadline, self.reads.busiest(limit)).await
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
