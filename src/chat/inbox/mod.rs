//! Messages that reach users outside of their rooms: each message of a private room or conversation reaches its members, and a
//! mention the user that it names. One task tells them, after the receipt, so no sender waits for it unless the queue is full.
//!
//! The author of a message sends it again where it never learned its number, and then nobody may have been told: so a repetition
//! tells them as well, of the message as it is now, and of none that was deleted. Clients know by its number what they have.
//!
//! The members are read after the message has its number: a user that was removed before is not among them. An entry is a notice
//! and not logged; a session that misses one is told of it by the list of its rooms.

use std::borrow::Cow;

use futures_util::future::join_all;
use serde::Deserialize;
use tokio::sync::mpsc;
use tracing::debug;

use super::Chat;
use crate::backend::{RoomRecord, Span};
use crate::model::{
    Author, Draft, EntryKind, InboxEntry, LoggedMessage, Receipt, RoomName, UserEvent, UserId,
};

/// Characters of a message that a preview has, at most.
pub const PREVIEW_CHARS: usize = 140;

/// Messages that wait to be told, at most. Then senders wait for their acks.
pub(super) const QUEUE: usize = 1024;

/// Messages that are told together; those of one room share the reading of its members.
const BATCH: usize = 64;

/// Publications under way at once.
const PUBLICATIONS: usize = 512;

/// A message whose users are to be told.
#[derive(Debug)]
pub(super) struct Posted {
    room: RoomName,
    seq: u64,
    from: Author,
    preview: String,
    mentions: Vec<UserId>,
}

/// The part of a message that a preview shows.
#[derive(Deserialize)]
struct Shown<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
}

fn preview(content: &str) -> String {
    content.chars().take(PREVIEW_CHARS).collect()
}

impl Posted {
    /// Of a message that has no number yet; `None` if it concerns nobody outside of its room.
    pub(super) fn of(draft: &Draft) -> Option<Self> {
        if !draft.room.is_private() && draft.mentions.is_empty() {
            return None;
        }
        Some(Self {
            room: draft.room.clone(),
            seq: 0,
            from: draft.author.clone(),
            preview: preview(&draft.content),
            mentions: draft.mentions.clone(),
        })
    }

    /// The message has this number.
    pub(super) fn numbered(self, seq: u64) -> Self {
        Self { seq, ..self }
    }

    /// The message that was given a number before, as it is now; `None` if it was deleted.
    fn repeated(self, seq: u64, now: &LoggedMessage) -> Option<Self> {
        if now.seq != seq || now.kind != EntryKind::Text {
            return None;
        }
        let Shown { content } = serde_json::from_slice(&now.json).ok()?;
        Some(Self { seq, preview: preview(&content), ..self })
    }

    /// The users to tell, each with whether the message mentions it. `record`: of a private room.
    fn users<'a>(&'a self, record: Option<&'a RoomRecord>) -> Vec<(&'a UserId, bool)> {
        let is_mentioned = |user: &UserId| self.mentions.contains(user);
        match record {
            Some(record) => {
                let members = record.members.iter().map(|member| &member.user_id);
                members.map(|user| (user, is_mentioned(user))).collect()
            }
            None if self.room.is_private() => Vec::new(),
            None => {
                let mut users: Vec<&UserId> = self.mentions.iter().collect();
                users.sort_unstable();
                users.dedup();
                users.into_iter().map(|user| (user, true)).collect()
            }
        }
    }

    fn event(&self, mention: bool) -> UserEvent {
        UserEvent::Inbox(InboxEntry {
            room: self.room.clone(),
            seq: self.seq,
            from: self.from.clone(),
            preview: self.preview.clone(),
            mention,
        })
    }
}

impl Chat {
    /// Tells users of messages, until the node stops.
    pub(super) async fn tell_inboxes(self, mut queue: mpsc::Receiver<Posted>) {
        let telling = async {
            let mut batch = Vec::with_capacity(BATCH);
            while queue.recv_many(&mut batch, BATCH).await > 0 {
                self.tell_posted(&batch).await;
                batch.clear();
            }
        };
        self.inner.supervisor.until_stopping(telling).await;
    }

    /// Has the users of a message told of it, now that it has its number or is known to have had it before.
    pub(super) async fn tell_of(&self, posted: Posted, receipt: &Receipt) {
        let posted = if receipt.is_duplicate {
            self.repeated(posted, receipt.seq).await
        } else {
            Some(posted.numbered(receipt.seq))
        };
        if let Some(posted) = posted {
            // A queue that is closed says that the node stops.
            let _ = self.inner.inbox.send(posted).await;
        }
    }

    async fn repeated(&self, posted: Posted, seq: u64) -> Option<Posted> {
        let reading = self.inner.backend.log.peek(&posted.room, Span::Above(seq.saturating_sub(1)), 1);
        match reading.await {
            Ok(found) => posted.repeated(seq, found.messages.first()?),
            Err(error) => {
                debug!(error = %error.root_cause(), "could not read a message to tell its users of it again");
                None
            }
        }
    }

    async fn tell_posted(&self, posted: &[Posted]) {
        let mut private: Vec<RoomName> =
            posted.iter().map(|posted| &posted.room).filter(|room| room.is_private()).cloned().collect();
        private.sort_unstable();
        private.dedup();
        let records =
            if private.is_empty() { Vec::new() } else { self.inner.backend.rooms.records(&private).await };
        let record_of = |room: &RoomName| {
            let place = private.binary_search(room).ok()?;
            records.get(place)?.as_ref().ok()?.as_ref()
        };
        let told = posted.iter().flat_map(|posted| {
            let users = posted.users(record_of(&posted.room)).into_iter();
            users.map(move |(user, mention)| (user, posted.event(mention)))
        });
        let told: Vec<(&UserId, UserEvent)> = told.collect();
        for told in told.chunks(PUBLICATIONS) {
            // In their order: all go over one connection.
            let telling = told.iter().map(|(user, event)| self.inner.backend.tell_user(user, event.clone()));
            if let Some(error) = join_all(telling).await.into_iter().find_map(Result::err) {
                debug!(error = %error.root_cause(), "could not tell a user of a message");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Username;

    fn author() -> Author {
        Author { user_id: UserId::guest(), username: Username::from_trusted("রহিম") }
    }

    #[test]
    fn a_message_of_a_public_room_concerns_those_that_it_mentions() {
        let [from, other] = [author(), author()];
        let room = RoomName::from_trusted("general");
        let mut draft = Draft::new(room, from, "হ্যালো".repeat(100));
        assert!(Posted::of(&draft).is_none());
        draft.mentions = vec![other.user_id.clone(), other.user_id.clone()];
        let posted = Posted::of(&draft).expect("it concerns one").numbered(7);
        assert_eq!(posted.users(None), [(&other.user_id, true)]);
        assert_eq!((posted.seq, posted.preview.chars().count()), (7, PREVIEW_CHARS));
    }

    #[test]
    fn a_message_of_a_private_room_concerns_its_members_alone() {
        let [from, member, stranger] = [author(), author(), author()];
        let mut draft = Draft::new(RoomName::private(), from.clone(), "x".to_owned());
        draft.mentions = vec![member.user_id.clone(), stranger.user_id];
        let posted = Posted::of(&draft).expect("it concerns some");
        assert!(posted.users(None).is_empty(), "the room is gone");
        let record = RoomRecord { members: vec![from.clone(), member.clone()], ..RoomRecord::default() };
        assert_eq!(posted.users(Some(&record)), [(&from.user_id, false), (&member.user_id, true)]);
    }
}
