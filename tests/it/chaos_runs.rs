//! Every fault of `scripts/chaos`, for a shorter time and with fewer messages; and twins that remove a defence and
//! check that the verdict finds the violation.

use std::time::Duration;

use crate::chaos::crowd::Size;
use crate::chaos::fault::Fault;
use crate::chaos::faults;
use crate::chaos::person::Return;
use crate::chaos::report::Report;
use crate::chaos::run::run;
use crate::chaos::scene::{Length, Plan};

fn plan() -> Plan {
    Plan {
        nodes: 3,
        size: Size { rooms: 2, rate: 40.0, comes_back: Return::Resuming },
        length: Length::Short,
        warm_up: Duration::from_millis(500),
        leave_grace: Duration::from_secs(2),
        log: 1000,
        settings: Vec::new(),
    }
}

/// Runs a fault with a plan; `None` if a program is not installed.
async fn run_with(fault: &str, plan: &Plan) -> Option<Report> {
    let fault = faults::named(fault).expect("a fault of this name");
    run(&fault, plan).await
}

/// Runs a fault and asserts all its checks.
async fn survives(fault: &str) {
    let Some(report) = run_with(fault, &plan()).await else { return };
    assert!(report.verdict.acked > 50, "there was talk: {:?}", report.verdict);
    report.assert_all_held();
}

#[tokio::test]
async fn killed_subscriptions() {
    survives("pubsub-killed").await;
}

#[tokio::test]
async fn a_redis_that_stops_and_starts() {
    survives("redis-stopped").await;
}

#[tokio::test]
async fn a_redis_that_is_killed() {
    survives("redis-killed").await;
}

#[tokio::test]
async fn a_redis_whose_file_lacks_the_last_second() {
    survives("redis-crashed").await;
}

#[tokio::test]
async fn a_redis_that_loses_its_files() {
    survives("redis-emptied").await;
}

#[tokio::test]
async fn a_redis_that_is_flushed() {
    survives("redis-flushed").await;
}

#[tokio::test]
async fn a_redis_that_is_set_back() {
    survives("redis-restored").await;
}

#[tokio::test]
async fn a_redis_that_is_frozen() {
    survives("redis-frozen").await;
}

#[tokio::test]
async fn a_redis_that_is_paused() {
    survives("redis-paused").await;
}

#[tokio::test]
async fn a_redis_whose_clock_is_set_back() {
    survives("redis-clock-back").await;
}

#[tokio::test]
async fn a_redis_without_memory() {
    survives("memory-full").await;
}

#[tokio::test]
async fn a_node_that_is_killed() {
    survives("node-killed").await;
}

#[tokio::test]
async fn a_node_that_is_frozen() {
    survives("node-frozen").await;
}

#[tokio::test]
async fn a_node_that_is_paused() {
    survives("node-stands-still").await;
}

#[tokio::test]
async fn unread_logs() {
    survives("log-blocked").await;
}

#[tokio::test]
async fn nodes_without_a_free_descriptor() {
    survives("descriptors-full").await;
}

#[tokio::test]
async fn nodes_that_restart_in_turn() {
    survives("rolling-restart").await;
}

#[tokio::test]
async fn a_balancer_that_restarts() {
    survives("balancer-restarted").await;
}

// --- twins: without a defence the verdict finds the violation ---

#[tokio::test]
async fn readers_that_do_not_resume_miss_messages() {
    let plan = Plan { size: Size { comes_back: Return::Blindly, ..plan().size }, ..plan() };
    let Some(report) = run_with("balancer-restarted", &plan).await else { return };
    assert!(report.verdict.missing > 0, "{:#?}", report.verdict);
    assert_eq!((report.verdict.doubled, report.verdict.disordered, report.verdict.conflicts), (0, 0, 0));
}

#[tokio::test]
async fn messages_trimmed_from_the_log_are_announced() {
    let plan = Plan { settings: vec![("history.max_messages", "1")], ..plan() };
    let fault = Fault {
        inject: |scene| {
            Box::pin(async {
                // Often, since a lost subscription is back within milliseconds.
                for _ in 0..100 {
                    scene.cluster.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
                    scene.endure(0.02, 0.02).await;
                }
            })
        },
        ..faults::named("pubsub-killed").expect("a fault of this name")
    };
    let Some(report) = run(&fault, &plan).await else { return };
    let verdict = &report.verdict;
    assert!(verdict.gaps > 0 && verdict.announced > 0, "there is no repair without a log: {verdict:#?}");
    assert_eq!((verdict.missing, verdict.holes), (0, 0), "{verdict:#?}");
}

#[tokio::test]
async fn a_redis_without_persistence_loses_acknowledged_messages() {
    let fault = Fault {
        inject: |scene| {
            Box::pin(async {
                scene.cluster.redis.command(&["CONFIG", "SET", "appendonly", "no"]).await;
                scene.endure(1.0, 1.0).await;
                scene.cluster.redis.kill();
                scene.cluster.redis.restart().await;
            })
        },
        ..faults::named("redis-killed").expect("a fault of this name")
    };
    let Some(report) = run(&fault, &plan()).await else { return };
    assert!(report.verdict.announced > 10 && report.verdict.resets > 0, "{:#?}", report.verdict);
    // The loss is announced.
    report.assert_all_held();
}

#[tokio::test]
async fn without_a_grace_period_moving_sessions_are_announced() {
    // The verdict still expects the grace period of the plan.
    let plan = Plan { settings: vec![("presence.leave_grace", "0s")], ..plan() };
    let Some(report) = run_with("rolling-restart", &plan).await else { return };
    assert!(!report.notices.unexpected.is_empty());
    assert_eq!(report.verdict.missing, 0, "{:#?}", report.verdict);
}

#[tokio::test]
async fn a_node_that_is_cut_off() {
    survives("node-cut").await;
}

#[tokio::test]
async fn sockets_that_are_half_open() {
    survives("half-open").await;
}

#[tokio::test]
async fn all_connections_cut_at_once() {
    survives("everybody-cut").await;
}

#[tokio::test]
async fn a_master_that_sentinels_replace() {
    survives("sentinel-failover").await;
}

#[tokio::test]
async fn a_master_that_sentinels_replace_by_a_replica_that_has_all() {
    survives("sentinel-failover-acked").await;
}

#[tokio::test]
async fn a_master_of_a_redis_cluster_that_is_replaced() {
    survives("cluster-failover").await;
}

#[tokio::test]
async fn a_master_of_a_redis_cluster_that_is_replaced_by_a_replica_that_has_all() {
    survives("cluster-failover-acked").await;
}

#[tokio::test]
async fn slots_that_move() {
    survives("slot-migration").await;
}

#[tokio::test]
async fn every_fault_is_run_here() {
    let this = include_str!("chaos_runs.rs");
    for fault in faults::all() {
        assert!(this.contains(&format!("survives(\"{}\")", fault.name)), "{} has no short run", fault.name);
    }
}
