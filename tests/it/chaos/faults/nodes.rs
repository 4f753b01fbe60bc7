//! Faults of nodes and of the balancer.

use std::time::Instant;

use crate::chaos::checks::{HEALED_IN_8_S, LEAVES_ONCE, NOTHING_LOST, SESSIONS_MOVED};
use crate::chaos::fault::{Fault, start_scene};
use crate::chaos::scene::Scene;

/// All of them.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "node-killed",
        about: "a node is killed, and 8 s later another one takes its place",
        start: start_scene,
        settings: &[],
        inject: |scene| Box::pin(kill(scene)),
        expects: &[SESSIONS_MOVED, NOTHING_LOST, LEAVES_ONCE, HEALED_IN_8_S],
    },
    Fault {
        name: "node-frozen",
        about: "a node is frozen (SIGSTOP) for 15 s",
        start: start_scene,
        settings: &[],
        inject: |scene| Box::pin(freeze(scene)),
        expects: &[SESSIONS_MOVED, NOTHING_LOST, LEAVES_ONCE, HEALED_IN_8_S],
    },
    Fault {
        name: "rolling-restart",
        about: "every node in turn is stopped and started again",
        start: start_scene,
        settings: &[],
        inject: |scene| Box::pin(restart_all(scene)),
        expects: &[SESSIONS_MOVED, NOTHING_LOST, HEALED_IN_8_S],
    },
    Fault {
        name: "balancer-restarted",
        about: "the balancer is killed and started again",
        start: start_scene,
        settings: &[],
        inject: |scene| Box::pin(restart_balancer(scene)),
        expects: &[SESSIONS_MOVED, NOTHING_LOST, HEALED_IN_8_S],
    },
];

async fn kill(scene: &mut Scene) {
    scene.cluster.nodes[1].kill();
    // Long enough for the lease to expire.
    scene.endure(8.0, 8.0).await;
    scene.cluster.nodes[1].restart().await;
}

async fn freeze(scene: &mut Scene) {
    let since = Instant::now();
    scene.cluster.nodes[1].freeze();
    scene.endure(15.0, 11.0).await;
    scene.cluster.nodes[1].thaw();
    scene.was_away(1, since);
}

async fn restart_all(scene: &mut Scene) {
    for node in &mut scene.cluster.nodes {
        node.terminate();
        node.exited().await;
        node.restart().await;
    }
}

async fn restart_balancer(scene: &mut Scene) {
    scene.balancer.kill();
    scene.balancer.restart().await;
}
