//! Notices are about users, counts and lists about sessions.

use serde_json::json;

use crate::harness::{Client, Cluster, Node};

#[tokio::test]
async fn several_tabs_of_a_user_are_one_join_and_one_leave() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let mut witness = Client::full(&cluster.nodes[0], "witness").await;
    witness.join("general").await;
    let mut tab = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut other_tab = Client::returning(&cluster.nodes[1], &tab.token).await;
    tab.join("general").await;
    assert_eq!(other_tab.join("general").await["client_count"], 3);
    witness.sees_join("রহিম").await;
    cluster.agree("general", &[&witness.connection_id, &tab.connection_id, &other_tab.connection_id]).await;

    tab.leave("general").await;
    cluster.agree("general", &[&witness.connection_id, &other_tab.connection_id]).await;
    other_tab.posts("general", "one tab is left").await;
    witness.receives("one tab is left").await;
    assert!(witness.untaken("join").is_empty() && witness.untaken("leave").is_empty(), "{witness}");

    other_tab.leave("general").await;
    witness.sees_leave("রহিম").await;
    witness.posts("general", "alone").await;
    witness.receives("alone").await;
    assert!(witness.untaken("leave").is_empty(), "{witness}");
}

#[tokio::test]
async fn typing_is_throttled_and_not_sent_to_its_author() {
    let Some(cluster) = Cluster::with(2, &[("presence.typing_every", "60s")]).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut other_tab = Client::returning(&cluster.nodes[1], &rahim.token).await;
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    for client in [&mut rahim, &mut other_tab, &mut karim] {
        client.join("general").await;
    }
    for _ in 0..5 {
        rahim.send(json!({ "type": "typing", "room_id": "general" })).await;
    }
    let typing = karim.expect("typing").await;
    assert_eq!((&typing["user_id"], &typing["room_id"]), (&json!(rahim.user_id), &json!("general")));
    rahim.posts("general", "done").await;
    rahim.receives("done").await;
    karim.receives("done").await;
    assert!(karim.untaken("typing").is_empty(), "at most one per user and time: {karim}");
    assert!(rahim.untaken("typing").is_empty(), "not to the typist: {rahim}");
}

#[tokio::test]
async fn typing_that_goes_on_is_sent_again() {
    let node = Node::with(&[("presence.typing_every", "200ms")]).await;
    let mut rahim = Client::full(&node, "রহিম").await;
    let mut karim = Client::full(&node, "করিম").await;
    rahim.join("general").await;
    karim.join("general").await;
    let mut told = 0;
    while told < 3 {
        rahim.send(json!({ "type": "typing", "room_id": "general" })).await;
        rahim.catch_up().await;
        karim.catch_up().await;
        told += karim.take_all().iter().filter(|frame| frame["type"] == "typing").count();
    }
}

#[tokio::test]
async fn a_big_room_tells_its_count_instead_of_names() {
    let Some(cluster) = Cluster::with(2, &[("presence.announce_up_to", "3")]).await else { return };
    let mut witness = Client::full(&cluster.nodes[0], "witness").await;
    witness.join("general").await;
    let mut crowd = Vec::new();
    for number in 2..=8 {
        let mut client = Client::full(&cluster.nodes[number % 2], &format!("guest {number}")).await;
        client.join("general").await;
        crowd.push(client);
    }
    witness.sees_join("guest 2").await;
    witness.sees_join("guest 3").await;
    witness
        .expect_that("the count of all", |frame| frame["type"] == "count" && frame["client_count"] == 8)
        .await;
    assert!(witness.untaken("join").is_empty(), "{witness}");
    crowd.pop().expect("eight").leave("general").await;
    let count =
        witness.expect_that("one less", |frame| frame["type"] == "count" && frame["client_count"] == 7).await;
    assert_eq!(count["room_id"], "general");
    assert!(witness.untaken("leave").is_empty(), "{witness}");
}

#[tokio::test]
async fn joined_names_a_page_of_a_crowd_and_counts_all_of_it() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let mut crowd = Vec::new();
    for place in 0..120 {
        let mut client = Client::full(&cluster.nodes[place % 2], &format!("guest {place}")).await;
        let joined = client.join("crowd").await;
        assert_eq!(joined["client_count"], place + 1);
        let members = joined["members"].as_array().unwrap().len();
        assert!(members == place + 1 || (members < place + 1 && members >= 50), "{members} of {place}");
        crowd.push(client);
    }
    let ids: Vec<_> = crowd.iter().map(|client| client.connection_id.as_str()).collect();
    cluster.agree("crowd", &ids).await;
}

#[tokio::test]
async fn counts_come_at_most_once_a_second() {
    let node = Node::with(&[("presence.announce_up_to", "1")]).await;
    let mut witness = Client::full(&node, "witness").await;
    witness.join("general").await;
    let started = std::time::Instant::now();
    let mut guest = Client::full(&node, "guest").await;
    for _ in 0..50 {
        guest.join("general").await;
        guest.leave("general").await;
    }
    guest.join("general").await;
    witness.expect_that("two", |frame| frame["type"] == "count" && frame["client_count"] == 2).await;
    guest.posts("general", "done").await;
    witness.receives("done").await;
    let counts = witness.untaken("count").len() as u64 + 1;
    assert!(counts <= started.elapsed().as_secs() + 2, "{counts} counts: {witness}");
}

#[tokio::test]
async fn two_clusters_on_one_redis_do_not_meet() {
    let Some(cluster) = Cluster::start(1).await else { return };
    let stranger = cluster.launch().set("redis.prefix", "other:").start().await;
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut karim = Client::full(&stranger, "করিম").await;
    rahim.join("general").await;
    assert_eq!(karim.join("general").await["client_count"], 1);
    rahim.posts("general", "here").await;
    assert_eq!(karim.posts("general", "there").await["seq"], 1);
    assert_eq!(karim.receives("there").await["seq"], 1);
    assert!(karim.untaken("text").is_empty());
    assert_eq!(stranger.http().json("/api/nodes").await["data"].as_array().unwrap().len(), 1);
}

/// `joined` lists the members at the time of the join. A user that joins between that and the first live frame must
/// be neither missed nor announced twice.
#[tokio::test]
async fn concurrent_joins_see_each_other() {
    let Some(cluster) = Cluster::start(2).await else { return };
    for (round, node) in cluster.nodes.iter().cycle().take(20).enumerate() {
        let room = format!("room {round}");
        let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
        let mut mita = Client::full(node, "মিতা").await;
        let (to_rahim, to_mita) = tokio::join!(rahim.join(&room), mita.join(&room));
        rahim.posts(&room, "all are here").await;
        for (client, joined, other) in [(&mut rahim, to_rahim, "মিতা"), (&mut mita, to_mita, "রহিম")]
        {
            client.receives("all are here").await;
            let members = joined["members"].as_array().expect("members");
            let is_listed = members.iter().any(|member| member["username"] == other);
            let notices = client.untaken("join");
            assert_eq!(notices.len(), usize::from(!is_listed), "{room}: {joined} {notices:?}");
            let counts = notices.iter().map(|notice| &notice["client_count"]);
            let last = counts.fold(&joined["client_count"], |_, count| count);
            assert_eq!(last, 2, "{room}: {joined} {notices:?}");
        }
    }
}
