//! Three nodes over one Redis: they agree on members and order, miss no message, and list no ghosts.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;

use crate::harness::{Client, Cluster, Dial, LONG_DEADLINE, eventually};

#[tokio::test]
async fn every_node_lists_a_session_as_soon_as_its_join_returns() {
    let Some(cluster) = Cluster::start(3).await else { return };
    let mut sessions = Vec::new();
    for place in 0..6 {
        sessions.push(Client::full(&cluster.nodes[place % 3], &format!("guest {place}")).await);
    }
    let rooms = ["one", "two"];
    let mut inside: [BTreeSet<usize>; 2] = Default::default();
    // Visits every session and room in an order that fills and empties both rooms several times.
    for step in 0..48_usize {
        let (place, room) = (step * 5 % 6, step * 7 / 3 % 2);
        let session = &mut sessions[place];
        if inside[room].insert(place) {
            let joined = session.join(rooms[room]).await;
            assert_eq!(joined["client_count"], inside[room].len(), "{joined}");
        } else {
            inside[room].remove(&place);
            session.leave(rooms[room]).await;
        }
        let ids: Vec<_> = inside[room].iter().map(|place| sessions[*place].connection_id.as_str()).collect();
        cluster.agree(rooms[room], &ids).await;
    }
}

#[tokio::test]
async fn every_node_forgets_sessions_that_close_or_break_off() {
    let Some(cluster) = Cluster::start(3).await else { return };
    let mut witness = Client::full(&cluster.nodes[2], "witness").await;
    witness.join("general").await;
    let mut closing = Client::full(&cluster.nodes[0], "closing").await;
    let mut breaking = Client::full(&cluster.nodes[1], "breaking").await;
    let plain = Dial::plain(cluster.nodes[1].port, "/ws/general/plain").open().await;
    closing.join("general").await;
    breaking.join("general").await;
    witness.sees_join("plain").await;
    closing.close().await;
    drop(breaking);
    drop(plain);
    cluster.until_agreed("general", &[&witness.connection_id]).await;
    for node in &cluster.nodes {
        assert_eq!(node.http().rooms().await, [("general".to_owned(), 1)]);
    }
}

#[tokio::test]
async fn thirty_writers_on_three_nodes_see_one_order() {
    const WRITERS: usize = 30;
    const EACH: usize = 20;
    let Some(cluster) = Cluster::start(3).await else { return };
    let mut clients = Vec::new();
    for place in 0..WRITERS {
        let mut client = Client::full(&cluster.nodes[place % 3], &format!("writer {place}")).await;
        client.join("general").await;
        clients.push(client);
    }
    let talk = clients.into_iter().map(|mut client| async move {
        for number in 0..EACH {
            client.posts("general", &format!("{} says {number}", client.username)).await;
        }
        client.texts(WRITERS * EACH).await
    });
    let received: Vec<Vec<Value>> = join_all(talk).await;
    let seqs: Vec<_> = received[0].iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=(WRITERS * EACH) as u64).collect::<Vec<_>>());
    let contents: BTreeSet<_> = received[0].iter().map(|message| message["content"].to_string()).collect();
    assert_eq!(contents.len(), WRITERS * EACH, "each message once");
    for other in &received {
        assert!(other == &received[0], "all see the same messages in the same order");
    }
    let logged = cluster.nodes[1].http().messages("general", "?limit=200").await;
    assert_eq!(logged, received[0][WRITERS * EACH - 200..]);
}

/// A late UNSUBSCRIBE for a session that left must not end the subscription of one that joined. The rooms fill and
/// empty while every node sweeps its empty rooms several times.
#[tokio::test]
async fn a_join_to_a_room_that_was_just_emptied_receives_its_messages() {
    const WORKERS: usize = 20;
    const ROUNDS: usize = 20;
    const SWEEPS: Duration = Duration::from_secs(5);
    let Some(cluster) = Cluster::with(3, &[("presence.unsubscribe_after", "1ms")]).await else { return };
    let (cluster, begin) = (&cluster, Instant::now());
    let workers = (0..WORKERS).map(|worker| async move {
        let mut leaving = Client::full(&cluster.nodes[0], "leaving").await;
        let mut near = Client::full(&cluster.nodes[0], "near").await;
        let mut far = Client::full(&cluster.nodes[1], "far").await;
        let mut rounds = 0;
        while rounds < ROUNDS || begin.elapsed() < SWEEPS {
            let room = format!("room {worker} {}", rounds % 4);
            leaving.join(&room).await;
            leaving.leave(&room).await;
            near.join(&room).await;
            far.join(&room).await;
            let content = format!("round {rounds}");
            cluster.nodes[2].http().post(&room, &content).await;
            near.receives(&content).await;
            far.receives(&content).await;
            near.leave(&room).await;
            far.leave(&room).await;
            rounds += 1;
        }
    });
    join_all(workers).await;
    for node in &cluster.nodes {
        assert!(node.http().rooms().await.is_empty(), "all have left");
    }
}

#[tokio::test]
async fn the_sessions_of_a_killed_node_are_gone_everywhere_and_announced_once() {
    let Some(mut cluster) = Cluster::with(3, &[("presence.leave_grace", "1s")]).await else { return };
    let mut witnesses = [
        Client::full(&cluster.nodes[1], "witness 1").await,
        Client::full(&cluster.nodes[2], "witness 2").await,
    ];
    for witness in &mut witnesses {
        witness.join("general").await;
    }
    let mut victims = Vec::new();
    for number in 0..5 {
        let mut victim = Client::full(&cluster.nodes[0], &format!("victim {number}")).await;
        victim.join("general").await;
        victim.join("only theirs").await;
        victims.push(victim);
    }
    cluster.nodes.remove(0).kill();
    let left: Vec<_> = witnesses.iter().map(|witness| witness.connection_id.clone()).collect();
    let mut expected = left.clone();
    expected.sort();
    let nodes = &cluster.nodes;
    eventually("the dead node's sessions are in no answer", Duration::from_secs(8), async || {
        let mut are_gone = true;
        for node in nodes {
            are_gone &= node.http().connections("general").await == expected;
            are_gone &= node.http().rooms().await == [("general".to_owned(), 2)];
            are_gone &= node.http().json("/api/nodes").await["data"].as_array().unwrap().len() == 2;
        }
        are_gone.then_some(())
    })
    .await;
    for witness in &mut witnesses {
        for victim in &victims {
            witness.sees_leave(&victim.username).await;
        }
    }
    for witness in &mut witnesses {
        witness.posts("general", "nobody else").await;
        witness.receives("nobody else").await;
        assert!(witness.untaken("leave").is_empty(), "each leave once: {witness}");
    }
}

/// The Redis commands of two nodes with idle sessions. The window is long enough for every timer of a node to fire
/// several times.
#[tokio::test]
async fn idle_sessions_cost_redis_nothing() {
    const WINDOW: Duration = Duration::from_secs(5);
    // Excludes the sweep of a new generation, two leases after its beginning.
    let settings = [("presence.renew_every", "1s"), ("presence.lease", "60s")];
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    let mut sessions = Vec::new();
    for place in 0..300 {
        let mut session = Client::full(&cluster.nodes[place % 2], &format!("idle {place}")).await;
        session.join(&format!("room {}", place % 30)).await;
        sessions.push(session);
    }
    // Excludes the joins and the verification that follows them: until Redis tracks the 30 rooms, each for one node,
    // and the index and the room list for both nodes. The sizes of rooms are written again in some of the first windows.
    eventually("nothing is left to compare", LONG_DEADLINE, async || {
        (cluster.redis.stat("tracking_total_items").await == 34).then_some(())
    })
    .await;
    eventually(
        "a lease, its figures, the look at schedules and the comparison of rooms",
        LONG_DEADLINE,
        async || {
            let (before, began) = (cluster.redis.stat("total_commands_processed").await, Instant::now());
            tokio::time::sleep(WINDOW).await;
            let spent = cluster.redis.stat("total_commands_processed").await - before;
            (spent as f64 <= 45.0 * began.elapsed().as_secs_f64()).then_some(())
        },
    )
    .await;
    assert_eq!(cluster.nodes[0].http().rooms().await.len(), 30);
}

#[tokio::test]
async fn messages_survive_a_restart_of_every_node_and_of_redis() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    for content in ["one", "two", "three"] {
        rahim.posts("general", content).await;
    }
    let received = rahim.texts(3).await;
    for node in &mut cluster.nodes {
        node.kill();
    }
    for node in &mut cluster.nodes {
        node.restart().await;
    }
    assert_eq!(cluster.nodes[1].http().messages("general", "").await, received);

    cluster.redis.kill();
    for node in &mut cluster.nodes {
        node.until_readyz(503).await;
    }
    cluster.redis.restart().await;
    for node in &mut cluster.nodes {
        node.until_ready().await;
    }
    assert_eq!(cluster.nodes[0].http().messages("general", "").await, received);
    let mut back = Client::full(&cluster.nodes[1], "back").await;
    assert_eq!(back.join("general").await["messages"].as_array().unwrap(), &received);
    assert_eq!(back.posts("general", "four").await["seq"], 4, "numbering continues");
}

#[tokio::test]
async fn a_node_that_comes_later_is_a_node_like_any_other() {
    let Some(mut cluster) = Cluster::start(1).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join("general").await;
    rahim.posts("general", "early").await;
    let late = cluster.add_node().await;
    let mut karim = Client::full(&cluster.nodes[late], "করিম").await;
    let joined = karim.join("general").await;
    assert_eq!((&joined["client_count"], &joined["messages"][0]["content"]), (&2.into(), &"early".into()));
    karim.posts("general", "late").await;
    rahim.receives("late").await;
    cluster.agree("general", &[&rahim.connection_id, &karim.connection_id]).await;
}
