//! Keys that vanish alone: evicted, or deleted by hand.

use std::time::Instant;

use adda::backend::{self, Backend, Span};
use adda::config::Config;
use adda::model::{Author, Draft, MessageId, NodeId, Receipt, RoomName, UserId, Username};
use adda::supervisor::Supervisor;

use super::server::Server;

/// A node, its Redis, and the names of the room's keys there.
struct Alone {
    server: Server,
    node: Backend,
    room: RoomName,
}

const HEAD: &str = "adda:{general}:head";
const LOG: &str = "adda:{general}:log";

impl Alone {
    async fn start() -> Option<Self> {
        let server = Server::start().await?;
        let mut config = Config::defaults();
        config.redis.url = server.url();
        let (node, _) = backend::start(&config, NodeId::random(), &Supervisor::default()).await.unwrap();
        Some(Self { server, node, room: RoomName::parse("general", 64).unwrap() })
    }

    async fn say(&self, content: &str) -> backend::Result<Receipt> {
        let author = Author { user_id: UserId::guest(), username: Username::from_trusted("x") };
        let (id, taken_in, content) = (MessageId::now(), Instant::now(), content.to_owned());
        self.node
            .log
            .append(Draft { id, room: self.room.clone(), author, content, taken_in, nonce: None })
            .await
    }
}

#[tokio::test]
async fn a_reader_without_proof_is_given_all_that_the_log_has_above_its_number() {
    let Some(alone) = Alone::start().await else { return };
    let mut place = alone.node.log.head(&alone.room).await.unwrap();
    for content in ["one", "two", "three", "four"] {
        alone.say(content).await.unwrap();
    }
    place.seq = 2;
    alone.server.ask::<u64>(&["DEL", HEAD]).await;
    let page = alone.node.log.read(&alone.room, Span::After(place), 10).await.unwrap();
    assert!(!page.continuity.is_proven);
    assert_eq!(page.messages.iter().map(|message| message.seq).collect::<Vec<_>>(), [3, 4]);
}

#[tokio::test]
async fn a_room_whose_log_ran_out_and_whose_head_is_gone_is_spoken_in_again() {
    let Some(alone) = Alone::start().await else { return };
    for content in ["one", "two"] {
        alone.say(content).await.unwrap();
    }
    // As reading does once all messages are too old: the stream is empty, and knows its last id still.
    alone.server.ask::<u64>(&["XTRIM", LOG, "MAXLEN", "0"]).await;
    alone.server.ask::<u64>(&["DEL", HEAD]).await;
    alone.say("three").await.unwrap();
}
