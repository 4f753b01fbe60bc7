//! One session's life: greeted, heard frame by frame, taken out of its rooms at the end.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::FuturesOrdered;
use tokio::time::timeout;
use tracing::debug;

use super::connection::{Connection, Ending, Said};
use super::outbox::Outbox;
use crate::chat::{Chat, Dialect, Farewell, Occupant, Recipient, Refused, Room, guest};
use crate::model::{Author, ConnectionId, Member, Position, Receipt, RoomName, Username};
use crate::protocol::server::{self, Refusal};
use crate::protocol::{ClientFrame, ErrorCode};
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

/// The room and the name of those who give none.
const DEFAULT_ROOM: &str = "general";
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
    author: Author,
    /// Whether a token said who it is, and not chance.
    is_signed_in: bool,
    /// The name that the client chose; a token's own name yields to it.
    chosen_name: Option<Username>,
    rooms: HashMap<RoomName, Arc<Room>>,
    posts: Posts,
}

/// Posts that wait for their receipt, in the order of their sending. Nothing while there are none:
/// most sessions listen.
type Posts = Option<Box<FuturesOrdered<BoxFuture<'static, Posted>>>>;

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
    pub fn new(chat: Chat, id: ConnectionId, outbox: Arc<Outbox>, asked: Asked) -> Self {
        let author = guest(Username::from_trusted(DEFAULT_USERNAME));
        let rooms = HashMap::new();
        Self { chat, id, outbox, asked, author, is_signed_in: false, chosen_name: None, rooms, posts: None }
    }

    /// Lives until the connection ends.
    pub async fn run(mut self, mut connection: Connection) {
        debug!(connection = %self.id, "A session began");
        if let Greeting::TurnedAway = self.greet().await {
            self.outbox.close(CloseCode::BadFrame);
        }
        let ending = self.hear(&mut connection).await;
        self.part(connection, ending).await;
        debug!(connection = %self.id, ?ending, "A session ended");
    }

    /// Takes the session out of its rooms and says goodbye. Neither waits for the other for long:
    /// a client that is sent away shall come back elsewhere now, whether Redis answers or not.
    async fn part(&mut self, connection: Connection, ending: Ending) {
        match ending {
            // What was said before the goodbye counts.
            Ending::Goodbye | Ending::Away | Ending::SentAway => {
                let _ = timeout(self.chat.config().redis.command_timeout, self.hear_receipts()).await;
            }
            Ending::Broken => self.outbox.flush(),
        }
        let farewell = match ending {
            Ending::Goodbye => Farewell::Now,
            Ending::Away if !self.can_come_back() => Farewell::Now,
            Ending::Away | Ending::SentAway | Ending::Broken => Farewell::Later,
        };
        let (chat, member) = (self.chat.clone(), self.member());
        let rooms: Vec<_> = self.rooms.values().cloned().collect();
        let mut leaving = pin!(join_all(rooms.iter().map(|room| chat.leave(room, &member, farewell))));
        let has_left = timeout(PROMPT, &mut leaving).await.is_ok();
        let rest = async {
            if !has_left {
                leaving.await;
            }
        };
        tokio::join!(rest, connection.finish(ending));
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

    async fn hear(&mut self, connection: &mut Connection) -> Ending {
        let most_posts = self.chat.config().limits.posts_in_flight;
        loop {
            let waiting = self.posts.as_ref().map_or(0, |posts| posts.len());
            tokio::select! {
                // Receipts first: they make room for more.
                biased;
                Some(posted) = next_receipt(&mut self.posts), if waiting > 0 => self.acknowledge(posted),
                said = connection.next(), if waiting < most_posts => match said {
                    Ok(said) => self.take(said).await,
                    Err(ending) => return ending,
                },
            }
        }
    }

    // --- greeting ---

    async fn greet(&mut self) -> Greeting {
        match self.asked.username.take().map(|raw| self.chat.username(&raw)).transpose() {
            Ok(Some(username)) => {
                self.author.username = username.clone();
                self.chosen_name = Some(username);
            }
            Ok(None) => {}
            Err(refused) => {
                self.refuse(refused, None, None);
                return Greeting::TurnedAway;
            }
        }
        let signed_in = self.sign_in();
        // The first frame, also of those whose token is refused.
        if self.asked.dialect == Dialect::Full {
            self.welcome();
        }
        if let Err(refused) = signed_in {
            self.refuse(refused, None, None);
        }
        let room = match (self.asked.room.take(), self.asked.dialect) {
            (None, Dialect::Full) => return Greeting::Welcome,
            (room, _) => room.unwrap_or_else(|| DEFAULT_ROOM.to_owned()),
        };
        match self.join(&room, None, None).await {
            Ok(()) => Greeting::Welcome,
            Err(refused) => {
                let is_final = refused.code == ErrorCode::BadRoomName;
                self.refuse(refused, None, Some(room));
                // A plain session has no other way to ask again than to come back.
                match is_final {
                    true => Greeting::TurnedAway,
                    false => self.call_back(),
                }
            }
        }
    }

    /// Takes the user that the upgrade asked for; without a token it stays the guest.
    fn sign_in(&mut self) -> Result<(), Refused> {
        if let Some(token) = self.asked.token.take() {
            self.author = self.chat.sign_in(&token, self.chosen_name.clone())?;
            self.is_signed_in = true;
        }
        Ok(())
    }

    fn call_back(&self) -> Greeting {
        if self.asked.dialect == Dialect::Plain {
            self.outbox.close(CloseCode::Restarting);
        }
        Greeting::Welcome
    }

    fn welcome(&self) {
        let config = self.chat.config();
        match self.chat.token(&self.author) {
            Ok(token) => self.outbox.send(&server::welcome(
                self.id,
                &self.author,
                self.chat.node(),
                &token,
                &config.session,
                &config.limits,
            )),
            Err(refused) => self.refuse(refused, None, None),
        }
    }

    // --- frames ---

    async fn take(&mut self, said: Said) {
        let frame = match (&said, self.asked.dialect) {
            (Said::Text(text), Dialect::Full) => ClientFrame::parse(text),
            (Said::Text(text), Dialect::Plain) => ClientFrame::parse_plain(text),
            (Said::Binary(_), _) => {
                let refused = Refused::new(ErrorCode::BadFrame, "Frames must be text: one JSON object each");
                return self.refuse(refused, None, None);
            }
        };
        match frame {
            Ok(frame) => self.obey(frame).await,
            Err(unreadable) => {
                let refused = Refused::new(unreadable.code, unreadable.content);
                self.refuse(refused, unreadable.nonce, unreadable.room_id);
            }
        }
    }

    async fn obey(&mut self, frame: ClientFrame) {
        match frame {
            ClientFrame::Text { room_id, content, nonce } => self.post(room_id, content, nonce),
            ClientFrame::Typing { room_id } => self.announce_typing(room_id).await,
            ClientFrame::Auth { token } => self.authenticate(&token),
            ClientFrame::Join { room_id, since, history } => {
                if let Err(refused) = self.join(&room_id, since, history).await {
                    self.refuse(refused, None, Some(room_id));
                }
            }
            ClientFrame::Leave { room_id } => self.leave(room_id).await,
            ClientFrame::Ping => self.outbox.send(&server::pong()),
        }
    }

    fn authenticate(&mut self, token: &str) {
        if !self.rooms.is_empty() {
            let refused = Refused::new(ErrorCode::AlreadyJoined, "Send auth before the first join");
            return self.refuse(refused, None, None);
        }
        let signed_in = self.chat.sign_in(token, self.chosen_name.clone());
        match signed_in.and_then(|author| Ok((self.chat.token(&author)?, author))) {
            Ok((token, author)) => {
                self.outbox.send(&server::auth_success(&author, &token));
                self.author = author;
            }
            Err(refused) => self.refuse(refused, None, None),
        }
    }

    async fn join(
        &mut self,
        room_id: &str,
        since: Option<Position>,
        history: Option<usize>,
    ) -> Result<(), Refused> {
        let name = self.chat.room_name(room_id)?;
        let most_rooms = self.chat.config().limits.rooms_per_session;
        if self.rooms.len() >= most_rooms && !self.rooms.contains_key(&name) {
            let sentence = format!("A session may be in at most {most_rooms} rooms; leave one first");
            return Err(Refused::new(ErrorCode::TooManyRooms, sentence));
        }
        let room = self.chat.open(&name).await?;
        // Before the join, so that a session which ends amid it is taken out all the same.
        self.rooms.insert(name.clone(), room.clone());
        let occupant =
            Occupant { member: self.member(), dialect: self.asked.dialect, outbox: self.outbox.clone() };
        let outcome = self.chat.join(&room, &occupant, since, history, || self.outbox.caught_up()).await;
        if outcome.is_err() {
            self.rooms.remove(&name);
        }
        outcome
    }

    async fn leave(&mut self, room_id: String) {
        match self.joined(Some(room_id.clone())).cloned() {
            Ok(room) => {
                self.rooms.remove(&room.name);
                self.chat.leave(&room, &self.member(), Farewell::Now).await;
                self.outbox.send(&server::left(&room.name));
            }
            Err(refused) => self.refuse(refused, None, Some(room_id)),
        }
    }

    fn post(&mut self, room_id: Option<String>, content: String, nonce: Option<String>) {
        let room = match self.joined(room_id.clone()) {
            Ok(room) => room.name.clone(),
            Err(refused) => return self.refuse(refused, nonce, room_id),
        };
        // Its place among the session's posts is that of this call.
        let posting = self.chat.post(self.author.clone(), room.clone(), content, nonce.as_deref());
        let receipt = Box::pin(async { Posted { room, nonce, outcome: posting.await } });
        self.posts.get_or_insert_default().push_back(receipt);
    }

    fn acknowledge(&mut self, posted: Posted) {
        if self.posts.as_ref().is_some_and(|posts| posts.is_empty()) {
            self.posts = None;
        }
        match posted.outcome {
            Ok(receipt) if self.asked.dialect == Dialect::Full => {
                self.outbox.send(&server::ack(&posted.room, posted.nonce.as_deref(), &receipt));
            }
            Ok(_) => {}
            Err(refused) => self.refuse(refused, posted.nonce, Some(posted.room.to_string())),
        }
    }

    async fn announce_typing(&mut self, room_id: Option<String>) {
        let outcome = match self.joined(room_id.clone()).cloned() {
            Ok(room) => self.chat.announce_typing(&room, &self.member()).await,
            Err(refused) => Err(refused),
        };
        if let Err(refused) = outcome {
            self.refuse(refused, None, room_id);
        }
    }

    // --- what frames share ---

    /// The room that a frame speaks to. A plain session is in one and need not name it.
    fn joined(&self, room_id: Option<String>) -> Result<&Arc<Room>, Refused> {
        let joined = match (room_id, self.asked.dialect) {
            (_, Dialect::Plain) => self.rooms.values().next(),
            (Some(room_id), Dialect::Full) => self.rooms.get(&self.chat.room_name(&room_id)?),
            (None, Dialect::Full) => {
                return Err(Refused::new(ErrorCode::BadFrame, "room_id is missing"));
            }
        };
        joined.ok_or_else(|| {
            Refused::new(ErrorCode::NotInRoom, "This session is not in that room; join it first")
        })
    }

    fn member(&self) -> Member {
        Member { id: self.id, user_id: self.author.user_id.clone(), username: self.author.username.clone() }
    }

    fn refuse(&self, refused: Refused, nonce: Option<String>, room_id: Option<String>) {
        let Refused { code, content } = refused;
        let (nonce, room_id) = match self.asked.dialect {
            Dialect::Full => (nonce, room_id),
            Dialect::Plain => (None, None),
        };
        self.outbox.send(&server::error(&Refusal { code, content, nonce, room_id }));
    }
}

/// A task that ends before [`Session::part`] has, by a panic, leaves no member behind.
impl Drop for Session {
    fn drop(&mut self) {
        for room in self.rooms.values() {
            self.chat.abandon(room, self.id);
        }
    }
}

async fn next_receipt(posts: &mut Posts) -> Option<Posted> {
    posts.as_mut()?.next().await
}
