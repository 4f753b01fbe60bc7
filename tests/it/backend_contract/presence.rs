//! The members of rooms, and their announcement.

use adda::backend::{Busiest, LeaveMode, MEMBERS_IN_JOINED, MemberPage, MemberPosition, RoomCount};
use adda::model::{Member, NoticeKind};

use super::nodes::{Cluster, Node, User, receive_until, room};
use crate::harness::{DEADLINE, eventually};

pub async fn a_users_first_session_joins_and_the_last_one_leaves(mut cluster: Cluster) {
    let ([here, mut there], room) = (cluster.nodes().await, room("general"));
    there.subscribe(&room).await;
    let rahim = User::new("Rahim");
    let (tab, phone) = (rahim.session(), rahim.session());
    here.enter(&room, &tab).await.unwrap();
    there.enter(&room, &phone).await.unwrap();
    assert_eq!(there.received(&room).await, ["Rahim joined, 1", "count 2"]);
    here.leave(&room, &tab, LeaveMode::Immediate).await.unwrap();
    there.leave(&room, &phone, LeaveMode::Immediate).await.unwrap();
    assert_eq!(there.received(&room).await, ["count 1", "Rahim left, 0"]);
    here.enter(&room, &tab).await.unwrap();
    assert_eq!(there.received(&room).await, ["Rahim joined, 1"]);
}

pub async fn a_name_that_contains_another_users_id_is_another_user(mut cluster: Cluster) {
    let (mut node, room, rahim) = (cluster.node().await, room("general"), User::new("Rahim"));
    node.subscribe(&room).await;
    let false_name = format!("Mita {} too", rahim.id);
    node.enter(&room, &User::new(&false_name).session()).await.unwrap();
    let session = rahim.session();
    node.enter(&room, &session).await.unwrap();
    node.leave(&room, &session, LeaveMode::Immediate).await.unwrap();
    let received = node.received(&room).await;
    assert_eq!(received[1..], ["Rahim joined, 2", "Rahim left, 1"], "{received:?}");
}

pub async fn an_enter_returns_the_members(mut cluster: Cluster) {
    let ([here, there], room) = (cluster.nodes().await, room("general"));
    let (rahim, mita) = (User::new("Rahim"), User::new("Mita"));
    let (tab, phone, guest) = (rahim.session(), rahim.session(), mita.session());
    let entered = here.enter(&room, &tab).await.unwrap();
    assert_eq!((entered.client_count, &entered.members), (1, &vec![tab.clone()]));
    let notice = entered.notice.unwrap();
    assert_eq!(notice.kind, NoticeKind::Join { client_count: 1 });
    assert_eq!((notice.connection, notice.user_id), (Some(tab.id), rahim.id));
    let entered = there.enter(&room, &phone).await.unwrap();
    assert_eq!((entered.client_count, entered.notice), (2, None));
    let mut entered = there.enter(&room, &guest).await.unwrap();
    assert_eq!((entered.client_count, entered.notice.is_some()), (3, true));
    entered.members.sort();
    let mut all = vec![tab, phone, guest];
    all.sort();
    assert_eq!(entered.members, all);
    assert_eq!((here.members(&room).await, there.members(&room).await), (all.clone(), all));
}

pub async fn an_enter_returns_a_bounded_number_of_members(mut cluster: Cluster) {
    let (node, room) = (cluster.node().await, room("general"));
    for count in 1..=MEMBERS_IN_JOINED + 5 {
        let entered = node.enter(&room, &User::new("guest").session()).await.unwrap();
        assert_eq!(entered.client_count, count as u64);
        assert_eq!(entered.members.len(), count.min(MEMBERS_IN_JOINED));
    }
}

pub async fn an_enter_tells_where_the_log_stands(mut cluster: Cluster) {
    let ([here, there], room) = (cluster.nodes().await, room("general"));
    let told = async || here.enter(&room, &User::new("guest").session()).await.unwrap().head;
    assert_eq!(told().await, None, "no epoch is open");
    let empty = there.backend.log.head(&room).await.unwrap();
    assert_eq!(told().await, Some(empty));
    there.post(&room, "hello").await;
    let head = there.backend.log.head(&room).await.unwrap();
    assert_eq!(head.seq, 1);
    assert_eq!(told().await, Some(head));
}

pub async fn a_second_enter_or_leave_has_no_effect(mut cluster: Cluster) {
    let (mut node, room, session) = (cluster.node().await, room("general"), User::new("Rahim").session());
    node.subscribe(&room).await;
    node.enter(&room, &session).await.unwrap();
    let again = node.enter(&room, &session).await.unwrap();
    assert_eq!((again.client_count, again.notice), (1, None));
    assert_eq!(node.received(&room).await, ["Rahim joined, 1"]);
    for mode in [LeaveMode::Immediate, LeaveMode::Immediate, LeaveMode::AfterGracePeriod] {
        node.leave(&room, &session, mode).await.unwrap();
    }
    assert_eq!(node.received(&room).await, ["Rahim left, 0"]);
    node.enter(&room, &session).await.unwrap();
    assert_eq!(node.received(&room).await, ["Rahim joined, 1"]);
}

pub async fn a_lost_session_is_removed_at_once_and_announced_after_the_grace_period(mut cluster: Cluster) {
    cluster.shorten_timers();
    let (mut nodes, room) = (cluster.nodes::<2>().await, room("general"));
    nodes[0].subscribe(&room).await;
    let (rahim, mita) = (User::new("Rahim").session(), User::new("Mita").session());
    nodes[1].enter(&room, &rahim).await.unwrap();
    nodes[1].enter(&room, &mita).await.unwrap();
    nodes[1].leave(&room, &rahim, LeaveMode::AfterGracePeriod).await.unwrap();
    assert_eq!(nodes[0].received(&room).await, ["Rahim joined, 1", "Mita joined, 2", "count 1"]);
    assert_eq!(nodes[0].members(&room).await, [mita]);
    nodes.iter().for_each(Node::start);
    assert_eq!(receive_until(&mut nodes[0], &room, "Rahim left, 1").await, ["Rahim left, 1"]);
}

pub async fn a_user_who_returns_within_the_grace_period_is_not_announced(mut cluster: Cluster) {
    cluster.shorten_timers();
    let (mut nodes, room) = (cluster.nodes::<2>().await, room("general"));
    nodes[0].subscribe(&room).await;
    let (rahim, mita) = (User::new("Rahim"), User::new("Mita"));
    let (before, other) = (rahim.session(), mita.session());
    nodes[1].enter(&room, &before).await.unwrap();
    nodes[1].leave(&room, &before, LeaveMode::AfterGracePeriod).await.unwrap();
    let entered = nodes[0].enter(&room, &rahim.session()).await.unwrap();
    assert_eq!((entered.client_count, entered.notice), (1, None));
    assert_eq!(nodes[0].received(&room).await, ["Rahim joined, 1", "count 0", "count 1"]);
    // This leave notice falls due after Rahim's would have.
    nodes[1].enter(&room, &other).await.unwrap();
    nodes[1].leave(&room, &other, LeaveMode::AfterGracePeriod).await.unwrap();
    nodes.iter().for_each(Node::start);
    let received = receive_until(&mut nodes[0], &room, "Mita left, 1").await;
    assert_eq!(received, ["Mita joined, 2", "count 1", "Mita left, 1"]);
}

pub async fn a_user_who_returns_after_the_grace_period_joins_again(mut cluster: Cluster) {
    cluster.shorten_timers();
    let (mut nodes, room) = (cluster.nodes::<1>().await, room("general"));
    nodes[0].subscribe(&room).await;
    let rahim = User::new("Rahim");
    let before = rahim.session();
    nodes[0].enter(&room, &before).await.unwrap();
    nodes[0].leave(&room, &before, LeaveMode::AfterGracePeriod).await.unwrap();
    nodes.iter().for_each(Node::start);
    receive_until(&mut nodes[0], &room, "Rahim left, 0").await;
    let after = rahim.session();
    nodes[0].enter(&room, &after).await.unwrap();
    nodes[0].leave(&room, &after, LeaveMode::AfterGracePeriod).await.unwrap();
    let received = receive_until(&mut nodes[0], &room, "Rahim left, 0").await;
    assert_eq!(received, ["Rahim joined, 1", "count 0", "Rahim left, 0"]);
}

pub async fn a_large_room_announces_only_counts(mut cluster: Cluster) {
    cluster.shorten_timers();
    cluster.config.presence.announce_up_to = 2;
    let (mut nodes, room) = (cluster.nodes::<2>().await, room("general"));
    nodes[0].subscribe(&room).await;
    let sessions: Vec<Member> =
        ["Rahim", "Mita", "Karim", "Nila"].iter().map(|name| User::new(name).session()).collect();
    for session in &sessions {
        let entered = nodes[1].enter(&room, session).await.unwrap();
        assert_eq!(entered.notice.is_some(), entered.client_count <= 2);
    }
    assert_eq!(nodes[0].received(&room).await, ["Rahim joined, 1", "Mita joined, 2", "count 3", "count 4"]);
    nodes[1].leave(&room, &sessions[0], LeaveMode::Immediate).await.unwrap();
    nodes[1].leave(&room, &sessions[1], LeaveMode::AfterGracePeriod).await.unwrap();
    nodes[1].leave(&room, &sessions[2], LeaveMode::AfterGracePeriod).await.unwrap();
    nodes.iter().for_each(Node::start);
    let received = receive_until(&mut nodes[0], &room, "Karim left, 1").await;
    assert_eq!(received, ["count 3", "count 2", "count 1", "Karim left, 1"]);
}

pub async fn members_come_in_pages_in_the_order_of_their_nodes(mut cluster: Cluster) {
    let ([here, there], room) = (cluster.nodes().await, room("general"));
    let sessions: Vec<Member> = (0..25).map(|_| User::new("Rahim Uddin").session()).collect();
    let mut expected = Vec::new();
    for (place, session) in sessions.iter().enumerate() {
        let node = if place % 2 == 0 { &here } else { &there };
        node.enter(&room, session).await.unwrap();
        expected.push((node.id, session.clone()));
    }
    expected.sort();
    let (mut read, mut after): (Vec<Member>, Option<MemberPosition>) = (Vec::new(), None);
    for length in [10, 10, 5] {
        let page = here.backend.presence.members(&room, after, 10).await.unwrap();
        assert_eq!((page.client_count, page.members.len()), (25, length));
        read.extend(page.members);
        after = page.next;
    }
    assert_eq!(after, None);
    assert_eq!(read, expected.into_iter().map(|(_, session)| session).collect::<Vec<_>>());
    let whole = there.backend.presence.members(&room, None, 25).await.unwrap();
    assert_eq!((whole.members, whole.next), (read, None));
    let empty = there.backend.presence.members(&super::nodes::room("empty"), None, 10).await.unwrap();
    assert_eq!(empty, MemberPage::default());
}

pub async fn a_page_goes_on_although_its_last_member_has_left(mut cluster: Cluster) {
    let (node, room) = (cluster.node().await, room("general"));
    let mut sessions: Vec<Member> = (0..4).map(|_| User::new("Mita").session()).collect();
    sessions.sort();
    for session in &sessions {
        node.enter(&room, session).await.unwrap();
    }
    let first = node.backend.presence.members(&room, None, 2).await.unwrap();
    node.leave(&room, &sessions[1], LeaveMode::Immediate).await.unwrap();
    let rest = node.backend.presence.members(&room, first.next, 2).await.unwrap();
    assert_eq!((rest.client_count, rest.members, rest.next), (3, sessions[2..].to_vec(), None));
}

pub async fn the_busiest_rooms_are_the_largest(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    let mut guests = Vec::new();
    for (name, count) in [("rust", 2), ("roots", 3), ("zebra", 1), ("আড্ডা", 4)] {
        for place in 0..count {
            let (node, guest) = (if place % 2 == 0 { &here } else { &there }, User::new("guest").session());
            node.enter(&room(name), &guest).await.unwrap();
            guests.push((name, guest));
        }
    }
    let until = async |expected: &[&str], total: u64| {
        eventually(&format!("{expected:?} are the busiest"), DEADLINE, async || {
            let Busiest { rooms, total: all } = there.backend.presence.busiest(3).await.unwrap();
            assert_eq!(there.backend.presence.room_count().await.unwrap(), all);
            let rooms: Vec<_> = rooms
                .iter()
                .map(|RoomCount { room, client_count }| format!("{room} {client_count}"))
                .collect();
            (rooms == expected && all == total).then_some(())
        })
        .await;
    };
    until(&["আড্ডা 4", "roots 3", "rust 2"], 4).await;
    for (name, guest) in guests {
        if name == "roots" {
            // The leave of a session on another node has no effect.
            here.leave(&room(name), &guest, LeaveMode::Immediate).await.unwrap();
            there.leave(&room(name), &guest, LeaveMode::Immediate).await.unwrap();
        }
    }
    until(&["আড্ডা 4", "rust 2", "zebra 1"], 3).await;
}

pub async fn rooms_come_in_pages_in_the_order_of_their_names(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    for (name, count) in [("rust", 2), ("rahim", 1), ("roots", 3), ("zebra", 1), ("আড্ডা", 1)] {
        for place in 0..count {
            let node = if place % 2 == 0 { &here } else { &there };
            node.enter(&room(name), &User::new("guest").session()).await.unwrap();
        }
    }
    let rooms = async |prefix: &str, after, limit| {
        let rooms = there.backend.presence.list_rooms(prefix, after, limit).await.unwrap();
        rooms
            .iter()
            .map(|RoomCount { room, client_count }| format!("{room} {client_count}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(rooms("", None, 10).await, ["rahim 1", "roots 3", "rust 2", "zebra 1", "আড্ডা 1"]);
    assert_eq!(rooms("", None, 2).await, ["rahim 1", "roots 3"]);
    assert_eq!(rooms("", Some("roots"), 2).await, ["rust 2", "zebra 1"]);
    assert_eq!(rooms("", Some("আড্ডা"), 2).await, Vec::<String>::new());
    assert_eq!(rooms("r", None, 10).await, ["rahim 1", "roots 3", "rust 2"]);
    assert_eq!(rooms("r", Some("rb"), 1).await, ["roots 3"]);
    assert_eq!(rooms("ru", Some("a"), 10).await, ["rust 2"]);
    assert_eq!(rooms("r", Some("z"), 10).await, Vec::<String>::new());
    assert_eq!(rooms("আ", None, 10).await, ["আড্ডা 1"]);
    assert_eq!(rooms("x", None, 10).await, Vec::<String>::new());
}

pub async fn an_empty_room_is_no_room(mut cluster: Cluster) {
    let ([here, there], room) = (cluster.nodes().await, room("general"));
    let (rahim, mita) = (User::new("Rahim").session(), User::new("Mita").session());
    here.post(&room, "a log occupies nothing").await;
    assert_eq!(there.backend.presence.list_rooms("", None, 10).await.unwrap(), []);
    here.enter(&room, &rahim).await.unwrap();
    there.enter(&room, &mita).await.unwrap();
    here.leave(&room, &rahim, LeaveMode::Immediate).await.unwrap();
    let occupied = RoomCount { room: room.clone(), client_count: 1 };
    assert_eq!(here.backend.presence.list_rooms("", None, 10).await.unwrap(), [occupied]);
    there.leave(&room, &mita, LeaveMode::AfterGracePeriod).await.unwrap();
    assert_eq!(here.backend.presence.list_rooms("", None, 10).await.unwrap(), []);
    assert_eq!(here.backend.presence.members(&room, None, 10).await.unwrap(), MemberPage::default());
}
