//! The bounds of changes: of their number, of what pages show of them, and of what belongs to messages that are gone.

use adda::backend::Span;
use adda::model::{Position, RoomName};
use futures_util::future::join_all;

use super::log_changes::{DELETE, edit, react};
use super::nodes::{Cluster, Node, User, room};

async fn numbers(node: &Node, room: &RoomName) -> Vec<u64> {
    let page = node.backend.log.read(room, Span::Newest, 1000).await.unwrap();
    page.messages.iter().map(|message| message.seq).collect()
}

pub async fn changes_push_no_message_out_of_the_log(mut cluster: Cluster) {
    cluster.config.history.max_messages = 5;
    let (node, room, rahim) = (cluster.node().await, room("general"), User::new("Rahim"));
    for _ in 0..5 {
        node.says(&rahim, &room, "hello").await;
    }
    let mut newest = 5;
    for round in 0..4 {
        for target in 1..=5 {
            newest = node.change(&rahim, &room, target, edit(&format!("{round}"))).await.seq;
            node.change(&User::new("Mita"), &room, target, react("👍", true)).await;
        }
    }
    assert_eq!(newest, 5 + 39);
    assert_eq!(numbers(&node, &room).await, [1, 2, 3, 4, 5]);
}

pub async fn a_changed_message_leaves_the_log_in_its_turn(mut cluster: Cluster) {
    cluster.config.history.max_messages = 5;
    let (node, room, rahim) = (cluster.node().await, room("general"), User::new("Rahim"));
    for _ in 0..5 {
        node.says(&rahim, &room, "hello").await;
    }
    node.change(&rahim, &room, 2, edit("second")).await;
    node.change(&rahim, &room, 3, DELETE).await;
    node.change(&rahim, &room, 4, react("👍", true)).await;
    let mut posted = vec![1, 2, 3, 4, 5];
    for _ in 0..6 {
        posted.push(node.says(&rahim, &room, "hello").await);
        let kept = posted[posted.len() - 5..].to_vec();
        assert_eq!(numbers(&node, &room).await, kept);
        let page = node.backend.log.read(&room, Span::Newest, 1000).await.unwrap();
        assert_eq!(page.continuity.oldest, kept[0]);
    }
    let gone = node.try_change(&rahim, &room, 2, edit("third")).await;
    assert!(gone.is_err(), "{gone:?}");
}

pub async fn dropped_changes_are_a_hole(mut cluster: Cluster) {
    cluster.config.history.max_changes = 3;
    let (node, room, rahim) = (cluster.node().await, room("general"), User::new("Rahim"));
    node.says(&rahim, &room, "hello").await;
    for round in 0..6 {
        node.change(&rahim, &room, 1, react("👍", round % 2 == 0)).await;
    }
    assert_eq!(node.says(&rahim, &room, "next").await, 8);
    let head = node.backend.log.head(&room).await.unwrap();
    let read = async |seq| {
        let span = Span::After(Position { seq, ..head.clone() });
        let page = node.backend.log.read(&room, span, 100).await.unwrap();
        assert!(page.continuity.is_proven);
        assert_eq!(page.continuity.oldest_text, 1, "no text is missing");
        let numbers: Vec<u64> = page.messages.iter().map(|message| message.seq).collect();
        (page.is_whole(), numbers)
    };
    assert_eq!(read(1).await, (false, vec![5, 6, 7, 8]));
    assert_eq!(read(3).await, (false, vec![5, 6, 7, 8]));
    assert_eq!(read(4).await, (true, vec![5, 6, 7, 8]));
    assert_eq!(read(7).await, (true, vec![8]));
    assert_eq!(numbers(&node, &room).await, [1, 8]);
}

pub async fn many_reactions_to_one_message_fit_a_page(mut cluster: Cluster) {
    cluster.config.redis.command_timeout = std::time::Duration::from_secs(60);
    cluster.config.history.max_messages = 10;
    let (node, room, rahim) = (cluster.node().await, room("general"), User::new("Rahim"));
    for _ in 0..10 {
        node.says(&rahim, &room, "hello").await;
    }
    const MANY: usize = 10_000;
    let users: Vec<User> = (0..MANY).map(|_| User::new("somebody")).collect();
    let reacting = users.iter().map(|user| node.try_change(user, &room, 10, react("👍", true)));
    assert!(join_all(reacting).await.iter().all(Result::is_ok));
    let page = node.backend.log.read(&room, Span::Newest, 1000).await.unwrap();
    let bytes: usize = page.messages.iter().map(|message| message.json.len()).sum();
    assert!(bytes < 20_000, "{bytes} bytes");
    assert_eq!(page.messages.len(), 10, "the history is as long as before");
    let texts = node.texts(&room).await;
    let shown = &texts[9]["reactions"]["👍"];
    assert_eq!(shown["count"], MANY);
    assert_eq!(shown["users"].as_array().unwrap().len(), 20);
    assert_eq!(shown["users"][0], users[0].id.as_str());
}

pub async fn a_message_that_was_deleted_frees_its_reactions(mut cluster: Cluster) {
    cluster.config.redis.command_timeout = std::time::Duration::from_secs(60);
    let (node, room, rahim) = (cluster.node().await, room("general"), User::new("Rahim"));
    node.says(&rahim, &room, "hello").await;
    let users: Vec<User> = (0..450).map(|_| User::new("somebody")).collect();
    for emoji in ["👍", "❤️"] {
        join_all(users.iter().map(|user| node.try_change(user, &room, 1, react(emoji, true)))).await;
    }
    let other = node.says(&rahim, &room, "hello again").await;
    node.change(&rahim, &room, other, react("👍", true)).await;
    node.change(&rahim, &room, 1, DELETE).await;
    for _ in 0..12 {
        node.says(&rahim, &room, "hello").await;
    }
    let texts = node.texts(&room).await;
    assert_eq!(texts[0].get("reactions"), None);
    assert_eq!(texts[1]["reactions"]["👍"]["count"], 1);
    if let Some(kept) = cluster.count_members(&room, "reactions").await {
        // The first users of a kind are not in it.
        assert_eq!(kept, 0, "the rest is removed step by step");
    }
}

pub async fn pages_of_many_changes_go_on_where_the_page_before_ended(mut cluster: Cluster) {
    cluster.config.limits.outbox_bytes = 40_000;
    let (node, room, rahim) = (cluster.node().await, room("general"), User::new("Rahim"));
    for _ in 0..20 {
        let seq = node.says(&rahim, &room, &"x".repeat(1000)).await;
        for round in 0..4 {
            node.change(&rahim, &room, seq, edit(&format!("{round}{}", "y".repeat(1000)))).await;
        }
    }
    let mut place = node.backend.log.head(&room).await.unwrap();
    let head = std::mem::replace(&mut place.seq, 0);
    let (mut read, mut pages) = (Vec::new(), 0);
    loop {
        let page = node.backend.log.read(&room, Span::After(place.clone()), 1000).await.unwrap();
        assert!(page.is_whole());
        assert!(page.messages.iter().map(|message| message.json.len()).sum::<usize>() <= 20_000);
        read.extend(page.messages.iter().map(|message| message.seq));
        pages += 1;
        place.seq = page.end;
        if !page.has_more {
            break;
        }
    }
    assert_eq!(read, (1..=head).collect::<Vec<_>>());
    assert!(pages > 4);
}
