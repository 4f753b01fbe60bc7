//! Changes of the members of a room that overlap, with each other and with readings.

use std::sync::Arc;

use async_trait::async_trait;

use super::*;
use crate::backend::{self, Backend, Cursors, Reader, Unread};
use crate::chat::tests::{chat, chat_with};
use crate::chat::{Action, Principal};
use crate::model::{Draft, Role, Username};

fn author(name: &str) -> Author {
    Author { user_id: UserId::account(), username: Username::from_trusted(name) }
}

fn record(owner: &Author, member: &Author) -> RoomRecord {
    RoomRecord {
        title: Some("one".to_owned()),
        owner: Some(owner.user_id.clone()),
        members: vec![owner.clone(), member.clone()],
        ..RoomRecord::default()
    }
}

/// Cursors of a backend in which, whenever unread messages are about to be counted, a member is removed and one more is posted.
#[derive(Debug)]
struct Overtaken {
    backend: Backend,
    room: RoomName,
    owner: Author,
    member: Author,
}

#[async_trait]
impl Cursors for Overtaken {
    async fn advance(&self, room: &RoomName, reader: &Reader, seq: u64) -> backend::Result<Option<u64>> {
        self.backend.cursors.advance(room, reader, seq).await
    }

    async fn begin(&self, room: &RoomName, reader: &Reader) -> backend::Result<Option<u64>> {
        self.backend.cursors.begin(room, reader).await
    }

    async fn cursors(&self, of: &[(RoomName, UserId)]) -> Vec<backend::Result<Option<u64>>> {
        self.backend.cursors.cursors(of).await
    }

    async fn forget(&self, room: &RoomName, user: &UserId) -> backend::Result<()> {
        self.backend.cursors.forget(room, user).await
    }

    async fn unread(&self, user: &UserId, rooms: &[RoomName]) -> Vec<backend::Result<Unread>> {
        let removal = RoomChange::Remove(self.member.user_id.clone());
        self.backend.rooms.change(&self.room, &removal).await.unwrap();
        let secret = Draft::new(self.room.clone(), self.owner.clone(), "a secret".to_owned());
        self.backend.log.append(secret).await.unwrap();
        self.backend.cursors.unread(user, rooms).await
    }
}

#[tokio::test]
async fn a_list_of_rooms_has_nothing_that_was_posted_after_its_user_was_removed() {
    let (owner, member, room) = (author("Rahim"), author("Mita"), RoomName::private());
    let chat = chat_with(|backend| {
        let (room, owner, member) = (room.clone(), owner.clone(), member.clone());
        let cursors = Arc::new(Overtaken { backend: backend.clone(), room, owner, member });
        Backend { cursors, ..backend }
    })
    .await;
    let rooms = &chat.inner.backend.rooms;
    rooms.create(&room, &record(&owner, &member)).await.unwrap();
    assert!(rooms.list(&member.user_id, &room, Listing::ByOthers).await.unwrap());
    let listed = chat.my_rooms(&Identity::guest_with(member)).await.unwrap();
    assert_eq!(listed, []);
}

#[tokio::test]
async fn a_record_is_not_for_a_user_that_was_removed_since_it_was_admitted() {
    let chat = chat().await;
    let rooms = &chat.inner.backend.rooms;
    let (owner, member, room) = (author("Rahim"), author("Mita"), RoomName::private());
    rooms.create(&room, &record(&owner, &member)).await.unwrap();
    let admin = Identity { role: Role::Admin, ..Identity::guest_with(author("Karim")) };
    let admitted = async |identity: &Identity, action| {
        chat.check_access(Principal::User(identity), action, &room).await.unwrap()
    };
    let access = admitted(&Identity::guest_with(member.clone()), Action::ListMembers).await;
    let of_admin = admitted(&admin, Action::Own).await;
    assert!(chat.room_record(&access).await.is_ok());
    rooms.change(&room, &RoomChange::Remove(member.user_id)).await.unwrap();
    let refused = chat.room_record(&access).await.map_err(|rejection| rejection.code);
    assert_eq!(refused, Err(ErrorCode::RoomNotFound));
    assert!(chat.room_record(&of_admin).await.is_ok());
}

#[tokio::test]
async fn a_member_that_was_added_while_it_left_stays_on_its_list() {
    let chat = chat().await;
    let rooms = &chat.inner.backend.rooms;
    let (owner, member, room) = (author("Rahim"), author("Mita"), RoomName::private());
    rooms.create(&room, &record(&owner, &member)).await.unwrap();
    assert!(rooms.list(&member.user_id, &room, Listing::ByOthers).await.unwrap());
    let (removal, addition) = (RoomChange::Remove(member.user_id.clone()), RoomChange::Add(member.clone()));
    rooms.change(&room, &removal).await.unwrap();
    // The owner adds it before the entry of the membership that has ended is removed.
    assert!(rooms.list(&member.user_id, &room, Listing::ByOthers).await.unwrap());
    assert_eq!(rooms.change(&room, &addition).await.unwrap(), RoomChanged::Changed);
    chat.unlist_room(&member.user_id, &room).await;
    assert_eq!(rooms.listed(&member.user_id).await.unwrap(), std::slice::from_ref(&room));
    rooms.change(&room, &removal).await.unwrap();
    chat.unlist_room(&member.user_id, &room).await;
    assert!(rooms.listed(&member.user_id).await.unwrap().is_empty());
}
