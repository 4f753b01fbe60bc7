//! Everybody is cut off at once, and everybody comes back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use crate::harness::stopwatch::Stopwatch;
use crate::harness::{Cluster, DEADLINE, Node, Swarm, eventually};

/// Sessions in a room.
const IN_A_ROOM: usize = 50;

/// Messages that are said in each room while nobody is there.
const SAID: usize = 3;

/// The default of `presence.linger`, after which a wrong leave would come, and a little more.
const LINGER: Duration = Duration::from_secs(12);

/// How many there are. More than a test needs, to see what a storm costs: `ADDA_STORM=5000` with a release
/// build; the figures are in the test's output.
fn sessions() -> usize {
    std::env::var("ADDA_STORM").ok().map_or(300, |count| count.parse().expect("a number of sessions"))
}

fn room(number: usize) -> String {
    format!("room {}", number / IN_A_ROOM)
}

#[tokio::test]
async fn everybody_who_is_cut_off_at_once_comes_back_unnoticed() {
    let count = sessions();
    // Best effort: the default is enough for the usual number.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let Some(cluster) = Cluster::with(3, &[("log.level", "warn")]).await else { return };
    let ports: Vec<_> = cluster.nodes.iter().map(|node| node.port).collect();
    let swarm = Swarm::enter(count, &ports, room).await;
    let tally = swarm.tally();
    let seen = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    let joins = seen(&tally.joins);
    let processes: Vec<_> = [cluster.redis.process()]
        .into_iter()
        .chain(cluster.nodes.iter().map(Node::process))
        .chain([std::process::id()])
        .collect();

    let watch = Stopwatch::start(&processes);
    swarm.cut();
    let rooms = count.div_ceil(IN_A_ROOM);
    let talk = async {
        for number in 0..SAID {
            let posts = (0..rooms).map(|room| {
                let http = cluster.nodes[room % 3].http();
                async move { http.post(&format!("room {room}"), &format!("message {number}")).await }
            });
            join_all(posts).await;
        }
    };
    tokio::join!(talk, swarm.until_inside(count));
    let (elapsed, busy) = watch.read();
    eprintln!(
        "{count} sessions were back after {elapsed:.2?}; Redis, the nodes and the test were busy for {busy:.2?}"
    );
    eprintln!("{tally:?}");

    eventually("everybody has heard everything", DEADLINE, async || {
        (seen(&tally.messages) == count * SAID).then_some(())
    })
    .await;
    tokio::time::sleep(LINGER).await;
    assert_eq!(seen(&tally.messages), count * SAID, "each once");
    assert_eq!((seen(&tally.recovered), seen(&tally.unrecovered)), (count, 0), "all go on where they were");
    assert_eq!(seen(&tally.losses), 0, "nobody is turned away");
    assert_eq!(seen(&tally.misplaced), 0, "in order");
    assert_eq!(seen(&tally.joins) - joins, 0, "nobody is told that somebody came");
    assert_eq!(seen(&tally.leaves), 0, "nor that somebody went");
    for node in &cluster.nodes {
        for room in 0..rooms {
            let in_it = IN_A_ROOM.min(count - room * IN_A_ROOM);
            assert_eq!(node.http().connections(&format!("room {room}")).await.len(), in_it);
        }
    }
}
