//! The sessions in every room, each with the node that holds it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use uuid::Uuid;

use crate::backend::{Busiest, MemberPage, MemberPosition, RoomCount};
use crate::model::{ConnectionId, Member, NodeId, RoomName, UserId};

/// Occupied rooms with their sessions, by name, by node and by id.
#[derive(Default)]
pub(super) struct Seats {
    rooms: BTreeMap<RoomName, BTreeMap<MemberPosition, Member>>,
}

impl Seats {
    /// Returns whether the session was not there before.
    pub(super) fn put_in(&mut self, room: &RoomName, node: NodeId, member: &Member) -> bool {
        let seats = self.rooms.entry(room.clone()).or_default();
        seats.insert(MemberPosition { node, connection: member.id }, member.clone()).is_none()
    }

    /// Returns whether the node's session was there.
    pub(super) fn take_out(&mut self, room: &RoomName, node: NodeId, connection: ConnectionId) -> bool {
        let Some(seats) = self.rooms.get_mut(room) else { return false };
        let was_there = seats.remove(&MemberPosition { node, connection }).is_some();
        if seats.is_empty() {
            self.rooms.remove(room);
        }
        was_there
    }

    /// Takes out all sessions of a node but those to keep, and returns them.
    pub(super) fn take_out_others(
        &mut self,
        room: &RoomName,
        node: NodeId,
        keep: &BTreeSet<ConnectionId>,
    ) -> Vec<Member> {
        let gone: Vec<Member> =
            self.share(room, node).filter(|member| !keep.contains(&member.id)).cloned().collect();
        for member in &gone {
            self.take_out(room, node, member.id);
        }
        gone
    }

    pub(super) fn holds(&self, room: &RoomName, node: NodeId, connection: ConnectionId) -> bool {
        let position = MemberPosition { node, connection };
        self.rooms.get(room).is_some_and(|seats| seats.contains_key(&position))
    }

    pub(super) fn holds_user(&self, room: &RoomName, user_id: &UserId) -> bool {
        let seats = self.rooms.get(room).into_iter().flat_map(BTreeMap::values);
        seats.into_iter().any(|member| member.user_id == *user_id)
    }

    fn share(&self, room: &RoomName, node: NodeId) -> impl Iterator<Item = &Member> {
        let at = |id| MemberPosition { node, connection: ConnectionId(id) };
        let share = at(Uuid::nil())..=at(Uuid::max());
        let seats = self.rooms.get(room).into_iter();
        seats.flat_map(move |seats| seats.range(share.clone())).map(|(_, member)| member)
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
            .take(limit)
            .map(|(room, seats)| RoomCount { room: room.clone(), client_count: seats.len() as u64 })
            .collect()
    }

    pub(super) fn busiest(&self, limit: usize) -> Busiest {
        let count = |(room, seats): (&RoomName, &BTreeMap<_, _>)| RoomCount {
            room: room.clone(),
            client_count: seats.len() as u64,
        };
        let mut rooms: Vec<RoomCount> = self.rooms.iter().map(count).collect();
        // Stable, so those of one size stay by name.
        rooms.sort_by_key(|room| Reverse(room.client_count));
        rooms.truncate(limit);
        Busiest { rooms, total: self.rooms.len() as u64 }
    }

    pub(super) fn members(&self, room: &RoomName, after: Option<MemberPosition>, limit: usize) -> MemberPage {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let seats = self.rooms.get(room).into_iter();
        let mut found = seats.flat_map(|seats| seats.range((from, Bound::Unbounded)));
        let page: Vec<_> = found.by_ref().take(limit).collect();
        let next = found.next().and_then(|_| page.last().map(|(position, _)| **position));
        let members = page.into_iter().map(|(_, member)| member.clone()).collect();
        MemberPage { client_count: self.count(room) as u64, members, next }
    }
}
