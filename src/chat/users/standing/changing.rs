//! Changes of a standing, of which all nodes are told though the caller goes meanwhile, and though nobody knows whether the
//! change was made.

use std::time::Duration;

use tokio::time::sleep;

use crate::backend::{BackendError, Standing, StandingChange};
use crate::chat::Chat;
use crate::chat::completion::Completion;
use crate::chat::users::due::RETRY;
use crate::model::UserId;
use crate::protocol::Rejection;

/// Wait before the nodes are told of a change whose outcome is unknown: the backend may make it a moment after it could be
/// reached again.
const SETTLING: Duration = Duration::from_secs(1);

impl Chat {
    /// Changes the standing of a user, and tells all nodes. Once this returns no node admits what the change forbids for
    /// longer than half a second; the sessions of nodes that can't be told now learn it as soon as they can.
    ///
    /// # Errors
    /// `unavailable`: the change may have been made; it is to be repeated. `forbidden` for the last admin's role.
    pub async fn change_standing(
        &self,
        user: &UserId,
        change: StandingChange,
    ) -> Result<Standing, Rejection> {
        let changing = self.clone().change_and_tell(user.clone(), change);
        Completion::new(&self.inner.supervisor, "standing-change", changing).await
    }

    async fn change_and_tell(self, user: UserId, change: StandingChange) -> Result<Standing, Rejection> {
        let outcome = self.inner.backend.standings.change(&user, change).await;
        let is_unknown = matches!(outcome, Err(BackendError::Unavailable(_)));
        if outcome.is_ok() || is_unknown {
            self.inner.standings.on_change(&user);
            let told = self.inner.backend.tell_change(&user).await;
            if is_unknown {
                self.tell_change_after(SETTLING, user);
            } else if told.is_err() {
                self.tell_change_after(RETRY, user);
            }
        }
        Ok(outcome?)
    }

    /// Tells all nodes of a change as soon as they can be told after this time. One task a user does so.
    fn tell_change_after(&self, wait: Duration, user: UserId) {
        if !self.inner.standings.note_untold(&user) {
            return;
        }
        let (chat, supervisor) = (self.clone(), self.inner.supervisor.clone());
        self.inner.supervisor.run_once("standing-change", async move {
            let telling = async {
                sleep(wait).await;
                let standings = &chat.inner.standings;
                loop {
                    // Before the attempt, so that a change that comes during it has one of its own.
                    standings.note_told(&user);
                    if chat.inner.backend.tell_change(&user).await.is_ok() || !standings.note_untold(&user) {
                        return;
                    }
                    sleep(RETRY).await;
                }
            };
            supervisor.until_stopping(telling).await;
        });
    }
}
