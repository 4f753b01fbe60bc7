//! Private rooms: their members, and the lists of users' rooms.

use std::time::Duration;

use adda::backend::{
    BackendError, BackendEvent, Channel, Listing, MAX_LISTED, MAX_LISTED_BY_OTHERS, MAX_MEMBERS, Relation,
    RoomChange, RoomChanged, RoomRecord, Span, Unlisting,
};
use adda::model::{Author, ControlEvent, Draft, Event, Nonce, RoomName, UserId, Username};
use futures_util::future::join_all;

use super::nodes::{Cluster, Node, room};
use crate::harness::{DEADLINE, eventually};

fn author(name: &str) -> Author {
    Author { user_id: UserId::guest(), username: Username::from_trusted(name) }
}

fn record(owner: &Author) -> RoomRecord {
    RoomRecord {
        title: Some("আড্ডা \"ঘর\"".to_owned()),
        topic: None,
        owner: Some(owner.user_id.clone()),
        members: vec![owner.clone()],
    }
}

async fn read(node: &Node, room: &RoomName) -> Option<RoomRecord> {
    node.backend.rooms.records(std::slice::from_ref(room)).await.pop().unwrap().unwrap()
}

async fn change(node: &Node, room: &RoomName, change: RoomChange) -> RoomChanged {
    node.backend.rooms.change(room, &change).await.unwrap()
}

pub async fn the_record_of_a_private_room_is_one_on_every_node(mut cluster: Cluster) {
    let (nodes, name) = (cluster.nodes::<2>().await, RoomName::private());
    let [owner, member] = [author("রহিম"), author("মিতা দি")];
    assert_eq!(read(&nodes[0], &name).await, None);
    let made = nodes[0].backend.rooms.create(&name, &record(&owner)).await.unwrap();
    assert_eq!(made, record(&owner));
    assert_eq!(change(&nodes[1], &name, RoomChange::Add(member.clone())).await, RoomChanged::Changed);
    assert_eq!(change(&nodes[0], &name, RoomChange::Add(member.clone())).await, RoomChanged::Unchanged);
    let describe = |title: Option<&str>, topic: Option<&str>| RoomChange::Describe {
        title: title.map(str::to_owned),
        topic: topic.map(str::to_owned),
    };
    change(&nodes[0], &name, describe(None, Some("চা"))).await;
    change(&nodes[1], &name, describe(Some("b"), None)).await;
    let found = read(&nodes[0], &name).await.unwrap();
    assert_eq!((found.title.as_deref(), found.topic.as_deref()), (Some("b"), Some("চা")));
    let mut members = vec![owner.clone(), member.clone()];
    members.sort_by(|one, other| one.user_id.cmp(&other.user_id));
    assert_eq!((found.members, found.owner), (members, Some(owner.user_id.clone())));
    change(&nodes[1], &name, describe(None, Some(""))).await;
    assert_eq!(read(&nodes[0], &name).await.unwrap().topic, None);
    let results = nodes[1].backend.rooms.records(&[RoomName::private(), name.clone()]).await;
    let is_there: Vec<bool> = results.into_iter().map(|result| result.unwrap().is_some()).collect();
    assert_eq!(is_there, [false, true]);
}

pub async fn the_relation_of_a_user_follows_each_change(mut cluster: Cluster) {
    let (nodes, name) = (cluster.nodes::<2>().await, RoomName::private());
    let owner = author("রহিম");
    let member = Author { user_id: UserId::parse("মিতা:{x}%").unwrap(), ..author("মিতা") };
    let relation = async |user: &Author| {
        let [here, there] =
            [&nodes[0], &nodes[1]].map(|node| node.backend.rooms.relation(&name, &user.user_id));
        let (here, there) = (here.await.unwrap(), there.await.unwrap());
        assert_eq!(here, there);
        here
    };
    assert_eq!(relation(&member).await, Relation::NoRoom);
    nodes[0].backend.rooms.create(&name, &record(&owner)).await.unwrap();
    assert_eq!((relation(&owner).await, relation(&member).await), (Relation::Owner, Relation::Stranger));
    change(&nodes[1], &name, RoomChange::Add(member.clone())).await;
    assert_eq!(relation(&member).await, Relation::Member);
    let remove = RoomChange::Remove(member.user_id.clone());
    assert_eq!(change(&nodes[0], &name, remove.clone()).await, RoomChanged::Changed);
    assert_eq!(change(&nodes[0], &name, remove).await, RoomChanged::Unchanged);
    assert_eq!(relation(&member).await, Relation::Stranger);
    assert_eq!(change(&nodes[0], &name, RoomChange::Delete).await, RoomChanged::Changed);
    for next in [RoomChange::Delete, RoomChange::Add(member.clone()), RoomChange::Remove(UserId::guest())] {
        assert_eq!(change(&nodes[1], &name, next).await, RoomChanged::NoRoom);
    }
    assert_eq!(relation(&owner).await, Relation::NoRoom);
}

pub async fn a_room_that_is_created_at_once_on_many_nodes_is_one(mut cluster: Cluster) {
    let nodes = cluster.nodes::<3>().await;
    let [one, other] = [author("রহিম"), author("মিতা")];
    let name = RoomName::conversation(&one.user_id, &other.user_id);
    let members = |first: &Author, second: &Author| RoomRecord {
        members: vec![first.clone(), second.clone()],
        ..RoomRecord::default()
    };
    let [first, second] = [members(&one, &other), members(&other, &one)];
    let creating = (0..12).map(|turn| {
        let record = if turn % 2 == 0 { &first } else { &second };
        nodes[turn % 3].backend.rooms.create(&name, record)
    });
    let made: Vec<RoomRecord> = join_all(creating).await.into_iter().map(Result::unwrap).collect();
    assert!(made.iter().all(|record| *record == made[0]), "{made:?}");
    assert_eq!((made[0].members.len(), &made[0].owner), (2, &None));
}

pub async fn a_removal_is_published_before_every_later_message(mut cluster: Cluster) {
    let ([here, mut there], name) = (cluster.nodes().await, RoomName::private());
    let [owner, member] = [author("রহিম"), author("মিতা")];
    here.backend.rooms.create(&name, &record(&owner)).await.unwrap();
    there.subscribe(&name).await;
    let events = [
        (RoomChange::Add(member.clone()), ControlEvent::MemberAdded),
        (RoomChange::Remove(member.user_id.clone()), ControlEvent::MemberRemoved(member.user_id.clone())),
        (RoomChange::Delete, ControlEvent::RoomDeleted),
    ];
    for (made, event) in events {
        change(&here, &name, made).await;
        let event = BackendEvent::Published(Channel::Room(name.clone()), Event::Control(event));
        assert_eq!(there.next().await, event);
    }
}

pub async fn a_deleted_room_has_no_messages(mut cluster: Cluster) {
    let (nodes, name, owner) = (cluster.nodes::<2>().await, RoomName::private(), author("রহিম"));
    nodes[0].backend.rooms.create(&name, &record(&owner)).await.unwrap();
    let draft = Draft::new(name.clone(), owner.clone(), "gone soon".to_owned());
    nodes[0].backend.log.append(draft).await.unwrap();
    let messages = async || nodes[1].backend.log.peek(&name, Span::Newest, 10).await.unwrap().messages.len();
    assert_eq!(messages().await, 1);
    change(&nodes[0], &name, RoomChange::Delete).await;
    assert_eq!(messages().await, 0);
}

pub async fn only_members_post_to_a_private_room(mut cluster: Cluster) {
    let (nodes, name) = (cluster.nodes::<2>().await, RoomName::private());
    let [owner, member] = [author("রহিম"), author("মিতা")];
    let post = async |node: &Node, user: &Author, nonce: Option<&str>| {
        let draft = Draft::new(name.clone(), user.clone(), "hello".to_owned());
        node.backend.log.append(Draft { nonce: nonce.and_then(Nonce::parse), ..draft }).await
    };
    assert!(matches!(post(&nodes[0], &owner, None).await, Err(BackendError::NoMember)), "there is no room");
    nodes[0].backend.rooms.create(&name, &record(&owner)).await.unwrap();
    assert!(matches!(post(&nodes[1], &member, Some("n")).await, Err(BackendError::NoMember)));
    change(&nodes[0], &name, RoomChange::Add(member.clone())).await;
    assert_eq!(post(&nodes[1], &member, Some("n")).await.unwrap().seq, 1);
    assert!(post(&nodes[0], &member, Some("n")).await.unwrap().is_duplicate);
    assert_eq!(post(&nodes[0], &owner, None).await.unwrap().seq, 2);
    change(&nodes[0], &name, RoomChange::Remove(member.user_id.clone())).await;
    for nonce in [None, Some("n"), Some("m")] {
        assert!(matches!(post(&nodes[1], &member, nonce).await, Err(BackendError::NoMember)));
    }
    assert_eq!(post(&nodes[1], &owner, None).await.unwrap().seq, 3);
}

pub async fn the_system_posts_to_each_private_room_that_there_is(mut cluster: Cluster) {
    let (nodes, name) = (cluster.nodes::<2>().await, RoomName::private());
    let (owner, system) =
        (author("রহিম"), Author { user_id: UserId::parse(UserId::SYSTEM).unwrap(), ..author("adda") });
    let post = async |node: &Node, nonce: Option<&str>| {
        let draft = Draft::new(name.clone(), system.clone(), "hello".to_owned());
        node.backend.log.append(Draft { nonce: nonce.and_then(Nonce::parse), ..draft }).await
    };
    assert!(matches!(post(&nodes[0], Some("n")).await, Err(BackendError::NoMember)), "there is no room");
    nodes[0].backend.rooms.create(&name, &record(&owner)).await.unwrap();
    assert_eq!(post(&nodes[1], Some("n")).await.unwrap().seq, 1);
    assert!(post(&nodes[0], Some("n")).await.unwrap().is_duplicate);
    assert_eq!(post(&nodes[0], None).await.unwrap().seq, 2);
    assert_eq!(read(&nodes[0], &name).await.unwrap().members, [owner], "it is no member");
    change(&nodes[0], &name, RoomChange::Delete).await;
    assert!(matches!(post(&nodes[1], Some("m")).await, Err(BackendError::NoMember)));
}

pub async fn a_private_room_has_a_bounded_number_of_members(mut cluster: Cluster) {
    let (node, name, owner) = (cluster.node().await, RoomName::private(), author("রহিম"));
    node.backend.rooms.create(&name, &record(&owner)).await.unwrap();
    let members: Vec<Author> = (1..MAX_MEMBERS).map(|number| author(&number.to_string())).collect();
    // In parts: so many changes at once would wait too long for a connection of the pool.
    for members in members.chunks(20) {
        join_all(members.iter().map(|one| change(&node, &name, RoomChange::Add(one.clone())))).await;
    }
    assert_eq!(change(&node, &name, RoomChange::Add(author("one more"))).await, RoomChanged::Full);
    change(&node, &name, RoomChange::Remove(members[0].user_id.clone())).await;
    assert_eq!(change(&node, &name, RoomChange::Add(author("one more"))).await, RoomChanged::Changed);
    assert_eq!(read(&node, &name).await.unwrap().members.len(), MAX_MEMBERS);
}

pub async fn the_list_of_a_users_rooms_is_its_own_and_bounded(mut cluster: Cluster) {
    let nodes = cluster.nodes::<2>().await;
    let [user, other] = [UserId::parse("রহিম:{x}%").unwrap(), UserId::guest()];
    let rooms = [room("a b"), RoomName::private(), room("{আড্ডা}")];
    for name in &rooms {
        assert!(nodes[0].backend.rooms.list(&user, name, Listing::Own).await.unwrap());
        assert!(
            nodes[1].backend.rooms.list(&user, name, Listing::ByOthers).await.unwrap(),
            "it is there already"
        );
    }
    let listed = async |user: &UserId| nodes[1].backend.rooms.listed(user).await.unwrap();
    let mut expected = rooms.to_vec();
    expected.sort();
    assert_eq!(listed(&user).await, expected);
    assert!(listed(&other).await.is_empty());
    let unlist = async |unlisting| {
        nodes[0].backend.rooms.unlist(&user, &rooms[..2], unlisting).await.unwrap();
        listed(&user).await
    };
    assert_eq!(unlist(Unlisting::NotFound).await, expected, "they have been there for a moment");
    assert_eq!(unlist(Unlisting::Left).await, rooms[2..]);
    let many: Vec<RoomName> = (1..MAX_LISTED).map(|number| room(&number.to_string())).collect();
    let list =
        async |name: &RoomName, listing| nodes[0].backend.rooms.list(&user, name, listing).await.unwrap();
    for (listing, part, most) in [
        (Listing::ByOthers, &many[..MAX_LISTED_BY_OTHERS], MAX_LISTED_BY_OTHERS),
        (Listing::Own, &many[..], MAX_LISTED),
    ] {
        for part in part.chunks(20) {
            join_all(part.iter().map(|name| list(name, listing))).await;
        }
        assert_eq!(listed(&user).await.len(), most);
        assert!(!list(&room("one more"), listing).await);
        assert!(list(&rooms[2], listing).await, "it is there already");
    }
    assert_eq!(listed(&user).await.len(), MAX_LISTED);
}

pub async fn the_name_of_a_user_without_an_account_is_known_for_as_long_as_a_token(mut cluster: Cluster) {
    cluster.config.auth.token_ttl = Duration::from_secs(1);
    let nodes = cluster.nodes::<2>().await;
    let [user, other] = [author("রহিম"), author("মিতা")];
    nodes[0].backend.rooms.introduce(&user).await.unwrap();
    let introduced = async |user: &Author| nodes[1].backend.rooms.introduced(&user.user_id).await.unwrap();
    assert_eq!(introduced(&user).await, Some(user.username.clone()));
    assert_eq!(introduced(&other).await, None);
    eventually("it is forgotten", DEADLINE, async || introduced(&user).await.is_none().then_some(())).await;
}

pub async fn private_rooms_are_on_no_list_of_occupied_rooms(mut cluster: Cluster) {
    let node = cluster.node().await;
    let (hidden, public) = (RoomName::private(), room("general"));
    let session = super::nodes::User::new("রহিম").session();
    node.enter(&hidden, &session).await.unwrap();
    node.enter(&public, &session).await.unwrap();
    assert_eq!(node.members(&hidden).await.len(), 1);
    for prefix in ["", "!", hidden.as_str()] {
        let found = node.backend.presence.list_rooms(prefix, None, 10).await.unwrap();
        assert!(found.iter().all(|found| found.room == public), "{found:?}");
    }
    eventually("the public room is listed", DEADLINE, async || {
        let busiest = node.backend.presence.busiest(10).await.unwrap();
        assert!(busiest.total <= 1 && busiest.rooms.iter().all(|found| found.room == public), "{busiest:?}");
        (busiest.rooms.len() == 1).then_some(())
    })
    .await;
}
