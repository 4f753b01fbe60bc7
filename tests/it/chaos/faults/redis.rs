//! Faults of Redis.

use std::time::Duration;

use tokio::time::sleep;

use futures_util::future::LocalBoxFuture;

use super::topologies::around;
use crate::chaos::checks::{
    HEALED_IN_2_S, NO_SESSION_DROPPED, NOTHING_LOST, READINESS_SAID_NO, READINESS_SAID_YES, RESETS_TOLD,
};
use crate::chaos::fault::{Fault, start_scene};
use crate::chaos::scene::{Plan, Scene};
use crate::harness::redis::RedisServer;

/// All of them.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "pubsub-killed",
        about: "CLIENT KILL TYPE pubsub every second for 8 s",
        start: start_scene,
        settings: &[],
        inject: |scene| Box::pin(kill_subscriptions(scene)),
        expects: &[NO_SESSION_DROPPED, NOTHING_LOST],
    },
    Fault {
        name: "redis-stopped",
        about: "Redis is shut down and comes back with its file 3 s later",
        start: start_scene,
        settings: &[],
        inject: |scene| Box::pin(stop(scene)),
        expects: &[NO_SESSION_DROPPED, NOTHING_LOST, READINESS_SAID_NO, HEALED_IN_2_S],
    },
    Fault {
        name: "redis-killed",
        about: "Redis is killed (appendfsync everysec) and started again",
        start: start_scene,
        settings: &[],
        inject: |scene| Box::pin(kill(scene)),
        expects: &[NO_SESSION_DROPPED, HEALED_IN_2_S],
    },
    Fault {
        name: "redis-crashed",
        about: "Redis and its machine crash, so that its file lacks the last second, and start again",
        start: start_scene,
        settings: &[],
        inject: |scene| Box::pin(crash(scene)),
        expects: &[NO_SESSION_DROPPED, RESETS_TOLD, HEALED_IN_2_S],
    },
    Fault {
        name: "redis-emptied",
        about: "Redis is killed, loses its files and is started again",
        start: start_scene,
        settings: &[],
        inject: |scene| Box::pin(empty(scene)),
        expects: &[NO_SESSION_DROPPED, RESETS_TOLD, HEALED_IN_2_S],
    },
    Fault {
        name: "redis-flushed",
        about: "FLUSHALL",
        start: start_scene,
        settings: &[],
        inject: |scene| Box::pin(flush(scene)),
        expects: &[NO_SESSION_DROPPED, RESETS_TOLD, HEALED_IN_2_S],
    },
    Fault {
        name: "redis-restored",
        about: "Redis is killed and started again from a copy that is 10 s old",
        start: start_scene,
        settings: &[],
        inject: |scene| Box::pin(restore(scene)),
        expects: &[NO_SESSION_DROPPED, RESETS_TOLD, HEALED_IN_2_S],
    },
    Fault {
        name: "redis-frozen",
        about: "Redis is frozen (SIGSTOP) for 10 s",
        start: start_scene,
        settings: &[],
        inject: |scene| Box::pin(freeze(scene)),
        expects: &[NO_SESSION_DROPPED, NOTHING_LOST, READINESS_SAID_NO, HEALED_IN_2_S],
    },
    Fault {
        name: "redis-paused",
        about: "CLIENT PAUSE for 4 s",
        start: start_scene,
        settings: &[],
        inject: |scene| Box::pin(pause(scene)),
        expects: &[NO_SESSION_DROPPED, NOTHING_LOST, READINESS_SAID_NO, HEALED_IN_2_S],
    },
    Fault {
        name: "redis-clock-back",
        about: "the clock of Redis is set back by 40 s, then by 6 h, forward by 6 h and right again",
        start: with_clock,
        settings: &[],
        inject: |scene| Box::pin(set_clock(scene)),
        expects: &[NO_SESSION_DROPPED, NOTHING_LOST, READINESS_SAID_YES, HEALED_IN_2_S],
    },
    Fault {
        name: "memory-full",
        about: "Redis is at its maxmemory for 8 s",
        start: start_scene,
        settings: &[],
        inject: |scene| Box::pin(fill_memory(scene)),
        expects: &[NO_SESSION_DROPPED, NOTHING_LOST, HEALED_IN_2_S],
    },
];

fn with_clock(plan: &Plan) -> LocalBoxFuture<'_, Option<Scene>> {
    Box::pin(async { around(plan, RedisServer::with_clock(&[]).await?.into()).await })
}

async fn kill_subscriptions(scene: &mut Scene) {
    let seconds = scene.length.seconds(8.0, 3.0).as_secs();
    for _ in 0..seconds {
        scene.cluster.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        sleep(Duration::from_secs(1)).await;
    }
}

async fn stop(scene: &mut Scene) {
    scene.cluster.redis.shut_down().await;
    scene.endure(3.0, 2.0).await;
    scene.cluster.redis.restart().await;
}

async fn kill(scene: &mut Scene) {
    scene.cluster.redis.kill();
    scene.cluster.redis.restart().await;
}

async fn crash(scene: &mut Scene) {
    let kept = scene.cluster.redis.file_length();
    sleep(Duration::from_secs(1)).await;
    scene.cluster.redis.kill();
    scene.cluster.redis.cut_file(kept);
    scene.cluster.redis.restart().await;
}

async fn empty(scene: &mut Scene) {
    scene.cluster.redis.kill();
    scene.cluster.redis.lose_files();
    scene.cluster.redis.restart().await;
}

async fn flush(scene: &mut Scene) {
    scene.cluster.redis.command(&["FLUSHALL"]).await;
}

async fn restore(scene: &mut Scene) {
    scene.cluster.redis.back_up();
    scene.endure(10.0, 2.0).await;
    scene.cluster.redis.kill();
    scene.cluster.redis.put_backup_back();
    scene.cluster.redis.restart().await;
}

async fn freeze(scene: &mut Scene) {
    scene.cluster.redis.freeze();
    // Longer than a lease, so that every lease has expired.
    scene.endure(10.0, 7.0).await;
    scene.cluster.redis.thaw();
}

async fn pause(scene: &mut Scene) {
    scene.cluster.redis.command(&["CLIENT", "PAUSE", "4000", "ALL"]).await;
    sleep(Duration::from_secs(4)).await;
}

async fn set_clock(scene: &mut Scene) {
    for seconds in [-40, -6 * 3600, 6 * 3600, 0] {
        scene.cluster.redis.set_clock(seconds);
        scene.endure(3.0, 1.0).await;
    }
}

async fn fill_memory(scene: &mut Scene) {
    scene.cluster.redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    scene.endure(8.0, 3.0).await;
    scene.cluster.redis.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
}
