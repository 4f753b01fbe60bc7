//! Notifications: sending, seeing and taking them back. `delivery.rs` brings them to sessions.

mod delivery;
mod given;

use std::time::Duration;

use tokio::time::sleep;

pub(super) use self::delivery::Notices;
pub(super) use self::given::Given;
use super::{Admin, Chat, Identity};
use crate::backend::{AuditAction, AuditRecord, Seen, SeenBroadcast, Sent};
use crate::model::characters::has_visible;
use crate::model::{Audience, NewNotification, Notification, NotificationId, UserId, Words};
use crate::protocol::{ClientAddress, ErrorCode, Rejection};
use crate::telemetry::meters;

/// Characters of a title.
const TITLE_CHARS: usize = 200;

/// Wait before nodes are told again.
const RETRY: Duration = Duration::from_millis(250);

impl Chat {
    /// Sends a notification. It is kept for `ttl`, or as long as the settings say.
    ///
    /// # Errors
    /// `forbidden`; `bad_content`, `content_too_long` and `bad_request` for what it says; `unavailable`: it may have been sent.
    pub async fn notify(
        &self,
        by: Admin<'_>,
        words: Words,
        ttl: Option<Duration>,
    ) -> Result<NotificationId, Rejection> {
        let settings = &self.inner.config.notifications;
        let ttl = ttl.unwrap_or(settings.ttl.min(settings.max_ttl));
        if ttl.is_zero() || ttl > settings.max_ttl {
            let sentence = format!("ttl_s must be from 1 to {}", settings.max_ttl.as_secs());
            return Err(Rejection::new(ErrorCode::BadRequest, sentence));
        }
        let words =
            Words { title: checked_title(words.title)?, content: self.content(words.content)?, ..words };
        let id = NotificationId::now();
        let record = AuditRecord {
            user_id: Some(words.to.clone().into()),
            id: Some(id.to_string()),
            ..AuditRecord::of(&by, AuditAction::Notify)
        };
        let new = NewNotification { id: id.clone(), words, ttl };
        let chat = self.clone();
        self.recorded(record, async move { chat.send_notification(&new).await.map(drop) }).await?;
        Ok(id)
    }

    /// Stores a notification and has it delivered. Returns whether it was sent before.
    pub(super) async fn send_notification(&self, new: &NewNotification) -> Result<Sent, Rejection> {
        let sent = self.inner.backend.notifications.send(new).await?;
        if sent != Sent::Before {
            meters().notifications_sent.increment(1);
        }
        if let (Sent::NoSubscriber, Audience::User(user)) = (sent, &new.words.to) {
            self.tell_notified(user).await;
        }
        Ok(sent)
    }

    /// Tells all nodes of a user whose channel none of them follows: a new guest may be somewhere for a moment without.
    async fn tell_notified(&self, user: &UserId) {
        if self.inner.backend.tell_notified(user).await.is_ok() {
            return;
        }
        let (chat, user) = (self.clone(), user.clone());
        let supervisor = self.inner.supervisor.clone();
        self.inner.supervisor.run_once("notification", async move {
            let telling = async {
                while chat.inner.backend.tell_notified(&user).await.is_err() {
                    sleep(RETRY).await;
                }
            };
            supervisor.until_stopping(telling).await;
        });
    }

    /// Takes a notification back: nobody gets it any more, and sessions that have it are told.
    ///
    /// # Errors
    /// `forbidden`, `not_found`, `unavailable`.
    pub async fn take_back(&self, by: Admin<'_>, id: &NotificationId) -> Result<(), Rejection> {
        let record = AuditRecord {
            id: Some(id.to_string()),
            ..AuditRecord::of(&by, AuditAction::TakeBackNotification)
        };
        let (chat, id) = (self.clone(), id.clone());
        let taking = async move {
            let audience = chat.inner.backend.notifications.take_back(&id).await?.ok_or_else(unknown)?;
            if let Audience::User(user) = &audience {
                // A session that has it may not follow its user's channel yet.
                chat.tell_notified(user).await;
            }
            Ok(())
        };
        self.recorded(record, taking).await
    }

    /// The notifications that a user has not seen, the newest first.
    ///
    /// # Errors
    /// `too_fast`, `unavailable`
    pub async fn unseen_notifications(
        &self,
        by: &Identity,
        address: ClientAddress,
    ) -> Result<Vec<Notification>, Rejection> {
        self.admit_notifications(by, address)?;
        let users = std::slice::from_ref(&by.author.user_id);
        let (to_all, own) = tokio::join!(self.broadcasts(), self.inner.backend.notifications.of_users(users));
        let own = own.into_iter().next().transpose()?.unwrap_or_default();
        let to_all = to_all?;
        let to_all = to_all.iter().map(|one| &one.notification).filter(|one| !own.seen.contains(&one.id));
        let mut unseen: Vec<Notification> = to_all.cloned().chain(own.unseen).collect();
        unseen.sort_by(|one, other| (other.timestamp, &other.id).cmp(&(one.timestamp, &one.id)));
        Ok(unseen)
    }

    /// Records that a user has seen a notification. All sessions of the user are told, on every node, if they don't know yet.
    ///
    /// # Errors
    /// `not_found`: it has ended, was taken back, or never was; `too_fast`, `unavailable`.
    pub async fn see_notification(
        &self,
        by: &Identity,
        address: ClientAddress,
        id: &NotificationId,
    ) -> Result<Seen, Rejection> {
        self.admit_notifications(by, address)?;
        let user = &by.author.user_id;
        let backend = &self.inner.backend.notifications;
        let known = self.inner.notices.seen_broadcast(id);
        let seen = backend.see(user, id, known.as_ref()).await?;
        if seen != Seen::Unknown || known.is_some() {
            return Ok(seen);
        }
        // It may be one to all that this node has not read yet. Any number of unknown ids share one read at a time.
        let to_all = self.broadcasts().await?;
        let newest = to_all.last().map_or(0, |one| one.number);
        let Some(found) = to_all.iter().find(|one| one.notification.id == *id) else {
            return Err(unknown());
        };
        let known = SeenBroadcast { number: found.number, newest, left: found.notification.left() };
        Ok(backend.see(user, id, Some(&known)).await?)
    }
}

/// A title, without characters that would break a line. An empty one is none.
pub(super) fn checked_title(title: Option<String>) -> Result<Option<String>, Rejection> {
    let Some(title) = title.map(|title| title.trim().to_owned()).filter(|title| !title.is_empty()) else {
        return Ok(None);
    };
    if title.chars().count() > TITLE_CHARS || title.chars().any(char::is_control) || !has_visible(&title) {
        let sentence =
            format!("title must be one line of at most {TITLE_CHARS} characters with something to see");
        return Err(Rejection::new(ErrorCode::BadRequest, sentence));
    }
    Ok(Some(title))
}

fn unknown() -> Rejection {
    Rejection::new(ErrorCode::NotFound, "There is no such notification")
}
