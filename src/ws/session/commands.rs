//! What a session does with a frame of its client.

use std::sync::Arc;

use futures_util::stream::FuturesOrdered;
use tokio::time::sleep;

use super::replay::Replay;
use super::{Posted, Posting, Session};
use crate::chat::{Dialect, LeaveMode, Occupant, Recipient, Refused, Room};
use crate::model::{Member, Position};
use crate::protocol::server::{self, Refusal};
use crate::protocol::{ClientFrame, ErrorCode, RoomsAsked};
use crate::telemetry::count_error;
use crate::ws::connection::Said;

impl Session {
    pub(super) async fn take(&mut self, said: Said) {
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
        if matches!(
            frame,
            ClientFrame::Join { .. }
                | ClientFrame::Leave { .. }
                | ClientFrame::Typing { .. }
                | ClientFrame::Rooms(RoomsAsked::Prefix(_))
        ) {
            // The backend may take its time, and what was answered before need not wait for it.
            self.outbox.flush();
        }
        match frame {
            ClientFrame::Text { room_id, content, nonce } => self.post(room_id, content, nonce),
            ClientFrame::Typing { room_id } => self.announce_typing(room_id).await,
            ClientFrame::Auth { token } => self.authenticate(&token),
            ClientFrame::Join { room_id, since, history } => {
                if let Err(refused) = Box::pin(self.join(&room_id, since, history)).await {
                    self.refuse(refused, None, Some(room_id));
                }
            }
            ClientFrame::Leave { room_id } => Box::pin(self.leave(room_id)).await,
            ClientFrame::Rooms(asked) => self.tell_rooms(asked).await,
            ClientFrame::Ping => self.outbox.answer(&server::pong()),
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
                self.outbox.answer(&server::auth_success(&author, &token));
                self.author = author;
            }
            Err(refused) => self.refuse(refused, None, None),
        }
    }

    pub(super) async fn join(
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
        let wait = self.replay().wait();
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let room = self.chat.open(&name).await?;
        // Before the join, so that a session which ends amid it is taken out all the same.
        self.rooms.insert(name.clone(), room.clone());
        let occupant =
            Occupant { member: self.member(), dialect: self.asked.dialect, outbox: self.outbox.clone() };
        let outcome = self.chat.join(&room, &occupant, since, history, || self.outbox.caught_up()).await;
        self.replay().spend(*outcome.as_ref().unwrap_or(&0));
        if outcome.is_err() {
            self.rooms.remove(&name);
        }
        outcome.map(drop)
    }

    fn replay(&mut self) -> &mut Replay {
        let limits = &self.chat.config().limits;
        self.replay
            .get_or_insert_with(|| Box::new(Replay::new(limits.replay_bytes, limits.replay_bytes_per_second)))
    }

    async fn leave(&mut self, room_id: String) {
        match self.joined(Some(room_id.clone())).cloned() {
            Ok(room) => {
                self.rooms.remove(&room.name);
                self.chat.leave(&room, &self.member(), LeaveMode::Immediate).await;
                self.outbox.answer(&server::left(&room.name));
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
        let chat = &self.chat;
        let posts = self.posts.get_or_insert_with(|| {
            Box::new(Posting { receipts: FuturesOrdered::new(), _counted: chat.count_poster() })
        });
        posts.receipts.push_back(receipt);
    }

    pub(super) fn acknowledge(&mut self, posted: Posted) {
        if self.posts.as_ref().is_some_and(|posts| posts.receipts.is_empty()) {
            self.posts = None;
        }
        match posted.outcome {
            Ok(receipt) if self.asked.dialect == Dialect::Full => {
                self.outbox.answer(&server::ack(&posted.room, posted.nonce.as_deref(), &receipt));
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

    pub(super) fn member(&self) -> Member {
        Member { id: self.id, user_id: self.author.user_id.clone(), username: self.author.username.clone() }
    }

    pub(super) fn refuse(&self, refused: Refused, nonce: Option<String>, room_id: Option<String>) {
        let Refused { code, content, retry_after } = refused;
        count_error(code.as_str());
        let (nonce, room_id) = match self.asked.dialect {
            Dialect::Full => (nonce, room_id),
            Dialect::Plain => (None, None),
        };
        self.outbox.answer(&server::error(&Refusal { code, content, retry_after, nonce, room_id }));
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
