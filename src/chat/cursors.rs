//! Cursors of users: moving them, and telling a user's sessions of it. The backend bounds and keeps them.
//!
//! Each user of a full session may have one: those with an account get one with their first join of a public room, as members of a
//! private room when they become one, all others when they first say what they have read. A guest's may give way to others.

use tracing::debug;

use super::{Chat, Identity, RoomAccess, Source};
use crate::backend::{Reader, ReaderKind};
use crate::model::{RoomName, UserEvent, UserId};
use crate::protocol::Rejection;

/// Where the cursor of a user is to be found when it joins a room.
#[derive(Debug, Clone)]
pub struct JoiningReader {
    reader: Reader,
    begins: Begins,
}

/// The place of a user without a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begins {
    /// The end of the room, from this join on.
    AtHead,
    /// It has none.
    Nowhere,
}

impl Chat {
    /// Moves the cursor of a user forward, and tells all its full sessions, and in a conversation those of the other user. Nobody
    /// is told if it stays where it is.
    ///
    /// # Errors
    /// `too_fast`, `unavailable`
    pub async fn mark_read(&self, by: &Identity, access: RoomAccess, seq: u64) -> Result<(), Rejection> {
        self.admit_cursor(by)?;
        let backend = &self.inner.backend;
        let Some(seq) = backend.cursors.advance(access.room(), &reader(by), seq).await? else {
            return Ok(());
        };
        let (user, room) = (&by.author.user_id, access.into_room());
        let telling = backend.tell_user(user, UserEvent::Read { room: room.clone(), seq });
        let (told, ()) = tokio::join!(telling, self.tell_other_reader(&room, user, seq));
        if let Err(error) = told {
            debug!(error = %error.root_cause(), "could not tell a user what it has read");
        }
        Ok(())
    }

    /// The cursor to look for when a user joins that may have one.
    pub fn joining_reader(&self, by: &Identity, room: &RoomName) -> JoiningReader {
        let is_listed = by.source == Source::Account && !room.is_private();
        let begins = if is_listed { Begins::AtHead } else { Begins::Nowhere };
        JoiningReader { reader: reader(by), begins }
    }

    /// The place of the cursor of a user that joins: 0 without one, `None` for a guest without one. A join does without it if it can't
    /// be read.
    pub(super) async fn joined_at(&self, room: &RoomName, joining: Option<&JoiningReader>) -> Option<u64> {
        let JoiningReader { reader, begins } = joining?;
        let cursors = &self.inner.backend.cursors;
        let place = match begins {
            Begins::AtHead => cursors.begin(room, reader).await,
            Begins::Nowhere => cursors.cursor(room, &reader.user).await,
        };
        match place {
            // A number tells a client that what it reads is kept.
            Ok(None) if reader.kind == ReaderKind::Lasting => Some(0),
            Ok(place) => place,
            Err(error) => {
                debug!(error = %error.root_cause(), "could not read the cursor of a user");
                None
            }
        }
    }

    /// Removes the cursor of a user that has left a public room for good. That of a member ends with its membership.
    pub(super) async fn end_reading(&self, room: &RoomName, user: &UserId) {
        if let Err(error) = self.inner.backend.cursors.forget(room, user).await {
            debug!(error = %error.root_cause(), "could not remove the cursor of a user");
        }
    }
}

/// A user as one that has a cursor.
pub(super) fn reader(by: &Identity) -> Reader {
    let kind = if by.source == Source::Guest { ReaderKind::Guest } else { ReaderKind::Lasting };
    Reader { user: by.author.user_id.clone(), kind }
}
