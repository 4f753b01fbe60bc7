//! One session's life: greeted, heard frame by frame, taken out of its rooms at the end.

mod commands;
mod inbox;
mod replay;
mod rooms;
mod start;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::FuturesOrdered;
use tokio::time::timeout;
use tracing::debug;

use self::inbox::Inbox;
use self::replay::Replay;
use super::connection::{Connection, Ending, Outbox};
use crate::chat::{Chat, Dialect, LeaveMode, Poster, Recipient, Refused, Room, guest};
use crate::model::{Author, ConnectionId, Receipt, RoomName, Username};
use crate::websocket::CloseCode;

/// What a client asked for with its upgrade.
#[derive(Debug)]
pub struct Asked {
    /// By subprotocol.
    pub dialect: Dialect,
    /// The room to join at once.
    pub room: Option<String>,
    /// The name to go by.
    pub username: Option<String>,
    /// Who to be.
    pub token: Option<String>,
}

/// The name of those who give none.
const DEFAULT_USERNAME: &str = "Anonymous";

/// How long a goodbye waits for the rooms to be left, so that who has been answered is out of them.
const PROMPT: Duration = Duration::from_millis(200);

/// A session. Its task is the only one that joins, leaves and posts for it, so nothing of one
/// session can overtake.
pub struct Session {
    chat: Chat,
    id: ConnectionId,
    outbox: Arc<Outbox>,
    asked: Asked,
    build: fn() -> String,
    author: Author,
    /// Whether a token said who it is, and not chance.
    is_signed_in: bool,
    /// The name that the client chose; a token's own name yields to it.
    chosen_name: Option<Username>,
    rooms: HashMap<RoomName, Arc<Room>>,
    posts: Posts,
    /// Nothing until the first join.
    replay: Option<Box<Replay>>,
}

/// Posts that wait for their receipt, in the order of their sending. Nothing while there are none:
/// most sessions listen.
type Posts = Option<Box<Posting>>;

struct Posting {
    receipts: FuturesOrdered<BoxFuture<'static, Posted>>,
    _counted: Poster,
}

struct Posted {
    room: RoomName,
    nonce: Option<String>,
    outcome: Result<Receipt, Refused>,
}

/// Whether the session goes on after its greeting.
enum Greeting {
    Welcome,
    TurnedAway,
}

impl Session {
    /// A session that has said nothing yet.
    pub fn new(
        chat: Chat,
        id: ConnectionId,
        outbox: Arc<Outbox>,
        asked: Asked,
        build: fn() -> String,
    ) -> Self {
        let author = guest(Username::from_trusted(DEFAULT_USERNAME));
        Self {
            chat,
            id,
            outbox,
            asked,
            build,
            author,
            is_signed_in: false,
            chosen_name: None,
            rooms: HashMap::new(),
            posts: None,
            replay: None,
        }
    }

    /// Lives until the connection ends.
    pub async fn run(mut self, connection: Connection) {
        debug!(connection = %self.id, "A session began");
        let mut inbox = Inbox::new(connection, self.outbox.clone(), self.asked.dialect);
        if let Greeting::TurnedAway = self.greet(&mut inbox).await {
            self.outbox.close(CloseCode::BadFrame);
        }
        let ending = self.hear(&mut inbox).await;
        self.part(inbox, ending).await;
        debug!(connection = %self.id, ?ending, "A session ended");
    }

    /// Takes the session out of its rooms and says goodbye. Neither waits for the other for long:
    /// a client that is sent away shall come back elsewhere now, whether Redis answers or not.
    async fn part(&mut self, inbox: Inbox, ending: Ending) {
        match ending {
            // What was said before the goodbye counts.
            Ending::Goodbye | Ending::Away | Ending::SentAway => {
                let _ = timeout(self.chat.config().redis.command_timeout, self.hear_receipts()).await;
            }
            Ending::Broken | Ending::Refused => {}
        }
        self.outbox.flush();
        let mode = match ending {
            Ending::Goodbye => LeaveMode::Immediate,
            Ending::Away if !self.can_come_back() => LeaveMode::Immediate,
            Ending::Away | Ending::SentAway | Ending::Broken | Ending::Refused => LeaveMode::AfterGracePeriod,
        };
        let (chat, member) = (self.chat.clone(), self.member());
        let rooms: Vec<_> = self.rooms.values().cloned().collect();
        let mut leaving = pin!(join_all(rooms.iter().map(|room| chat.leave(room, &member, mode))));
        let has_left = timeout(PROMPT, &mut leaving).await.is_ok();
        let rest = async {
            if !has_left {
                leaving.await;
            }
        };
        tokio::join!(rest, inbox.finish(ending));
        self.rooms.clear();
    }

    /// Whether the client has a token, without which it would be another user.
    fn can_come_back(&self) -> bool {
        self.asked.dialect == Dialect::Full || self.is_signed_in
    }

    async fn hear_receipts(&mut self) {
        while let Some(posted) = next_receipt(&mut self.posts).await {
            self.acknowledge(posted);
        }
    }

    async fn hear(&mut self, inbox: &mut Inbox) -> Ending {
        loop {
            let waiting = self.posts.as_ref().map_or(0, |posts| posts.receipts.len());
            let most_posts = self.chat.posts_allowed();
            if waiting >= most_posts {
                // Nothing else writes what was answered before.
                self.outbox.flush();
            }
            tokio::select! {
                // Receipts first: they make room for more.
                biased;
                Some(posted) = next_receipt(&mut self.posts), if waiting > 0 => self.acknowledge(posted),
                heard = inbox.next(), if waiting < most_posts => match heard {
                    Ok(said) => inbox.during(self.take(said)).await,
                    Err(ending) => return ending,
                },
            }
        }
    }
}

async fn next_receipt(posts: &mut Posts) -> Option<Posted> {
    posts.as_mut()?.receipts.next().await
}
