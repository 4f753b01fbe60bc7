//! The sessions in every room, each with the node that holds it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use uuid::Uuid;

use crate::backend::RoomCount;
use crate::model::{ConnectionId, Member, NodeId, RoomName, UserId};

/// Occupied rooms with their sessions, by name and by id.
#[derive(Default)]
pub(super) struct Seats {
    rooms: BTreeMap<RoomName, BTreeMap<ConnectionId, Seat>>,
}

struct Seat {
    node: NodeId,
    member: Member,
}

impl Seats {
    /// Returns whether the session was not there before.
    pub(super) fn put_in(&mut self, room: &RoomName, node: NodeId, member: &Member) -> bool {
        let seats = self.rooms.entry(room.clone()).or_default();
        seats.insert(member.id, Seat { node, member: member.clone() }).is_none()
    }

    /// Returns whether the node's session was there.
    pub(super) fn take_out(&mut self, room: &RoomName, node: NodeId, id: ConnectionId) -> bool {
        let Some(seats) = self.rooms.get_mut(room) else { return false };
        if seats.get(&id).is_none_or(|seat| seat.node != node) {
            return false;
        }
        seats.remove(&id);
        if seats.is_empty() {
            self.rooms.remove(room);
        }
        true
    }

    /// Takes out all sessions of a node but those to keep, and returns them.
    pub(super) fn take_out_others(
        &mut self,
        room: &RoomName,
        node: NodeId,
        keep: &BTreeSet<ConnectionId>,
    ) -> Vec<Member> {
        let seats = self.rooms.get(room).into_iter().flat_map(BTreeMap::values);
        let is_going = |seat: &&Seat| seat.node == node && !keep.contains(&seat.member.id);
        let gone: Vec<Member> = seats.filter(is_going).map(|seat| seat.member.clone()).collect();
        for member in &gone {
            self.take_out(room, node, member.id);
        }
        gone
    }

    pub(super) fn holds(&self, room: &RoomName, id: ConnectionId) -> bool {
        self.rooms.get(room).is_some_and(|seats| seats.contains_key(&id))
    }

    pub(super) fn holds_user(&self, room: &RoomName, user_id: &UserId) -> bool {
        let seats = self.rooms.get(room).into_iter().flat_map(BTreeMap::values);
        seats.into_iter().any(|seat| seat.member.user_id == *user_id)
    }

    /// The sessions of a node in a room.
    pub(super) fn of_node(&self, room: &RoomName, node: NodeId) -> BTreeSet<ConnectionId> {
        let seats = self.rooms.get(room).into_iter().flat_map(BTreeMap::values);
        seats.filter(|seat| seat.node == node).map(|seat| seat.member.id).collect()
    }

    /// Sessions in the room.
    pub(super) fn count(&self, room: &RoomName) -> usize {
        self.rooms.get(room).map_or(0, BTreeMap::len)
    }

    pub(super) fn rooms_of(&self, node: NodeId) -> BTreeSet<RoomName> {
        let is_in = |seats: &BTreeMap<_, Seat>| seats.values().any(|seat| seat.node == node);
        self.rooms.iter().filter(|(_, seats)| is_in(seats)).map(|(room, _)| room.clone()).collect()
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

    pub(super) fn members(&self, room: &RoomName, after: Option<&str>, limit: usize) -> Vec<Member> {
        let seats = self.rooms.get(room).into_iter().flat_map(BTreeMap::values);
        let mut buffer = Uuid::encode_buffer();
        let is_read = |seat: &&Seat| {
            let id = &*seat.member.id.0.hyphenated().encode_lower(&mut buffer);
            after.is_some_and(|after| id <= after)
        };
        seats.skip_while(is_read).take(limit).map(|seat| seat.member.clone()).collect()
    }
}
