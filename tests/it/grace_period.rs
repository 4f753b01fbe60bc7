//! The grace period: the leave of a session that broke off is announced only if its user does not return.

use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::harness::{Client, Cluster, Dial, LONG_DEADLINE, eventually};

/// Closes with this code.
async fn close_with(client: &mut Client, code: u16) {
    let frame = CloseFrame { code: code.into(), reason: "".into() };
    assert!(client.try_send(Message::Close(Some(frame))).await);
    client.closed().await;
}

/// A session on the node that receives the room's notices.
async fn witness(cluster: &Cluster, node: usize, room: &str) -> Client {
    let mut witness = Client::full(&cluster.nodes[node], &format!("witness {node}")).await;
    witness.join(room).await;
    witness
}

async fn assert_quiet(witness: &mut Client) {
    witness.catch_up().await;
    let notices = [witness.untaken("join"), witness.untaken("leave")].concat();
    assert!(notices.is_empty(), "{} received {notices:?}", witness.username);
}

/// As many as ten renewals send, at a few thousand each.
#[tokio::test]
async fn forty_thousand_pending_leaves_delay_no_other() {
    let settings = [
        ("redis.prefix", "adda:"),
        ("presence.leave_grace", "3s"),
        ("presence.lease", "20s"),
        ("presence.renew_every", "5s"),
    ];
    let Some(cluster) = Cluster::with(1, &settings).await else { return };
    let mut witness = witness(&cluster, 0, "general").await;
    let fill = "for n = ARGV[1], ARGV[2] do
        redis.call('ZADD', KEYS[1], redis.call('TIME')[1] * 1000 + 2500, n .. ' user' .. n .. ' crowd') end";
    for first in (1..40_000).step_by(500) {
        let (first, last) = (first.to_string(), (first + 499).to_string());
        cluster.redis.command(&["EVAL", fill, "1", "adda:{adda:nodes}:due", &first, &last]).await;
    }
    let mut page = Client::full(&cluster.nodes[0], "রহিম").await;
    page.join("general").await;
    witness.sees_join("রহিম").await;
    close_with(&mut page, 1001).await;
    eventually("all are sent", LONG_DEADLINE * 3, async || {
        let left = cluster.redis.command(&["ZCARD", "adda:{adda:nodes}:due"]).await;
        (redis::from_redis_value::<u64>(left).ok()? == 0).then_some(())
    })
    .await;
    witness.sees_leave("রহিম").await;
}

/// A browser closes with 1001 both when a page is closed and when it is reloaded.
#[tokio::test]
async fn a_page_reload_is_not_announced() {
    let Some(cluster) = Cluster::with(2, &[("presence.leave_grace", "60s")]).await else { return };
    let mut witness = witness(&cluster, 0, "general").await;
    let mut page = Client::full(&cluster.nodes[0], "রহিম").await;
    page.join("general").await;
    witness.sees_join("রহিম").await;
    for place in [1, 0, 1] {
        close_with(&mut page, 1001).await;
        cluster.until_agreed("general", &[&witness.connection_id]).await;
        page = Client::returning(&cluster.nodes[place], &page.token).await;
        page.join("general").await;
        cluster.agree("general", &[&witness.connection_id, &page.connection_id]).await;
    }
    page.posts("general", "here").await;
    witness.receives("here").await;
    assert_quiet(&mut witness).await;
}

#[tokio::test]
async fn a_normal_close_is_announced_without_a_grace_period() {
    let Some(cluster) = Cluster::with(2, &[("presence.leave_grace", "60s")]).await else { return };
    let mut witness = witness(&cluster, 0, "general").await;
    let mut rahim = Client::full(&cluster.nodes[1], "রহিম").await;
    let mut karim = Client::full(&cluster.nodes[1], "করিম").await;
    rahim.join("general").await;
    karim.join("general").await;
    rahim.close().await;
    assert_eq!(witness.sees_leave("রহিম").await["client_count"], 2);
    close_with(&mut karim, 1000).await;
    assert_eq!(witness.sees_leave("করিম").await["client_count"], 1);
}

#[tokio::test]
async fn a_guest_without_a_token_has_no_grace_period() {
    let Some(cluster) = Cluster::with(2, &[("presence.leave_grace", "60s")]).await else { return };
    let mut witness = witness(&cluster, 0, "general").await;
    let mut guest = Client::plain(&cluster.nodes[1], "general", "guest").await;
    let rahim = Client::full(&cluster.nodes[1], "রহিম").await;
    let dial = Dial::plain(cluster.nodes[1].port, "/ws?room=general");
    let mut known = dial.header("authorization", format!("Bearer {}", rahim.token)).open().await;
    known.sees_join("রহিম").await;
    close_with(&mut known, 1001).await;
    close_with(&mut guest, 1001).await;
    witness.sees_leave("guest").await;
    cluster.until_agreed("general", &[&witness.connection_id]).await;
    assert!(witness.untaken("leave").is_empty(), "{witness}");
}

/// Of the users of a killed node one has another tab, one returns before the node is reaped and one after it; two
/// do not return. Another node, perhaps the one that would announce them, dies as well.
#[tokio::test]
async fn users_of_a_dead_node_that_do_not_return_are_announced_once() {
    let Some(mut cluster) = Cluster::with(4, &[("presence.leave_grace", "4s")]).await else { return };
    let mut witnesses = [witness(&cluster, 1, "general").await, witness(&cluster, 2, "general").await];
    witnesses[0].sees_join("witness 2").await;
    let mut users = Vec::new();
    for name in ["tabs", "quick", "slow", "gone 1", "gone 2"] {
        let mut user = Client::full(&cluster.nodes[0], name).await;
        user.join("general").await;
        for witness in &mut witnesses {
            witness.sees_join(name).await;
        }
        users.push(user);
    }
    let mut other_tab = Client::returning(&cluster.nodes[1], &users[0].token).await;
    other_tab.join("general").await;
    cluster.nodes[0].kill();
    let mut quick = Client::returning(&cluster.nodes[2], &users[1].token).await;
    quick.join("general").await;
    let remaining = [&witnesses[0], &witnesses[1], &other_tab, &quick].map(|session| &session.connection_id);
    let mut remaining: Vec<_> = remaining.into_iter().cloned().collect();
    remaining.sort();
    let http = cluster.nodes[1].http();
    eventually("the dead node is reaped", LONG_DEADLINE, async || {
        (http.connections_if_known("general").await.as_ref() == Some(&remaining)).then_some(())
    })
    .await;
    let mut slow = Client::returning(&cluster.nodes[1], &users[2].token).await;
    slow.join("general").await;

    let first = witnesses[0].expect("leave").await;
    cluster.nodes[3].kill();
    let second = witnesses[0].expect("leave").await;
    let mut told = [first, second].map(|leave| leave["username"].clone());
    told.sort_by_key(Value::to_string);
    assert_eq!(told, ["gone 1", "gone 2"]);
    for name in ["gone 1", "gone 2"] {
        witnesses[1].sees_leave(name).await;
    }
    eventually("the second dead node is reaped", LONG_DEADLINE, async || {
        (http.json("/api/nodes").await["data"].as_array()?.len() == 2).then_some(())
    })
    .await;
    slow.posts("general", "all that are here").await;
    for witness in &mut witnesses {
        witness.receives("all that are here").await;
        assert_quiet(witness).await;
    }
}

#[tokio::test]
async fn a_big_room_gets_no_leave_notice_after_the_grace_period() {
    let settings = [("presence.leave_grace", "1s"), ("presence.announce_up_to", "3")];
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    let mut witness = witness(&cluster, 0, "big").await;
    witness.join("small").await;
    let mut crowd = Vec::new();
    for number in 0..4 {
        let mut client = Client::full(&cluster.nodes[number % 2], &format!("guest {number}")).await;
        client.join("big").await;
        crowd.push(client);
    }
    let mut last = Client::full(&cluster.nodes[1], "last").await;
    last.join("small").await;
    witness.sees_join("last").await;
    witness.take_all();
    crowd.truncate(2);
    let here = [&witness.connection_id, &crowd[0].connection_id, &crowd[1].connection_id].map(String::as_str);
    cluster.until_agreed("big", &here).await;
    // A leave that is due later is announced later, so all earlier ones have been.
    drop(last);
    let leave = witness.sees_leave("last").await;
    assert_eq!(leave["room_id"], "small");
    assert_quiet(&mut witness).await;
}
