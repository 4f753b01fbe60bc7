//! The start of a session: its user, its welcome, its first room.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Session;
use super::inbox::Inbox;
use crate::model::Timestamp;
use crate::protocol::server::{FrameRef, SessionFrame, WelcomeLimits};
use crate::protocol::{ErrorCode, Rejection};
use crate::websocket::CloseCode;

/// The room of those who name none.
const DEFAULT_ROOM: &str = "general";

/// Wait before the room of a plain session is tried again.
const AGAIN: Duration = Duration::from_millis(500);

impl Session {
    /// Welcomes the session and lets it into its first room.
    ///
    /// # Errors
    /// The code to close with: the session can't go on, be it on this node or with these names.
    pub(super) async fn start(&mut self, inbox: &mut Inbox) -> Result<(), CloseCode> {
        if let Some(raw) = self.params.username.take() {
            let username = self.chat.username(&raw).map_err(|rejection| {
                self.reject(&rejection, FrameRef::default());
                CloseCode::BadFrame
            })?;
            self.identity.author.username = username.clone();
            self.chosen_name = Some(username);
        }
        let signed_in = Box::pin(self.sign_in()).await;
        // The first frame, also of those whose token is rejected.
        if self.params.kind.gets_token() {
            self.welcome();
        }
        if let Err(rejection) = signed_in {
            self.reject(&rejection, FrameRef::default());
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
                    ErrorCode::BadRoomName => Err(CloseCode::BadFrame),
                    // It may join another, or this one later.
                    _ if self.params.kind.names_rooms() => Ok(()),
                    // Another node may be able to.
                    _ => Err(CloseCode::Restarting),
                }
            }
        }
    }

    /// Joins the room that the upgrade named. A plain session can't ask for it again, so the node does while that may
    /// help, for as long as a session may be silent.
    async fn join_first(&mut self, room: &str, inbox: &mut Inbox) -> Result<(), Rejection> {
        let config = self.chat.config();
        let can_ask = self.params.kind.names_rooms();
        let patience = if can_ask { Duration::ZERO } else { config.session.idle_timeout };
        let history = (!can_ask).then_some(config.history.plain_on_join);
        let began = Instant::now();
        loop {
            let outcome = inbox.during(Box::pin(self.join(room, None, history))).await;
            let is_worth_another = outcome.as_ref().is_err_and(|rejection| {
                matches!(rejection.code, ErrorCode::Unavailable | ErrorCode::TooFast)
            });
            if !is_worth_another || inbox.has_ended() || began.elapsed() + AGAIN > patience {
                return outcome;
            }
            inbox.during(sleep(AGAIN)).await;
        }
    }

    /// Takes the user that the upgrade asked for; without a token it stays the guest.
    async fn sign_in(&mut self) -> Result<(), Rejection> {
        if let Some(token) = self.params.token.take() {
            let identity = self.chat.authenticate(&token).await?;
            self.set_identity(identity.named(self.chosen_name.clone()));
            self.is_signed_in = true;
        }
        Ok(())
    }

    fn welcome(&self) {
        let issued = match self.chat.issue_token(&self.identity) {
            Ok(issued) => issued,
            Err(rejection) => return self.reject(&rejection, FrameRef::default()),
        };
        let config = self.chat.config();
        let limits = &config.limits;
        self.send(SessionFrame::Welcome {
            connection_id: self.id,
            user_id: &self.identity.author.user_id,
            username: &self.identity.author.username,
            role: self.identity.role,
            node_id: self.chat.node(),
            token: &issued.token,
            heartbeat_s: config.session.ping_every.as_secs(),
            limits: WelcomeLimits {
                room_name_chars: limits.room_name_chars,
                username_chars: limits.username_chars,
                content_chars: limits.content_chars,
                frame_bytes: limits.frame_bytes,
                rooms_per_session: limits.rooms_per_session,
            },
            build: &(self.build)(),
            timestamp: Timestamp::now(),
        });
        // The first frame does not wait for the end of a turn.
        self.outbox.write();
    }
}
