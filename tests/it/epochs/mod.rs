//! A position names one message, even if Redis loses data, restores old data or fails over: a property, tested along
//! random walks over real redis-servers. ARCHITECTURE.md, *Why a number is never assigned twice*, has the argument.
//!
//! Each walk prints its seed. `ADDA_EPOCHS_SEED=N` repeats a walk; `ADDA_EPOCHS_SECONDS=N` runs new ones for so long,
//! and makes a walk over a Redis Cluster as long.

mod clients;
mod failover;
mod front;
mod held;
mod node;
mod posts;
mod reader;
mod record;
mod server;
mod sharded;
mod unfenced;
mod vanished;
mod walk;
mod world;

use std::time::{Duration, Instant};

use self::walk::Walk;

/// Steps of one walk: about a quarter are losses.
const STEPS: usize = 130;

/// Walks of a usual run.
const WALKS: u32 = 5;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Runs one walk; fails on the first violation.
async fn run_walk(seed: u64) -> Option<()> {
    let mut walk = Walk::start(seed).await?;
    let started = Instant::now();
    walk.go(STEPS).await;
    let (losses, told) = (walk.losses(), walk.record.len());
    eprintln!("ADDA_EPOCHS_SEED={seed}: {losses} losses, {told} numbers, {:?}", started.elapsed());
    let steps = walk.trace.join("\n");
    assert!(
        walk.record.violations().is_empty(),
        "ADDA_EPOCHS_SEED={seed}\n{steps}\n{}",
        walk.record.violations().join("\n")
    );
    Some(())
}

#[tokio::test]
async fn a_number_names_one_message_after_any_loss() {
    if let Some(seed) = setting("ADDA_EPOCHS_SEED") {
        run_walk(seed).await;
        return;
    }
    let until = setting("ADDA_EPOCHS_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut walks = 0;
    while until.map_or(walks < WALKS, |until| Instant::now() < until) {
        let Some(()) = run_walk(fastrand::u64(..1_000_000_000)).await else { return };
        walks += 1;
    }
}
