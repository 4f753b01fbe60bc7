//! Single keys that vanish: evicted, or deleted by hand.

use adda::backend::{self, Backend, Span};
use adda::config::Config;
use adda::model::{Author, Draft, NodeId, Receipt, RoomName, UserId, Username};
use adda::supervisor::Supervisor;

use super::server::Server;

/// A node, its Redis, and a room.
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

    async fn posts(&self, content: &str) -> backend::Result<Receipt> {
        let author = Author { user_id: UserId::guest(), username: Username::from_trusted("x") };
        self.node.log.append(Draft::new(self.room.clone(), author, content.to_owned())).await
    }
}

#[tokio::test]
async fn a_reader_without_proof_receives_all_messages_above_its_number() {
    let Some(alone) = Alone::start().await else { return };
    let mut place = alone.node.log.head(&alone.room).await.unwrap();
    for content in ["one", "two", "three", "four"] {
        alone.posts(content).await.unwrap();
    }
    place.seq = 2;
    alone.server.ask::<u64>(&["DEL", HEAD]).await;
    let page = alone.node.log.read(&alone.room, Span::After(place), 10).await.unwrap();
    assert!(!page.continuity.is_proven);
    assert_eq!(page.messages.iter().map(|message| message.seq).collect::<Vec<_>>(), [3, 4]);
}

#[tokio::test]
async fn a_room_with_an_expired_log_and_no_head_accepts_posts_again() {
    let Some(alone) = Alone::start().await else { return };
    for content in ["one", "two"] {
        alone.posts(content).await.unwrap();
    }
    // The state after a read that has trimmed all messages by age: an empty stream that keeps its last id.
    alone.server.ask::<u64>(&["XTRIM", LOG, "MAXLEN", "0"]).await;
    alone.server.ask::<u64>(&["DEL", HEAD]).await;
    alone.posts("three").await.unwrap();
}
