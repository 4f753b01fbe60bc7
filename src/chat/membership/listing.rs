//! The rooms of a user: private rooms, conversations, and the public rooms that an account has joined and not left.

use std::collections::HashMap;

use tracing::debug;

use super::super::{Chat, Identity, Source};
use crate::backend::{Listing, RoomRecord, Unlisting, Unread};
use crate::model::{Author, ReadBy, RoomName, UserId};
use crate::protocol::Rejection;

/// A room on a user's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MyRoom {
    /// The room.
    pub room: RoomName,
    /// Of a private room.
    pub title: Option<String>,
    /// Of a private room.
    pub topic: Option<String>,
    /// Of a private room.
    pub owner: Option<UserId>,
    /// The other user of a conversation.
    pub with: Option<Author>,
    /// How far the other user of a conversation has read, if both share that.
    pub read_by: Option<ReadBy>,
    /// Its messages that the user has not read.
    pub unread: Unread,
}

impl Chat {
    /// The rooms of a user that its token admits to, those with the newest messages first.
    ///
    /// # Errors
    /// `unavailable`
    pub async fn my_rooms(&self, by: &Identity) -> Result<Vec<MyRoom>, Rejection> {
        self.ensure_backend()?;
        let _slot = self.inner.reads.own_slot(&by.author.user_id).await?;
        let listed = self.listed(by).await?;
        let unread = self.inner.backend.cursors.unread(&by.author.user_id, &listed).await;
        let unread = unread.into_iter().collect::<Result<Vec<Unread>, _>>()?;
        let mut unread: HashMap<RoomName, Unread> = listed.iter().cloned().zip(unread).collect();
        // Membership is read last: what a room has now is not for a user that was removed from it meanwhile.
        let mut found = self.own_rooms(by, listed).await?;
        for my in &mut found {
            my.unread = unread.remove(&my.room).unwrap_or_default();
        }
        self.add_readers(by, &mut found).await?;
        // Timestamps are of one form, so their order is that of time. Of equal ones the order of names stays.
        found.sort_by(|one, other| other.last_at().cmp(&one.last_at()));
        Ok(found)
    }

    /// Adds to conversations how far their other users have read.
    async fn add_readers(&self, by: &Identity, rooms: &mut [MyRoom]) -> Result<(), Rejection> {
        let (conversations, others): (Vec<&mut MyRoom>, Vec<_>) = rooms
            .iter_mut()
            .filter_map(|my| {
                let other = my.with.as_ref()?.user_id.clone();
                let room = my.room.clone();
                Some((my, (room, other)))
            })
            .unzip();
        let read = self.read_by_others(&by.author.user_id, &others).await?;
        for (my, read_by) in conversations.into_iter().zip(read) {
            my.read_by = read_by;
        }
        Ok(())
    }

    /// The names of the rooms of a user that its token admits to.
    pub(in crate::chat) async fn listed_rooms(&self, by: &Identity) -> Result<Vec<RoomName>, Rejection> {
        let listed = self.listed(by).await?;
        Ok(self.own_rooms(by, listed).await?.into_iter().map(|my| my.room).collect())
    }

    /// The names on the list of a user that its token admits to, whether it is still in these rooms or not.
    async fn listed(&self, by: &Identity) -> Result<Vec<RoomName>, Rejection> {
        let mut listed = self.inner.backend.rooms.listed(&by.author.user_id).await?;
        listed.retain(|room| by.scope.admits(room));
        Ok(listed)
    }

    /// Those of the rooms on a user's list that it is in, by name, not counted. Entries of private rooms that the user is no
    /// member of are removed.
    async fn own_rooms(&self, by: &Identity, listed: Vec<RoomName>) -> Result<Vec<MyRoom>, Rejection> {
        let (user, rooms) = (&by.author.user_id, &self.inner.backend.rooms);
        let (private, public): (Vec<RoomName>, Vec<RoomName>) =
            listed.into_iter().partition(RoomName::is_private);
        let mut found: Vec<MyRoom> = public.into_iter().map(|room| MyRoom::new(room, None, user)).collect();
        let mut missing = Vec::new();
        let records = if private.is_empty() { Vec::new() } else { rooms.records(&private).await };
        for (room, record) in private.into_iter().zip(records) {
            match record?.filter(|record| record.has(user)) {
                Some(record) => found.push(MyRoom::new(room, Some(record), user)),
                None => missing.push(room),
            }
        }
        if let Err(error) = rooms.unlist(user, &missing, Unlisting::NotFound).await {
            debug!(error = %error.root_cause(), "could not remove entries of the list of a user's rooms");
        }
        found.sort_unstable_by(|one, other| one.room.cmp(&other.room));
        Ok(found)
    }

    /// Puts a public room that an account joins on the list of its rooms, unless the list is full. Writes only the first time.
    pub async fn record_join(&self, identity: &Identity, room: &RoomName) {
        if !has_list(identity, room) {
            return;
        }
        if let Err(error) = self.inner.backend.rooms.list(&identity.author.user_id, room, Listing::Own).await
        {
            debug!(error = %error.root_cause(), "could not put a room on the list of a user");
        }
    }

    /// Takes a public room that an account leaves off its list, and removes the account's cursor.
    pub async fn record_leave(&self, identity: &Identity, room: &RoomName) {
        if has_list(identity, room) {
            let user = &identity.author.user_id;
            tokio::join!(self.unlist_room(user, room), self.end_reading(room, user));
        }
    }
}

/// Whether joins of a room are recorded. Those of private rooms follow from their members.
fn has_list(identity: &Identity, room: &RoomName) -> bool {
    identity.source == Source::Account && !room.is_private()
}

impl MyRoom {
    fn new(room: RoomName, record: Option<RoomRecord>, user: &UserId) -> Self {
        let record = record.unwrap_or_default();
        let (title, topic, owner) = (record.title.clone(), record.topic.clone(), record.owner.clone());
        let with = if room.is_conversation() { record.other_than(user) } else { None };
        Self { room, title, topic, owner, with, read_by: None, unread: Unread::default() }
    }

    fn last_at(&self) -> Option<&str> {
        self.unread.last.as_ref().map(|last| last.timestamp.as_str())
    }
}
