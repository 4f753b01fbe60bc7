//! The members of every room, each with the node of its session.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use uuid::Uuid;

use crate::backend::{Busiest, MemberPage, MemberPosition, RoomCount};
use crate::model::{ConnectionId, Member, NodeId, RoomName, UserId};

/// Occupied rooms with their sessions, by name, by node and by id.
#[derive(Default)]
pub(super) struct Members {
    rooms: BTreeMap<RoomName, BTreeMap<MemberPosition, Member>>,
}

impl Members {
    /// Returns whether the session was not there before.
    pub(super) fn insert(&mut self, room: &RoomName, node: NodeId, member: &Member) -> bool {
        let members = self.rooms.entry(room.clone()).or_default();
        members.insert(MemberPosition { node, connection: member.id }, member.clone()).is_none()
    }

    /// Returns whether the node's session was there.
    pub(super) fn remove(&mut self, room: &RoomName, node: NodeId, connection: ConnectionId) -> bool {
        let Some(members) = self.rooms.get_mut(room) else { return false };
        let was_member = members.remove(&MemberPosition { node, connection }).is_some();
        if members.is_empty() {
            self.rooms.remove(room);
        }
        was_member
    }

    /// Removes and returns all sessions of a node except those in `keep`.
    pub(super) fn remove_except(
        &mut self,
        room: &RoomName,
        node: NodeId,
        keep: &BTreeSet<ConnectionId>,
    ) -> Vec<Member> {
        let gone: Vec<Member> =
            self.share(room, node).filter(|member| !keep.contains(&member.id)).cloned().collect();
        for member in &gone {
            self.remove(room, node, member.id);
        }
        gone
    }

    pub(super) fn contains(&self, room: &RoomName, node: NodeId, connection: ConnectionId) -> bool {
        let position = MemberPosition { node, connection };
        self.rooms.get(room).is_some_and(|members| members.contains_key(&position))
    }

    pub(super) fn has_user(&self, room: &RoomName, user_id: &UserId) -> bool {
        let members = self.rooms.get(room).into_iter().flat_map(BTreeMap::values);
        members.into_iter().any(|member| member.user_id == *user_id)
    }

    fn share(&self, room: &RoomName, node: NodeId) -> impl Iterator<Item = &Member> {
        let at = |id| MemberPosition { node, connection: ConnectionId(id) };
        let share = at(Uuid::nil())..=at(Uuid::max());
        let members = self.rooms.get(room).into_iter();
        members.flat_map(move |members| members.range(share.clone())).map(|(_, member)| member)
    }

    /// Sessions in the room.
    pub(super) fn count(&self, room: &RoomName) -> usize {
        self.rooms.get(room).map_or(0, BTreeMap::len)
    }

    pub(super) fn rooms_of(&self, node: NodeId) -> BTreeSet<RoomName> {
        let is_in = |room: &&RoomName| self.share(room, node).next().is_some();
        self.rooms.keys().filter(is_in).cloned().collect()
    }

    pub(super) fn rooms(&self, prefix: &str, after: Option<&str>, limit: usize) -> Vec<RoomCount> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(RoomName::from_trusted(after)),
            _ => Bound::Included(RoomName::from_trusted(prefix)),
        };
        self.rooms
            .range((from, Bound::Unbounded))
            .take_while(|(room, _)| room.as_str().starts_with(prefix))
            .filter(|(room, _)| !room.is_private())
            .take(limit)
            .map(|(room, members)| RoomCount { room: room.clone(), client_count: members.len() as u64 })
            .collect()
    }

    pub(super) fn public_rooms(&self) -> u64 {
        self.rooms.keys().filter(|room| !room.is_private()).count() as u64
    }

    pub(super) fn busiest(&self, limit: usize) -> Busiest {
        let count = |(room, members): (&RoomName, &BTreeMap<_, _>)| RoomCount {
            room: room.clone(),
            client_count: members.len() as u64,
        };
        let public = self.rooms.iter().filter(|(room, _)| !room.is_private());
        let mut rooms: Vec<RoomCount> = public.map(count).collect();
        let total = rooms.len() as u64;
        // Stable, so those of one size stay by name.
        rooms.sort_by_key(|room| Reverse(room.client_count));
        rooms.truncate(limit);
        Busiest { rooms, total }
    }

    pub(super) fn members(&self, room: &RoomName, after: Option<MemberPosition>, limit: usize) -> MemberPage {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let members = self.rooms.get(room).into_iter();
        let mut found = members.flat_map(|members| members.range((from, Bound::Unbounded)));
        let page: Vec<_> = found.by_ref().take(limit).collect();
        let next = found.next().and_then(|_| page.last().map(|(position, _)| **position));
        let members = page.into_iter().map(|(_, member)| member.clone()).collect();
        MemberPage { client_count: self.count(room) as u64, members, next }
    }
}
