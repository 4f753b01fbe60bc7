//! One session's life: start, a loop over what its client says, what the node asks and what was posted, shutdown.

mod changes;
mod commands;
mod files;
mod inbox;
mod join;
mod notifications;
mod replay;
mod replies;
mod rooms;
mod sign_in;
mod start;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;
use tracing::debug;

use self::inbox::Inbox;
use self::replay::Replay;
use self::replies::Replies;
use self::sign_in::Stop;
use super::connection::{CloseReason, Connection, Outbox};
use crate::chat::{
    ANONYMOUS, Chat, ClientSession, Control, Controls, FrameSink, Identity, LeaveMode, LeaveReason, Listener,
    Refusals, Room, RoomsWatch,
};
use crate::model::{ConnectionId, Member, RoomName, Username};
use crate::protocol::server::{FrameRef, RoomFrame, ServerFrame, encode};
use crate::protocol::{ErrorCode, Proof, Rejection, SessionKind};
use crate::websocket::CloseCode;

/// The parameters of a client's upgrade.
#[derive(Debug)]
pub struct UpgradeParams {
    /// By subprotocol.
    pub kind: SessionKind,
    /// The room to join at once.
    pub room: Option<String>,
    /// The name to go by.
    pub username: Option<String>,
    /// The credentials of the upgrade.
    pub proof: Option<Proof>,
}

/// How long a close frame waits for the rooms to be left, so that a session which was answered is out of them.
const LEAVE_WAIT: Duration = Duration::from_millis(200);

/// A session. Its task is the only one that joins, leaves and posts for it, so nothing of one
/// session can overtake.
pub struct Session {
    chat: Chat,
    id: ConnectionId,
    outbox: Arc<Outbox>,
    params: UpgradeParams,
    /// The name of this node's build of the browser client.
    build: fn() -> String,
    identity: Identity,
    /// Whether a token said who it is, and not chance.
    is_signed_in: bool,
    /// Whether it has said what it has read, so that a new guest has cursors, too.
    has_read: bool,
    /// The name that the client chose; a token's own name yields to it.
    chosen_name: Option<Username>,
    rooms: HashMap<RoomName, Arc<Room>>,
    /// While it watches which rooms are occupied.
    rooms_watch: Option<RoomsWatch>,
    replies: Replies,
    /// Nothing until the first join.
    replay: Option<Box<Replay>>,
    /// The node's orders to the session.
    controls: Controls,
    /// The session among those of its address.
    client: ClientSession,
    /// Its frames that were refused as too fast.
    refusals: Refusals,
}

impl Session {
    /// A session that has said nothing yet.
    pub fn new(
        chat: Chat,
        id: ConnectionId,
        outbox: Arc<Outbox>,
        params: UpgradeParams,
        build: fn() -> String,
        client: ClientSession,
    ) -> Self {
        let identity = Identity::guest(Username::from_trusted(ANONYMOUS));
        let listener = Listener { id, kind: params.kind, sink: outbox.clone() };
        let listener = Some(listener).filter(|_| params.kind.follows_user());
        let controls = chat.register_session(&identity.author.user_id, listener);
        Self {
            chat,
            id,
            outbox,
            params,
            build,
            identity,
            is_signed_in: false,
            has_read: false,
            chosen_name: None,
            rooms: HashMap::new(),
            rooms_watch: None,
            replies: Replies::default(),
            replay: None,
            controls,
            client,
            refusals: Refusals::default(),
        }
    }

    /// Lives until the connection ends.
    pub async fn run(mut self, connection: Connection) {
        debug!(connection = %self.id, "session began");
        let mut inbox = Inbox::new(connection, self.outbox.clone(), self.params.kind);
        let reason = match self.start(&mut inbox).await {
            Ok(()) => self.run_loop(&mut inbox).await,
            Err(Stop::Close(code)) => {
                self.outbox.close(code);
                self.run_loop(&mut inbox).await
            }
            Err(Stop::Ended(reason)) => reason,
        };
        self.shutdown(inbox, reason).await;
        debug!(connection = %self.id, ?reason, "session ended");
    }

    async fn run_loop(&mut self, inbox: &mut Inbox) -> CloseReason {
        loop {
            let waiting = self.replies.len();
            let most_posts = self.chat.posts_allowed();
            if waiting >= most_posts {
                // Nothing else writes what was answered before.
                self.outbox.flush();
            }
            tokio::select! {
                // Receipts before messages: they make room for more.
                biased;
                control = self.controls.next() => self.on_control(control).await,
                Some(posted) = self.replies.next(), if waiting > 0 => self.acknowledge(posted),
                received = inbox.next(), if waiting < most_posts => match received {
                    // Messages of a session that was refused or sent away.
                    Ok(_) if self.outbox.is_dismissed() => {}
                    Ok(message) => inbox.during(self.on_message(message)).await,
                    Err(reason) => return reason,
                },
            }
        }
    }

    /// Does what the node asks. A session that is closed leaves its rooms in [`Session::shutdown`].
    async fn on_control(&mut self, control: Control) {
        match control {
            Control::Close(code) => self.outbox.close(code),
            Control::LeaveRoom(name, reason) => {
                let Some(room) = self.rooms.remove(&name) else { return };
                debug!(connection = %self.id, room = %name, ?reason, "a session must leave a room");
                self.chat.leave(&room, &self.member(), LeaveMode::Immediate).await;
                self.send(RoomFrame::Left { room_id: &name, reason: Some(reason.as_str()) });
                if !self.params.kind.names_rooms() {
                    // It can't join again.
                    let sentence = match reason {
                        LeaveReason::Kicked => "A moderator has removed you from this room",
                        LeaveReason::AccessRevoked => "You are no member of this room any more",
                    };
                    self.reject(&Rejection::new(ErrorCode::NotInRoom, sentence), FrameRef::default());
                    self.outbox.close(CloseCode::Forbidden);
                }
                self.outbox.flush();
            }
            Control::Standing(standing) => match self.identity.clone().compared_with(&standing) {
                Ok(identity) => {
                    self.controls.set_role(identity.role);
                    self.identity = identity;
                }
                Err(rejection) if rejection.code == ErrorCode::Banned => {
                    self.reject(&rejection, FrameRef::default());
                    self.outbox.close(CloseCode::Forbidden);
                }
                Err(_) => self.outbox.close(CloseCode::Unauthorized),
            },
        }
    }

    /// Takes the session out of its rooms and closes the connection. Neither waits for the other for long:
    /// a client that is sent to another node shall come back there now, whether Redis answers or not.
    async fn shutdown(&mut self, inbox: Inbox, reason: CloseReason) {
        // The answer to a close frame waits for no receipt.
        self.outbox.flush();
        match reason {
            // Posts from before the close frame count.
            CloseReason::Closed | CloseReason::GoingAway | CloseReason::Drained => {
                let _ = timeout(self.chat.config().redis.command_timeout, self.drain_replies()).await;
            }
            // Nobody is there to be answered. Work that must be completed goes on without the session.
            CloseReason::Lost | CloseReason::Violation => self.replies = Replies::default(),
        }
        self.outbox.flush();
        let mode = match reason {
            CloseReason::Closed => LeaveMode::Immediate,
            CloseReason::GoingAway if !self.can_resume() => LeaveMode::Immediate,
            CloseReason::GoingAway | CloseReason::Drained | CloseReason::Lost | CloseReason::Violation => {
                LeaveMode::AfterGracePeriod
            }
        };
        let chat = self.chat.clone();
        let member = self.member();
        let rooms: Vec<_> = self.rooms.values().cloned().collect();
        let mut leaving = pin!(join_all(rooms.iter().map(|room| chat.leave(room, &member, mode))));
        let has_left = timeout(LEAVE_WAIT, &mut leaving).await.is_ok();
        let rest = async {
            if !has_left {
                leaving.await;
            }
        };
        tokio::join!(rest, inbox.finish(reason));
        self.rooms.clear();
    }

    /// Whether the client has a token, without which it would be another user.
    fn can_resume(&self) -> bool {
        self.params.kind.gets_token() || self.is_signed_in
    }

    async fn drain_replies(&mut self) {
        while let Some(posted) = self.replies.next().await {
            self.acknowledge(posted);
        }
    }

    fn member(&self) -> Member {
        let author = &self.identity.author;
        Member { id: self.id, user_id: author.user_id.clone(), username: author.username.clone() }
    }

    /// Pushes a frame, which is written with the others of the session's turn. Sessions of some kinds don't get some
    /// frames.
    fn send<'a>(&self, frame: impl Into<ServerFrame<'a>>) {
        self.send_counted(frame);
    }

    /// The same; returns the bytes of the frame.
    fn send_counted<'a>(&self, frame: impl Into<ServerFrame<'a>>) -> usize {
        let Some(frame) = encode(&frame.into(), self.params.kind) else { return 0 };
        self.outbox.answer(&frame);
        frame.len()
    }
}

/// A task that ends before [`Session::shutdown`] has, by a panic, leaves no member behind.
impl Drop for Session {
    fn drop(&mut self) {
        for room in self.rooms.values() {
            self.chat.abandon(room, self.id);
        }
    }
}
