//! `/ws/dashboard`: the figures of the cluster, the last 15 minutes first and then once a second, for admins or, with
//! `http.public_stats`, for everybody. The session is in no room.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::connection::{CloseReason, Connection, Message, Outbox};
use crate::chat::{Chat, ClientSession, Control, Controls, FrameSink, Identity, StatsWatch};
use crate::config::Current;
use crate::model::{Role, UserId};
use crate::protocol::server::{ErrorFrame, FrameRef, SessionFrame, encode};
use crate::protocol::{ClientFrame, ErrorCode, Proof, Rejection, SessionKind};
use crate::telemetry::count_error;
use crate::websocket::{CloseCode, Frame};

/// A session that is given figures.
pub struct Dashboard {
    chat: Chat,
    outbox: Arc<Outbox>,
    client: ClientSession,
    controls: Controls,
    settings: Current,
    proof: Option<Proof>,
    /// Whether it is shown the figures because everybody is.
    is_public: bool,
    identity: Option<Identity>,
}

impl Dashboard {
    /// A session that nobody has signed in to.
    pub fn new(
        chat: Chat,
        settings: Current,
        outbox: Arc<Outbox>,
        client: ClientSession,
        proof: Option<Proof>,
    ) -> Self {
        let controls = chat.register_session(&UserId::guest(), None);
        let is_public = settings.borrow().http.public_stats;
        Self { chat, outbox, client, controls, settings, proof, is_public, identity: None }
    }

    /// Lives until the connection ends.
    pub async fn run(mut self, mut connection: Connection) {
        let signed_in = if self.is_public {
            // Nothing more is waited for, so it is as good as one with a user.
            self.client.identify();
            Ok(())
        } else if self.proof.is_some() {
            self.prove().await
        } else {
            match self.await_sign_in(&mut connection).await {
                Ok(outcome) => outcome,
                Err(reason) => return connection.finish(reason).await,
            }
        };
        let reason = match signed_in {
            Ok(()) => self.show(&mut connection).await,
            Err(rejection) => {
                self.refuse(&rejection);
                until_end(&mut connection).await
            }
        };
        connection.finish(reason).await;
    }

    /// Waits for the frame `auth`, which is the first.
    async fn await_sign_in(
        &mut self,
        connection: &mut Connection,
    ) -> Result<Result<(), Rejection>, CloseReason> {
        let deadline = Instant::now() + self.chat.config().auth.timeout;
        let Ok(received) = timeout_at(deadline, connection.next()).await else {
            return Ok(Err(self.chat.auth_required()));
        };
        Ok(match parse(&received?) {
            Some(ClientFrame::Auth(auth)) => self.sign_in(&auth.token).await,
            _ => Err(self.chat.auth_required()),
        })
    }

    /// Signs in with what the upgrade has shown.
    async fn prove(&mut self) -> Result<(), Rejection> {
        let token = self.proof.as_ref().map(|proof| proof.token().to_owned());
        match token {
            Some(token) => self.sign_in(&token).await,
            None => Err(self.chat.auth_required()),
        }
    }

    async fn sign_in(&mut self, token: &str) -> Result<(), Rejection> {
        let version = self.chat.standings_version();
        let identity = self.chat.authenticate(token).await?;
        identity.everywhere(Role::Admin)?;
        let user = &identity.author.user_id;
        self.client.identify();
        self.controls.set_user(user, &identity.scope);
        // A change since the token was looked at did not reach the session by its user.
        self.chat.recheck_since(user, version);
        if let Some(expires_at) = identity.expires_at {
            self.outbox.expire_at(expires_at);
        }
        self.identity = Some(identity);
        Ok(())
    }

    async fn show(&mut self, connection: &mut Connection) -> CloseReason {
        let mut watch = self.chat.watch_stats();
        loop {
            tokio::select! {
                biased;
                control = self.controls.next() => self.on_control(control),
                received = connection.next() => match received {
                    Ok(message) => self.answer(&message),
                    Err(reason) => return reason,
                },
                frame = next_frame(&self.chat, &self.outbox, &mut watch) => match self.recheck().await {
                    Ok(()) => self.outbox.send(&frame),
                    Err(rejection) => {
                        self.refuse(&rejection);
                        return until_end(connection).await;
                    }
                },
            }
        }
    }

    /// Asks for a token once the figures are not for everybody any more.
    async fn recheck(&mut self) -> Result<(), Rejection> {
        if !self.is_public || self.settings.borrow().http.public_stats {
            return Ok(());
        }
        self.is_public = false;
        self.prove().await
    }

    /// A client has nothing to say here but `ping`.
    fn answer(&self, message: &Message) {
        if let Some(ClientFrame::Ping) = parse(message) {
            let pong = encode(&SessionFrame::Pong.into(), SessionKind::Full);
            pong.iter().for_each(|pong| self.outbox.answer(pong));
        }
    }

    fn on_control(&mut self, control: Control) {
        match (control, self.identity.take()) {
            (Control::Close(code), _) => self.outbox.close(code),
            (Control::Standing(standing), Some(identity)) => {
                let compared = identity.compared_with(&standing);
                match compared.and_then(|identity| identity.everywhere(Role::Admin).map(|()| identity)) {
                    Ok(identity) => self.identity = Some(identity),
                    Err(rejection) => self.refuse(&rejection),
                }
            }
            (_, identity) => self.identity = identity,
        }
    }

    fn refuse(&self, rejection: &Rejection) {
        count_error(rejection.code.as_str());
        let frame = ErrorFrame::new(rejection, FrameRef::default());
        let frame = encode(&frame.into(), SessionKind::Full);
        frame.iter().for_each(|frame| self.outbox.answer(frame));
        self.outbox.close(match rejection.code {
            ErrorCode::Banned | ErrorCode::Forbidden => CloseCode::Forbidden,
            ErrorCode::Unavailable => CloseCode::Restarting,
            _ => CloseCode::Unauthorized,
        });
    }
}

/// A client that reads slowly misses some seconds instead of being closed.
async fn next_frame(chat: &Chat, outbox: &Outbox, watch: &mut StatsWatch) -> Frame {
    outbox.drained().await;
    chat.next_stats(watch).await
}

fn parse(message: &Message) -> Option<ClientFrame> {
    match message {
        Message::Text(text) => ClientFrame::parse(text, SessionKind::Full).ok(),
        Message::Binary(_) => None,
    }
}

/// Reads on until the connection ends, which is being closed.
async fn until_end(connection: &mut Connection) -> CloseReason {
    loop {
        if let Err(reason) = connection.next().await {
            return reason;
        }
    }
}
