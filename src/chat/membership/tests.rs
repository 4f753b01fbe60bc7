//! Changes of the members of a room that overlap.

use super::*;
use crate::chat::tests::chat;
use crate::model::Username;

fn author(name: &str) -> Author {
    Author { user_id: UserId::account(), username: Username::from_trusted(name) }
}

#[tokio::test]
async fn a_member_that_was_added_while_it_left_stays_on_its_list() {
    let chat = chat().await;
    let rooms = &chat.inner.backend.rooms;
    let (owner, member, room) = (author("Rahim"), author("Mita"), RoomName::private());
    let record = RoomRecord {
        title: Some("one".to_owned()),
        owner: Some(owner.user_id.clone()),
        members: vec![owner, member.clone()],
        ..RoomRecord::default()
    };
    rooms.create(&room, &record).await.unwrap();
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
