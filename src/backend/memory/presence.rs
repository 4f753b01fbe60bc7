//! The members of rooms, and their announcement.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Weak;

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryNode;
use super::grace_periods::GracePeriods;
use super::members::Members;
use super::rules::{Announcement, UserPresence, announce_enter, announce_leave, announce_return, over_limit};
use crate::backend::node::pending::ChangeKind;
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
        self.pending.mark_applied(room, member.id);
        let mut shared = self.cluster.lock();
        let head = shared.logs.known_head(room);
        let (entered, event) = shared.rooms.enter(room, self.node, member);
        let entered = Entered { head, ..entered };
        shared.publish(event.map(|event| (room.clone(), event)));
        Box::pin(async {
            ticket.succeed();
            Ok(entered)
        })
    }

    fn leave(&self, room: &RoomName, member: &Member, mode: LeaveMode) -> Changing<()> {
        let _local = self.lock_local();
        let ticket = self.pending.begin(room, member, ChangeKind::Leave);
        self.pending.mark_applied(room, member.id);
        let mut shared = self.cluster.lock();
        let event = shared.rooms.leave(room, self.node, member, mode, Instant::now());
        shared.publish(event.map(|event| (room.clone(), event)));
        Box::pin(async {
            ticket.succeed();
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
        Ok(self.cluster.lock().rooms.members.rooms(prefix, after, limit))
    }

    async fn busiest(&self, limit: usize) -> Result<Busiest> {
        Ok(self.cluster.lock().rooms.members.busiest(limit))
    }

    async fn room_count(&self) -> Result<u64> {
        Ok(self.cluster.lock().rooms.members.public_rooms())
    }

    async fn members(
        &self,
        room: &RoomName,
        after: Option<MemberPosition>,
        limit: usize,
    ) -> Result<MemberPage> {
        Ok(self.cluster.lock().rooms.members.members(room, after, limit))
    }

    async fn counts(&self, rooms: &[RoomName]) -> Result<Vec<u64>> {
        let shared = self.cluster.lock();
        Ok(rooms.iter().map(|room| shared.rooms.members.count(room) as u64).collect())
    }
}

/// The members of all rooms, and the grace periods. Changes return the events to publish, under the same holding of
/// the lock.
pub(super) struct Rooms {
    announce_up_to: usize,
    pub(super) members: Members,
    grace_periods: GracePeriods,
}

/// An event for a room.
type RoomEvent = (RoomName, Event);

impl Rooms {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            announce_up_to: settings.announce_up_to,
            members: Members::default(),
            grace_periods: GracePeriods::new(settings.leave_grace),
        }
    }

    /// Announces nothing if the session was a member already.
    pub(super) fn enter(
        &mut self,
        room: &RoomName,
        node: NodeId,
        member: &Member,
    ) -> (Entered, Option<Event>) {
        let is_new = !self.members.contains(room, node, member.id);
        let count = self.members.count(room) + usize::from(is_new);
        let announcement =
            self.announcement(count, || announce_enter(self.user_presence(room, &member.user_id)));
        self.grace_periods.cancel(room, &member.user_id);
        self.members.insert(room, node, member);
        let joined = (is_new && announcement == Announcement::Notice)
            .then(|| notice(join(count), Some(member.id), &member.user_id, &member.username));
        let counted = || Event::Count { client_count: count as u64, entered: Some(member.id) };
        let event = joined.clone().map(Event::Notice).or_else(|| is_new.then(counted));
        let members = self.members.members(room, None, MEMBERS_IN_JOINED).members;
        (
            Entered {
                client_count: count as u64,
                is_announced: is_new,
                notice: joined,
                members,
                head: None,
                is_complete: true,
            },
            event,
        )
    }

    /// Announces nothing if the session was no member.
    pub(super) fn leave(
        &mut self,
        room: &RoomName,
        node: NodeId,
        member: &Member,
        mode: LeaveMode,
        now: Instant,
    ) -> Option<Event> {
        if !self.members.remove(room, node, member.id) {
            return None;
        }
        let count = self.members.count(room);
        // The limit applies to the size with the leaving session: a user who was announced by a notice leaves with
        // one.
        match self.announcement(count + 1, || announce_leave(self.user_presence(room, &member.user_id), mode))
        {
            Announcement::Notice => {
                let left = notice(leave(count), Some(member.id), &member.user_id, &member.username);
                return Some(Event::Notice(left));
            }
            Announcement::CountThenNotice => self.grace_periods.start(room, member, now),
            Announcement::Count => {}
        }
        Some(count_event(count))
    }

    /// Makes a node's members of every room exactly `membership`.
    pub(super) fn restore(
        &mut self,
        node: NodeId,
        membership: &BTreeMap<RoomName, Vec<Member>>,
        now: Instant,
    ) -> Vec<RoomEvent> {
        let mut events = Vec::new();
        let is_stale = |room: &RoomName| !membership.contains_key(room);
        for room in self.members.rooms_of(node).into_iter().filter(is_stale) {
            self.restore_room(&room, node, &[], now, &mut events);
        }
        for (room, members) in membership {
            self.restore_room(room, node, members, now, &mut events);
        }
        events
    }

    fn restore_room(
        &mut self,
        room: &RoomName,
        node: NodeId,
        wanted: &[Member],
        now: Instant,
        events: &mut Vec<RoomEvent>,
    ) {
        let keep = wanted.iter().map(|member| member.id).collect();
        let gone = self.members.remove_except(room, node, &keep);
        let back: Vec<&Member> =
            wanted.iter().filter(|member| self.members.insert(room, node, member)).collect();
        let count = self.members.count(room);
        let is_over_limit = over_limit(count, self.announce_up_to);
        for member in &back {
            // A user with a session has no pending notice, so this decides the rule.
            let user_presence =
                self.grace_periods.user_presence(room, &member.user_id).unwrap_or(UserPresence::Unknown);
            self.grace_periods.cancel(room, &member.user_id);
            if !is_over_limit && announce_return(user_presence) == Announcement::Notice {
                let joined = notice(join(count), None, &member.user_id, &member.username);
                events.push((room.clone(), Event::Notice(joined)));
            }
        }
        if !is_over_limit {
            self.start_grace_periods(room, &gone, now);
        }
        if !gone.is_empty() || !back.is_empty() {
            events.push((room.clone(), count_event(count)));
        }
    }

    /// Removes a dead node's sessions from their rooms.
    pub(super) fn reap(&mut self, node: NodeId, now: Instant) -> Vec<RoomEvent> {
        let mut events = Vec::new();
        for room in self.members.rooms_of(node) {
            let gone = self.members.remove_except(&room, node, &BTreeSet::new());
            let count = self.members.count(&room);
            if !over_limit(count + gone.len(), self.announce_up_to) {
                self.start_grace_periods(&room, &gone, now);
            }
            events.push((room, count_event(count)));
        }
        events
    }

    /// Sends the leave notices that are due, except in rooms that have grown over the limit.
    pub(super) fn send_due_leaves(&mut self, now: Instant) -> Vec<RoomEvent> {
        let mut events = Vec::new();
        for due in self.grace_periods.take_due(now) {
            let count = self.members.count(&due.room);
            if over_limit(count, self.announce_up_to) {
                continue;
            }
            self.grace_periods.record_announced(&due.room, &due.user_id, now);
            let left = notice(leave(count), None, &due.user_id, &due.username);
            events.push((due.room, Event::Notice(left)));
        }
        events
    }

    fn start_grace_periods(&mut self, room: &RoomName, gone: &[Member], now: Instant) {
        for member in gone {
            let user_presence = self.user_presence(room, &member.user_id);
            if announce_leave(user_presence, LeaveMode::AfterGracePeriod) == Announcement::CountThenNotice {
                self.grace_periods.start(room, member, now);
            }
        }
    }

    fn user_presence(&self, room: &RoomName, user_id: &UserId) -> UserPresence {
        match self.grace_periods.user_presence(room, user_id) {
            Some(user_presence) => user_presence,
            None if self.members.has_user(room, user_id) => UserPresence::Present,
            None => UserPresence::Unknown,
        }
    }

    /// The announcement of the rule, or the count alone in a room over the limit.
    fn announcement(&self, sessions: usize, rule: impl FnOnce() -> Announcement) -> Announcement {
        if over_limit(sessions, self.announce_up_to) { Announcement::Count } else { rule() }
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

/// `connection`: the session whose call is announced at once; none for a notice after a grace period.
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
