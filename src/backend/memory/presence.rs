//! Who is in which room, and how the rooms are told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Weak;

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryNode;
use super::lingering::Lingering;
use super::rules::{Standing, Telling, is_big, telling_of_entry, telling_of_exit, telling_of_return};
use super::seats::Seats;
use crate::backend::pending::ChangeKind;
use crate::backend::{
    Busiest, Changing, Entered, LeaveMode, MEMBERS_IN_JOINED, MemberPage, MemberPosition, Presence, Result,
    RoomCount,
};
use crate::config::Presence as Settings;
use crate::model::{
    ConnectionId, Event, Member, MessageId, NodeId, Notice, NoticeKind, RoomName, Timestamp, UserId, Username,
};

#[async_trait]
impl Presence for MemoryNode {
    fn enter(&self, room: &RoomName, member: &Member) -> Changing<Entered> {
        let _local = self.lock_local();
        let ticket = self.pending.begin(room, member, ChangeKind::Enter);
        self.pending.carry_out(room, member.id);
        let mut shared = self.cluster.lock();
        let (entered, event) = shared.rooms.enter(room, self.node, member);
        shared.publish(event.map(|event| (room.clone(), event)));
        Box::pin(async {
            ticket.settle();
            Ok(entered)
        })
    }

    fn leave(&self, room: &RoomName, member: &Member, mode: LeaveMode) -> Changing<()> {
        let _local = self.lock_local();
        let ticket = self.pending.begin(room, member, ChangeKind::Leave);
        self.pending.carry_out(room, member.id);
        let mut shared = self.cluster.lock();
        let event = shared.rooms.leave(room, self.node, member, mode, Instant::now());
        shared.publish(event.map(|event| (room.clone(), event)));
        Box::pin(async {
            ticket.settle();
            Ok(())
        })
    }

    fn resync_soon(&self, room: &RoomName) {
        let local = self.lock_local();
        let Some(node) = local.as_ref().and_then(Weak::upgrade) else { return };
        let members = self.pending.expected(&*node, room);
        let mut shared = self.cluster.lock();
        let mut events = Vec::new();
        shared.rooms.restore_room(room, self.node, &members, Instant::now(), &mut events);
        shared.publish(events);
    }

    async fn list_rooms(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<RoomCount>> {
        Ok(self.cluster.lock().rooms.seats.rooms(prefix, after, limit))
    }

    async fn busiest(&self, limit: usize) -> Result<Busiest> {
        Ok(self.cluster.lock().rooms.seats.busiest(limit))
    }

    async fn members(
        &self,
        room: &RoomName,
        after: Option<MemberPosition>,
        limit: usize,
    ) -> Result<MemberPage> {
        Ok(self.cluster.lock().rooms.seats.members(room, after, limit))
    }

    async fn counts(&self, rooms: &[RoomName]) -> Result<Vec<u64>> {
        let shared = self.cluster.lock();
        Ok(rooms.iter().map(|room| shared.rooms.seats.count(room) as u64).collect())
    }
}

/// The sessions of all rooms, and the users who broke off lately. Changes return what the rooms
/// are to be told; that must be published under the same holding of the lock.
pub(super) struct Rooms {
    announce_up_to: usize,
    pub(super) seats: Seats,
    lingering: Lingering,
}

/// What a room is told.
type Told = (RoomName, Event);

impl Rooms {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            announce_up_to: settings.announce_up_to,
            seats: Seats::default(),
            lingering: Lingering::new(settings.leave_grace),
        }
    }

    /// Tells nothing if the session was in the room already.
    pub(super) fn enter(
        &mut self,
        room: &RoomName,
        node: NodeId,
        member: &Member,
    ) -> (Entered, Option<Event>) {
        let is_new = !self.seats.holds(room, node, member.id);
        let count = self.seats.count(room) + usize::from(is_new);
        let telling = self.telling(count, || telling_of_entry(self.standing(room, &member.user_id)));
        self.lingering.forget(room, &member.user_id);
        self.seats.put_in(room, node, member);
        let joined = (is_new && telling == Telling::Notice)
            .then(|| notice(join(count), Some(member.id), &member.user_id, &member.username));
        let counted = || Event::Count { client_count: count as u64, entered: Some(member.id) };
        let event = joined.clone().map(Event::Notice).or_else(|| is_new.then(counted));
        let members = self.seats.members(room, None, MEMBERS_IN_JOINED).members;
        (
            Entered { client_count: count as u64, is_told: is_new, notice: joined, members, is_whole: true },
            event,
        )
    }

    /// Tells nothing if the session was not in the room.
    pub(super) fn leave(
        &mut self,
        room: &RoomName,
        node: NodeId,
        member: &Member,
        mode: LeaveMode,
        now: Instant,
    ) -> Option<Event> {
        if !self.seats.take_out(room, node, member.id) {
            return None;
        }
        let count = self.seats.count(room);
        // The size counts with the session that goes: whoever came with a notice goes with one.
        match self.telling(count + 1, || telling_of_exit(self.standing(room, &member.user_id), mode)) {
            Telling::Notice => {
                let left = notice(leave(count), Some(member.id), &member.user_id, &member.username);
                return Some(Event::Notice(left));
            }
            Telling::CountThenNotice => self.lingering.wait(room, member, now),
            Telling::Count => {}
        }
        Some(count_event(count))
    }

    /// Makes a node's share of every room exactly `membership`.
    pub(super) fn restore(
        &mut self,
        node: NodeId,
        membership: &BTreeMap<RoomName, Vec<Member>>,
        now: Instant,
    ) -> Vec<Told> {
        let mut told = Vec::new();
        let is_stale = |room: &RoomName| !membership.contains_key(room);
        for room in self.seats.rooms_of(node).into_iter().filter(is_stale) {
            self.restore_room(&room, node, &[], now, &mut told);
        }
        for (room, members) in membership {
            self.restore_room(room, node, members, now, &mut told);
        }
        told
    }

    fn restore_room(
        &mut self,
        room: &RoomName,
        node: NodeId,
        wanted: &[Member],
        now: Instant,
        told: &mut Vec<Told>,
    ) {
        let keep = wanted.iter().map(|member| member.id).collect();
        let gone = self.seats.take_out_others(room, node, &keep);
        let back: Vec<&Member> =
            wanted.iter().filter(|member| self.seats.put_in(room, node, member)).collect();
        let count = self.seats.count(room);
        let is_big = is_big(count, self.announce_up_to);
        for member in &back {
            // Whoever is present does not linger, so this is all that the rule asks.
            let standing = self.lingering.standing(room, &member.user_id).unwrap_or(Standing::Unknown);
            self.lingering.forget(room, &member.user_id);
            if !is_big && telling_of_return(standing) == Telling::Notice {
                let joined = notice(join(count), None, &member.user_id, &member.username);
                told.push((room.clone(), Event::Notice(joined)));
            }
        }
        if !is_big {
            self.let_linger(room, &gone, now);
        }
        if !gone.is_empty() || !back.is_empty() {
            told.push((room.clone(), count_event(count)));
        }
    }

    /// Takes a dead node's sessions out of their rooms.
    pub(super) fn reap(&mut self, node: NodeId, now: Instant) -> Vec<Told> {
        let mut told = Vec::new();
        for room in self.seats.rooms_of(node) {
            let gone = self.seats.take_out_others(&room, node, &BTreeSet::new());
            let count = self.seats.count(&room);
            if !is_big(count + gone.len(), self.announce_up_to) {
                self.let_linger(&room, &gone, now);
            }
            told.push((room, count_event(count)));
        }
        told
    }

    /// Says the leave notices that have waited long enough, but for rooms that have grown big.
    pub(super) fn send_due_leaves(&mut self, now: Instant) -> Vec<Told> {
        let mut told = Vec::new();
        for due in self.lingering.take_due(now) {
            let count = self.seats.count(&due.room);
            if is_big(count, self.announce_up_to) {
                continue;
            }
            self.lingering.remember_said(&due.room, &due.user_id, now);
            let left = notice(leave(count), None, &due.user_id, &due.username);
            told.push((due.room, Event::Notice(left)));
        }
        told
    }

    fn let_linger(&mut self, room: &RoomName, gone: &[Member], now: Instant) {
        for member in gone {
            let standing = self.standing(room, &member.user_id);
            if telling_of_exit(standing, LeaveMode::AfterGracePeriod) == Telling::CountThenNotice {
                self.lingering.wait(room, member, now);
            }
        }
    }

    fn standing(&self, room: &RoomName, user_id: &UserId) -> Standing {
        match self.lingering.standing(room, user_id) {
            Some(standing) => standing,
            None if self.seats.holds_user(room, user_id) => Standing::Present,
            None => Standing::Unknown,
        }
    }

    /// What the rule says, unless the room is so big that it only tells counts.
    fn telling(&self, sessions: usize, rule: impl FnOnce() -> Telling) -> Telling {
        if is_big(sessions, self.announce_up_to) { Telling::Count } else { rule() }
    }
}

fn join(count: usize) -> NoticeKind {
    NoticeKind::Join { client_count: count as u64 }
}

fn leave(count: usize) -> NoticeKind {
    NoticeKind::Leave { client_count: count as u64 }
}

fn count_event(count: usize) -> Event {
    Event::Count { client_count: count as u64, entered: None }
}

/// `connection` is the session whose call is told of at once; a notice that waited has none.
fn notice(
    kind: NoticeKind,
    connection: Option<ConnectionId>,
    user_id: &UserId,
    username: &Username,
) -> Notice {
    Notice {
        kind,
        id: MessageId::now(),
        connection,
        user_id: user_id.clone(),
        username: username.clone(),
        timestamp: Timestamp::now(),
    }
}
