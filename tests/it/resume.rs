//! Resuming by position: exactly the missed messages, or `recovered: false`.

use serde_json::{Value, json};

use crate::harness::{Client, Cluster, Node};

fn seqs(frames: &Value) -> Vec<u64> {
    frames.as_array().expect("messages").iter().map(|message| message["seq"].as_u64().expect("seq")).collect()
}

async fn post_many(client: &mut Client, room: &str, count: usize) -> Value {
    let mut ack = Value::Null;
    for number in 1..=count {
        ack = client.posts(room, &format!("message {number}")).await;
    }
    ack
}

#[tokio::test]
async fn history_is_as_long_as_was_asked_for() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    post_many(&mut rahim, "general", 60).await;
    let mut late = Client::full(&node, "late").await;
    let unasked = late.join("general").await;
    assert_eq!(seqs(&unasked["messages"]), (11..=60).collect::<Vec<_>>());
    for (history, first) in [(3, 58), (0, 61), (60, 1)] {
        late.leave("general").await;
        let joined = late.join_with(json!({ "room_id": "general", "history": history })).await;
        assert_eq!(seqs(&joined["messages"]), (first..=60).collect::<Vec<_>>());
        assert_eq!(joined["seq"], 60);
    }
}

#[tokio::test]
async fn no_page_is_longer_than_the_setting() {
    let node = Node::with(&[("history.max_page", "10")]).await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    post_many(&mut rahim, "general", 15).await;
    rahim.leave("general").await;
    let joined = rahim.join_with(json!({ "room_id": "general", "history": 1_000_000 })).await;
    assert_eq!(seqs(&joined["messages"]), (6..=15).collect::<Vec<_>>());
}

#[tokio::test]
async fn exactly_the_missed_messages_follow_on_another_node() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    karim.join("general").await;
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    let seen = post_many(&mut karim, "general", 3).await;
    rahim.texts(3).await;
    let token = rahim.token.clone();
    drop(rahim);
    post_many(&mut karim, "general", 4).await;

    let mut back = Client::returning(&cluster.nodes[1], &token).await;
    let joined = back.resume("general", &seen["epoch"], 3).await;
    assert_eq!(joined["recovered"], true);
    assert_eq!(seqs(&joined["messages"]), [4, 5, 6, 7]);
    karim.posts("general", "live").await;
    assert_eq!(back.texts(1).await[0]["seq"], 8, "live messages continue without a hole or a repetition");

    let none = Client::returning(&cluster.nodes[0], &token).await.resume("general", &seen["epoch"], 8).await;
    assert_eq!((&none["recovered"], &none["messages"]), (&json!(true), &json!([])));
}

#[tokio::test]
async fn a_position_that_never_existed_is_not_recovered() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    let epoch = rahim.join("general").await["epoch"].clone();
    post_many(&mut rahim, "general", 3).await;
    for (epoch, seq) in [(&json!("made-up"), 1), (&json!(""), 0), (&epoch, 99)] {
        let mut late = Client::full(&node, "late").await;
        let joined = late.resume("general", epoch, seq).await;
        assert_eq!(joined["recovered"], false, "{epoch} {seq}: {joined}");
        assert_eq!(seqs(&joined["messages"]), [1, 2, 3], "the newest page comes instead");
    }
}

#[tokio::test]
async fn trimmed_messages_are_not_recovered() {
    let settings = [("history.max_messages", "10")];
    let node = Node::with(&settings).await;
    assert_trimmed_messages_are_not_recovered(&node).await;
    let Some(cluster) = Cluster::with(1, &settings).await else { return };
    assert_trimmed_messages_are_not_recovered(&cluster.nodes[0]).await;
}

async fn assert_trimmed_messages_are_not_recovered(node: &Node) {
    let mut rahim = Client::full(node, "রহিম").await;
    rahim.join("general").await;
    // Redis trims whole tree nodes of 100 entries.
    let ack = post_many(&mut rahim, "general", 250).await;
    let mut late = Client::full(node, "late").await;
    let joined = late.resume("general", &ack["epoch"], 1).await;
    assert_eq!(joined["recovered"], false);
    let newest = seqs(&joined["messages"]);
    assert_eq!(newest.last(), Some(&250));
    assert!(newest.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{newest:?}");

    let mut near = Client::full(node, "near").await;
    let joined = near.resume("general", &ack["epoch"], 247).await;
    assert_eq!((&joined["recovered"], seqs(&joined["messages"])), (&json!(true), vec![248, 249, 250]));
}

#[tokio::test]
async fn more_than_one_page_is_recovered_whole() {
    let node = Node::with(&[("history.max_page", "10")]).await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    let ack = post_many(&mut rahim, "general", 35).await;
    let mut late = Client::full(&node, "late").await;
    let joined = late.resume("general", &ack["epoch"], 2).await;
    let mut got = seqs(&joined["messages"]);
    if joined["recovered"] == true {
        // Messages that do not fit into the answer may follow as live ones.
        while got.last() < Some(&35) {
            got.push(late.expect("text").await["seq"].as_u64().unwrap());
        }
        assert_eq!(got, (3..=35).collect::<Vec<_>>());
    } else {
        assert_eq!(got, (26..=35).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_return_within_the_grace_period_is_not_announced() {
    let Some(cluster) = Cluster::with(2, &[("presence.leave_grace", "60s")]).await else { return };
    let mut witness = Client::full(&cluster.nodes[0], "witness").await;
    witness.join("general").await;
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    witness.sees_join("রহিম").await;
    let (gone, token) = (rahim.connection_id.clone(), rahim.token.clone());
    drop(rahim);
    cluster.until_agreed("general", &[&witness.connection_id]).await;
    let mut back = Client::returning(&cluster.nodes[1], &token).await;
    assert_ne!(back.connection_id, gone);
    back.join("general").await;
    cluster.agree("general", &[&witness.connection_id, &back.connection_id]).await;
    back.posts("general", "again").await;
    witness.receives("again").await;
    assert!(witness.untaken("join").is_empty() && witness.untaken("leave").is_empty(), "{witness}");
}

#[tokio::test]
async fn a_user_who_does_not_return_is_announced_once() {
    let Some(cluster) = Cluster::with(2, &[("presence.leave_grace", "1s")]).await else { return };
    let mut witnesses = [
        Client::full(&cluster.nodes[0], "first witness").await,
        Client::full(&cluster.nodes[1], "second witness").await,
    ];
    for witness in &mut witnesses {
        witness.join("general").await;
    }
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    drop(rahim);
    for witness in &mut witnesses {
        witness.sees_leave("রহিম").await;
    }
    for witness in &mut witnesses {
        witness.posts("general", "after").await;
        witness.receives("after").await;
        assert!(witness.untaken("leave").is_empty(), "{witness}");
    }
}
