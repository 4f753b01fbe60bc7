//! Access to rooms. Every function that reads or writes a room takes a [`RoomAccess`] instead of a name, one that
//! posts to it a [`SpeechAccess`], and only this file makes them.

use tokio::time::Instant;

use super::rooms::SpeechRules;
use super::{Chat, Identity, Room};
use crate::model::{Role, RoomName};
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
}

/// The right to do something in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomAccess {
    room: RoomName,
}

impl RoomAccess {
    /// The room.
    pub fn room(&self) -> &RoomName {
        &self.room
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
    /// Access to a room. All rooms are public, so only a token can keep its bearer out. Moderators moderate all of them.
    ///
    /// # Errors
    /// `room_not_found`, as for a room that never was; `auth_required` where guests may not take part; `forbidden`.
    pub fn check_access(
        &self,
        principal: Principal<'_>,
        action: Action,
        room: &RoomName,
    ) -> Result<RoomAccess, Rejection> {
        match principal {
            Principal::Anonymous if action == Action::Moderate => return Err(self.auth_required()),
            Principal::Anonymous => self.check_guests()?,
            Principal::User(identity) if !identity.scope.admits(room) => {
                return Err(Rejection::new(ErrorCode::RoomNotFound, "Room not found"));
            }
            Principal::User(identity) if action == Action::Moderate => identity.at_least(Role::Moderator)?,
            Principal::User(_) => {}
        }
        Ok(RoomAccess { room: room.clone() })
    }

    /// The right to speak in a room that the user's session is in. Asks the backend nothing.
    ///
    /// # Errors
    /// `muted`, `room_locked`, and those of [`Chat::check_access`].
    pub fn access_to_speak(&self, identity: &Identity, room: &Room) -> Result<SpeechAccess, Rejection> {
        let access = self.check_access(Principal::User(identity), Action::Join, &room.name)?;
        match room.check_speech(identity) {
            Some(outcome) => outcome?,
            None => {
                return Err(Rejection::new(ErrorCode::Unavailable, "The room is not open yet; try again"));
            }
        }
        Ok(SpeechAccess { room: access.room })
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
        let access = self.check_access(Principal::User(identity), Action::Join, room)?;
        let live = self.inner.hub.find(room).filter(|room| room.is_open());
        match live.and_then(|room| room.check_speech(identity)) {
            Some(outcome) => outcome?,
            None => {
                let asked = Instant::now();
                let rules = self.inner.backend.moderation.rules(std::slice::from_ref(room)).await.pop();
                let rules = rules.transpose()?.unwrap_or_default();
                SpeechRules::new(&rules, asked).check(identity)?;
            }
        }
        Ok(SpeechAccess { room: access.room })
    }
}
