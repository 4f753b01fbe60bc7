//! The frames of a client about notifications.

use super::Session;
use crate::chat::Seen;
use crate::model::NotificationId;
use crate::protocol::server::UserFrame;
use crate::protocol::{ErrorCode, Rejection};

impl Session {
    /// Has the session given what its user is owed, soon. A guest without a token is owed nothing yet.
    pub(super) fn await_notifications(&self) {
        if self.is_signed_in && self.params.kind.follows_user() {
            self.chat.owe_notifications(&self.identity.author.user_id);
        }
    }

    /// The frame `seen`. All sessions of the user are told; this one also if it was late with it, or the notification is gone.
    pub(super) async fn see_notification(&mut self, id: &NotificationId) -> Result<(), Rejection> {
        match self.chat.see_notification(&self.identity, self.client.address(), id).await {
            Ok(Seen::Now) => {}
            Ok(Seen::Before | Seen::Unknown) => self.send(UserFrame::Seen { id }),
            Err(rejection) if rejection.code == ErrorCode::NotFound => self.send(UserFrame::Seen { id }),
            Err(rejection) => return Err(rejection),
        }
        Ok(())
    }
}
