//! Notifications, by the wall clock.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::MemoryNode;
use crate::backend::{
    Broadcast, Channel, Notifications, Result, Seen, SeenBroadcast, Sent, UserNotifications,
};
use crate::config::Config;
use crate::model::{
    Audience, ControlEvent, Event, NewNotification, Notification, NotificationId, Timestamp, UserEvent,
    UserId,
};

#[async_trait]
impl Notifications for MemoryNode {
    async fn send(&self, notification: &NewNotification) -> Result<Sent> {
        let mut shared = self.cluster.lock();
        let Some(stored) = shared.notifications.add(notification) else { return Ok(Sent::Before) };
        let Audience::User(user) = &notification.words.to else {
            shared.fanout.publish(&Channel::Control, &Event::Control(ControlEvent::NotificationsChanged));
            return Ok(Sent::Published);
        };
        let channel = Channel::User(user.clone());
        shared.fanout.publish(&channel, &Event::User(UserEvent::Notification(stored)));
        Ok(if shared.fanout.has_subscriber(&channel) { Sent::Published } else { Sent::NoSubscriber })
    }

    async fn to_all(&self) -> Result<Vec<Broadcast>> {
        Ok(self.cluster.lock().notifications.to_all())
    }

    async fn of_users(&self, users: &[UserId]) -> Vec<Result<UserNotifications>> {
        let shared = self.cluster.lock();
        users.iter().map(|user| Ok(shared.notifications.of_user(user))).collect()
    }

    fn of_users_by_part(
        &self,
        users: Vec<UserId>,
    ) -> BoxStream<'_, Vec<(UserId, Result<UserNotifications>)>> {
        let shared = self.cluster.lock();
        let read = |user: UserId| {
            let kept = shared.notifications.of_user(&user);
            (user, Ok(kept))
        };
        let read = users.into_iter().map(read).collect();
        stream::iter([read]).boxed()
    }

    async fn see(
        &self,
        user: &UserId,
        id: &NotificationId,
        broadcast: Option<&SeenBroadcast>,
    ) -> Result<Seen> {
        let mut shared = self.cluster.lock();
        let seen = shared.notifications.see(user, id, broadcast);
        if seen == Seen::Now {
            let event = Event::User(UserEvent::Seen(id.clone()));
            shared.fanout.publish(&Channel::User(user.clone()), &event);
        }
        Ok(seen)
    }

    async fn take_back(&self, id: &NotificationId) -> Result<Option<Audience>> {
        let recipient = {
            let mut shared = self.cluster.lock();
            if shared.notifications.withdraw(id) {
                shared.fanout.publish(&Channel::Control, &Event::Control(ControlEvent::NotificationsChanged));
                return Ok(Some(Audience::All));
            }
            shared.notifications.recipient(id)
        };
        let Some(user) = recipient else { return Ok(None) };
        let seen = self.see(&user, id, None).await?;
        Ok((seen == Seen::Now).then_some(Audience::User(user)))
    }
}

/// All notifications.
pub(super) struct NotificationTable {
    kept: usize,
    kept_bytes: usize,
    last_number: u64,
    to_all: Vec<Broadcast>,
    /// When the time of each is over that was taken back.
    taken_back: HashMap<NotificationId, Timestamp>,
    users: HashMap<UserId, OfUser>,
}

#[derive(Default)]
struct OfUser {
    unseen: Vec<Notification>,
    /// When the time of each is over.
    seen: HashMap<NotificationId, Timestamp>,
    /// The same of those to all, with their numbers.
    seen_of_all: HashMap<NotificationId, (Timestamp, u64)>,
}

impl NotificationTable {
    pub(super) fn new(config: &Config) -> Self {
        let (kept, kept_bytes) = (config.notifications.kept, config.notification_bytes());
        let (to_all, taken_back, users) = Default::default();
        Self { kept, kept_bytes, last_number: 0, to_all, taken_back, users }
    }

    /// `send.lua` and `send_all.lua`. `None` if it was sent before.
    fn add(&mut self, NewNotification { id, words, ttl }: &NewNotification) -> Option<Notification> {
        let now_ms = Timestamp::now().unix_millis();
        let left_ms = ttl.as_millis() as u64;
        let notification = Notification::ending_in(id.clone(), words.clone(), now_ms, left_ms)?;
        let is_known = match &words.to {
            Audience::All => {
                self.taken_back.contains_key(id) || self.to_all.iter().any(|one| one.notification.id == *id)
            }
            Audience::User(user) => self
                .users
                .get(user)
                .is_some_and(|of| of.seen.contains_key(id) || of.unseen.iter().any(|one| one.id == *id)),
        };
        if is_known {
            return None;
        }
        match &words.to {
            Audience::All => {
                self.last_number += 1;
                self.to_all.push(Broadcast { number: self.last_number, notification: notification.clone() });
                drop_oldest(&mut self.to_all, self.kept, self.kept_bytes, |one| &one.notification);
            }
            Audience::User(user) => {
                let unseen = &mut self.users.entry(user.clone()).or_default().unseen;
                unseen.push(notification.clone());
                drop_oldest(unseen, self.kept, self.kept_bytes, |one| one);
            }
        }
        Some(notification)
    }

    fn to_all(&self) -> Vec<Broadcast> {
        let now = Timestamp::now();
        self.to_all.iter().filter(|one| one.notification.expires_at > now).cloned().collect()
    }

    fn of_user(&self, user: &UserId) -> UserNotifications {
        let Some(of_user) = self.users.get(user) else { return UserNotifications::default() };
        let now = Timestamp::now();
        let seen = of_user.seen_of_all.iter().filter(|(_, (ends, _))| *ends > now);
        UserNotifications {
            unseen: of_user.unseen.iter().filter(|one| one.expires_at > now).cloned().collect(),
            seen: seen.map(|(id, _)| id.clone()).collect(),
        }
    }

    /// `see.lua`
    fn see(&mut self, user: &UserId, id: &NotificationId, broadcast: Option<&SeenBroadcast>) -> Seen {
        let now = Timestamp::now();
        if !self.users.contains_key(user) && broadcast.is_none() {
            return Seen::Unknown;
        }
        let of_user = self.users.entry(user.clone()).or_default();
        let place = of_user.unseen.iter().position(|one| one.id == *id && one.expires_at > now);
        if let Some(place) = place {
            let seen = of_user.unseen.remove(place);
            of_user.seen.insert(seen.id, seen.expires_at);
            return Seen::Now;
        }
        if of_user.seen.contains_key(id) || of_user.seen_of_all.contains_key(id) {
            return Seen::Before;
        }
        let Some(SeenBroadcast { number, newest, left }) = broadcast else { return Seen::Unknown };
        let ends = Timestamp::from_unix_millis(now.unix_millis().saturating_add(left.as_millis() as u64));
        let outdated = newest.saturating_sub(self.kept as u64);
        of_user.seen_of_all.retain(|_, (_, number)| *number > outdated);
        of_user.seen_of_all.insert(id.clone(), (ends.unwrap_or(now), *number));
        Seen::Now
    }

    /// `withdraw.lua`
    fn withdraw(&mut self, id: &NotificationId) -> bool {
        let Some(place) = self.to_all.iter().position(|one| one.notification.id == *id) else { return false };
        let Broadcast { notification, .. } = self.to_all.remove(place);
        self.taken_back.insert(notification.id, notification.expires_at);
        true
    }

    fn recipient(&self, id: &NotificationId) -> Option<UserId> {
        let has = |of: &OfUser| of.unseen.iter().any(|one| one.id == *id);
        self.users.iter().find(|(_, of)| has(of)).map(|(user, _)| user.clone())
    }

    /// Forgets what has ended.
    pub(super) fn remove_ended(&mut self) {
        let now = Timestamp::now();
        self.to_all.retain(|one| one.notification.expires_at > now);
        self.taken_back.retain(|_, ends| *ends > now);
        self.users.retain(|_, of| {
            of.unseen.retain(|one| one.expires_at > now);
            of.seen.retain(|_, ends| *ends > now);
            of.seen_of_all.retain(|_, (ends, _)| *ends > now);
            !of.unseen.is_empty() || !of.seen.is_empty() || !of.seen_of_all.is_empty()
        });
    }
}

/// Keeps the newest, and one at least.
fn drop_oldest<T>(list: &mut Vec<T>, kept: usize, kept_bytes: usize, of: impl Fn(&T) -> &Notification) {
    let mut bytes: usize = list.iter().map(|one| of(one).size()).sum();
    while list.len() > 1 && (list.len() > kept || bytes > kept_bytes) {
        bytes -= of(&list.remove(0)).size();
    }
}
