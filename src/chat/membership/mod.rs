//! Private rooms: making one, its members, its title, its end. Acts of an admin in the room of another are recorded.
//! `conversations.rs` has those of two, `listing.rs` the rooms of a user.
//!
//! A user is put on the list of its rooms before it becomes a member, and taken off it afterwards; so a crash leaves an entry too
//! many, which the next reading removes. A removal and an addition of one user may overlap on two nodes. So the one that adds puts
//! the room on the list once more afterwards, and the one that removes does so if the user is a member again.

mod conversations;
mod listing;
#[cfg(test)]
mod tests;

use futures_util::future::join_all;
use tracing::debug;

pub use self::conversations::Conversation;
pub use self::listing::MyRoom;
use super::completion::Completion;
use super::{Chat, Identity, RoomAccess, Source};
use crate::backend::{
    AuditAction, BackendError, Listing, Relation, RoomChange, RoomChanged, RoomRecord, Unlisting,
};
use crate::model::characters::has_visible;
use crate::model::{Author, RoomName, UserEvent, UserId};
use crate::protocol::{ErrorCode, Rejection};

/// Characters of a topic, at most.
const TOPIC_CHARS: usize = 200;

impl Chat {
    /// Makes a private room, whose first member and owner is its maker.
    ///
    /// # Errors
    /// `forbidden` for a guest, unless guests may whisper; `bad_request` for a title; `username_taken`; `too_many_rooms`;
    /// `unavailable`.
    pub async fn create_room(&self, by: &Identity, title: &str) -> Result<(RoomName, RoomRecord), Rejection> {
        self.check_may_whisper(by)?;
        let title = self.checked_title(title)?;
        self.check_name(by).await?;
        let room = RoomName::private();
        let record = RoomRecord {
            title: Some(title),
            topic: None,
            owner: Some(by.author.user_id.clone()),
            members: vec![by.author.clone()],
        };
        let (chat, by) = (self.clone(), by.clone());
        let creating = async move {
            chat.list_room(&by, &room).await?;
            let record = chat.inner.backend.rooms.create(&room, &record).await?;
            chat.tell_rooms_changed([&by.author.user_id]).await;
            Ok((room, record))
        };
        Completion::new(&self.inner.supervisor, "new-room", creating).await
    }

    /// The record of a private room, as it is now.
    ///
    /// # Errors
    /// `room_not_found`, also for a public room, and if the user was removed meanwhile; `unavailable`.
    pub async fn room_record(&self, access: &RoomAccess) -> Result<RoomRecord, Rejection> {
        if !access.room().is_private() {
            return Err(Rejection::room_not_found());
        }
        let record = self.inner.backend.rooms.records(std::slice::from_ref(access.room())).await.pop();
        let record = record.transpose()?.flatten().filter(|record| access.holds_by(record));
        record.ok_or_else(Rejection::room_not_found)
    }

    /// Makes a user a member of a private room. It must be one that is known.
    ///
    /// # Errors
    /// `not_found` for an unknown user; `too_many_rooms` if it is in as many as others may put it in; `bad_request` if the room is full.
    pub async fn add_member(
        &self,
        by: &Identity,
        access: &RoomAccess,
        user: &UserId,
    ) -> Result<(), Rejection> {
        let room = changeable(access)?;
        let user = self.known_user(user).await?;
        let act = (AuditAction::AddMember, Some(&user.user_id));
        let (chat, room, added) = (self.clone(), room.clone(), user.clone());
        self.recorded_of_admin(by, access, act, async move { chat.add(&room, &added).await }).await
    }

    async fn add(&self, room: &RoomName, user: &Author) -> Result<(), Rejection> {
        if !self.inner.backend.rooms.list(&user.user_id, room, Listing::ByOthers).await? {
            let sentence = "The user is in as many rooms as others may put it in";
            return Err(Rejection::new(ErrorCode::TooManyRooms, sentence));
        }
        match self.inner.backend.rooms.change(room, &RoomChange::Add(user.clone())).await? {
            RoomChanged::Changed => {
                self.inner.backend.rooms.list(&user.user_id, room, Listing::Own).await?;
            }
            RoomChanged::Unchanged => return Ok(()),
            RoomChanged::Full => {
                self.unlist_room(&user.user_id, room).await;
                let sentence = "The room has as many members as it may have";
                return Err(Rejection::new(ErrorCode::BadRequest, sentence));
            }
            RoomChanged::NoRoom => {
                self.unlist_room(&user.user_id, room).await;
                return Err(Rejection::room_not_found());
            }
        }
        self.tell_rooms_changed([&user.user_id]).await;
        Ok(())
    }

    /// Ends the membership of a user in a private room. Once this returns nothing that is posted later reaches it. A user that is
    /// no member may be removed as well.
    ///
    /// # Errors
    /// `forbidden` for the owner, and in a conversation.
    pub async fn remove_member(
        &self,
        by: &Identity,
        access: &RoomAccess,
        user: &UserId,
    ) -> Result<(), Rejection> {
        let room = changeable(access)?;
        let record = self.room_record(access).await?;
        if record.owner.as_ref() == Some(user) {
            let sentence = "The owner can't leave its room; delete the room instead";
            return Err(Rejection::new(ErrorCode::Forbidden, sentence));
        }
        let (chat, room, removed) = (self.clone(), room.clone(), user.clone());
        let removing = async move {
            chat.inner.backend.rooms.change(&room, &RoomChange::Remove(removed.clone())).await?;
            chat.unlist_room(&removed, &room).await;
            chat.tell_rooms_changed([&removed]).await;
            Ok(())
        };
        self.recorded_of_admin(by, access, (AuditAction::RemoveMember, Some(user)), removing).await
    }

    /// Gives a private room another title, or topic, or both.
    ///
    /// # Errors
    /// `bad_request` for a text that is none; `forbidden` in a conversation.
    pub async fn describe_room(
        &self,
        by: &Identity,
        access: &RoomAccess,
        title: Option<&str>,
        topic: Option<&str>,
    ) -> Result<RoomRecord, Rejection> {
        let room = changeable(access)?;
        let title = title.map(|title| self.checked_title(title)).transpose()?;
        let topic = topic.map(|topic| checked_line("topic", topic, TOPIC_CHARS)).transpose()?;
        let (chat, room) = (self.clone(), room.clone());
        let describing = async move {
            let description = RoomChange::Describe { title, topic };
            if chat.inner.backend.rooms.change(&room, &description).await? == RoomChanged::NoRoom {
                return Err(Rejection::room_not_found());
            }
            Ok(())
        };
        let (chat, by, access) = (self.clone(), by.clone(), access.clone());
        let telling = async move {
            let act = (AuditAction::DescribeRoom, None);
            chat.recorded_of_admin(&by, &access, act, describing).await?;
            let record = chat.room_record(&access).await?;
            chat.tell_rooms_changed(record.members.iter().map(|member| &member.user_id)).await;
            Ok(record)
        };
        Completion::new(&self.inner.supervisor, "room-description", telling).await
    }

    /// Removes a private room and its messages.
    ///
    /// # Errors
    /// `forbidden` in a conversation.
    pub async fn delete_room(&self, by: &Identity, access: &RoomAccess) -> Result<(), Rejection> {
        let room = changeable(access)?;
        let record = self.room_record(access).await?;
        let (chat, room) = (self.clone(), room.clone());
        let deleting = async move {
            chat.inner.backend.rooms.change(&room, &RoomChange::Delete).await?;
            let members = || record.members.iter().map(|member| &member.user_id);
            join_all(members().map(|user| chat.unlist_room(user, &room))).await;
            chat.tell_rooms_changed(members()).await;
            Ok(())
        };
        self.recorded_of_admin(by, access, (AuditAction::DeleteRoom, None), deleting).await
    }

    /// Whether a user may make private rooms and conversations.
    pub(super) fn check_may_whisper(&self, identity: &Identity) -> Result<(), Rejection> {
        if identity.source != Source::Guest || self.inner.config.auth.guests_may_whisper {
            return Ok(());
        }
        Err(Rejection::new(ErrorCode::Forbidden, "Guests have no private rooms; this needs an account"))
    }

    /// A user that others may name: it has an account, or has shown a token of the operator or of another issuer (a guest its own, if
    /// guests may whisper) within `auth.token_ttl`.
    pub(super) async fn known_user(&self, user: &UserId) -> Result<Author, Rejection> {
        if let Some(account) = self.inner.backend.accounts.by_id(user).await? {
            return Ok(account.author());
        }
        match self.inner.backend.rooms.introduced(user).await? {
            Some(username) => Ok(Author { user_id: user.clone(), username }),
            None => Err(Rejection::new(ErrorCode::NotFound, "No user with this user_id is known")),
        }
    }

    /// Remembers the name of a user that has no account, so that others may name it.
    pub async fn introduce(&self, identity: &Identity) {
        let introducing = async {
            let author = &identity.author;
            let is_known = match identity.source {
                // The operator may have named a user that has none.
                Source::Account => self.inner.backend.accounts.by_id(&author.user_id).await?.is_some(),
                Source::Guest => !self.inner.config.auth.guests_may_whisper,
                Source::Issuer => false,
            };
            if is_known { Ok(()) } else { self.inner.backend.rooms.introduce(author).await }
        };
        if let Err(error) = introducing.await {
            debug!(error = %error.root_cause(), "could not remember the name of a user");
        }
    }

    async fn list_room(&self, by: &Identity, room: &RoomName) -> Result<(), Rejection> {
        if !by.scope.admits(room) {
            return Err(Rejection::new(ErrorCode::Forbidden, "This token admits to some rooms only"));
        }
        if self.inner.backend.rooms.list(&by.author.user_id, room, Listing::Own).await? {
            return Ok(());
        }
        Err(Rejection::new(
            ErrorCode::TooManyRooms,
            "You are in as many rooms as you may be in; leave one first",
        ))
    }

    /// Takes a room off the list of a user that is no member, unless it has become one again meanwhile. If it can't be done now,
    /// the next reading of the list does it.
    async fn unlist_room(&self, user: &UserId, room: &RoomName) {
        let listed = std::slice::from_ref(room);
        let unlisted = self.inner.backend.rooms.unlist(user, listed, Unlisting::Left).await;
        if let Err(error) = unlisted.and(self.relist_member(user, room).await) {
            debug!(error = %error.root_cause(), "could not take a room off the list of a user");
        }
    }

    /// Puts a room on the list of a user that is a member.
    async fn relist_member(&self, user: &UserId, room: &RoomName) -> Result<(), BackendError> {
        let rooms = &self.inner.backend.rooms;
        if let Relation::Member | Relation::Owner = rooms.relation(room, user).await? {
            rooms.list(user, room, Listing::Own).await?;
        }
        Ok(())
    }

    /// Has the members of a private room ask for their rooms again: the message that their lists show, or count, is deleted.
    pub(super) async fn tell_deleted(&self, room: &RoomName) {
        let record = self.inner.backend.rooms.records(std::slice::from_ref(room)).await.pop();
        if let Some(Ok(Some(RoomRecord { members, .. }))) = record {
            self.tell_rooms_changed(members.iter().map(|member| &member.user_id)).await;
        }
    }

    /// Has users ask for their rooms again. They also do so after each gap of their node's subscription.
    pub(super) async fn tell_rooms_changed<'a>(&self, users: impl IntoIterator<Item = &'a UserId>) {
        let telling =
            users.into_iter().map(|user| self.inner.backend.tell_user(user, UserEvent::RoomsChanged));
        for told in join_all(telling).await {
            if let Err(error) = told {
                debug!(error = %error.root_cause(), "could not tell a user that its rooms have changed");
            }
        }
    }

    fn checked_title(&self, title: &str) -> Result<String, Rejection> {
        let title = checked_line("title", title, self.inner.config.limits.room_name_chars)?;
        if !has_visible(&title) {
            return Err(Rejection::new(ErrorCode::BadRequest, "title must have something to see"));
        }
        Ok(title)
    }
}

/// The room, if its members may change at all.
fn changeable(access: &RoomAccess) -> Result<&RoomName, Rejection> {
    if access.room().is_conversation() {
        let sentence = "A conversation stays one of its two users";
        return Err(Rejection::new(ErrorCode::Forbidden, sentence));
    }
    Ok(access.room())
}

/// A text of one line, without characters that would break one.
fn checked_line(what: &str, text: &str, most: usize) -> Result<String, Rejection> {
    let text = text.trim();
    if text.chars().count() > most || text.chars().any(char::is_control) {
        let sentence = format!("{what} must be one line of at most {most} characters");
        return Err(Rejection::new(ErrorCode::BadRequest, sentence));
    }
    Ok(text.to_owned())
}
