//! Cursors in conversations: each of the two users sees how far the other one has read. Either of them may switch that off for itself, in all its
//! conversations; then neither sees the other's cursor in theirs.

use tracing::debug;

use super::cursors::reader;
use super::{Chat, Identity};
use crate::backend::{ReadSharing, RoomRecord};
use crate::model::{Author, ReadBy, RoomName, UserEvent, UserId};
use crate::protocol::Rejection;

impl Chat {
    /// Whether a user shares what it has read.
    ///
    /// # Errors
    /// `unavailable`
    pub async fn read_sharing(&self, by: &Identity) -> Result<ReadSharing, Rejection> {
        let users = std::slice::from_ref(&by.author.user_id);
        Ok(self.inner.backend.preferences.read_sharing(users).await?.pop().unwrap_or_default())
    }

    /// From now on a user shares what it has read, or does not. Its sessions are told to ask for its rooms again; sessions of
    /// others keep what they show.
    ///
    /// # Errors
    /// `forbidden` for a guest, unless guests may whisper; `too_fast`; `unavailable`.
    pub async fn share_reading(&self, by: &Identity, sharing: ReadSharing) -> Result<(), Rejection> {
        self.check_may_whisper(by)?;
        self.admit_cursor(by)?;
        self.inner.backend.preferences.share_reading(&reader(by), sharing).await?;
        self.tell_rooms_changed([&by.author.user_id]).await;
        Ok(())
    }

    /// Tells the other user of a conversation how far this one has read, if both share that.
    pub(super) async fn tell_other_reader(&self, room: &RoomName, user: &UserId, seq: u64) {
        let telling = async {
            let Some(other) = self.other_user(room, user).await? else { return Ok(()) };
            if self.both_share(user, &other.user_id).await? {
                let by = ReadBy { user: user.clone(), seq };
                let event = UserEvent::ReadBy { room: room.clone(), by };
                self.inner.backend.tell_user(&other.user_id, event).await?;
            }
            Ok::<(), Rejection>(())
        };
        if let Err(rejection) = telling.await {
            debug!(error = %rejection.message, "could not tell a user what another one has read");
        }
    }

    /// How far the other user of a conversation has read, if both share that. A join does without it if it can't be read.
    pub(super) async fn read_by_other(&self, room: &RoomName, user: &UserId) -> Option<ReadBy> {
        let reading = async {
            let Some(other) = self.other_user(room, user).await? else { return Ok(None) };
            if !self.both_share(user, &other.user_id).await? {
                return Ok(None);
            }
            let seq = self.inner.backend.cursors.cursor(room, &other.user_id).await?;
            Ok::<_, Rejection>(seq.map(|seq| ReadBy { user: other.user_id, seq }))
        };
        match reading.await {
            Ok(read_by) => read_by,
            Err(rejection) => {
                debug!(error = %rejection.message, "could not read the cursor of another user");
                None
            }
        }
    }

    /// How far the other users of conversations have read, in the order of `conversations`, as far as they and the user share that.
    pub(super) async fn read_by_others(
        &self,
        user: &UserId,
        conversations: &[(RoomName, UserId)],
    ) -> Result<Vec<Option<ReadBy>>, Rejection> {
        let mut users: Vec<UserId> = conversations.iter().map(|(_, other)| other.clone()).collect();
        users.push(user.clone());
        let backend = &self.inner.backend;
        let mut sharing = backend.preferences.read_sharing(&users).await?;
        if conversations.is_empty() || sharing.pop() == Some(ReadSharing::Off) {
            return Ok(vec![None; conversations.len()]);
        }
        let places = backend.cursors.cursors(conversations).await;
        let read = conversations.iter().zip(sharing).zip(places).map(|(((_, other), sharing), place)| {
            let seq = place?.filter(|_| sharing.is_on());
            Ok(seq.map(|seq| ReadBy { user: other.clone(), seq }))
        });
        read.collect()
    }

    async fn both_share(&self, one: &UserId, other: &UserId) -> Result<bool, Rejection> {
        let users = [one.clone(), other.clone()];
        let sharing = self.inner.backend.preferences.read_sharing(&users).await?;
        Ok(sharing.into_iter().all(ReadSharing::is_on))
    }

    /// The other user of a conversation; `None` in any other room.
    async fn other_user(&self, room: &RoomName, user: &UserId) -> Result<Option<Author>, Rejection> {
        if !room.is_conversation() {
            return Ok(None);
        }
        let record = self.inner.backend.rooms.records(std::slice::from_ref(room)).await.pop();
        let record: Option<RoomRecord> = record.transpose()?.flatten();
        Ok(record.filter(|record| record.has(user)).and_then(|record| record.other_than(user)))
    }
}
