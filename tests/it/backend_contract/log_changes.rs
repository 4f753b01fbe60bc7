//! Changes of messages: what they do, who may make them, and how pages show them.

use std::time::Duration;

use adda::backend::{BackendError, Span};
use adda::model::{Change, ChangeReceipt, DeleteRights, Draft, Emoji, Nonce, Position, Receipt, RoomName};
use serde_json::{Value, json};

use super::nodes::{Cluster, Node, User, draft, room};
use crate::harness::{DEADLINE, eventually};

pub fn edit(content: &str) -> Change {
    Change::Edit { content: content.to_owned() }
}

pub const DELETE: Change = Change::Delete { rights: DeleteRights::Own };

pub fn react(emoji: &str, on: bool) -> Change {
    Change::React { emoji: Emoji::parse(emoji).unwrap(), on }
}

impl Node {
    pub async fn try_change(
        &self,
        user: &User,
        room: &RoomName,
        target: u64,
        change: Change,
    ) -> Result<ChangeReceipt, BackendError> {
        self.backend.log.change(user.change(room, target, change)).await
    }

    pub async fn change(&self, user: &User, room: &RoomName, target: u64, change: Change) -> Receipt {
        match self.try_change(user, room, target, change).await.unwrap() {
            ChangeReceipt::Logged { receipt, .. } => receipt,
            unchanged @ ChangeReceipt::Unchanged { .. } => panic!("{unchanged:?}"),
        }
    }

    pub async fn says(&self, user: &User, room: &RoomName, content: &str) -> u64 {
        self.backend.log.append(user.text(room, content)).await.unwrap().seq
    }

    /// The entries of a page.
    pub async fn page(&self, room: &RoomName, span: Span, limit: usize) -> Vec<Value> {
        let page = self.backend.log.read(room, span, limit).await.unwrap();
        assert_eq!(page.unreadable, 0);
        page.messages.iter().map(|message| serde_json::from_slice(&message.json).unwrap()).collect()
    }

    pub async fn all_after(&self, room: &RoomName, seq: u64) -> Vec<Value> {
        let head = self.backend.log.head(room).await.unwrap();
        self.page(room, Span::After(Position { seq, ..head }), 1000).await
    }

    /// The newest page.
    pub async fn texts(&self, room: &RoomName) -> Vec<Value> {
        self.page(room, Span::Newest, 1000).await
    }
}

fn seqs(entries: &[Value]) -> Vec<u64> {
    entries.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect()
}

/// A node, a room, two users, and a message of the first.
async fn one_message(cluster: &mut Cluster) -> (Node, RoomName, User, User) {
    let (node, room) = (cluster.node().await, room("general"));
    let (rahim, mita) = (User::new("Rahim"), User::new("Mita"));
    assert_eq!(node.says(&rahim, &room, "first words").await, 1);
    (node, room, rahim, mita)
}

pub async fn an_edit_is_a_message_of_the_log(mut cluster: Cluster) {
    let ([here, mut there], room, rahim) = (cluster.nodes().await, room("general"), User::new("Rahim"));
    there.subscribe(&room).await;
    here.says(&rahim, &room, "first words").await;
    let words = "অন্য \"কথা\" \\ \n";
    let receipt = here.change(&rahim, &room, 1, edit(words)).await;
    assert_eq!((receipt.seq, receipt.is_duplicate), (2, false));
    assert_eq!(here.says(&rahim, &room, "next").await, 3);
    there.next_message().await;
    let published: Value = serde_json::from_slice(&there.next_message().await.json).unwrap();
    assert_eq!(
        published,
        json!({"id": receipt.id, "room_id": "general", "user_id": rahim.id.as_str(), "username": "Rahim",
            "content": words, "type": "edit", "ref": 1, "timestamp": receipt.timestamp, "seq": 2})
    );
    let texts = there.texts(&room).await;
    assert_eq!(seqs(&texts), [1, 3]);
    assert_eq!((&texts[0]["content"], &texts[0]["changed"]), (&words.into(), &2.into()));
    assert_eq!(
        (&texts[0]["edited_at"], &texts[0]["type"]),
        (&receipt.timestamp.as_str().into(), &"text".into())
    );
    let again = there.change(&rahim, &room, 1, edit("third words")).await;
    let texts = here.texts(&room).await;
    assert_eq!((&texts[0]["content"], &texts[0]["changed"]), (&"third words".into(), &again.seq.into()));
}

pub async fn a_deleted_message_has_no_content(mut cluster: Cluster) {
    let (node, room, rahim, mita) = one_message(&mut cluster).await;
    let mentions = vec![mita.id.clone()];
    let file = json!({"id": "f1", "name": "a.png", "type": "image/png", "size": 3, "url": "/f1"});
    let files = vec![serde_json::from_value(file).unwrap()];
    let draft = Draft { mentions, files, reply_to: Some(1), ..rahim.text(&room, "a secret") };
    node.backend.log.append(draft).await.unwrap();
    node.change(&mita, &room, 2, react("👍", true)).await;
    let ChangeReceipt::Logged { receipt, files } = node.try_change(&rahim, &room, 2, DELETE).await.unwrap()
    else {
        panic!("it is logged")
    };
    assert_eq!((receipt.seq, files), (4, vec!["f1".to_owned()]));
    let text = &node.texts(&room).await[1];
    let expected = json!({"id": text["id"], "room_id": "general", "user_id": rahim.id.as_str(), "username": "Rahim",
        "content": "", "type": "text", "deleted": true, "timestamp": text["timestamp"], "seq": 2, "changed": 4});
    assert_eq!(text, &expected);
    for change in [edit("x"), DELETE, react("👍", true)] {
        let answer = node.try_change(&rahim, &room, 2, change).await;
        assert!(matches!(answer, Err(BackendError::MessageNotFound)), "{answer:?}");
    }
    let changes = node.all_after(&room, 2).await;
    assert_eq!(changes.iter().map(|entry| &entry["type"]).collect::<Vec<_>>(), ["reaction", "delete"]);
}

pub async fn reactions_are_counted_and_name_those_who_reacted_first(mut cluster: Cluster) {
    let (node, room, rahim, mita) = one_message(&mut cluster).await;
    let users: Vec<User> = (0..22).map(|i| User::new(&format!("user {i}"))).collect();
    for user in &users {
        node.change(user, &room, 1, react("👍", true)).await;
    }
    node.change(&mita, &room, 1, react("❤️", true)).await;
    let shown = async || node.texts(&room).await[0]["reactions"].clone();
    let first = |from: usize| users[from..from + 20].iter().map(|user| user.id.as_str()).collect::<Vec<_>>();
    let heart = json!({"count": 1, "users": [mita.id.as_str()]});
    assert_eq!(shown().await, json!({"👍": {"count": 22, "users": first(0)}, "❤️": heart}));
    node.change(&users[0], &room, 1, react("👍", false)).await;
    assert_eq!(shown().await, json!({"👍": {"count": 21, "users": first(1)}, "❤️": heart}));
    node.change(&users[21], &room, 1, react("👍", false)).await;
    assert_eq!(shown().await, json!({"👍": {"count": 20, "users": first(1)}, "❤️": heart}));
    node.change(&users[0], &room, 1, react("👍", true)).await;
    node.change(&mita, &room, 1, react("❤️", false)).await;
    assert_eq!(shown().await, json!({"👍": {"count": 21, "users": first(1)}}));
    // A kind without users is gone, and begins anew.
    node.change(&rahim, &room, 1, react("❤️", true)).await;
    assert_eq!(shown().await["❤️"], json!({"count": 1, "users": [rahim.id.as_str()]}));
}

pub async fn a_reaction_that_changes_nothing_has_no_number(mut cluster: Cluster) {
    let (node, room, rahim, _) = one_message(&mut cluster).await;
    let unchanged = async |on, nonce| {
        let draft = rahim.change(&room, 1, react("👍", on));
        let id = draft.id.to_string();
        let draft = adda::model::ChangeDraft { nonce: Nonce::parse(nonce), ..draft };
        match node.backend.log.change(draft).await.unwrap() {
            ChangeReceipt::Unchanged { id: told, is_duplicate, .. } => (told == id, is_duplicate),
            logged @ ChangeReceipt::Logged { .. } => panic!("{logged:?}"),
        }
    };
    assert_eq!(unchanged(false, "a").await, (true, false));
    node.change(&rahim, &room, 1, react("👍", true)).await;
    assert_eq!(unchanged(true, "b").await, (true, false));
    // A repetition changes nothing either, whatever came between.
    assert_eq!(unchanged(false, "a").await, (false, true));
    assert_eq!(node.says(&rahim, &room, "next").await, 3);
}

pub async fn a_message_has_a_bounded_number_of_kinds_of_reactions(mut cluster: Cluster) {
    let (node, room, rahim, mita) = one_message(&mut cluster).await;
    let kinds = "👍 👎 ❤️ 😀 😁 😂 🤣 😃 😄 😅 😆 😉 😊 😋 😎 😍 😘 🥰 😗 😙";
    for emoji in kinds.split(' ') {
        node.change(&rahim, &room, 1, react(emoji, true)).await;
    }
    let refused = node.try_change(&mita, &room, 1, react("🎉", true)).await;
    assert!(matches!(refused, Err(BackendError::TooManyReactions)), "{refused:?}");
    node.change(&mita, &room, 1, react("😙", true)).await;
    node.change(&rahim, &room, 1, react("👍", false)).await;
    node.change(&mita, &room, 1, react("🎉", true)).await;
}

pub async fn only_its_author_edits_a_message_and_only_while_it_is_editable(mut cluster: Cluster) {
    let (node, room, rahim, mita) = one_message(&mut cluster).await;
    for change in [edit("mine now"), DELETE] {
        let answer = node.try_change(&mita, &room, 1, change).await;
        assert!(matches!(answer, Err(BackendError::NotAllowed)), "{answer:?}");
    }
    cluster.config.messages.editable = Duration::ZERO;
    cluster.renew();
    let late = cluster.node().await;
    let old = late.says(&rahim, &room, "old in a moment").await;
    eventually("a message that is too old", DEADLINE, async || {
        late.try_change(&rahim, &room, old, edit("again")).await.is_err().then_some(())
    })
    .await;
    for change in [edit("again"), DELETE] {
        let answer = late.try_change(&rahim, &room, old, change).await;
        assert!(matches!(answer, Err(BackendError::NotAllowed)), "{answer:?}");
    }
    late.change(&mita, &room, old, react("👍", true)).await;
    let all = Change::Delete { rights: DeleteRights::All };
    late.change(&mita, &room, old, all).await;
    assert_eq!(late.texts(&room).await.pop().unwrap()["deleted"], true);
}

pub async fn what_is_no_message_can_not_be_changed(mut cluster: Cluster) {
    let (node, room, rahim, mita) = one_message(&mut cluster).await;
    node.change(&mita, &room, 1, react("👍", true)).await;
    for target in [0, 2, 3, 99, u64::MAX] {
        for change in [edit("x"), DELETE, react("👍", true), react("👍", false)] {
            let answer = node.try_change(&rahim, &room, target, change).await;
            assert!(matches!(answer, Err(BackendError::MessageNotFound)), "{target}: {answer:?}");
        }
    }
    assert_eq!(node.backend.log.head(&room).await.unwrap().seq, 2);
}

pub async fn changes_and_messages_share_their_nonces(mut cluster: Cluster) {
    let ([here, there], room, rahim) = (cluster.nodes().await, room("general"), User::new("Rahim"));
    here.says(&rahim, &room, "first words").await;
    let change =
        |change| adda::model::ChangeDraft { nonce: Nonce::parse("n-1"), ..rahim.change(&room, 1, change) };
    let log = &here.backend.log;
    let ChangeReceipt::Logged { receipt: first, .. } = log.change(change(edit("x"))).await.unwrap() else {
        panic!("it is logged")
    };
    let again = there.backend.log.change(change(edit("x"))).await.unwrap();
    let expected = Receipt { is_duplicate: true, ..first };
    assert_eq!(again, ChangeReceipt::Logged { receipt: expected, files: vec![] });
    for other in [edit("y"), DELETE, react("👍", true)] {
        let answer = there.backend.log.change(change(other)).await;
        assert!(matches!(answer, Err(BackendError::NonceReused)), "{answer:?}");
    }
    let answer = there.backend.log.append(rahim.draft(&room, "n-1")).await;
    assert!(matches!(answer, Err(BackendError::NonceReused)), "{answer:?}");
    assert_eq!(here.says(&rahim, &room, "next").await, 3);
}

pub async fn a_reply_shows_what_it_replies_to_as_it_is_now(mut cluster: Cluster) {
    let ([here, mut there], room, rahim) = (cluster.nodes().await, room("general"), User::new("Rahim"));
    there.subscribe(&room).await;
    let long = format!("{}x", "\"ক\\".repeat(50));
    here.says(&rahim, &room, &long).await;
    let reply = |seq| Draft { reply_to: Some(seq), ..draft(&room, "a reply") };
    here.backend.log.append(reply(1)).await.unwrap();
    there.next_message().await;
    let published: Value = serde_json::from_slice(&there.next_message().await.json).unwrap();
    let quoted: String = long.chars().take(140).collect();
    let expected = json!({"seq": 1, "user_id": rahim.id.as_str(), "username": "Rahim", "content": quoted});
    assert_eq!(published["reply_to"], expected);
    assert_eq!(here.texts(&room).await[1], published);
    here.change(&rahim, &room, 1, edit("short")).await;
    assert_eq!(there.texts(&room).await[1]["reply_to"]["content"], "short");
    here.change(&rahim, &room, 1, DELETE).await;
    let gone = json!({"seq": 1, "deleted": true});
    assert_eq!(there.texts(&room).await[1]["reply_to"], gone);
    // A change is no message.
    let to_change = here.backend.log.append(reply(3)).await.unwrap().seq;
    assert_eq!(there.texts(&room).await[2]["reply_to"], json!({"seq": 3, "deleted": true}));
    let refused = here.backend.log.append(reply(to_change + 1)).await;
    assert!(matches!(refused, Err(BackendError::MessageNotFound)), "{refused:?}");
}

pub async fn a_page_after_a_place_has_changes_in_order_and_other_pages_do_not(mut cluster: Cluster) {
    let (node, room, rahim, mita) = one_message(&mut cluster).await;
    node.change(&mita, &room, 1, react("👍", true)).await;
    node.says(&mita, &room, "second").await;
    node.change(&rahim, &room, 1, edit("edited")).await;
    node.change(&mita, &room, 3, DELETE).await;
    node.says(&mita, &room, "third").await;
    for seq in 0..=6 {
        assert_eq!(seqs(&node.all_after(&room, seq).await), (seq + 1..=6).collect::<Vec<_>>());
    }
    let head = node.backend.log.head(&room).await.unwrap();
    let page =
        node.backend.log.read(&room, Span::After(Position { seq: 1, ..head.clone() }), 2).await.unwrap();
    let numbers: Vec<u64> = page.messages.iter().map(|message| message.seq).collect();
    assert_eq!((numbers, page.end, page.has_more), (vec![2, 3], 3, true));
    assert!(page.is_whole());
    assert_eq!(seqs(&node.page(&room, Span::Newest, 2).await), [3, 6]);
    assert_eq!(seqs(&node.page(&room, Span::Before(6), 10).await), [1, 3]);
    assert_eq!(seqs(&node.page(&room, Span::Before(3), 10).await), [1]);
    assert_eq!(seqs(&node.page(&room, Span::Above(0), 2).await), [1, 3]);
    assert_eq!(seqs(&node.page(&room, Span::Above(1), 10).await), [3, 6]);
    let peeked = node.backend.log.peek(&room, Span::Newest, 2).await.unwrap();
    let numbers: Vec<u64> = peeked.messages.iter().map(|message| message.seq).collect();
    assert_eq!((numbers, peeked.next), (vec![3, 6], Some(3)));
}

pub async fn a_stored_edit_has_the_content_that_its_message_has_now(mut cluster: Cluster) {
    let (node, room, rahim, _) = one_message(&mut cluster).await;
    node.change(&rahim, &room, 1, edit("second words")).await;
    node.change(&rahim, &room, 1, edit("third words")).await;
    let contents = async || {
        let entries = node.all_after(&room, 1).await;
        entries.iter().map(|entry| entry["content"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(contents().await, ["third words", "third words"]);
    node.change(&rahim, &room, 1, DELETE).await;
    assert_eq!(contents().await, ["", "", ""]);
}

pub async fn every_page_shows_messages_as_they_are_now(mut cluster: Cluster) {
    let (node, room, rahim, mita) = one_message(&mut cluster).await;
    for seq in 2..=30 {
        assert_eq!(node.says(&rahim, &room, "hello").await, seq);
    }
    for seq in (1..=30).step_by(3) {
        node.change(&rahim, &room, seq, edit(&format!("edited {seq}"))).await;
    }
    for seq in (1..=30).step_by(5) {
        node.change(&mita, &room, seq, react("👍", true)).await;
    }
    let all = node.texts(&room).await;
    assert_eq!(seqs(&all), (1..=30).collect::<Vec<_>>());
    for text in &all {
        let seq = text["seq"].as_u64().unwrap();
        let content = if seq % 3 == 1 {
            format!("edited {seq}")
        } else if seq == 1 {
            "first words".into()
        } else {
            "hello".into()
        };
        assert_eq!(text["content"], content, "{text}");
        assert_eq!(text.get("reactions").is_some(), seq % 5 == 1, "{text}");
    }
    let (mut before, mut pages) = (31, Vec::new());
    loop {
        let page = node.page(&room, Span::Before(before), 7).await;
        let Some(first) = page.first() else { break };
        before = first["seq"].as_u64().unwrap();
        pages.splice(0..0, page);
    }
    assert_eq!(pages, all);
    let (mut after, mut pages) = (0, Vec::new());
    loop {
        let page = node.page(&room, Span::Above(after), 7).await;
        let Some(last) = page.last() else { break };
        after = last["seq"].as_u64().unwrap();
        pages.extend(page);
    }
    assert_eq!(pages, all);
}
