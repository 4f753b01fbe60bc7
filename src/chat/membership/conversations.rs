//! Conversations of two users. Their name follows from the two users, so it is one, whichever of them asks first and on whatever node.

use super::super::completion::Completion;
use super::super::{Chat, Identity};
use crate::backend::{Listing, RoomRecord};
use crate::model::{Author, RoomName, UserId};
use crate::protocol::{ErrorCode, Rejection};

/// A conversation as one of its users sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// The room.
    pub room: RoomName,
    /// The other user.
    pub with: Author,
}

impl Chat {
    /// The conversation of the caller with another user, which exists from now on.
    ///
    /// # Errors
    /// `not_found` for a user that is not known; `forbidden` for guests, unless they may whisper; `bad_request` with oneself;
    /// `username_taken`; `too_many_rooms`; `unavailable`.
    pub async fn converse(&self, by: &Identity, other: &UserId) -> Result<Conversation, Rejection> {
        self.check_may_whisper(by)?;
        let own = &by.author.user_id;
        if other == own {
            return Err(Rejection::new(ErrorCode::BadRequest, "A conversation is one of two users"));
        }
        let room = RoomName::conversation(own, other);
        let rooms = &self.inner.backend.rooms;
        let stored = rooms.records(std::slice::from_ref(&room)).await.pop().transpose()?.flatten();
        if let Some(with) = stored.and_then(|record| record.other_than(own)) {
            self.list_room(by, &room).await?;
            return Ok(Conversation { room, with });
        }
        self.check_name(by).await?;
        let other = self.known_user(other).await?;
        let beginning = self.clone().begin_conversation(by.clone(), other, room);
        Completion::new(&self.inner.supervisor, "new-conversation", beginning).await
    }

    async fn begin_conversation(
        self,
        by: Identity,
        other: Author,
        room: RoomName,
    ) -> Result<Conversation, Rejection> {
        let rooms = &self.inner.backend.rooms;
        self.list_room(&by, &room).await?;
        if !rooms.list(&other.user_id, &room, Listing::ByOthers).await? {
            let sentence = "The other user is in as many rooms as others may put it in";
            return Err(Rejection::new(ErrorCode::TooManyRooms, sentence));
        }
        let members = vec![by.author.clone(), other.clone()];
        rooms.create(&room, &RoomRecord { members, ..RoomRecord::default() }).await?;
        self.tell_rooms_changed([&by.author.user_id, &other.user_id]).await;
        Ok(Conversation { room, with: other })
    }
}
