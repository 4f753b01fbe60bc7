//! Faults of a node's process: a blocked log, no free descriptors, a pause.

use futures_util::future::join_all;

use crate::chaos::checks::{HEALED_IN_2_S, NO_SESSION_DROPPED, NOTHING_LOST};
use crate::chaos::fault::{Fault, start_scene};
use crate::chaos::scene::Scene;
use crate::harness::{Cluster, Http, LONG_DEADLINE, RawSocket, eventually};

/// The descriptor limit of a node that is short of them; half are for clients.
const FEW: u32 = 256;

/// All of them.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "log-blocked",
        about: "the nodes' log pipes have no reader and are full",
        start: |plan| {
            Box::pin(Scene::around(plan, |settings| {
                Box::pin(Cluster::launched(plan.nodes, settings, |launch| {
                    launch.unread_log().set("log.queue", "64")
                }))
            }))
        },
        settings: &[],
        inject: |scene| Box::pin(fill_logs(scene)),
        expects: &[NO_SESSION_DROPPED, NOTHING_LOST, HEALED_IN_2_S],
    },
    Fault {
        name: "descriptors-full",
        about: "sockets that send nothing take all descriptors for clients, and Redis drops all connections",
        start: |plan| {
            Box::pin(Scene::around(plan, |settings| {
                Box::pin(Cluster::launched(plan.nodes, settings, |launch| launch.descriptors(FEW)))
            }))
        },
        settings: &[],
        inject: |scene| Box::pin(fill_descriptors(scene)),
        expects: &[NO_SESSION_DROPPED, NOTHING_LOST, HEALED_IN_2_S],
    },
    Fault {
        name: "node-stands-still",
        about: "a node is frozen (SIGSTOP) for longer than a session may be silent, and shorter than clients wait",
        start: start_scene,
        settings: &[("session.ping_every", "1s"), ("session.idle_timeout", "2s")],
        inject: |scene| Box::pin(stand_still(scene)),
        expects: &[NO_SESSION_DROPPED, NOTHING_LOST, HEALED_IN_2_S],
    },
];

async fn fill_logs(scene: &mut Scene) {
    let filling = scene.nodes().iter().map(|port| async {
        // More lines than its pipe and its queue hold.
        RawSocket::connect(*port).await.get_many("/ws", 700).await;
        eventually("log lines are lost", LONG_DEADLINE, async || {
            let metrics = Http::new(*port).metrics().await;
            (metrics.value("adda_log_lines_lost_total") > 0.0).then_some(())
        })
        .await;
    });
    join_all(filling).await;
    scene.endure(8.0, 2.0).await;
}

async fn fill_descriptors(scene: &mut Scene) {
    let mut silent = Vec::new();
    for _ in 0..scene.length.seconds(8.0, 3.0).as_secs() {
        for port in scene.nodes() {
            for _ in 0..FEW {
                silent.push(RawSocket::connect(*port).await);
            }
        }
        for kind in ["normal", "pubsub"] {
            scene.cluster.redis.command(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]).await;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

async fn stand_still(scene: &mut Scene) {
    let since = std::time::Instant::now();
    scene.cluster.nodes[1].freeze();
    scene.endure(4.0, 2.8).await;
    scene.cluster.nodes[1].thaw();
    scene.was_away(1, since);
}
