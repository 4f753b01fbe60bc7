//! Says the words of due schedules. All nodes look for them; the backend gives each time to one node. A node that dies with it leaves
//! it to another one, so it may be said twice: the nonce of the message and the id of the notification, made of schedule and
//! time, let the second one have no effect. A schedule ends with its room.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;
use tracing::{debug, info, warn};

use crate::backend::{Result, Sent};
use crate::chat::{Chat, NewMessage};
use crate::model::{
    Audience, Author, Firing, NewNotification, NotificationId, RoomName, Schedule, Target, UserId, Username,
    Words,
};
use crate::protocol::{ErrorCode, Rejection};
use crate::telemetry::meters;

/// Longest wait between two looks, should no node tell of a new schedule.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Wait before the backend is asked again after it has not answered.
const RETRY: Duration = Duration::from_millis(250);

/// A time that is fired so long after it was due counts as late.
const LATE_AFTER: Duration = Duration::from_secs(2);

impl Chat {
    /// Fires due schedules until the node stops.
    pub(in crate::chat) async fn fire_schedules(self) {
        loop {
            let wait = match self.fire_due().await {
                Ok(wait) => wait,
                Err(error) => {
                    debug!(error = %error.root_cause(), "could not ask for due schedules");
                    RETRY
                }
            };
            tokio::select! {
                () = self.inner.supervisor.stopping() => return,
                () = sleep(wait) => {}
                () = self.inner.next_schedule.notified() => {}
            }
        }
    }

    /// Fires what this node can claim. Returns when to look again.
    async fn fire_due(&self) -> Result<Duration> {
        let claims = self.inner.backend.schedules.claim().await?;
        let outcomes = join_all(claims.firings.iter().map(|firing| self.fire(firing))).await;
        let mut fired = Vec::new();
        for (Firing { schedule, due_ms, .. }, outcome) in claims.firings.iter().zip(outcomes) {
            match outcome {
                Ok(()) => fired.push((schedule.id, *due_ms)),
                // The claim ends, and then it is tried again.
                Err(rejection) if rejection.code == ErrorCode::Unavailable => {}
                Err(rejection) if rejection.code == ErrorCode::RoomNotFound => {
                    if self.inner.backend.schedules.remove(schedule.id).await? {
                        info!(schedule = %schedule.id, "removed a schedule whose room is gone");
                    }
                }
                Err(rejection) => {
                    warn!(schedule = %schedule.id, error = rejection.code.as_str(), "could not fire a schedule");
                    fired.push((schedule.id, *due_ms));
                }
            }
        }
        self.inner.backend.schedules.complete(&fired).await?;
        let next_in = claims.next_in.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        Ok(if claims.firings.is_empty() { next_in } else { Duration::ZERO })
    }

    async fn fire(&self, Firing { schedule, due_ms, late }: &Firing) -> std::result::Result<(), Rejection> {
        let is_first = match &schedule.to {
            Target::All => self.fire_notification(schedule, Audience::All, *due_ms).await?,
            Target::User(user) => {
                self.fire_notification(schedule, Audience::User(user.clone()), *due_ms).await?
            }
            Target::Room(room) => self.fire_message(schedule, room, *due_ms).await?,
        };
        if is_first {
            meters().schedules_fired.increment(1);
            if *late >= LATE_AFTER {
                meters().schedules_late.increment(1);
            }
        }
        Ok(())
    }

    async fn fire_notification(
        &self,
        schedule: &Schedule,
        to: Audience,
        due_ms: u64,
    ) -> std::result::Result<bool, Rejection> {
        let settings = &self.inner.config.notifications;
        let new = NewNotification {
            id: NotificationId::of_schedule(schedule.id, due_ms),
            words: Words { to, title: schedule.title.clone(), content: schedule.content.clone() },
            ttl: settings.ttl.min(settings.max_ttl),
        };
        Ok(self.send_notification(&new).await? != Sent::Before)
    }

    async fn fire_message(
        &self,
        schedule: &Schedule,
        room: &RoomName,
        due_ms: u64,
    ) -> std::result::Result<bool, Rejection> {
        let content = message_text(schedule);
        let nonce = Some(format!("schedule:{}:{due_ms}", schedule.id));
        let message = NewMessage { content, nonce, ..NewMessage::default() };
        let posting = self.post(system_author(), self.access_of_schedules(room).await?, message);
        Ok(!posting.await?.is_duplicate)
    }
}

/// The text of the messages of a schedule to a room.
pub(super) fn message_text(schedule: &Schedule) -> String {
    match &schedule.title {
        Some(title) => format!("{title}\n{}", schedule.content),
        None => schedule.content.clone(),
    }
}

/// The author of messages that no user has written. No token proves this user, and nobody else has its name.
fn system_author() -> Author {
    Author { user_id: UserId::system(), username: Username::from_trusted(UserId::SYSTEM) }
}
