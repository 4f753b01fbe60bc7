//! The channels of users. A node subscribes to a user's channel while a full session of that user is here, and gives what is
//! published there to each of these sessions.
//!
//! A session that says who it is waits for the subscription before it is answered, so it can ask for its user's state and miss
//! nothing after that. A new guest is known to nobody until it joins a room, and often becomes another user at once; so its
//! channel is subscribed to a moment later, or before its first join. Where events may have been missed the sessions are told to ask again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{Notify, OnceCell};
use tokio::time::{Instant, sleep_until, timeout};

use super::Users;
use crate::backend::{Channel, FeedHealth, Release, Result};
use crate::chat::rooms::{FlushSet, FrameSink};
use crate::chat::{Chat, RoomScope};
use crate::model::{ConnectionId, Notification, NotificationId, Role, RoomName, UserEvent, UserId};
use crate::protocol::SessionKind;
use crate::protocol::server::{ServerFrame, UserFrame, encode};
use crate::supervisor::ticks;

/// Wait before a new guest's channel is subscribed to.
const GUEST_DELAY: Duration = Duration::from_millis(100);

/// Longest wait of a session for its subscription. After that it goes on and is told when the subscription stands.
const MAX_SUBSCRIBE_WAIT: Duration = Duration::from_millis(500);

/// A full session, as the events of its user reach it.
pub struct Listener {
    /// The session.
    pub id: ConnectionId,
    /// The frames that it understands.
    pub kind: SessionKind,
    /// Where its frames go.
    pub sink: Arc<dyn FrameSink>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Listener").field(&self.id).finish()
    }
}

/// The channels that this node subscribes to, and those that it is about to.
#[derive(Debug, Default)]
pub(in crate::chat) struct UserChannels {
    /// Each is set once its subscription is confirmed.
    followed: Mutex<HashMap<UserId, Arc<OnceCell<()>>>>,
    /// Users whose subscription took too long.
    late: Mutex<HashSet<UserId>>,
}

/// Users whose sessions on this node have changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// They have a full session, and nobody waits for their channel.
    came: ByTime,
    /// Their last full session has ended.
    left: ByTime,
    has_come: Notify,
}

/// Users, each with the time of its change, the earliest first.
#[derive(Debug, Default)]
struct ByTime(Mutex<VecDeque<(Instant, UserId)>>);

impl ByTime {
    fn push(&self, user: &UserId) {
        let mut users = lock(&self.0);
        // Under the lock, so that the times are in order.
        users.push_back((Instant::now(), user.clone()));
    }

    fn earliest(&self) -> Option<Instant> {
        lock(&self.0).front().map(|(at, _)| *at)
    }

    /// Takes those whose change is so old.
    fn take_older(&self, age: Duration) -> Vec<UserId> {
        let mut users = lock(&self.0);
        let due = users.partition_point(|(at, _)| at.elapsed() >= age);
        let taken = users.drain(..due).map(|(_, user)| user).collect();
        users.release();
        taken
    }
}

impl Changes {
    pub(super) fn came(&self, user: &UserId) {
        self.came.push(user);
        self.has_come.notify_one();
    }

    pub(super) fn left(&self, user: &UserId) {
        self.left.push(user);
    }

    /// The users that came some time ago, many at once. May be given up and called again without losing any.
    async fn arrivals(&self) -> Vec<UserId> {
        loop {
            match self.came.earliest() {
                None => self.has_come.notified().await,
                Some(at) => {
                    sleep_until(at + GUEST_DELAY).await;
                    return self.came.take_older(GUEST_DELAY / 2);
                }
            }
        }
    }
}

impl UserChannels {
    fn cell(&self, user: &UserId) -> Arc<OnceCell<()>> {
        lock(&self.followed).entry(user.clone()).or_default().clone()
    }
}

impl Users {
    /// Gives an event to each full session of its user. A session that is in the room of a message gets the message itself; one
    /// whose token keeps it out of a room is told nothing of it.
    pub(in crate::chat) fn tell(
        &self,
        user: &UserId,
        event: &UserEvent,
        is_in: impl Fn(&RoomName, ConnectionId) -> bool,
        flushes: &mut FlushSet,
    ) {
        let mailboxes = self.lock().get(user).cloned().unwrap_or_default();
        let frame = encode(&UserFrame::from(event).into(), SessionKind::Full);
        for mailbox in &mailboxes {
            let (Some(frame), Some(listener)) = (&frame, &mailbox.listener) else { continue };
            let concerns = match event {
                UserEvent::Notification(notification) => mailbox.given.show(&notification.id),
                UserEvent::Seen(id) => mailbox.given.hide(id),
                _ if !listener.kind.has_room_list() => false,
                UserEvent::Inbox(entry) => mailbox.admits(&entry.room) && !is_in(&entry.room, listener.id),
                UserEvent::Read { room, .. } | UserEvent::ReadBy { room, .. } => mailbox.admits(room),
                UserEvent::RoomsChanged | UserEvent::ReportsChanged => true,
            };
            if concerns {
                flushes.push(&listener.sink, frame);
            }
        }
    }

    /// Tells each full session of this node that its user's rooms may have changed.
    async fn tell_all(&self) {
        let mut flushes = FlushSet::default();
        for user in self.all() {
            self.tell(&user, &UserEvent::RoomsChanged, |_, _| false, &mut flushes);
            if flushes.is_long() {
                flushes.run().await;
            }
        }
        flushes.run().await;
    }

    /// Tells each full session of a moderator that there are other reports.
    pub(in crate::chat) fn tell_moderators(&self, flushes: &mut FlushSet) {
        let mailboxes: Vec<_> = self
            .lock()
            .values()
            .flatten()
            .filter(|mailbox| mailbox.moderates.load(Ordering::Relaxed))
            .cloned()
            .collect();
        for mailbox in mailboxes {
            if mailbox.listener.as_ref().is_some_and(|listener| listener.kind.has_room_list()) {
                mailbox.push(UserFrame::ReportsChanged, flushes);
            }
        }
    }

    /// Gives an event that is about no room to the sessions of all users.
    pub(in crate::chat) async fn tell_everybody(&self, event: &UserEvent, flushes: &mut FlushSet) {
        for user in self.all() {
            self.tell(&user, event, |_, _| false, flushes);
            if flushes.is_long() {
                flushes.run().await;
            }
        }
    }

    /// Tells each session that has a notification that it needs to be shown no longer.
    pub(in crate::chat) async fn withdraw(&self, id: &NotificationId, flushes: &mut FlushSet) {
        for user in self.all() {
            let mailboxes = self.lock().get(&user).cloned().unwrap_or_default();
            for mailbox in mailboxes.iter().filter(|mailbox| mailbox.given.withdraw(id)) {
                mailbox.push(UserFrame::Seen { id }, flushes);
            }
            if flushes.is_long() {
                flushes.run().await;
            }
        }
    }

    /// Gives each session of a user the notifications that it is owed and does not have, and tells it of those that it has and is
    /// not owed. `asked`: before `owed` was read.
    pub(in crate::chat) fn give(
        &self,
        user: &UserId,
        owed: &[Notification],
        asked: std::time::Instant,
        flushes: &mut FlushSet,
    ) {
        let mailboxes = self.lock().get(user).cloned().unwrap_or_default();
        let ids: HashSet<&NotificationId> = owed.iter().map(|one| &one.id).collect();
        for mailbox in &mailboxes {
            for id in mailbox.given.hide_others(&ids, asked) {
                mailbox.push(UserFrame::Seen { id: &id }, flushes);
            }
            owed.iter().for_each(|one| mailbox.show(one, flushes));
        }
    }

    /// The users that have a session which is given what is published for them.
    pub(in crate::chat) fn listening(&self) -> Vec<UserId> {
        let users = self.lock();
        let listening =
            users.iter().filter(|(_, mailboxes)| mailboxes.iter().any(|one| one.listener.is_some()));
        listening.map(|(user, _)| user.clone()).collect()
    }

    pub(in crate::chat) fn has_listener(&self, user: &UserId) -> bool {
        self.lock().get(user).is_some_and(|mailboxes| mailboxes.iter().any(|one| one.listener.is_some()))
    }
}

impl super::Mailbox {
    /// Gives the session a notification, once.
    fn show(&self, notification: &Notification, flushes: &mut FlushSet) {
        if self.listener.is_some() && self.given.show(&notification.id) {
            self.push(UserFrame::Notification(notification.into()), flushes);
        }
    }

    fn push(&self, frame: UserFrame<'_>, flushes: &mut FlushSet) {
        let Some(listener) = &self.listener else { return };
        if let Some(frame) = encode(&ServerFrame::User(frame), listener.kind) {
            flushes.push(&listener.sink, &frame);
        }
    }

    fn admits(&self, room: &RoomName) -> bool {
        lock(&self.scope).admits(room)
    }
}

impl super::Controls {
    /// Gives the session a notification, once.
    pub(in crate::chat) fn show(&self, notification: &Notification, flushes: &mut FlushSet) {
        self.mailbox.show(notification, flushes);
    }

    /// From now on the session's user has this role.
    pub fn set_role(&self, role: Role) {
        self.mailbox.moderates.store(role >= Role::Moderator, Ordering::Relaxed);
    }

    /// From now on the session is one of this user, limited to these rooms.
    pub fn set_user(&mut self, user: &UserId, scope: &RoomScope) {
        *lock(&self.mailbox.scope) = scope.clone();
        if *user != self.user {
            self.users.add(user, self.mailbox.clone());
            self.users.remove(&self.user, &self.mailbox);
            self.user = user.clone();
        }
    }
}

impl Chat {
    /// Returns once what is published for a user reaches this node. While that takes too long, or the subscription is broken,
    /// returns at once: the sessions are told later to ask for what they may have missed.
    pub async fn follow_user(&self, user: &UserId) {
        let cell = self.inner.user_channels.cell(user);
        if cell.initialized() {
            return;
        }
        let opening = cell.get_or_try_init(|| self.subscribe_to(user));
        if self.inner.backend.pubsub.health() == FeedHealth::Stale {
            // The subscription is part of the next one, which is followed by a look.
            let _ = opening.now_or_never();
        } else if !matches!(timeout(MAX_SUBSCRIBE_WAIT, opening).await, Ok(Ok(_))) {
            lock(&self.inner.user_channels.late).insert(user.clone());
        }
    }

    async fn subscribe_to(&self, user: &UserId) -> Result<()> {
        self.inner.backend.pubsub.subscribe(&Channel::User(user.clone())).await
    }

    /// Subscribes and unsubscribes as sessions come and go, until the node stops.
    pub(in crate::chat) async fn keep_user_channels(self) {
        let changes = &self.inner.users.0.changes;
        let mut feed = self.inner.backend.pubsub.resumed();
        let mut ticks = ticks(Duration::from_secs(1));
        // Beside the loop: a subscription that takes long must not delay those of other users.
        let mut following: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
        let keeping = async {
            loop {
                tokio::select! {
                    users = changes.arrivals() => {
                        following.extend(users.into_iter().map(|user| self.follow_arrival(user).boxed()));
                    }
                    Some(()) = following.next() => {}
                    Ok(()) = feed.changed() => self.inner.users.tell_all().await,
                    _ = ticks.tick() => {
                        self.unfollow_users();
                        for user in std::mem::take(&mut *lock(&self.inner.user_channels.late)) {
                            following.push(self.follow_late_user(user).boxed());
                        }
                    }
                }
            }
        };
        self.inner.supervisor.until_stopping(keeping).await;
    }

    /// Unsubscribes from the channels of users whose last session ended some time ago.
    fn unfollow_users(&self) {
        let due = self.inner.users.0.changes.left.take_older(self.inner.config.presence.unsubscribe_after);
        let mut followed = lock(&self.inner.user_channels.followed);
        for user in due {
            // Under the lock, so that it comes before the subscription of a session that comes next.
            if !self.inner.users.has_listener(&user) && followed.remove(&user).is_some() {
                self.inner.backend.pubsub.unsubscribe(&Channel::User(user));
            }
        }
        followed.release();
    }

    /// Follows a user unless its session has ended meanwhile: nobody would unsubscribe from its channel again.
    async fn follow_arrival(&self, user: UserId) {
        if self.inner.users.has_listener(&user) {
            self.follow_user(&user).await;
        }
    }

    /// Waits again for a subscription that took too long. The user's sessions have gone on without.
    async fn follow_late_user(&self, user: UserId) {
        if !self.inner.users.has_listener(&user) {
            return;
        }
        let cell = self.inner.user_channels.cell(&user);
        match cell.get_or_try_init(|| self.subscribe_to(&user)).await {
            Ok(()) => {
                let mut flushes = FlushSet::default();
                self.inner.users.tell(&user, &UserEvent::RoomsChanged, |_, _| false, &mut flushes);
                flushes.run_now();
                self.inner.notices.owe(&user);
            }
            Err(_) => drop(lock(&self.inner.user_channels.late).insert(user)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no code panics while it holds this lock")
}
