//! What a session is told and given before its first frame.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::inbox::Inbox;
use super::{Greeting, Session};
use crate::chat::{Dialect, Recipient, Refused};
use crate::protocol::{ErrorCode, server};
use crate::websocket::CloseCode;

/// The room of those who name none.
const DEFAULT_ROOM: &str = "general";

/// Wait before the room of a plain session is tried again.
const AGAIN: Duration = Duration::from_millis(500);

impl Session {
    pub(super) async fn greet(&mut self, inbox: &mut Inbox) -> Greeting {
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
        match self.join_first(&room, inbox).await {
            Ok(()) => Greeting::Welcome,
            Err(refused) => {
                let is_final = refused.code == ErrorCode::BadRoomName;
                self.refuse(refused, None, Some(room));
                // Another node may be able to.
                match is_final {
                    true => Greeting::TurnedAway,
                    false => self.call_back(),
                }
            }
        }
    }

    /// Joins the room that the upgrade named. A plain session can't ask for it again, so the node does while that may
    /// help, for as long as a session may be silent.
    async fn join_first(&mut self, room: &str, inbox: &mut Inbox) -> Result<(), Refused> {
        let patience = match self.asked.dialect {
            Dialect::Full => Duration::ZERO,
            Dialect::Plain => self.chat.config().session.idle_timeout,
        };
        let began = Instant::now();
        loop {
            let outcome = inbox.during(Box::pin(self.join(room, None, None))).await;
            let is_worth_another =
                outcome.as_ref().is_err_and(|refused| refused.code == ErrorCode::Unavailable);
            if !is_worth_another || inbox.has_ended() || began.elapsed() + AGAIN > patience {
                return outcome;
            }
            inbox.during(sleep(AGAIN)).await;
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
                &(self.build)(),
            )),
            Err(refused) => self.refuse(refused, None, None),
        }
    }
}
