//! Two servers that trade places, step by step: what each may number, and what a place from before is worth.

use std::time::Instant;

use adda::backend::{self, Backend, Page, Span};
use adda::config::Config;
use adda::model::{Author, Draft, MessageId, NodeId, Position, Receipt, RoomName, UserId, Username};
use adda::supervisor::Supervisor;

use super::front::Front;
use super::server::Server;
use crate::harness::{LONG_DEADLINE, eventually};

/// A master, its replica, and two nodes that reach whichever the address leads to.
struct Pair {
    a: Server,
    b: Server,
    front: Front,
    nodes: [Backend; 2],
    room: RoomName,
}

impl Pair {
    async fn start() -> Option<Self> {
        let (a, b) = (Server::start().await?, Server::start().await?);
        b.follow(&a).await;
        let front = Front::to(a.port).await;
        let mut config = Config::defaults();
        config.redis.url = front.url();
        let (here, _) = backend::start(&config, NodeId::random(), &Supervisor::default()).await.unwrap();
        let (there, _) = backend::start(&config, NodeId::random(), &Supervisor::default()).await.unwrap();
        let room = RoomName::parse("general", 64).unwrap();
        Some(Self { a, b, front, nodes: [here, there], room })
    }

    /// Posts until it is acknowledged; each try is a message of its own.
    async fn say(&self, node: usize, content: &str) -> Receipt {
        eventually(content, LONG_DEADLINE, async || {
            self.nodes[node].log.append(self.draft(content)).await.ok()
        })
        .await
    }

    fn draft(&self, content: &str) -> Draft {
        Draft {
            id: MessageId::now(),
            room: self.room.clone(),
            author: Author { user_id: UserId::guest(), username: Username::from_trusted("x") },
            content: content.to_owned(),
            taken_in: Instant::now(),
            nonce: None,
        }
    }

    async fn is_whole(&self, node: usize, receipt: &Receipt) -> bool {
        self.read(node, receipt).await.continuity.is_whole()
    }

    /// What a reader at the place of a message is given.
    async fn read(&self, node: usize, receipt: &Receipt) -> Page {
        let place = Position { epoch: receipt.epoch.clone(), seq: receipt.seq };
        let read = async || self.nodes[node].log.read(&self.room, Span::After(place.clone()), 10).await.ok();
        eventually("a page", LONG_DEADLINE, read).await
    }
}

fn place(receipt: &Receipt) -> (&str, u64) {
    (receipt.epoch.as_str(), receipt.seq)
}

#[tokio::test]
async fn a_replica_that_lagged_begins_an_epoch_where_it_stood() {
    let Some(pair) = Pair::start().await else { return };
    let kept = pair.say(0, "kept").await;
    pair.b.catch_up(&pair.a).await;
    pair.b.lag().await;
    let lost = pair.say(0, "lost").await;
    pair.b.promote().await;
    pair.front.turn_to(pair.b.port);
    let next = pair.say(1, "next").await;
    assert_eq!((next.seq, next.epoch == lost.epoch), (lost.seq, false));
    assert!(pair.is_whole(0, &kept).await);
    assert!(!pair.is_whole(0, &lost).await);
}

#[tokio::test]
async fn an_old_master_that_comes_back_knows_its_own_places_alone() {
    let Some(pair) = Pair::start().await else { return };
    let kept = pair.say(0, "kept").await;
    pair.b.catch_up(&pair.a).await;
    pair.b.lag().await;
    let apart = pair.say(0, "only in the old master").await;
    pair.b.promote().await;
    pair.front.turn_to(pair.b.port);
    let theirs = pair.say(1, "only in the new master").await;
    pair.front.turn_to(pair.a.port);
    let next = pair.say(0, "after the return").await;
    assert_eq!(place(&next), (apart.epoch.as_str(), 3), "what it numbered itself it goes on numbering");
    for (receipt, is_whole) in [(&kept, true), (&apart, true), (&theirs, false), (&next, true)] {
        assert_eq!(pair.is_whole(1, receipt).await, is_whole, "{receipt:?}");
    }
}

/// Its process and its scripts are the same as before, and so are the connections to it; only its data is
/// another's.
#[tokio::test]
async fn a_master_that_was_a_replica_meanwhile_begins_an_epoch() {
    let Some(pair) = Pair::start().await else { return };
    let kept = pair.say(0, "kept").await;
    pair.b.catch_up(&pair.a).await;
    pair.b.lag().await;
    let lost = pair.say(0, "lost").await;
    pair.b.promote().await;
    // Unseen by the nodes, whose connections to it stand all the while.
    pair.a.follow(&pair.b).await;
    pair.a.promote().await;
    let next = pair.say(0, "next").await;
    assert_eq!(next.seq, lost.seq);
    assert_ne!(next.epoch, lost.epoch, "a number that is given twice is given in another epoch");
    assert!(pair.is_whole(1, &kept).await);
    assert!(!pair.is_whole(1, &lost).await);
}

/// As when it fails over and back while nobody is in the room: only the data of the room is as before.
#[tokio::test]
async fn a_room_that_slept_through_a_failover_and_back_begins_an_epoch() {
    let Some(pair) = Pair::start().await else { return };
    let kept = pair.say(0, "kept").await;
    pair.b.catch_up(&pair.a).await;
    pair.b.lag().await;
    let lost = pair.say(0, "lost").await;
    pair.b.promote().await;
    pair.front.turn_to(pair.b.port);
    let elsewhere = RoomName::parse("elsewhere", 64).unwrap();
    let head = async || pair.nodes[0].log.head(&elsewhere).await.ok();
    eventually("the nodes use the new master", LONG_DEADLINE, head).await;
    pair.a.follow(&pair.b).await;
    pair.a.promote().await;
    pair.front.turn_to(pair.a.port);
    let next = pair.say(1, "next").await;
    assert_eq!(next.seq, lost.seq);
    assert_ne!(next.epoch, lost.epoch, "a number that is given twice is given in another epoch");
    assert!(pair.is_whole(0, &kept).await);
    assert!(!pair.is_whole(0, &lost).await);
}

/// As when Redis is set back, and a replica has attached before each node has looked.
#[tokio::test]
async fn who_knows_neither_of_two_new_epochs_is_given_what_both_numbered() {
    let Some(mut pair) = Pair::start().await else { return };
    pair.say(0, "kept").await;
    pair.b.catch_up(&pair.a).await;
    pair.b.lag().await;
    pair.b.promote().await;
    pair.front.turn_to(pair.b.port);
    let mut theirs = pair.say(0, "only in the other").await;
    for _ in 0..2 {
        theirs = pair.say(0, "only in the other").await;
    }
    pair.a.kill();
    pair.a.restart().await;
    pair.front.turn_to(pair.a.port);
    let next = pair.say(0, "next").await;
    pair.b.follow(&pair.a).await;
    let page = pair.read(1, &theirs).await;
    assert_ne!(page.head.epoch, next.epoch, "an epoch begins when a replica attaches");
    assert!(!page.continuity.is_proven);
    assert_eq!(page.messages.last().map(|message| message.seq), Some(next.seq));
}
