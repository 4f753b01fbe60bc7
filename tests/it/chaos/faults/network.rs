//! Faults of the network: packet loss, and a reset of all connections at once. Each run has a network namespace
//! of its own, which needs root.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::LocalBoxFuture;
use tokio::time::sleep;

use crate::chaos::checks::{HEALED_IN_8_S, NO_SESSION_DROPPED, NOTHING_LOST, SESSIONS_MOVED};
use crate::chaos::fault::Fault;
use crate::chaos::scene::{Length, Plan, Scene};
use crate::harness::stopwatch::Stopwatch;
use crate::harness::{Cluster, Http, Network, Swarm};

/// All of them.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "node-cut",
        about: "packets between a node and Redis are lost for 10 s, while its clients are on it",
        start,
        settings: &[],
        inject: |scene| Box::pin(cut_node(scene)),
        // A connection attempt whose packets were lost must time out first.
        expects: &[NO_SESSION_DROPPED, NOTHING_LOST, HEALED_IN_8_S],
    },
    Fault {
        name: "half-open",
        about: "packets between a node and its clients are lost; it closes sessions after 8 s of silence",
        start,
        settings: &[("session.ping_every", "2s"), ("session.idle_timeout", "8s")],
        inject: |scene| Box::pin(lose_clients(scene)),
        expects: &[SESSIONS_MOVED, NOTHING_LOST, HEALED_IN_8_S],
    },
    Fault {
        name: "everybody-cut",
        about: "every connection breaks at once, those of 5,000 listening clients among them",
        start,
        // The default grace period must be enough to announce none of these clients.
        settings: &[("presence.leave_grace", "10s")],
        inject: |scene| Box::pin(cut_everybody(scene)),
        expects: &[SESSIONS_MOVED, NOTHING_LOST, HEALED_IN_8_S],
    },
];

fn start(plan: &Plan) -> LocalBoxFuture<'_, Option<Scene>> {
    Box::pin(async {
        let network = Network::enter()?;
        let mut scene =
            Scene::around(plan, |settings| Box::pin(Cluster::by_ways(plan.nodes, settings))).await?;
        scene.network = Some(network);
        Some(scene)
    })
}

fn network(scene: &Scene) -> &Network {
    scene.network.as_ref().expect("started in one")
}

async fn cut_node(scene: &mut Scene) {
    let since = Instant::now();
    network(scene).lose_address(&Cluster::way(1));
    // Longer than a lease, so that the others reap its sessions.
    scene.endure(10.0, 8.0).await;
    network(scene).heal();
    scene.was_away(1, since);
}

async fn lose_clients(scene: &mut Scene) {
    let (since, port) = (Instant::now(), scene.nodes()[1]);
    network(scene).lose_port(port);
    // Long enough for both ends to time out.
    sleep(Duration::from_secs(11)).await;
    network(scene).heal();
    scene.was_away(1, since);
}

/// Sessions in a room of the swarm.
const IN_A_ROOM: usize = 50;

/// Time after `presence.leave_grace` within which a wrong leave notice would arrive.
const WATCH: Duration = Duration::from_secs(12);

/// The shortest time over which the load of Redis is measured; the clients may be back sooner.
const A_WHILE: Duration = Duration::from_secs(5);

async fn cut_everybody(scene: &mut Scene) {
    let count = if scene.length == Length::Full { 5000 } else { 200 };
    // Raised as far as allowed; for the short run the default is enough.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let room = |number: usize| format!("rows of seats {}", number / IN_A_ROOM);
    let swarm = Swarm::enter(count, scene.nodes(), room).await;
    swarm.settle(Http::new(scene.nodes()[0]), (0..count).step_by(IN_A_ROOM).map(room)).await;
    let joins = swarm.tally().joins.load(Ordering::Relaxed);
    let watch = Stopwatch::start(&[scene.cluster.redis.process()]);
    swarm.cut();
    for port in scene.nodes() {
        network(scene).break_connections(*port);
    }
    swarm.until_inside(count).await;
    let (elapsed, busy) = watch.read();
    let busy = busy[0];
    sleep(WATCH).await;

    let tally = swarm.tally();
    let is_full = scene.length == Length::Full;
    let notices = seen(&tally.joins) - joins + seen(&tally.leaves);
    let findings = [
        ("each of the crowd resumes", seen(&tally.recovered) == count && seen(&tally.unrecovered) == 0),
        ("no join or leave of the crowd is announced", notices == 0),
        ("the crowd is back within 20 s", !is_full || elapsed < Duration::from_secs(20)),
        ("Redis keeps less than half a processor busy", !is_full || busy < A_WHILE.max(elapsed) / 2),
    ];
    let said = format!("after {elapsed:.1?}, in which Redis was busy for {busy:.1?}; {tally:?}");
    let results = findings.map(|(name, holds)| (name, if holds { Ok(()) } else { Err(said.clone()) }));
    scene.findings.extend(results);
    scene.swarm = Some(swarm);
}

fn seen(counter: &AtomicUsize) -> usize {
    counter.load(Ordering::Relaxed)
}
