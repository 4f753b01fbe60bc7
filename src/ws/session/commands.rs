//! The commands of a session: one function a frame of its client.

use std::sync::Arc;

use super::Session;
use super::replies::{Answer, Posted};
use crate::chat::{
    Action, Admission, ClaimedFiles, FrameSink, LeaveMode, NewMessage, Pace, Principal, Room, SpeechAccess,
};
use crate::protocol::client::{Join, Leave, Marks, Read, RoomsQuery, Seen, Text, Typing};
use crate::protocol::server::{ErrorFrame, FrameRef, ReceiptJson, RoomFrame, SessionFrame};
use crate::protocol::{ClientFrame, ErrorCode, Rejection};
use crate::telemetry::count_error;
use crate::websocket::CloseCode;
use crate::ws::connection::Message;

impl Session {
    pub(super) async fn on_message(&mut self, message: Message) {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(bytes) => return Box::pin(self.on_binary(bytes.into())).await,
        };
        match ClientFrame::parse_marked(&text, self.params.kind) {
            Ok((frame, marks)) => {
                let pace = pace(&frame);
                if let Err(rejection) = self.dispatch(frame, marks).await {
                    self.reject_marked(&rejection, marks);
                    self.count_refusal(&rejection, pace);
                }
            }
            Err(error) => {
                let (nonce, room_id) = (error.nonce.as_deref(), error.room_id.as_deref());
                self.reject(&error.rejection, FrameRef { nonce, room_id });
            }
        }
    }

    /// Does what a frame asks for. The error is the answer to it; messages and changes, which are answered in their order,
    /// and `auth` have none.
    async fn dispatch(&mut self, frame: ClientFrame, marks: Marks<'_>) -> Result<(), Rejection> {
        if matches!(
            frame,
            ClientFrame::Join(_)
                | ClientFrame::Leave(_)
                | ClientFrame::Read(_)
                | ClientFrame::Typing(_)
                | ClientFrame::Seen(_)
                | ClientFrame::Rooms(RoomsQuery::Prefix(_))
        ) {
            // The backend may take its time, and what was answered before need not wait for it.
            self.outbox.flush();
        }
        match frame {
            ClientFrame::Text(text) => {
                let access = self.admit().await.and_then(|()| self.access_to_speak(text.room_id.as_deref()));
                if text.files.is_empty() {
                    self.post(text, access, ClaimedFiles::default());
                } else {
                    Box::pin(self.post_with_files(text, access)).await;
                }
            }
            ClientFrame::Change(change) => {
                let admitted = self.admit().await;
                self.change(change, admitted).await;
            }
            ClientFrame::Typing(typing) => return self.announce_typing(typing).await,
            ClientFrame::Auth(auth) => Box::pin(self.authenticate(&auth, marks)).await,
            ClientFrame::Join(Join { room_id, since, history }) => {
                return Box::pin(self.join(&room_id, since, history)).await;
            }
            ClientFrame::Leave(leave) => return Box::pin(self.leave(leave)).await,
            ClientFrame::Read(read) => return Box::pin(self.mark_read(read)).await,
            ClientFrame::Rooms(query) => return Box::pin(self.tell_rooms(query)).await,
            ClientFrame::Seen(Seen { id }) => return Box::pin(self.see_notification(&id)).await,
            ClientFrame::Ping => self.send(SessionFrame::Pong),
        }
        Ok(())
    }

    /// Counts a message against its limits.
    async fn admit(&mut self) -> Result<(), Rejection> {
        match self.chat.admit_post(&self.identity, self.client.address()) {
            Admission::Decided(admitted) => admitted,
            Admission::Asked(asking) => {
                self.outbox.flush();
                asking.await
            }
        }
    }

    async fn leave(&mut self, Leave { room_id }: Leave) -> Result<(), Rejection> {
        let room = self.joined(Some(&room_id))?.clone();
        self.rooms.remove(&room.name);
        let member = self.member();
        tokio::join!(
            self.chat.leave(&room, &member, LeaveMode::Immediate),
            self.chat.record_leave(&self.identity, &room.name),
        );
        self.send(RoomFrame::Left { room_id: &room.name, reason: None });
        Ok(())
    }

    /// Moves the cursor of the user in a room that it may read, whether the session is in it or not.
    async fn mark_read(&mut self, Read { room_id, seq }: Read) -> Result<(), Rejection> {
        let room = self.chat.room_name(&room_id)?;
        let principal = Principal::User(&self.identity);
        let access = self.chat.check_access(principal, Action::Read, &room).await?;
        self.chat.mark_read(&self.identity, access, seq).await?;
        self.has_read = true;
        Ok(())
    }

    pub(super) fn access_to_speak(&self, room_id: Option<&str>) -> Result<SpeechAccess, Rejection> {
        self.joined(room_id).and_then(|room| self.chat.access_to_speak(&self.identity, room))
    }

    /// Posts a message with the files that it has claimed.
    pub(super) fn post(&mut self, text: Text, access: Result<SpeechAccess, Rejection>, files: ClaimedFiles) {
        let Text { room_id, content, nonce, reply_to, mentions, files: _ } = text;
        let access = match access {
            Ok(access) => access,
            Err(rejection) => {
                let frame = FrameRef { nonce: nonce.as_deref(), room_id: room_id.as_deref() };
                return self.refuse(&rejection, frame);
            }
        };
        let room = access.room().clone();
        // Its place among the session's posts is that of this call.
        let message = NewMessage { content, nonce: nonce.clone(), reply_to, mentions, files };
        let posting = self.chat.post(self.identity.author.clone(), access, message);
        let receipt = async { Posted { room, nonce, outcome: posting.await.map(Answer::Post) } };
        self.replies.push(&self.chat, receipt);
    }

    pub(super) fn acknowledge(&mut self, posted: Posted) {
        let Posted { room, nonce, outcome } = posted;
        let nonce = nonce.as_deref();
        match &outcome {
            Ok(Answer::Post(receipt)) => {
                self.send(RoomFrame::Ack { receipt: ReceiptJson::new(&room, nonce, receipt) });
            }
            Ok(Answer::Change(receipt)) => {
                self.send(RoomFrame::Ack { receipt: ReceiptJson::of_change(&room, nonce, receipt) });
            }
            Err(rejection) => self.reject(rejection, FrameRef { nonce, room_id: Some(room.as_str()) }),
        }
    }

    async fn announce_typing(&mut self, Typing { room_id }: Typing) -> Result<(), Rejection> {
        let room = self.joined(room_id.as_deref())?.clone();
        self.chat.access_to_speak(&self.identity, &room)?;
        self.chat.announce_typing(&room, &self.member()).await
    }

    // --- what frames share ---

    /// The room that a frame speaks to. A session whose frames name none is in one.
    pub(super) fn joined(&self, room_id: Option<&str>) -> Result<&Arc<Room>, Rejection> {
        let joined = match room_id {
            _ if !self.params.kind.names_rooms() => self.rooms.values().next(),
            Some(room_id) => {
                let name = self.chat.room_name(room_id)?;
                let joined = self.rooms.get(&name);
                if joined.is_none() && name.is_private() {
                    // To a stranger it is as if there were none.
                    return Err(Rejection::room_not_found());
                }
                joined
            }
            None => return Err(Rejection::new(ErrorCode::BadFrame, "room_id is missing")),
        };
        joined.ok_or_else(|| {
            Rejection::new(ErrorCode::NotInRoom, "This session is not in that room; join it first")
        })
    }

    /// Refuses a message or a change.
    pub(super) fn refuse(&mut self, rejection: &Rejection, frame: FrameRef<'_>) {
        self.reject(rejection, frame);
        self.count_refusal(rejection, Pace::Messages);
    }

    /// A client that goes on far too fast is sent away.
    pub(super) fn count_refusal(&mut self, rejection: &Rejection, pace: Pace) {
        if rejection.code == ErrorCode::TooFast && self.refusals.count(&self.chat, pace) {
            self.outbox.close(CloseCode::TooFast);
        }
    }

    /// Rejects a frame whose marks are not read yet.
    pub(super) fn reject_marked(&self, rejection: &Rejection, marks: Marks<'_>) {
        let (nonce, room_id) = marks.read();
        self.reject(rejection, FrameRef { nonce: nonce.as_deref(), room_id: room_id.as_deref() });
    }

    pub(super) fn reject(&self, rejection: &Rejection, frame: FrameRef<'_>) {
        count_error(rejection.code.as_str());
        self.send(ErrorFrame::new(rejection, frame));
    }
}

fn pace(frame: &ClientFrame) -> Pace {
    match frame {
        ClientFrame::Join(_) => Pace::Joins,
        ClientFrame::Read(_) => Pace::Cursors,
        ClientFrame::Seen(_) => Pace::Notifications,
        _ => Pace::Messages,
    }
}
