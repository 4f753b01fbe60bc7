//! Pages of a log, and their continuity with a reader's position.

use adda::backend::{Excerpt, Page, Span};
use adda::model::{Epoch, Position, RoomName};
use futures_util::future::join_all;

use super::nodes::{Cluster, Node, content, room};

/// A node and a room with messages 1 to 10.
async fn ten_messages(cluster: &mut Cluster) -> (Node, RoomName) {
    let (node, room) = (cluster.node().await, room("general"));
    join_all((1..=10).map(|_| node.post(&room, "hello"))).await;
    (node, room)
}

/// The numbers of a page and whether there are more.
async fn numbers(node: &Node, room: &RoomName, span: Span, limit: usize) -> (Vec<u64>, bool) {
    let page = node.backend.log.read(room, span, limit).await.unwrap();
    (page.messages.iter().map(|message| message.seq).collect(), page.has_more)
}

async fn head(node: &Node, room: &RoomName) -> Position {
    node.backend.log.head(room).await.unwrap()
}

pub async fn the_newest_page_ends_with_the_head(mut cluster: Cluster) {
    let (node, room) = ten_messages(&mut cluster).await;
    assert_eq!(numbers(&node, &room, Span::Newest, 3).await, (vec![8, 9, 10], true));
    assert_eq!(numbers(&node, &room, Span::Newest, 10).await, ((1..=10).collect(), false));
}

pub async fn a_page_before_a_number_is_the_nearest_below_it(mut cluster: Cluster) {
    let (node, room) = ten_messages(&mut cluster).await;
    assert_eq!(numbers(&node, &room, Span::Before(8), 3).await, (vec![5, 6, 7], true));
    assert_eq!(numbers(&node, &room, Span::Before(4), 3).await, (vec![1, 2, 3], false));
    assert_eq!(numbers(&node, &room, Span::Before(1), 3).await, (vec![], false));
    assert_eq!(numbers(&node, &room, Span::Before(0), 3).await, (vec![], false));
    assert_eq!(numbers(&node, &room, Span::Before(99), 2).await, (vec![9, 10], true));
}

pub async fn a_page_above_a_number_is_the_nearest_above_it(mut cluster: Cluster) {
    let (node, room) = ten_messages(&mut cluster).await;
    assert_eq!(numbers(&node, &room, Span::Above(0), 3).await, (vec![1, 2, 3], true));
    assert_eq!(numbers(&node, &room, Span::Above(7), 3).await, (vec![8, 9, 10], false));
    assert_eq!(numbers(&node, &room, Span::Above(10), 3).await, (vec![], false));
    assert_eq!(numbers(&node, &room, Span::Above(99), 3).await, (vec![], false));
    let page = node.backend.log.read(&room, Span::Above(7), 3).await.unwrap();
    assert!(page.continuity.is_whole());
    assert_eq!(page.continuity.resume_at, 7);
}

pub async fn a_page_after_a_place_goes_on_from_it(mut cluster: Cluster) {
    let (node, room) = ten_messages(&mut cluster).await;
    let epoch = head(&node, &room).await.epoch;
    let after = |seq| Span::After(Position { epoch: epoch.clone(), seq });
    assert_eq!(numbers(&node, &room, after(0), 4).await, (vec![1, 2, 3, 4], true));
    assert_eq!(numbers(&node, &room, after(6), 4).await, (vec![7, 8, 9, 10], false));
    assert_eq!(numbers(&node, &room, after(10), 4).await, (vec![], false));
}

pub async fn an_empty_room_has_empty_pages(mut cluster: Cluster) {
    let (node, room) = (cluster.node().await, room("general"));
    let head = head(&node, &room).await;
    for span in [Span::Newest, Span::Before(5), Span::Above(0), Span::After(head.clone())] {
        let page = node.backend.log.read(&room, span, 10).await.unwrap();
        assert_eq!((page.head, page.messages, page.has_more), (head.clone(), vec![], false));
        assert!(page.continuity.is_whole());
        assert_eq!(page.continuity.oldest, 1);
    }
}

pub async fn a_place_that_the_log_gave_is_proven(mut cluster: Cluster) {
    let (node, room) = ten_messages(&mut cluster).await;
    let head = head(&node, &room).await;
    for seq in [0, 4, 10] {
        let place = Position { seq, ..head.clone() };
        let page = node.backend.log.read(&room, Span::After(place), 100).await.unwrap();
        assert!(page.continuity.is_whole());
        assert_eq!((page.continuity.resume_at, page.continuity.oldest), (seq, 1));
    }
}

pub async fn a_place_that_the_log_never_gave_is_not_proven(mut cluster: Cluster) {
    let (node, room) = ten_messages(&mut cluster).await;
    let above = Position { seq: 11, ..head(&node, &room).await };
    let page = node.backend.log.read(&room, Span::After(above), 100).await.unwrap();
    assert!(!page.continuity.is_proven);
    assert_eq!((page.continuity.resume_at, page.messages.len()), (10, 0));
    let elsewhere = Position { epoch: Epoch::new("never-given"), seq: 4 };
    let page = node.backend.log.read(&room, Span::After(elsewhere), 100).await.unwrap();
    assert!(!page.continuity.is_proven);
    assert_eq!((page.continuity.resume_at, page.messages.len()), (0, 10));
}

pub async fn dropped_messages_are_a_hole(mut cluster: Cluster) {
    cluster.config.history.max_messages = 4;
    let (node, room) = ten_messages(&mut cluster).await;
    let head = head(&node, &room).await;
    let read = async |seq| {
        let span = Span::After(Position { seq, ..head.clone() });
        let Page { continuity, messages, .. } = node.backend.log.read(&room, span, 100).await.unwrap();
        assert!(continuity.is_proven);
        assert_eq!(continuity.oldest, 7);
        (continuity.has_hole(), messages[0].seq)
    };
    assert_eq!(read(5).await, (true, 7));
    assert_eq!(read(6).await, (false, 7));
    assert_eq!(read(8).await, (false, 9));
    let page = node.backend.log.read(&room, Span::Above(3), 100).await.unwrap();
    assert!(page.continuity.has_hole());
    assert_eq!(page.messages[0].seq, 7);
}

pub async fn a_page_has_a_bound_in_bytes(mut cluster: Cluster) {
    cluster.config.limits.outbox_bytes = 8_000;
    let (node, room) = (cluster.node().await, room("general"));
    let contents: Vec<String> = [1_000, 1_000, 1_000, 1_000, 6_000, 1_000, 1_000]
        .iter()
        .zip('a'..)
        .map(|(length, letter)| letter.to_string().repeat(*length))
        .collect();
    for content in &contents {
        node.post(&room, content).await;
    }
    let (mut read, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let page = node.backend.log.read(&room, Span::Above(read.len() as u64), 100).await.unwrap();
        sizes.push(page.messages.len());
        read.extend(page.messages.iter().map(content));
        if !page.has_more {
            break;
        }
    }
    assert_eq!(read, contents);
    assert_eq!(sizes, [3, 1, 1, 2], "4,000 bytes, or a message that is larger");
    assert_eq!(numbers(&node, &room, Span::Newest, 100).await, (vec![6, 7], true));
    assert_eq!(numbers(&node, &room, Span::Before(6), 100).await, (vec![5], true));
}

pub async fn no_number_is_too_large_to_ask_for(mut cluster: Cluster) {
    let (node, room) = ten_messages(&mut cluster).await;
    let head = head(&node, &room).await;
    for seq in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) - 1, 1 << 53] {
        assert_eq!(numbers(&node, &room, Span::Before(seq), 2).await, (vec![9, 10], true));
        assert_eq!(numbers(&node, &room, Span::Above(seq), 2).await, (vec![], false));
        let place = Position { seq, ..head.clone() };
        let page = node.backend.log.read(&room, Span::After(place), 2).await.unwrap();
        assert!(!page.continuity.is_whole());
        assert_eq!((page.continuity.resume_at, page.messages.len()), (10, 0));
    }
}

pub async fn a_room_that_is_only_peeked_into_has_no_epoch(mut cluster: Cluster) {
    let ([here, there], room) = (cluster.nodes().await, room("general"));
    let nothing = Excerpt { epoch: None, messages: vec![], next: None };
    for span in [Span::Newest, Span::Before(5), Span::Above(0), Span::Above(7)] {
        for node in [&here, &there] {
            assert_eq!(node.backend.log.peek(&room, span.clone(), 10).await.unwrap(), nothing);
        }
    }
    let head = head(&here, &room).await;
    assert_eq!(there.backend.log.peek(&room, Span::Newest, 10).await.unwrap().epoch, Some(head.epoch));
}

pub async fn a_peek_goes_on_where_the_page_before_ended(mut cluster: Cluster) {
    let (node, room) = ten_messages(&mut cluster).await;
    let epoch = Some(head(&node, &room).await.epoch);
    let peek = async |span, limit| {
        let excerpt = node.backend.log.peek(&room, span, limit).await.unwrap();
        assert_eq!(excerpt.epoch, epoch);
        (excerpt.messages.iter().map(|message| message.seq).collect::<Vec<_>>(), excerpt.next)
    };
    assert_eq!(peek(Span::Newest, 4).await, (vec![7, 8, 9, 10], Some(7)));
    assert_eq!(peek(Span::Before(7), 4).await, (vec![3, 4, 5, 6], Some(3)));
    assert_eq!(peek(Span::Before(3), 4).await, (vec![1, 2], None));
    assert_eq!(peek(Span::Above(0), 6).await, ((1..=6).collect(), Some(6)));
    assert_eq!(peek(Span::Above(6), 6).await, ((7..=10).collect(), None));
    assert_eq!(peek(Span::Newest, 10).await, ((1..=10).collect(), None));
}
