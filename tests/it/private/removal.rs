//! A member that is removed gets nothing that is posted later, and posts nothing more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};

use super::{Person, cluster, path};
use crate::harness::{Client, Cluster, DEADLINE, RedisCluster, eventually};
use crate::registration::SETTINGS;

/// Posts numbers in a room until it is stopped. `begun` is the last number whose post has begun.
struct Flood {
    begun: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Flood {
    fn start(mut session: Client, room: &str) -> Self {
        let (begun, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (room, counter, stopped) = (room.to_owned(), begun.clone(), stop.clone());
        let task = tokio::spawn(async move {
            while !stopped.load(Ordering::Relaxed) {
                let number = counter.fetch_add(1, Ordering::Relaxed) + 1;
                session.posts(&room, &number.to_string()).await;
            }
        });
        Self { begun, stop, task }
    }

    async fn at_least(&self, number: u64) {
        eventually("messages flow", DEADLINE, async || {
            (self.begun.load(Ordering::Relaxed) >= number).then_some(())
        })
        .await;
    }

    /// Stops it, and returns the last number.
    async fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("all posts were acked");
        self.begun.load(Ordering::Relaxed)
    }
}

fn numbers(frames: &[Value]) -> Vec<u64> {
    let texts = frames.iter().filter(|frame| frame["type"] == "text");
    texts
        .map(|frame| frame["content"].as_str().and_then(|text| text.parse().ok()).expect("a number"))
        .collect()
}

/// Removes a member while messages flow. `interfere` runs at the same time.
async fn ends_at_once(cluster: &Cluster, rounds: usize, interfere: impl AsyncFn()) {
    let nodes = &cluster.nodes;
    let (owner, member) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
    let room = owner.makes_room(&nodes[0], "one").await;
    for _ in 0..rounds {
        owner.adds(&nodes[0], &room, &member).await;
        let (mut sessions, mut witnesses) = (Vec::new(), Vec::new());
        for node in nodes {
            for (person, group) in [(&member, &mut sessions), (&owner, &mut witnesses)] {
                let mut session = person.session(node).await;
                session.join(&room).await;
                session.take_all();
                group.push(session);
            }
        }
        let mut author = owner.session(&nodes[0]).await;
        author.join(&room).await;
        let flood = Flood::start(author, &room);
        flood.at_least(10).await;
        let removing = async {
            owner.removes(&nodes[1], &room, &member).await;
            flood.begun.load(Ordering::Relaxed)
        };
        let (answered, ()) = tokio::join!(removing, interfere());
        flood.at_least(answered + 20).await;
        let last = flood.end().await;
        for witness in &mut witnesses {
            witness.receives(&last.to_string()).await;
        }
        for session in &mut sessions {
            let left = session.expect("left").await;
            assert_eq!((&left["room_id"], &left["reason"]), (&json!(room), &json!("removed")));
            session.catch_up().await;
            let frames = session.take_all();
            let received = numbers(&frames);
            assert!(received.iter().all(|number| *number <= answered), "{received:?} after {answered}");
            let inbox = frames.iter().filter(|frame| frame["type"] == "inbox");
            let told = inbox.filter_map(|frame| frame["preview"].as_str()?.parse::<u64>().ok());
            assert!(told.into_iter().all(|number| number <= answered), "{frames:?}");
            let refused = session.post(&room, "x", "n").await;
            assert_eq!(refused["code"], "room_not_found");
        }
        for node in nodes {
            let post = path(&["rooms", &room, "messages"]);
            let refused = member.asks(node, "POST", &post, Some(json!({ "content": "x" }))).await;
            assert_eq!(refused.error(404), "room_not_found");
        }
    }
}

#[tokio::test]
async fn a_removed_member_gets_nothing_that_is_posted_after_the_answer() {
    let Some(cluster) = cluster(3).await else { return };
    ends_at_once(&cluster, 3, async || {}).await;
}

#[tokio::test]
async fn a_removed_member_gets_nothing_in_a_redis_cluster() {
    let Some(redis) = RedisCluster::start().await else { return };
    let urls = vec![redis.url(); 2];
    let settings = [&SETTINGS[..], &[("redis.prefix", "adda:")]].concat();
    ends_at_once(&Cluster::reaching(redis, &urls, &settings).await, 2, async || {}).await;
}

#[tokio::test]
async fn a_removal_that_a_node_missed_is_seen_before_anything_passes() {
    let Some(cluster) = cluster(2).await else { return };
    let kill = async || drop(cluster.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await);
    ends_at_once(&cluster, 5, kill).await;
    // The same for a removal of which nobody is told.
    let nodes = &cluster.nodes;
    let (owner, member) =
        (Person::register(&nodes[0], "Karim").await, Person::register(&nodes[0], "Rafi").await);
    let room = owner.makes_room(&nodes[0], "two").await;
    owner.adds(&nodes[0], &room, &member).await;
    let (mut session, mut witness) = (member.session(&nodes[1]).await, owner.session(&nodes[1]).await);
    session.join(&room).await;
    witness.join(&room).await;
    let (record, field) = (format!("adda:{{{room}}}:record"), format!("m:{}", member.user_id));
    cluster.redis.command(&["HDEL", &record, &field]).await;
    owner.posts(&nodes[0], &room, "the twin: nobody was told").await;
    session.receives("the twin: nobody was told").await;
    kill().await;
    owner.posts(&nodes[0], &room, "a secret").await;
    witness.receives("a secret").await;
    assert_eq!(session.expect("left").await["reason"], "removed");
    session.catch_up().await;
    assert!(session.untaken("text").is_empty(), "{session}");
}

#[tokio::test]
async fn a_member_that_comes_back_takes_part_again() {
    let Some(cluster) = cluster(2).await else { return };
    let nodes = &cluster.nodes;
    let (owner, member) =
        (Person::register(&nodes[0], "Rahim").await, Person::register(&nodes[0], "Mita").await);
    let room = owner.makes_room(&nodes[0], "one").await;
    let mut witness = owner.session(&nodes[1]).await;
    witness.join(&room).await;
    let mut session = member.session(&nodes[1]).await;
    for round in 0..10 {
        owner.adds(&nodes[0], &room, &member).await;
        session.join(&room).await;
        session.posts(&room, &format!("round {round}")).await;
        witness.receives(&format!("round {round}")).await;
        owner.removes(&nodes[0], &room, &member).await;
        assert_eq!(session.expect("left").await["reason"], "removed");
        assert_eq!(session.post(&room, "x", &format!("n{round}")).await["code"], "room_not_found");
    }
}
