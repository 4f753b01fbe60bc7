//! Schedules: each due time is claimed by one node, until it is completed.

use std::collections::BTreeMap;
use std::time::Duration;

use adda::backend::{Addition, CLAIM, MAX_WAITING, Planned};
use adda::model::{Firing, Schedule, ScheduleId, Target, Timestamp, Timing, UserId};

use super::nodes::{Cluster, Node, room};
use crate::harness::{DEADLINE, eventually};

const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(100);

fn schedule(timing: Timing) -> Schedule {
    let content = "চা বিরতি\n\"tea\"".to_owned();
    Schedule { id: ScheduleId::random(), to: Target::All, title: None, content, timing }
}

fn in_future(wait: Duration) -> Timestamp {
    Timestamp::from_unix_millis(Timestamp::now().unix_millis() + wait.as_millis() as u64).unwrap()
}

async fn add(node: &Node, schedule: &Schedule) -> Addition {
    node.backend.schedules.add(schedule).await.unwrap()
}

async fn claim(node: &Node) -> Vec<Firing> {
    node.backend.schedules.claim().await.unwrap().firings
}

async fn complete(node: &Node, firings: &[Firing]) {
    let fired: Vec<_> = firings.iter().map(|firing| (firing.schedule.id, firing.due_ms)).collect();
    node.backend.schedules.complete(&fired).await.unwrap();
}

async fn next_claim(node: &Node) -> Vec<Firing> {
    eventually("a schedule is due", DEADLINE, async || {
        let firings = claim(node).await;
        (!firings.is_empty()).then_some(firings)
    })
    .await
}

pub async fn schedules_are_listed_on_every_node_until_they_are_removed(mut cluster: Cluster) {
    let nodes = cluster.nodes::<2>().await;
    assert!(nodes[0].backend.schedules.list().await.unwrap().is_empty());
    let at = in_future(HOUR);
    let first = Schedule {
        to: Target::Room(room("আড্ডা {x}")),
        title: Some("শিরোনাম".to_owned()),
        ..schedule(Timing::At(at))
    };
    let second = Schedule { to: Target::User(UserId::guest()), ..schedule(Timing::Every(2 * HOUR)) };
    assert_eq!(add(&nodes[0], &second).await, Addition::Added);
    assert_eq!(add(&nodes[1], &first).await, Addition::Added);
    for node in &nodes {
        let found = node.backend.schedules.list().await.unwrap();
        assert_eq!(found[0], Planned { schedule: first.clone(), next: Some(at) });
        assert_eq!((&found[1].schedule, found.len()), (&second, 2));
        let next = found[1].next.unwrap().unix_millis() as i64;
        let expected = in_future(2 * HOUR).unix_millis() as i64;
        assert!((expected - next).abs() < 60_000, "{}", expected - next);
        assert!(claim(node).await.is_empty());
    }
    assert!(nodes[1].backend.schedules.remove(second.id).await.unwrap());
    assert!(!nodes[0].backend.schedules.remove(second.id).await.unwrap());
    assert_eq!(nodes[0].backend.schedules.list().await.unwrap().len(), 1);
}

pub async fn a_schedule_that_can_not_be_kept_is_refused(mut cluster: Cluster) {
    cluster.config.notifications.schedules = 2;
    let node = cluster.node().await;
    let past = Timestamp::from_unix_millis(Timestamp::now().unix_millis() - 120_000).unwrap();
    assert_eq!(add(&node, &schedule(Timing::At(past))).await, Addition::Past);
    for _ in 0..2 {
        assert_eq!(add(&node, &schedule(Timing::Every(HOUR))).await, Addition::Added);
    }
    assert_eq!(add(&node, &schedule(Timing::Every(HOUR))).await, Addition::TooMany);
}

pub async fn each_due_time_is_claimed_once_and_keeps_its_phase(mut cluster: Cluster) {
    let nodes = cluster.nodes::<3>().await;
    let repeated = schedule(Timing::Every(SHORT));
    add(&nodes[0], &repeated).await;
    let first = nodes[0].backend.schedules.list().await.unwrap()[0].next.unwrap().unix_millis();
    let mut claimed = BTreeMap::new();
    eventually("ten times are claimed", DEADLINE, async || {
        for node in &nodes {
            let claims = node.backend.schedules.claim().await.unwrap();
            assert!(claims.next_in.unwrap() <= SHORT, "{claims:?}");
            for firing in &claims.firings {
                assert_eq!(firing.schedule, repeated);
                *claimed.entry(firing.due_ms).or_insert(0) += 1;
            }
            complete(node, &claims.firings).await;
        }
        (claimed.len() >= 10).then_some(())
    })
    .await;
    for (due, count) in claimed {
        assert_eq!((count, (due - first) % 100), (1, 0), "{due}");
    }
}

pub async fn a_claim_that_is_not_completed_is_claimed_again(mut cluster: Cluster) {
    let nodes = cluster.nodes::<2>().await;
    let once = schedule(Timing::At(in_future(SHORT)));
    add(&nodes[0], &once).await;
    let first = next_claim(&nodes[0]).await;
    assert!(claim(&nodes[1]).await.is_empty(), "it is claimed");
    assert_eq!(nodes[1].backend.schedules.list().await.unwrap()[0].next, None);
    let wait = nodes[1].backend.schedules.claim().await.unwrap().next_in.unwrap();
    assert!(wait <= CLAIM && wait > CLAIM / 2, "{wait:?}");
    let again = next_claim(&nodes[1]).await;
    assert_eq!((again[0].due_ms, &again[0].schedule), (first[0].due_ms, &once));
    assert!(again[0].late >= CLAIM, "{again:?}");
    complete(&nodes[1], &again).await;
    complete(&nodes[0], &first).await;
    assert!(nodes[0].backend.schedules.list().await.unwrap().is_empty(), "it ends with its only time");
    assert_eq!(nodes[0].backend.schedules.claim().await.unwrap().next_in, None);
}

pub async fn times_that_have_passed_are_claimed_once(mut cluster: Cluster) {
    let node = cluster.node().await;
    add(&node, &schedule(Timing::Every(SHORT))).await;
    let planned = &node.backend.schedules.list().await.unwrap()[0];
    let first = planned.next.unwrap();
    // Nobody claims for several periods.
    eventually("some times pass", DEADLINE, async || {
        (Timestamp::now().unix_millis() > first.unix_millis() + 500).then_some(())
    })
    .await;
    let claimed = claim(&node).await;
    assert_eq!((claimed.len(), claimed[0].due_ms), (1, first.unix_millis()));
    let next = next_claim(&node).await;
    assert!(next[0].due_ms >= first.unix_millis() + 500, "{next:?}");
}

pub async fn few_times_of_a_schedule_wait(mut cluster: Cluster) {
    let node = cluster.node().await;
    let quick = schedule(Timing::Every(Duration::from_millis(20)));
    add(&node, &quick).await;
    let mut claimed = Vec::new();
    while claimed.len() < MAX_WAITING {
        claimed.extend(next_claim(&node).await);
    }
    for _ in 0..5 {
        assert!(claim(&node).await.is_empty(), "as many wait as may");
    }
    complete(&node, &claimed[..1]).await;
    let next = next_claim(&node).await;
    assert!(next[0].due_ms > claimed[MAX_WAITING - 1].due_ms, "{next:?}");
    node.backend.schedules.remove(quick.id).await.unwrap();
    assert!(claim(&node).await.is_empty());
    complete(&node, &claimed).await;
    assert!(node.backend.schedules.list().await.unwrap().is_empty(), "it stays removed");
}
