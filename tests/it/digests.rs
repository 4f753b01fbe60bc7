//! What Redis holds of a node's sessions is spoiled by somebody else; the node finds out and mends it.

use crate::harness::{Client, Cluster, DEADLINE, eventually};

#[tokio::test]
async fn a_session_that_was_lost_is_put_back_and_one_too_many_taken_out() {
    let settings = [("presence.check_every", "1s"), ("redis.prefix", "adda:"), ("presence.linger", "200ms")];
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "মিতা").await;
    for client in [&mut rahim, &mut mita] {
        client.join("general").await;
    }
    rahim.sees_join("মিতা").await;
    let here = [rahim.connection_id.clone(), mita.connection_id.clone()];
    let here: Vec<&str> = here.iter().map(String::as_str).collect();
    let members = "adda:{general}:members";
    let entries: Vec<String> =
        redis::from_redis_value(cluster.redis.command(&["SMEMBERS", members]).await).expect("entries");
    let lost = entries.iter().find(|entry| entry.contains(&*rahim.connection_id)).expect("রহিম is there");

    cluster.redis.command(&["SREM", members, lost]).await;
    cluster.until_agreed("general", &here).await;

    // A ghost, on the node that রহিম is on.
    let (node, _) = lost.split_once(' ').expect("an entry begins with its node");
    let ghost = uuid::Uuid::new_v4();
    cluster
        .redis
        .command(&["SADD", members, &format!("{node} {ghost} {} ghost", uuid::Uuid::new_v4())])
        .await;
    cluster.until_agreed("general", &here).await;

    // The whole room, as an eviction would take it.
    cluster.redis.command(&["DEL", members]).await;
    cluster.until_agreed("general", &here).await;
    for (node, client) in cluster.nodes.iter().zip([&rahim, &mita]) {
        assert!(client.untaken("join").is_empty(), "{client} heard of nobody's coming");
        eventually("the metric counts it", DEADLINE, async || {
            let metrics = node.http().get("/metrics").await.body;
            let metrics = String::from_utf8_lossy(&metrics);
            let line = metrics.lines().find(|line| line.starts_with("adda_memberships_mended_total"))?;
            (line != "adda_memberships_mended_total 0").then_some(())
        })
        .await;
    }
    rahim.say("general", "still here").await;
    mita.hears("still here").await;
}
