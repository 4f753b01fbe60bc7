//! Access to rooms. Every function that reads or writes a room takes a [`RoomAccess`] instead of a name, and only this file
//! makes one.

use super::{Chat, Identity};
use crate::model::RoomName;
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
    /// Post a message.
    Post,
    /// Read its messages.
    Read,
    /// See who is in it.
    ListMembers,
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

impl Chat {
    /// Access to a room. All rooms are public, so only a token can keep its bearer out.
    ///
    /// # Errors
    /// `room_not_found`, as for a room that never was; `auth_required` where guests may not take part.
    pub fn check_access(
        &self,
        principal: Principal<'_>,
        _action: Action,
        room: &RoomName,
    ) -> Result<RoomAccess, Rejection> {
        match principal {
            Principal::Anonymous => self.check_guests()?,
            Principal::User(identity) if !identity.scope.admits(room) => {
                return Err(Rejection::new(ErrorCode::RoomNotFound, "Room not found"));
            }
            Principal::User(_) => {}
        }
        Ok(RoomAccess { room: room.clone() })
    }
}
