//! Access to rooms. Every function that reads or writes a room takes a [`RoomAccess`] instead of a name, one that
//! posts to it a [`SpeechAccess`], and only this file makes them.

use tokio::time::Instant;

use super::rooms::SpeechRules;
use super::{Chat, Identity, Room};
use crate::backend::{Relation, RoomRecord};
use crate::model::{Role, RoomName, UserId};
use crate::protocol::{ErrorCode, Rejection};

/// The caller that asks for access.
#[derive(Debug, Clone, Copy)]
pub enum Principal<'a> {
    /// It has named no user.
    Anonymous,
    /// A user.
    User(&'a Identity),
}

/// A thing to do in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Take part in it.
    Join,
    /// Read its messages.
    Read,
    /// See who is in it.
    ListMembers,
    /// Keep order in it: remove and mute users, lock it.
    Moderate,
    /// Decide about a private room: its members, its title, its end.
    Own,
}

/// The right to do something in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomAccess {
    room: RoomName,
    /// Of a private room: the user that has the right, and why.
    private: Option<(UserId, Rank)>,
}

/// The reason for which a user has a right in a private room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rank {
    Member,
    Owner,
    /// An admin, who need not be a member.
    Admin,
}

impl RoomAccess {
    /// The room.
    pub fn room(&self) -> &RoomName {
        &self.room
    }

    /// Whether the user owns the room.
    pub fn is_owner(&self) -> bool {
        matches!(self.private, Some((_, Rank::Owner)))
    }

    /// Whether the user has the right as an admin alone.
    pub(super) fn is_admin(&self) -> bool {
        matches!(self.private, Some((_, Rank::Admin)))
    }

    /// Whether the user still has the right by a later record of the room.
    pub(super) fn holds_by(&self, record: &RoomRecord) -> bool {
        self.private.as_ref().is_none_or(|(user, rank)| *rank == Rank::Admin || record.has(user))
    }

    pub(super) fn into_room(self) -> RoomName {
        self.room
    }
}

/// The right to speak in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeechAccess {
    room: RoomName,
}

impl SpeechAccess {
    /// The room.
    pub fn room(&self) -> &RoomName {
        &self.room
    }

    pub(super) fn into_room(self) -> RoomName {
        self.room
    }
}

impl Chat {
    /// The right to post a message that an admin with access to the room has scheduled.
    ///
    /// # Errors
    /// `room_not_found` for a private room that is gone; `unavailable`.
    pub(super) async fn access_of_schedules(&self, room: &RoomName) -> Result<SpeechAccess, Rejection> {
        if room.is_private() {
            let record = self.inner.backend.rooms.records(std::slice::from_ref(room)).await.pop();
            if record.transpose()?.flatten().is_none() {
                return Err(Rejection::new(ErrorCode::RoomNotFound, "Room not found"));
            }
        }
        Ok(SpeechAccess { room: room.clone() })
    }

    /// The right to read messages of a room that were reported: a user who reports one shows it to moderators.
    pub(super) fn access_to_reported(&self, room: RoomName) -> RoomAccess {
        RoomAccess { room, private: None }
    }

    /// Access to a room. Public rooms are open to all whose token does not keep them out, and moderators moderate all of them.
    /// A private room is there for its members alone: the backend is asked the same question, whether there is such a room or
    /// not, and the refusal is the same.
    ///
    /// # Errors
    /// `room_not_found`, as for a room that never was; `auth_required` where guests may not take part; `forbidden`;
    /// `unavailable`.
    pub async fn check_access(
        &self,
        principal: Principal<'_>,
        action: Action,
        room: &RoomName,
    ) -> Result<RoomAccess, Rejection> {
        let identity = match principal {
            Principal::Anonymous if matches!(action, Action::Moderate | Action::Own) => {
                return Err(self.auth_required());
            }
            Principal::Anonymous => {
                self.check_guests()?;
                if room.is_private() {
                    return Err(Rejection::room_not_found());
                }
                return Ok(RoomAccess { room: room.clone(), private: None });
            }
            Principal::User(identity) => identity,
        };
        if !identity.scope.admits(room) {
            return Err(Rejection::room_not_found());
        }
        if room.is_private() {
            let user = &identity.author.user_id;
            let relation = self.inner.backend.rooms.relation(room, user).await?;
            let rank = private_rank(relation, identity.role, action)?;
            return Ok(RoomAccess { room: room.clone(), private: Some((user.clone(), rank)) });
        }
        match action {
            Action::Join | Action::Read | Action::ListMembers => {}
            Action::Moderate => identity.at_least(Role::Moderator)?,
            Action::Own => return Err(Rejection::new(ErrorCode::Forbidden, "Nobody owns a public room")),
        }
        Ok(RoomAccess { room: room.clone(), private: None })
    }

    /// Checks access to a private room once more, after something was read there: the user may have been removed before it was
    /// written.
    ///
    /// # Errors
    /// `room_not_found`, `unavailable`
    pub(super) async fn recheck_access(&self, access: &RoomAccess) -> Result<(), Rejection> {
        let Some((user, rank)) = &access.private else { return Ok(()) };
        match self.inner.backend.rooms.relation(&access.room, user).await? {
            Relation::Member | Relation::Owner => Ok(()),
            Relation::Stranger if *rank == Rank::Admin => Ok(()),
            Relation::Stranger | Relation::NoRoom => Err(Rejection::room_not_found()),
        }
    }

    /// Access to a room that the user's session is in. Asks the backend nothing: the log refuses those who are no members.
    ///
    /// # Errors
    /// `room_not_found`
    pub fn access_in_room(&self, identity: &Identity, room: &Room) -> Result<RoomAccess, Rejection> {
        let user = &identity.author.user_id;
        let rank = match room.name.is_private() {
            true if room.is_owner(user) => Some(Rank::Owner),
            true if room.is_known_member(user) => Some(Rank::Member),
            true => return Err(Rejection::room_not_found()),
            false => None,
        };
        if !identity.scope.admits(&room.name) {
            return Err(Rejection::room_not_found());
        }
        Ok(RoomAccess { room: room.name.clone(), private: rank.map(|rank| (user.clone(), rank)) })
    }

    /// The right to speak in a room that the user's session is in. Asks the backend nothing.
    ///
    /// # Errors
    /// `muted`, `room_locked`, and those of [`Chat::check_access`].
    pub fn access_to_speak(&self, identity: &Identity, room: &Room) -> Result<SpeechAccess, Rejection> {
        if !identity.scope.admits(&room.name) {
            return Err(Rejection::room_not_found());
        }
        match room.check_speech(identity) {
            Some(outcome) => outcome?,
            None => {
                return Err(Rejection::new(ErrorCode::Unavailable, "The room is not open yet; try again"));
            }
        }
        Ok(SpeechAccess { room: room.name.clone() })
    }

    /// The right to speak in any room. Reads the rules of one that is not open on this node.
    ///
    /// # Errors
    /// As [`Chat::access_to_speak`], and `unavailable`.
    pub async fn access_to_post(
        &self,
        identity: &Identity,
        room: &RoomName,
    ) -> Result<SpeechAccess, Rejection> {
        let access = self.check_access(Principal::User(identity), Action::Join, room).await?;
        // A user that has just become a member of a private room may be unknown to a node that has it open.
        let live = self.inner.hub.find(room).filter(|room| room.is_open() && !room.name.is_private());
        match live.and_then(|room| room.check_speech(identity)) {
            Some(outcome) => outcome?,
            None => {
                let asked = Instant::now();
                let rules = self.inner.backend.moderation.rules(std::slice::from_ref(room)).await.pop();
                let rules = rules.transpose()?.unwrap_or_default();
                SpeechRules::new(&rules, asked).check(identity, access.is_owner())?;
            }
        }
        Ok(SpeechAccess { room: access.room })
    }
}

/// The rank of a user in a private room that permits an action.
fn private_rank(relation: Relation, role: Role, action: Action) -> Result<Rank, Rejection> {
    let is_admin = role == Role::Admin;
    match (relation, action) {
        (Relation::Owner, _) => Ok(Rank::Owner),
        (Relation::Member, Action::Join | Action::Read | Action::ListMembers) => Ok(Rank::Member),
        (Relation::Member, Action::Moderate) if role >= Role::Moderator => Ok(Rank::Member),
        (Relation::Member | Relation::Stranger, Action::Moderate | Action::Own) if is_admin => {
            Ok(Rank::Admin)
        }
        (Relation::Member, Action::Moderate | Action::Own) => {
            Err(Rejection::new(ErrorCode::Forbidden, "Only the owner of the room may do this"))
        }
        (Relation::Stranger | Relation::NoRoom, _) => Err(Rejection::room_not_found()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rank_in_a_private_room_follows_relation_and_role() {
        use {Action::*, ErrorCode::*, Relation::*};
        let cases = [
            (Relation::Member, Role::Member, Join, Ok(Rank::Member)),
            (Relation::Member, Role::Guest, Read, Ok(Rank::Member)),
            (Relation::Member, Role::Member, Moderate, Err(Forbidden)),
            (Relation::Member, Role::Moderator, Moderate, Ok(Rank::Member)),
            (Relation::Member, Role::Moderator, Own, Err(Forbidden)),
            (Relation::Member, Role::Admin, Own, Ok(Rank::Admin)),
            (Relation::Owner, Role::Member, Own, Ok(Rank::Owner)),
            (Relation::Owner, Role::Guest, Moderate, Ok(Rank::Owner)),
            (Stranger, Role::Moderator, Moderate, Err(RoomNotFound)),
            (Stranger, Role::Member, Own, Err(RoomNotFound)),
            (Stranger, Role::Admin, Read, Err(RoomNotFound)),
            (Stranger, Role::Admin, Own, Ok(Rank::Admin)),
            (NoRoom, Role::Admin, Own, Err(RoomNotFound)),
            (NoRoom, Role::Admin, Join, Err(RoomNotFound)),
        ];
        for (relation, role, action, expected) in cases {
            let rank = private_rank(relation, role, action).map_err(|rejection| rejection.code);
            assert_eq!(rank, expected, "{relation:?} {role} {action:?}");
        }
    }
}
