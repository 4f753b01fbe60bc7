//! Faults of Redis with several servers: failovers, and slots that migrate.

use futures_util::future::LocalBoxFuture;

use crate::chaos::checks::{HEALED_IN_8_S, NO_SESSION_DROPPED, NOTHING_LOST, RESETS_TOLD};
use crate::chaos::fault::Fault;
use crate::chaos::scene::{Plan, Scene};
use crate::harness::store::Store;
use crate::harness::{Cluster, RedisCluster, Sentinels};

/// An ack waits for a replica to have the message.
const REPLICATED: &[(&str, &str)] = &[("redis.min_replicas_acked", "1")];

const SENTINEL: Fault = Fault {
    name: "sentinel-failover",
    about: "the master is killed; the Sentinels make a replica the master",
    start: with_sentinels,
    settings: &[],
    inject: |scene| Box::pin(kill_watched_master(scene)),
    expects: &[NO_SESSION_DROPPED, RESETS_TOLD, HEALED_IN_8_S],
};

const CLUSTER: Fault = Fault {
    name: "cluster-failover",
    about: "the master of the busiest room in a Redis Cluster is killed; its replica takes over, and it comes back as that one's",
    start: with_cluster,
    settings: &[],
    inject: |scene| Box::pin(kill_master_of_main_room(scene)),
    expects: &[NO_SESSION_DROPPED, RESETS_TOLD, HEALED_IN_8_S],
};

/// All of them.
pub const FAULTS: &[Fault] = &[
    SENTINEL,
    Fault {
        name: "sentinel-failover-acked",
        about: "the same with redis.min_replicas_acked = 1",
        settings: REPLICATED,
        expects: &[NO_SESSION_DROPPED, NOTHING_LOST, HEALED_IN_8_S],
        ..SENTINEL
    },
    CLUSTER,
    Fault {
        name: "cluster-failover-acked",
        about: "the same with redis.min_replicas_acked = 1",
        settings: REPLICATED,
        expects: &[NO_SESSION_DROPPED, NOTHING_LOST, HEALED_IN_8_S],
        ..CLUSTER
    },
    Fault {
        name: "slot-migration",
        about: "the slots of all rooms move to other masters of a Redis Cluster, key by key",
        start: with_cluster,
        settings: &[],
        inject: |scene| Box::pin(migrate_rooms(scene)),
        expects: &[NO_SESSION_DROPPED, NOTHING_LOST, HEALED_IN_8_S],
    },
];

fn with_sentinels(plan: &Plan) -> LocalBoxFuture<'_, Option<Scene>> {
    Box::pin(async { around(plan, Sentinels::start().await?.into()).await })
}

fn with_cluster(plan: &Plan) -> LocalBoxFuture<'_, Option<Scene>> {
    Box::pin(async { around(plan, RedisCluster::start().await?.into()).await })
}

/// Sets up a run on an existing Redis.
pub(super) async fn around(plan: &Plan, store: Store) -> Option<Scene> {
    let urls = vec![store.url(); plan.nodes];
    Scene::around(plan, |settings| {
        Box::pin(async move { Some(Cluster::reaching(store, &urls, settings).await) })
    })
    .await
}

async fn kill_watched_master(scene: &mut Scene) {
    let Store::Sentinels(sentinels) = &mut scene.cluster.redis else { unreachable!("started with them") };
    let master = sentinels.master().await;
    sentinels.servers[master].kill();
    sentinels.until_not_master(master).await;
}

fn redis_cluster(scene: &mut Scene) -> &mut RedisCluster {
    match &mut scene.cluster.redis {
        Store::Cluster(cluster) => cluster,
        _ => unreachable!("started with one"),
    }
}

async fn kill_master_of_main_room(scene: &mut Scene) {
    let tag = format!("{{{}}}", scene.main_room());
    let cluster = redis_cluster(scene);
    let slot = cluster.slot(&tag).await;
    let master = cluster.master(slot).await;
    cluster.servers[master].kill();
    cluster.until_not_master(slot, master).await;
    // It returns as the replica of the new master.
    cluster.servers[master].restart().await;
}

async fn migrate_rooms(scene: &mut Scene) {
    for room in scene.rooms().to_vec() {
        let cluster = redis_cluster(scene);
        let slot = cluster.slot(&format!("{{{room}}}")).await;
        let (from, to) = (cluster.master(slot).await, cluster.another_master(slot).await);
        cluster.open_slot(slot, from, to).await;
        scene.endure(0.5, 0.2).await;
        let cluster = redis_cluster(scene);
        while cluster.move_keys(slot, from, to, 20).await > 0 {}
        cluster.hand_over(slot, from, to).await;
        scene.endure(0.5, 0.2).await;
    }
}
