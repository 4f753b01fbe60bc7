//! Numbers, acks and nonces, and how long a log keeps them.

use std::time::{Duration, Instant};

use adda::backend::{BackendError, Span};
use adda::model::{Draft, UserId};
use futures_util::future::join_all;

use super::nodes::{Cluster, User, content, draft, room};
use crate::harness::{DEADLINE, eventually};

pub async fn concurrent_posts_are_numbered_without_holes(mut cluster: Cluster) {
    let (nodes, room) = (cluster.nodes::<3>().await, room("general"));
    let posts = (0..40).flat_map(|_| &nodes).map(|node| node.post(&room, "hello"));
    let receipts = join_all(posts).await;
    let mut numbers: Vec<u64> = receipts.iter().map(|receipt| receipt.seq).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=120).collect::<Vec<_>>());
    assert!(receipts.iter().all(|receipt| receipt.epoch == receipts[0].epoch && !receipt.is_duplicate));
    let page = nodes[0].backend.log.read(&room, Span::Newest, 200).await.unwrap();
    assert_eq!(page.messages.iter().map(|message| message.seq).collect::<Vec<_>>(), numbers);
}

pub async fn drafts_are_numbered_in_the_order_of_calling(mut cluster: Cluster) {
    // Their order is the matter, however long a busy machine takes for so many.
    cluster.config.redis.command_timeout = Duration::from_secs(30);
    let (node, room) = (cluster.node().await, room("general"));
    // More than fit into any queue, and the last is awaited first.
    let mut postings: Vec<_> = (0..1500).map(|_| node.backend.log.append(draft(&room, "hello"))).collect();
    postings.reverse();
    let receipts = join_all(postings).await;
    let numbers: Vec<u64> = receipts.into_iter().map(|receipt| receipt.unwrap().seq).collect();
    assert_eq!(numbers, (1..=1500).rev().collect::<Vec<_>>());
}

pub async fn an_acked_message_is_in_the_log_as_its_client_sees_it(mut cluster: Cluster) {
    let ([here, there], room) = (cluster.nodes().await, room("general"));
    let draft = draft(&room, "হ্যালো \"বন্ধু\"\n\\ {\u{2028}} 👩‍👩‍👧");
    let receipt = here.backend.log.append(draft.clone()).await.unwrap();
    assert_eq!((receipt.id, receipt.seq), (draft.id.to_string(), 1));
    let page = there.backend.log.read(&room, Span::Newest, 10).await.unwrap();
    assert_eq!((&page.head.epoch, page.head.seq), (&receipt.epoch, 1));
    assert_eq!((&page.messages[0].epoch, page.messages[0].seq), (&receipt.epoch, 1));
    let json = adda::model::message::close_json(&draft.open_json(), &receipt.timestamp, 1);
    assert_eq!(page.messages[0].json, json);
    assert_eq!(content(&page.messages[0]), draft.content);
}

pub async fn a_nonce_is_posted_once_on_any_node(mut cluster: Cluster) {
    let ([here, mut there], room, rahim) = (cluster.nodes().await, room("general"), User::new("Rahim"));
    there.subscribe(&room).await;
    let first = here.backend.log.append(rahim.draft(&room, "n-1")).await.unwrap();
    assert!(!first.is_duplicate);
    for node in [&here, &there] {
        let again = node.backend.log.append(rahim.draft(&room, "n-1")).await.unwrap();
        assert!(again.is_duplicate);
        assert_eq!(
            (&again.id, &again.epoch, again.seq, &again.timestamp),
            (&first.id, &first.epoch, first.seq, &first.timestamp)
        );
    }
    assert_eq!(there.received(&room).await, ["#1 a message with a nonce"]);
    assert_eq!(here.post(&room, "next").await.seq, 2);
}

pub async fn a_nonce_with_other_content_is_refused(mut cluster: Cluster) {
    let ([here, there], room, rahim) = (cluster.nodes().await, room("general"), User::new("Rahim"));
    let first = here.backend.log.append(rahim.draft(&room, "n-1")).await.unwrap();
    for node in [&here, &there] {
        for content in ["quite another message", "a message with a nonce "] {
            let other = Draft { content: content.into(), ..rahim.draft(&room, "n-1") };
            let answer = node.backend.log.append(other).await;
            assert!(matches!(answer, Err(BackendError::NonceReused)), "{answer:?}");
        }
    }
    // Another name of the user does not make another message.
    let renamed = User { id: rahim.id.clone(), ..User::new("Rahim the second") };
    let again = there.backend.log.append(renamed.draft(&room, "n-1")).await.unwrap();
    assert_eq!((again.is_duplicate, again.seq, &again.id), (true, 1, &first.id));
    assert_eq!(here.backend.log.head(&room).await.unwrap().seq, 1);
}

pub async fn a_nonce_that_is_sent_many_times_at_once_is_one_message(mut cluster: Cluster) {
    let (nodes, room, rahim) = (cluster.nodes::<2>().await, room("general"), User::new("Rahim"));
    let posts = (0..10).flat_map(|_| &nodes).map(|node| node.backend.log.append(rahim.draft(&room, "n-1")));
    let receipts: Vec<_> = join_all(posts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(receipts.iter().filter(|receipt| !receipt.is_duplicate).count(), 1);
    assert!(receipts.iter().all(|receipt| (&receipt.id, receipt.seq) == (&receipts[0].id, 1)));
}

pub async fn a_nonce_is_its_users_and_its_rooms_own(mut cluster: Cluster) {
    let (node, here, there) = (cluster.node().await, room("here"), room("there"));
    let (rahim, mita) = (User::new("Rahim"), User::new("Mita"));
    for draft in [rahim.draft(&here, "n-1"), mita.draft(&here, "n-1"), rahim.draft(&there, "n-1")] {
        assert!(!node.backend.log.append(draft).await.unwrap().is_duplicate);
    }
    assert!(node.backend.log.append(rahim.draft(&there, "n-1")).await.unwrap().is_duplicate);
    let account = |id| User { id: UserId::parse(id).unwrap(), ..User::new("Nila") };
    for draft in [account("a:b").draft(&here, "c"), account("a").draft(&here, "b:c")] {
        assert!(!node.backend.log.append(draft).await.unwrap().is_duplicate);
    }
}

pub async fn a_room_has_its_epoch_before_its_first_message(mut cluster: Cluster) {
    let ([here, there], room) = (cluster.nodes().await, room("general"));
    let before = here.backend.log.head(&room).await.unwrap();
    assert_eq!(before.seq, 0);
    let receipt = there.post(&room, "first").await;
    assert_eq!((&receipt.epoch, receipt.seq), (&before.epoch, 1));
    let page = there.backend.log.read(&room, Span::After(before), 10).await.unwrap();
    assert!(page.continuity.is_whole());
    assert_eq!(page.messages.len(), 1);
}

pub async fn heads_come_in_the_order_of_asking(mut cluster: Cluster) {
    let node = cluster.node().await;
    let rooms: Vec<_> = ["c", "a", "b"].map(room).into();
    for (count, room) in rooms.iter().enumerate() {
        join_all((0..count).map(|_| node.post(room, "hello"))).await;
    }
    let ask =
        async || node.backend.log.heads(&rooms).await.into_iter().map(Result::unwrap).collect::<Vec<_>>();
    let heads = ask().await;
    assert_eq!(heads.iter().map(|head| head.seq).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(ask().await, heads);
    assert!(node.backend.log.heads(&[]).await.is_empty());
}

pub async fn the_log_keeps_a_maximum_number_of_messages(mut cluster: Cluster) {
    cluster.config.history.max_messages = 5;
    let (node, room) = (cluster.node().await, room("general"));
    join_all((0..12).map(|_| node.post(&room, "hello"))).await;
    let page = node.backend.log.read(&room, Span::Newest, 100).await.unwrap();
    assert_eq!(page.messages.iter().map(|message| message.seq).collect::<Vec<_>>(), [8, 9, 10, 11, 12]);
    assert_eq!((page.head.seq, page.continuity.oldest, page.has_more), (12, 8, false));
}

pub async fn the_log_drops_messages_after_their_ttl(mut cluster: Cluster) {
    cluster.config.history.ttl = Duration::from_millis(50);
    let (node, room) = (cluster.node().await, room("general"));
    join_all((0..3).map(|_| node.post(&room, "hello"))).await;
    let page = eventually("an empty log", DEADLINE, async || {
        let page = node.backend.log.read(&room, Span::Newest, 10).await.unwrap();
        page.messages.is_empty().then_some(page)
    })
    .await;
    assert_eq!((page.head.seq, page.continuity.oldest, page.has_more), (3, 4, false));
    let next = node.post(&room, "after a long time").await;
    assert_eq!((next.epoch, next.seq), (page.head.epoch, 4));
}

pub async fn a_message_outlives_those_before_it(mut cluster: Cluster) {
    const TTL: Duration = Duration::from_millis(500);
    cluster.config.history.ttl = TTL;
    let (node, room, mut posted) = (cluster.node().await, room("general"), Vec::new());
    eventually("the first message is dropped", DEADLINE, async || {
        let now = Instant::now();
        posted.push((node.post(&room, "hello").await.seq, now));
        let oldest = node.backend.log.read(&room, Span::Newest, 100).await.unwrap().continuity.oldest;
        let young = posted.iter().find(|(_, at)| at.elapsed() < TTL);
        assert!(young.is_none_or(|(seq, _)| oldest <= *seq), "{oldest} is the oldest, {young:?} is young");
        (oldest > 1).then_some(())
    })
    .await;
}
