//! The start of a session: its user, its welcome, its first room.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Session;
use super::inbox::Inbox;
use super::sign_in::{Stop, close_code};
use crate::model::Timestamp;
use crate::protocol::server::{FrameRef, SessionFrame, WelcomeLimits};
use crate::protocol::{ErrorCode, Rejection};
use crate::websocket::CloseCode;

/// The room of those who name none.
const DEFAULT_ROOM: &str = "general";

/// Wait before the room of a plain session is tried again.
const JOIN_RETRY: Duration = Duration::from_millis(500);

impl Session {
    /// Welcomes the session and lets it into its first room.
    ///
    /// # Errors
    /// The code to close with: the session can't go on, be it on this node or with these names.
    pub(super) async fn start(&mut self, inbox: &mut Inbox) -> Result<(), Stop> {
        if let Some(raw) = self.params.username.take() {
            let username = self.chat.username(&raw).map_err(|rejection| {
                self.reject(&rejection, FrameRef::default());
                Stop::Close(CloseCode::BadFrame)
            })?;
            self.identity.author.username = username.clone();
            self.chosen_name = Some(username);
        }
        let (token, refused) = match Box::pin(self.sign_in()).await {
            Ok(token) => (token, None),
            // It goes on as a guest, who can come back as well. A second refusal would say nothing more.
            Err(rejection) => (self.guest_token().ok().flatten(), Some(rejection)),
        };
        // The first frame, also of those whose token is rejected.
        if self.params.kind.gets_token() {
            self.welcome(token.as_deref());
        }
        self.await_notifications();
        if let Some(rejection) = refused {
            self.reject(&rejection, FrameRef::default());
            if let Some(code) = close_code(&rejection) {
                return Err(Stop::Close(code));
            }
        }
        if !self.may_take_part() {
            Box::pin(self.await_sign_in(inbox)).await?;
        }
        let room = match self.params.room.take() {
            None if self.params.kind.names_rooms() => return Ok(()),
            room => room.unwrap_or_else(|| DEFAULT_ROOM.to_owned()),
        };
        match self.join_first(&room, inbox).await {
            Ok(()) => Ok(()),
            Err(rejection) => {
                self.reject(&rejection, FrameRef { nonce: None, room_id: Some(&room) });
                match rejection.code {
                    ErrorCode::BadRoomName => Err(Stop::Close(CloseCode::BadFrame)),
                    // It may join another, or this one later, or prove that the name is its own.
                    _ if self.params.kind.names_rooms() => Ok(()),
                    ErrorCode::RoomNotFound | ErrorCode::UsernameTaken => {
                        Err(Stop::Close(CloseCode::BadFrame))
                    }
                    // Another node may be able to.
                    _ => Err(Stop::Close(CloseCode::Restarting)),
                }
            }
        }
    }

    /// Joins the room that the upgrade named. A plain session can't ask for it again, so the node does while that may
    /// help, for as long as a session may be silent.
    async fn join_first(&mut self, room: &str, inbox: &mut Inbox) -> Result<(), Rejection> {
        let config = self.chat.config();
        let can_ask = self.params.kind.names_rooms();
        let retry_for = if can_ask { Duration::ZERO } else { config.session.idle_timeout };
        let history = (!can_ask).then_some(config.history.plain_on_join);
        let began = Instant::now();
        loop {
            let outcome = inbox.during(Box::pin(self.join(room, None, history))).await;
            let is_worth_another = outcome.as_ref().is_err_and(|rejection| {
                matches!(rejection.code, ErrorCode::Unavailable | ErrorCode::TooFast)
            });
            if !is_worth_another || inbox.has_ended() || began.elapsed() + JOIN_RETRY > retry_for {
                return outcome;
            }
            inbox.during(sleep(JOIN_RETRY)).await;
        }
    }

    fn welcome(&self, token: Option<&str>) {
        let may_take_part = self.may_take_part();
        let author = may_take_part.then_some(&self.identity.author);
        let config = self.chat.config();
        let (limits, files, takes_files) = (&config.limits, &config.files, self.chat.takes_files());
        self.send(SessionFrame::Welcome {
            connection_id: self.id,
            user_id: author.map(|author| &author.user_id),
            username: author.map(|author| &author.username),
            role: may_take_part.then_some(self.identity.role),
            node_id: self.chat.node(),
            token,
            auth_required: !may_take_part,
            heartbeat_s: config.session.ping_every.as_secs(),
            limits: WelcomeLimits {
                room_name_chars: limits.room_name_chars,
                username_chars: limits.username_chars,
                content_chars: limits.content_chars,
                messages_editable_s: config.messages.editable.as_secs(),
                frame_bytes: limits.frame_bytes,
                rooms_per_session: limits.rooms_per_session,
                file_bytes: takes_files.then_some(files.max_bytes),
                files_bytes_per_day: Some(files.per_user_per_day).filter(|bytes| takes_files && *bytes > 0),
            },
            build: &(self.build)(),
            timestamp: Timestamp::now(),
        });
        // The first frame does not wait for the end of a turn.
        self.outbox.write();
    }
}
