//! Two servers that change roles, step by step: the numbers that each assigns, and the validity of earlier positions.

use adda::backend::{self, Backend, Page, Span};
use adda::config::Config;
use adda::model::{Author, Draft, NodeId, Position, Receipt, RoomName, UserId, Username};
use adda::supervisor::Supervisor;

use super::front::Front;
use super::server::Server;
use crate::harness::{LONG_DEADLINE, eventually};

/// A master, its replica, and two nodes that reach either of them by one address.
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

    /// Posts until a try is acknowledged; each try is a message of its own.
    async fn posts(&self, node: usize, content: &str) -> Receipt {
        eventually(content, LONG_DEADLINE, async || {
            self.nodes[node].log.append(self.draft(content)).await.ok()
        })
        .await
    }

    fn draft(&self, content: &str) -> Draft {
        let author = Author { user_id: UserId::guest(), username: Username::from_trusted("x") };
        Draft::new(self.room.clone(), author, content.to_owned())
    }

    async fn is_whole(&self, node: usize, receipt: &Receipt) -> bool {
        self.read(node, receipt).await.continuity.is_whole()
    }

    /// The page for a reader at the position of a message.
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
async fn a_lagging_replica_begins_an_epoch_at_its_last_number() {
    let Some(pair) = Pair::start().await else { return };
    let kept = pair.posts(0, "kept").await;
    pair.b.catch_up(&pair.a).await;
    pair.b.lag().await;
    let lost = pair.posts(0, "lost").await;
    pair.b.promote().await;
    pair.front.turn_to(pair.b.port);
    let next = pair.posts(1, "next").await;
    assert_eq!((next.seq, next.epoch == lost.epoch), (lost.seq, false));
    assert!(pair.is_whole(0, &kept).await);
    assert!(!pair.is_whole(0, &lost).await);
}

#[tokio::test]
async fn an_old_master_that_returns_knows_only_its_own_positions() {
    let Some(pair) = Pair::start().await else { return };
    let kept = pair.posts(0, "kept").await;
    pair.b.catch_up(&pair.a).await;
    pair.b.lag().await;
    let apart = pair.posts(0, "only in the old master").await;
    pair.b.promote().await;
    pair.front.turn_to(pair.b.port);
    let theirs = pair.posts(1, "only in the new master").await;
    pair.front.turn_to(pair.a.port);
    let next = pair.posts(0, "after the return").await;
    assert_eq!(place(&next), (apart.epoch.as_str(), 3), "it continues its own numbers");
    for (receipt, is_whole) in [(&kept, true), (&apart, true), (&theirs, false), (&next, true)] {
        assert_eq!(pair.is_whole(1, receipt).await, is_whole, "{receipt:?}");
    }
}

/// Its process, its scripts and the connections to it are the same as before; its data is the other server's.
#[tokio::test]
async fn a_master_that_was_a_replica_meanwhile_begins_an_epoch() {
    let Some(pair) = Pair::start().await else { return };
    let kept = pair.posts(0, "kept").await;
    pair.b.catch_up(&pair.a).await;
    pair.b.lag().await;
    let lost = pair.posts(0, "lost").await;
    pair.b.promote().await;
    // The nodes do not notice: their connections stay open.
    pair.a.follow(&pair.b).await;
    pair.a.promote().await;
    let next = pair.posts(0, "next").await;
    assert_eq!(next.seq, lost.seq);
    assert_ne!(next.epoch, lost.epoch, "a number that is given twice is given in another epoch");
    assert!(pair.is_whole(1, &kept).await);
    assert!(!pair.is_whole(1, &lost).await);
}

/// A failover and back while the room is empty: only the room's data is as before.
#[tokio::test]
async fn an_empty_room_begins_an_epoch_after_a_failover_and_back() {
    let Some(pair) = Pair::start().await else { return };
    let kept = pair.posts(0, "kept").await;
    pair.b.catch_up(&pair.a).await;
    pair.b.lag().await;
    let lost = pair.posts(0, "lost").await;
    pair.b.promote().await;
    pair.front.turn_to(pair.b.port);
    let elsewhere = RoomName::parse("elsewhere", 64).unwrap();
    let head = async || pair.nodes[0].log.head(&elsewhere).await.ok();
    eventually("the nodes use the new master", LONG_DEADLINE, head).await;
    pair.a.follow(&pair.b).await;
    pair.a.promote().await;
    pair.front.turn_to(pair.a.port);
    let next = pair.posts(1, "next").await;
    assert_eq!(next.seq, lost.seq);
    assert_ne!(next.epoch, lost.epoch, "a number that is given twice is given in another epoch");
    assert!(pair.is_whole(0, &kept).await);
    assert!(!pair.is_whole(0, &lost).await);
}

/// Redis restarts with older data, and a replica attaches before each node has noticed.
#[tokio::test]
async fn a_reader_without_either_new_epoch_receives_the_messages_of_both() {
    let Some(mut pair) = Pair::start().await else { return };
    pair.posts(0, "kept").await;
    pair.b.catch_up(&pair.a).await;
    pair.b.lag().await;
    pair.b.promote().await;
    pair.front.turn_to(pair.b.port);
    let mut theirs = pair.posts(0, "only in the other").await;
    for _ in 0..2 {
        theirs = pair.posts(0, "only in the other").await;
    }
    pair.a.kill();
    pair.a.restart().await;
    pair.front.turn_to(pair.a.port);
    let next = pair.posts(0, "next").await;
    pair.b.follow(&pair.a).await;
    let page = pair.read(1, &theirs).await;
    assert_ne!(page.head.epoch, next.epoch, "an epoch begins when a replica attaches");
    assert!(!page.continuity.is_proven);
    assert_eq!(page.messages.last().map(|message| message.seq), Some(next.seq));
}
