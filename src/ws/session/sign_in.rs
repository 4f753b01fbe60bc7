//! The user of a session: by what the upgrade showed, by a frame, or a guest. Where guests may not take part, a session that
//! has not said who it is may say nothing else.

use tokio::time::{Instant, timeout_at};

use super::Session;
use super::inbox::Inbox;
use crate::chat::{FrameSink, Identity, Pace, Source, Version};
use crate::protocol::client::{Auth, FileFrame, Marks};
use crate::protocol::server::{FrameRef, SessionFrame};
use crate::protocol::{ClientFrame, ErrorCode, Proof, Rejection};
use crate::websocket::CloseCode;
use crate::ws::connection::{CloseReason, Message};

/// Why a session does not start.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is to be closed with this code.
    Close(CloseCode),
    /// Its connection has ended.
    Ended(CloseReason),
}

impl Session {
    /// Takes the user that the upgrade asked for; without a proof it stays the guest. Returns the token with which the client
    /// can come back as the same user: none if a cookie says it, which scripts are not to read.
    pub(super) async fn sign_in(&mut self) -> Result<Option<String>, Rejection> {
        let Some(proof) = self.params.proof.take() else {
            return self.guest_token();
        };
        let version = self.chat.standings_version();
        let mut identity = self.identify(proof.token()).await?;
        let token = match proof {
            Proof::Bearer(token) => {
                let is_told = self.params.kind.gets_token();
                Some(self.token_to_keep(&mut identity, token, is_told)?)
            }
            Proof::Cookie(_) => None,
        };
        self.set_identity(identity, version).await;
        Ok(token)
    }

    /// The token with which a guest can come back; none where guests may not take part. A session that is told it ends with it.
    pub(super) fn guest_token(&self) -> Result<Option<String>, Rejection> {
        if !self.may_take_part() {
            return Ok(None);
        }
        let issued = self.chat.issue_token(&self.identity)?;
        if self.params.kind.gets_token() {
            self.outbox.expire_at(issued.expires_at);
        }
        Ok(Some(issued.token))
    }

    /// Whether the session has a user, or is that of a guest that needs none.
    pub(super) fn may_take_part(&self) -> bool {
        self.is_signed_in || self.chat.check_guests().is_ok()
    }

    /// Waits until the client says who it is. All else that it says is refused.
    pub(super) async fn await_sign_in(&mut self, inbox: &mut Inbox) -> Result<(), Stop> {
        let deadline = Instant::now() + self.chat.config().auth.timeout;
        while !self.is_signed_in {
            self.outbox.flush();
            match timeout_at(deadline, inbox.next()).await {
                Ok(Ok(message)) => inbox.during(self.on_first_message(message)).await,
                Ok(Err(reason)) => return Err(Stop::Ended(reason)),
                Err(_) => return Err(Stop::Close(CloseCode::Unauthorized)),
            }
        }
        Ok(())
    }

    async fn on_first_message(&mut self, message: Message) {
        let (nonce, room_id) = match message {
            Message::Text(text) => match ClientFrame::parse_marked(&text, self.params.kind) {
                Ok((ClientFrame::Auth(auth), marks)) => {
                    return Box::pin(self.authenticate(&auth, marks)).await;
                }
                Ok((_, marks)) => marks.read(),
                Err(error) => (error.nonce, error.room_id),
            },
            Message::Binary(bytes) => match FileFrame::parse(&bytes.into()) {
                Ok(frame) => (frame.nonce, Some(frame.room_id)),
                Err(error) => (error.nonce, error.room_id),
            },
        };
        let frame = FrameRef { nonce: nonce.as_deref(), room_id: room_id.as_deref() };
        self.reject(&self.chat.auth_required(), frame);
    }

    /// The frame `auth`.
    pub(super) async fn authenticate(&mut self, auth: &Auth, marks: Marks<'_>) {
        if !self.rooms.is_empty() {
            let rejection = Rejection::new(ErrorCode::AlreadyJoined, "Send auth before the first join");
            return self.reject_marked(&rejection, marks);
        }
        let version = self.chat.standings_version();
        match self.prove_again(&auth.token).await {
            Ok((identity, token)) => {
                self.set_identity(identity, version).await;
                self.send(SessionFrame::AuthSuccess {
                    user_id: &self.identity.author.user_id,
                    username: &self.identity.author.username,
                    token: &token,
                    role: self.identity.role,
                });
                self.await_notifications();
            }
            Err(rejection) => {
                self.reject_marked(&rejection, marks);
                self.count_refusal(&rejection, Pace::Joins);
                if let Some(code) = close_code(&rejection) {
                    self.outbox.close(code);
                }
            }
        }
    }

    /// A session that goes from user to user follows each of them, as one that goes from room to room does.
    async fn prove_again(&mut self, token: &str) -> Result<(Identity, String), Rejection> {
        if self.is_signed_in {
            self.chat.admit_join(self.client.address())?;
        }
        self.prove(token).await
    }

    async fn prove(&mut self, token: &str) -> Result<(Identity, String), Rejection> {
        let mut identity = self.identify(token).await?;
        let is_told = self.params.kind.is_told_of_sign_in();
        let token = self.token_to_keep(&mut identity, token.to_owned(), is_told)?;
        Ok((identity, token))
    }

    /// The user that a token proves, under the name that the client chose if it may choose one.
    async fn identify(&mut self, token: &str) -> Result<Identity, Rejection> {
        let identity = self.chat.authenticate(token).await?.named(self.chosen_name.clone());
        self.chat.check_name(&identity).await?;
        Ok(identity)
    }

    /// A guest is the same user for as long as it comes back in time, so it gets a new token each time, and its session ends
    /// with that one if it is told it. A token that says more ends when it says.
    fn token_to_keep(
        &self,
        identity: &mut Identity,
        shown: String,
        is_told: bool,
    ) -> Result<String, Rejection> {
        match identity.source {
            Source::Guest => {
                let issued = self.chat.issue_token(identity)?;
                if is_told {
                    identity.expires_at = Some(issued.expires_at);
                }
                Ok(issued.token)
            }
            Source::Account | Source::Issuer => Ok(shown),
        }
    }

    /// From now on the session speaks for this user, until the token that proved it runs out. `version`: what the node knew
    /// before it looked at the token. A change since then did not reach the session by its user.
    async fn set_identity(&mut self, identity: Identity, version: Version) {
        self.client.identify();
        self.controls.set_user(&identity.author.user_id, &identity.scope);
        self.controls.set_role(identity.role);
        self.chat.recheck_since(&identity.author.user_id, version);
        if self.params.kind.introduces_user() {
            tokio::join!(self.chat.follow_user(&identity.author.user_id), self.chat.introduce(&identity));
        } else if self.params.kind.follows_user() {
            self.chat.follow_user(&identity.author.user_id).await;
        }
        if let Some(expires_at) = identity.expires_at {
            self.outbox.expire_at(expires_at);
        }
        self.identity = identity;
        self.is_signed_in = true;
    }
}

/// The close code of a session that was refused its user and can't go on as a guest: it may not be here at all, or nobody can
/// say now whether it may.
pub(super) fn close_code(rejection: &Rejection) -> Option<CloseCode> {
    match rejection.code {
        ErrorCode::Banned | ErrorCode::Forbidden => Some(CloseCode::Forbidden),
        ErrorCode::Unavailable => Some(CloseCode::Restarting),
        _ => None,
    }
}
