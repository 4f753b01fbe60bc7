//! The members of a private room as this node knows them, and how a member that is removed gets nothing more.
//!
//! A removal is published in the step that makes it, so it arrives before every later message, and takes effect in its turn. If
//! it may have been missed, nothing passes in the room until its members were read after that moment. A page of the log is
//! given after the members were read once more.

use std::collections::HashMap;
use std::sync::Arc;

use tracing::debug;

use crate::backend::{Relation, RoomRecord};
use crate::chat::Chat;
use crate::chat::rooms::hub::Hub;
use crate::chat::rooms::room::{Action, Room};
use crate::chat::users::{Control, LeaveReason};
use crate::model::UserId;
use crate::protocol::Rejection;

/// The members, and the number of the read that showed each. A read that began later saw a later state.
#[derive(Debug, Default)]
pub(in crate::chat::rooms) struct KnownMembers {
    owner: Option<UserId>,
    members: HashMap<UserId, u64>,
    /// Users whose removal was published, each with the last read that had begun before.
    removed: HashMap<UserId, u64>,
    /// The room is gone for good.
    is_deleted: bool,
}

impl KnownMembers {
    /// Takes what the read of this number has found. A member that a later read of its own has shown stays.
    pub(in crate::chat::rooms) fn take_in(&mut self, read: u64, record: Option<RoomRecord>) {
        let record = record.filter(|_| !self.is_deleted).unwrap_or_default();
        let is_later = |at: u64| at > read;
        self.members.retain(|_, at| is_later(*at));
        for member in record.members {
            if self.removed.get(&member.user_id).is_none_or(|at| *at < read) {
                self.members.entry(member.user_id).or_insert(read);
            }
        }
        self.owner = record.owner;
        self.removed.retain(|_, at| *at >= read);
    }

    /// Takes a user that a read of this number has shown as a member. Returns false if it was removed since the read began.
    pub(in crate::chat::rooms) fn admit(&mut self, user: &UserId, read: u64) -> bool {
        if self.removed.get(user).is_some_and(|at| *at >= read) {
            return false;
        }
        self.members.insert(user.clone(), read);
        true
    }

    /// The removal of a user was published. `begun`: the last read that has begun.
    pub(in crate::chat::rooms) fn remove(&mut self, user: &UserId, begun: u64) {
        self.members.remove(user);
        self.removed.insert(user.clone(), begun);
    }

    /// The end of the room was published.
    pub(in crate::chat::rooms) fn delete(&mut self) {
        *self = Self { is_deleted: true, ..Self::default() };
    }

    pub(in crate::chat::rooms) fn has(&self, user: &UserId) -> bool {
        self.members.contains_key(user)
    }

    pub(in crate::chat::rooms) fn is_owner(&self, user: &UserId) -> bool {
        self.owner.as_ref() == Some(user)
    }
}

impl Room {
    /// From now on sessions of users that are no members get nothing more. Returns these users.
    fn expel(&self, is_expelled: &dyn Fn(&UserId) -> bool) -> Vec<UserId> {
        self.lock().attendance.expel(is_expelled)
    }

    /// Nothing passes until the members were read after this moment.
    fn suspend(&self) -> Action {
        let mut state = self.lock();
        state.suspensions += 1;
        state.delivery.interrupt()
    }

    /// How often the room was suspended. To be asked for before its members are read.
    pub(in crate::chat::rooms) fn suspensions(&self) -> u64 {
        self.lock().suspensions
    }
}

impl Hub {
    /// The removal of a user was published.
    pub(in crate::chat::rooms) fn on_member_removed(&self, room: &Arc<Room>, user: &UserId) {
        room.rules.remove_member(user);
        self.expel(room, &|other| other == user);
        self.reread_rules(room);
    }

    /// The room is gone.
    pub(in crate::chat::rooms) fn on_room_deleted(&self, room: &Arc<Room>) {
        room.rules.delete_members();
        self.expel(room, &|_| true);
    }

    /// Takes all users out of a private room that are no members.
    pub(in crate::chat::rooms) fn expel_strangers(&self, room: &Room) {
        if room.name.is_private() {
            self.expel(room, &|user| !room.rules.has_member(user));
        }
    }

    fn expel(&self, room: &Room, is_expelled: &dyn Fn(&UserId) -> bool) {
        for user in room.expel(is_expelled) {
            debug!(room = %room.name, "a user is no member any more");
            self.users().send(&user, &Control::LeaveRoom(room.name.clone(), LeaveReason::AccessRevoked));
        }
    }

    /// Events may have been missed, removals among them.
    pub(in crate::chat::rooms) fn suspend_private_rooms(&self) {
        for room in self.all().into_iter().filter(|room| room.name.is_private()) {
            let next = room.suspend();
            self.follow(&room, next);
        }
    }
}

impl Chat {
    /// Checks that a user is a member of a room that is open here, if it is private, by a read that begins now.
    ///
    /// # Errors
    /// `room_not_found`, `unavailable`
    pub(in crate::chat::rooms) async fn confirm_member(
        &self,
        room: &Room,
        user: &UserId,
    ) -> Result<(), Rejection> {
        while room.name.is_private() {
            let read = room.rules.begin();
            match self.inner.backend.rooms.relation(&room.name, user).await? {
                Relation::Member | Relation::Owner if room.rules.admit_member(user, read) => break,
                // It was removed meanwhile, and may have come back since.
                Relation::Member | Relation::Owner => {}
                Relation::Stranger | Relation::NoRoom => return Err(Rejection::room_not_found()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::rooms::room::NotAttached;
    use crate::chat::rooms::sink::FlushSet;
    use crate::chat::rooms::tests::session;
    use crate::model::{Author, Epoch, Position, RoomName, Username};

    fn record(members: &[&UserId]) -> Option<RoomRecord> {
        let username = Username::from_trusted("x");
        let member = |user: &&UserId| Author { user_id: (*user).clone(), username: username.clone() };
        Some(RoomRecord { members: members.iter().map(member).collect(), ..RoomRecord::default() })
    }

    #[test]
    fn a_read_that_began_before_a_removal_does_not_undo_it() {
        let (mut known, user) = (KnownMembers::default(), UserId::guest());
        known.take_in(1, record(&[&user]));
        assert!(known.has(&user));
        known.remove(&user, 2);
        known.take_in(2, record(&[&user]));
        assert!(!known.has(&user) && !known.admit(&user, 2));
        known.take_in(3, record(&[&user]));
        assert!(known.has(&user), "it is a member again");
        known.take_in(4, None);
        assert!(!known.has(&user));
    }

    #[test]
    fn a_member_that_was_just_confirmed_survives_a_read_that_began_before() {
        let (mut known, user) = (KnownMembers::default(), UserId::guest());
        assert!(known.admit(&user, 2));
        known.take_in(1, record(&[]));
        assert!(known.has(&user));
        known.take_in(3, record(&[]));
        assert!(!known.has(&user));
    }

    #[test]
    fn a_member_that_is_removed_while_it_joins_is_not_attached() {
        let room = Room::new(RoomName::private());
        let place = Position { epoch: Epoch::new("e"), seq: 0 };
        room.begin(place.clone(), 0, &mut FlushSet::default());
        let ((joining, _), (other, _)) = (session(), session());
        room.add_member(&joining);
        room.add_member(&other);
        let user = joining.member.user_id.clone();
        assert_eq!(room.expel(&|one| *one == user), std::slice::from_ref(&user));
        let mut frames = vec![crate::websocket::Frame::text(b"joined")];
        assert_eq!(room.attach(&joining, &place, &mut frames), Err(NotAttached::Expelled));
        assert_eq!(frames.len(), 1, "it is given nothing");
        assert_eq!(room.attach(&other, &place, &mut Vec::new()), Ok(()));
    }
}
