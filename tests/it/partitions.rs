//! Packet loss: no connection is closed or refused, and no data arrives.

use std::time::Duration;

use serde_json::json;

use crate::harness::roamer::outage;
use crate::harness::{Client, Cluster, LONG_DEADLINE, Network, Node, Roamer, eventually};

/// Clients on every node, two of them on the one to be partitioned, that have received each other's joins.
async fn people(cluster: &Cluster) -> Vec<Roamer> {
    let mut people = Vec::new();
    for (place, name) in ["cut one", "cut two", "second", "third"].into_iter().enumerate() {
        let node = &cluster.nodes[place.saturating_sub(1)];
        people.push(Roamer::enter(&[node], name, "general").await);
    }
    for (place, name) in
        [(0, "cut two"), (0, "second"), (0, "third"), (1, "second"), (1, "third"), (2, "third")]
    {
        people[place].client().sees_join(name).await;
    }
    people[0].posts("all are here").await;
    for person in &mut people {
        person.receives(1).await;
        // Late notices of the clients that joined before.
        person.client().take_all();
    }
    people
}

/// Partitions the first node from Redis until long after its lease. The others post meanwhile; posts through it are
/// refused. Returns all clients once each has received all messages.
async fn cut_for_ten_seconds(network: &Network, cluster: &mut Cluster) -> Vec<Roamer> {
    let mut people = people(cluster).await;
    let all = cluster.nodes[1].http().connections("general").await;
    network.lose_address(&Cluster::way(0));
    let refusal = people[0].client().post("general", "into the void", "n-1").await;
    assert_eq!(refusal["code"], "unavailable", "{refusal}");
    assert!(refusal["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0), "{refusal}");
    cluster.nodes[0].until_readyz(503).await;
    for path in ["/api/rooms", "/api/rooms/general", "/api/rooms/general/messages", "/api/nodes"] {
        assert_eq!(cluster.nodes[0].http().get(path).await.error(503), "unavailable", "{path}");
    }
    let cut: Vec<_> = [0, 1].map(|place| people[place].client().connection_id.clone()).into();
    let others: Vec<_> = all.iter().filter(|id| !cut.contains(id)).cloned().collect();
    for node in &cluster.nodes[1..] {
        eventually("the others' answers are without its sessions", LONG_DEADLINE, async || {
            assert_eq!(node.http().status("/readyz").await, Some(200), "the others have lost nothing");
            let known = node.http().connections("general").await;
            assert!(known == all || known == others, "all or nothing of a node: {known:?}");
            (known == others).then_some(())
        })
        .await;
    }
    for number in 0..20 {
        people[2 + number % 2].posts(&format!("meanwhile {number}")).await;
    }
    // For about ten seconds.
    outage(Duration::from_secs(4)).await;
    let refusal = people[1].client().post("general", "into the void too", "n-2").await;
    assert_eq!(refusal["code"], "unavailable", "{refusal}");
    network.heal();
    cluster.nodes[0].until_ready().await;
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    cluster.until_agreed("general", &all).await;
    for (place, person) in people.iter_mut().enumerate() {
        person.posts(&format!("after {place}")).await;
    }
    for person in &mut people {
        person.receives(25).await;
        person.assert_whole();
        assert!(person.closes.is_empty(), "no session is dropped: {:?}", person.closes);
    }
    for person in &people[1..] {
        assert_eq!(person.contents(), people[0].contents(), "one order");
    }
    people
}

#[tokio::test]
async fn a_short_partition_removes_and_restores_sessions_without_notices() {
    let Some(network) = Network::enter() else { return };
    let Some(mut cluster) = Cluster::by_ways(3, &[]).await else { return };
    let mut people = cut_for_ten_seconds(&network, &mut cluster).await;
    for person in &mut people {
        person.client().catch_up().await;
        person.assert_undisturbed();
    }
}

/// A user whose leave was announced is announced again on its return, each once.
#[tokio::test]
async fn a_partition_longer_than_the_grace_period_is_announced_once_each_way() {
    let Some(network) = Network::enter() else { return };
    let Some(mut cluster) = Cluster::by_ways(3, &[("presence.leave_grace", "1s")]).await else { return };
    let mut people = cut_for_ten_seconds(&network, &mut cluster).await;
    let (cut, others) = people.split_at_mut(2);
    for person in others {
        for name in ["cut one", "cut two"] {
            person.client().sees_leave(name).await;
            person.client().sees_join(name).await;
        }
        person.client().catch_up().await;
        person.assert_undisturbed();
    }
    for person in cut {
        person.client().catch_up().await;
        // Its node may reach Redis before or after the other nodes learn of it.
        let joins = person.client().untaken("join");
        assert!(joins.len() <= 2 && person.client().untaken("leave").is_empty(), "{}", person.client());
    }
}

/// Settings that detect silence soon: a ping each second, closed after four.
const SOON: [(&str, &str); 3] =
    [("session.ping_every", "1s"), ("session.idle_timeout", "4s"), ("presence.leave_grace", "1s")];

#[tokio::test]
async fn a_half_open_socket_is_detected_and_its_client_resumes_on_another() {
    let Some(network) = Network::enter() else { return };
    for (settings, leaves) in [(&SOON[..2], 0), (&SOON[..], 1)] {
        let node = Node::with(settings).await;
        let mut stays = Client::full(&node, "stays").await;
        let mut lost = Client::full(&node, "lost").await;
        stays.join("general").await;
        let joined = lost.join("general").await;
        stays.sees_join("lost").await;
        network.lose_port(lost.port());
        let only = [stays.connection_id.clone()];
        let mut said = 0;
        eventually("the half-open session is gone", LONG_DEADLINE, async || {
            // All of it fits into the page of the `joined` answer.
            if said < 100 {
                said += 1;
                stays.posts("general", &format!("meanwhile {said}")).await;
            }
            (node.http().connections("general").await == only).then_some(())
        })
        .await;
        if leaves > 0 {
            stays.sees_leave("lost").await;
        }
        // The old socket stays open, as in a client that changes networks.
        let mut back = Client::returning(&node, &lost.token).await;
        let missed = back.resume("general", &joined["epoch"], joined["seq"].as_u64().expect("seq")).await;
        assert_eq!(missed["recovered"], true, "{missed}");
        let words: Vec<_> = missed["messages"].as_array().expect("messages").iter().collect();
        let expected: Vec<_> = (1..=said).map(|number| json!(format!("meanwhile {number}"))).collect();
        assert_eq!(words.iter().map(|message| message["content"].clone()).collect::<Vec<_>>(), expected);
        back.posts("general", "back").await;
        stays.receives("back").await;
        assert_eq!(stays.untaken("join").len(), leaves, "{stays}");
        assert!(stays.untaken("leave").is_empty(), "{stays}");
        network.heal();
    }
}

/// A shorter loss of packets neither closes a session nor loses a message.
#[tokio::test]
async fn short_packet_loss_drops_no_session_and_no_message() {
    let Some(network) = Network::enter() else { return };
    let node = Node::with(&[("session.ping_every", "1s"), ("session.idle_timeout", "30s")]).await;
    let mut writer = Client::full(&node, "writer").await;
    let mut reader = Client::full(&node, "reader").await;
    writer.join("general").await;
    reader.join("general").await;
    network.lose_port(reader.port());
    for number in 0..50 {
        writer.posts("general", &format!("word {number}")).await;
    }
    outage(Duration::from_secs(2)).await;
    network.heal();
    for number in 0..50 {
        assert_eq!(reader.texts(1).await[0]["content"], format!("word {number}"));
    }
    reader.posts("general", "received it all").await;
    writer.receives("received it all").await;
}

/// The twin: only `session.idle_timeout` detects it, since TCP reports nothing to a side that sends nothing.
#[tokio::test]
async fn without_an_idle_timeout_a_half_open_socket_counts_as_a_session() {
    let Some(network) = Network::enter() else { return };
    let node = Node::with(&[("session.ping_every", "1h"), ("session.idle_timeout", "2h")]).await;
    let mut lost = Client::full(&node, "lost").await;
    lost.join("general").await;
    network.lose_port(lost.port());
    // Longer than the time-out of the test above.
    outage(Duration::from_secs(8)).await;
    assert_eq!(node.http().connections("general").await, [lost.connection_id.clone()]);
}
