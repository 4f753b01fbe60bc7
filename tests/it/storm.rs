//! All clients are disconnected at once and reconnect.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::http::encode;
use crate::harness::stopwatch::Stopwatch;
use crate::harness::swarm::Tally;
use crate::harness::{Client, Cluster, DEADLINE, HaProxy, LONG_DEADLINE, Node, Swarm, eventually};

/// Sessions in a room.
const IN_A_ROOM: usize = 50;

/// Messages posted in each room while all clients are disconnected.
const SAID: usize = 3;

/// The number of clients. `ADDA_STORM=5000` with a release build measures the cost of a storm: the figures are in the
/// test's output.
fn sessions() -> usize {
    std::env::var("ADDA_STORM").ok().map_or(300, |count| count.parse().expect("a number of sessions"))
}

fn room(number: usize) -> String {
    format!("room {}", number / IN_A_ROOM)
}

/// Three nodes that log only warnings.
async fn begin(leave_grace: &str) -> Option<Cluster> {
    // Raised as far as allowed; for the usual number the default is enough.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    // A post over REST waits for as long as it takes to let all clients in again.
    let settings = [
        ("log.level", "warn"),
        ("presence.leave_grace", leave_grace),
        ("redis.pool_wait", "30s"),
        ("redis.command_timeout", "10s"),
        ("redis.connect_timeout", "10s"),
        ("redis.canary_late", "30s"),
    ];
    Cluster::with(3, &settings).await
}

fn ports(cluster: &Cluster) -> Vec<u16> {
    cluster.nodes.iter().map(|node| node.port).collect()
}

fn stopwatch(cluster: &Cluster) -> Stopwatch {
    let nodes = cluster.nodes.iter().map(Node::process);
    let processes: Vec<_> = [cluster.redis.process(), std::process::id()].into_iter().chain(nodes).collect();
    Stopwatch::start(&processes)
}

fn tell(watch: &Stopwatch, tally: &Tally) {
    let (elapsed, busy) = watch.read();
    let count = seen(&tally.inside);
    eprintln!(
        "{count} sessions were back after {elapsed:.2?}; Redis, this test and the nodes were busy for {busy:.2?}"
    );
    eprintln!("{tally:?}");
}

/// The rooms of so many sessions.
fn rooms(count: usize) -> impl Iterator<Item = String> {
    (0..count).step_by(IN_A_ROOM).map(room)
}

/// Posts some messages in each room. A node that is busy with all who come back may refuse one, which is sent again.
async fn speak(cluster: &Cluster, count: usize) {
    for number in 0..SAID {
        let posts = rooms(count).zip(cluster.nodes.iter().cycle()).map(async |(room, node)| {
            let path = format!("/api/rooms/{}/messages", encode(&room));
            let message = json!({ "content": format!("message {number}"), "username": "curl" });
            eventually("the message is posted", LONG_DEADLINE, async || {
                let call = node
                    .http()
                    .call("POST", &path)
                    .header("idempotency-key", &format!("{room} {number}").replace(' ', "-"));
                let reply = call.json(&message).send().await;
                assert!([201, 503].contains(&reply.status), "{reply:?}");
                (reply.status == 201).then_some(())
            })
            .await;
        });
        join_all(posts).await;
    }
}

fn seen(counter: &AtomicUsize) -> usize {
    counter.load(Ordering::Relaxed)
}

/// Waits until every leave that was pending before this call is announced or dropped: one that becomes pending now is
/// due after all of them.
async fn until_grace_periods_are_over(cluster: &Cluster) {
    let mut watcher = Client::full(&cluster.nodes[0], "watcher").await;
    watcher.join("beside").await;
    let mut last = Client::full(&cluster.nodes[0], "last").await;
    last.join("beside").await;
    drop(last);
    let is_leave = |frame: &Value| frame["type"] == "leave" && frame["username"] == "last";
    let leave = watcher.find_within(LONG_DEADLINE, "the leave of the last to break off", is_leave).await;
    assert!(leave.is_some(), "the watcher stays connected");
}

/// Asserts that all clients are back, have missed no message, and received no notice.
async fn assert_unnoticed(cluster: &Cluster, swarm: &Swarm, count: usize, joins_before: usize) {
    let tally = swarm.tally();
    let received = async || (seen(&tally.messages) == count * (1 + SAID)).then_some(());
    eventually("all clients have received all messages", LONG_DEADLINE, received).await;
    until_grace_periods_are_over(cluster).await;
    assert_eq!(seen(&tally.messages), count * (1 + SAID), "each once");
    assert_eq!((seen(&tally.recovered), seen(&tally.unrecovered)), (count, 0), "all go on where they were");
    assert_eq!(seen(&tally.misplaced), 0, "in order");
    assert_eq!(seen(&tally.joins) - joins_before, 0, "no join is announced");
    assert_eq!(seen(&tally.leaves), 0, "no leave is announced");
    for node in &cluster.nodes {
        for (number, room) in rooms(count).enumerate() {
            let in_it = IN_A_ROOM.min(count - number * IN_A_ROOM);
            assert_eq!(node.http().connections(&room).await.len(), in_it, "{room}");
        }
    }
}

#[tokio::test]
async fn simultaneous_reconnects_are_not_announced() {
    let count = sessions();
    let Some(cluster) = begin("15s").await else { return };
    let swarm = Swarm::enter(count, &ports(&cluster), room).await;
    swarm.settle(cluster.nodes[0].http(), rooms(count)).await;
    let joins = seen(&swarm.tally().joins);
    let watch = stopwatch(&cluster);
    swarm.cut();
    tokio::join!(speak(&cluster, count), swarm.until_inside(count));
    tell(&watch, swarm.tally());
    assert_unnoticed(&cluster, &swarm, count, joins).await;
    assert_eq!(seen(&swarm.tally().losses), 0, "no message is lost");
}

#[tokio::test]
async fn all_clients_return_after_a_balancer_dies() {
    let count = sessions();
    let Some(cluster) = begin("10s").await else { return };
    let Some(mut balancer) = HaProxy::start(&ports(&cluster)).await else { return };
    let swarm = Swarm::enter(count, &[balancer.port], room).await;
    swarm.settle(cluster.nodes[0].http(), rooms(count)).await;
    balancer.kill();
    let tally = swarm.tally();
    let gone = async || (seen(&tally.inside) == 0).then_some(());
    eventually("all clients have noticed", DEADLINE, gone).await;
    let joins = seen(&tally.joins);
    let watch = stopwatch(&cluster);
    balancer.restart().await;
    tokio::join!(speak(&cluster, count), swarm.until_inside(count));
    tell(&watch, tally);
    assert_unnoticed(&cluster, &swarm, count, joins).await;
}

/// The twin: only the grace period suppresses the notices.
#[tokio::test]
async fn without_a_grace_period_simultaneous_reconnects_are_announced() {
    let Some(cluster) = begin("0s").await else { return };
    let swarm = Swarm::enter(IN_A_ROOM, &ports(&cluster), room).await;
    swarm.settle(cluster.nodes[0].http(), rooms(IN_A_ROOM)).await;
    let joins = seen(&swarm.tally().joins);
    swarm.cut();
    swarm.until_inside(IN_A_ROOM).await;
    let told = async || (seen(&swarm.tally().joins) > joins).then_some(());
    eventually("the clients that are back receive joins", DEADLINE, told).await;
}
