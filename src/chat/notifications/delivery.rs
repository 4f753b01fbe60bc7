//! How notifications reach sessions. One to a user comes on the user's channel. Those to all users are kept on each node, which
//! reads them again when they have changed. The data of a user who comes back is read together with that of others who come back
//! at the same time; so it costs one call, and no welcome waits for it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::{FuturesUnordered, SelectAll};
use tokio::sync::{Notify, oneshot};
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::backend::{Broadcast, Result, SeenBroadcast, UserNotifications};
use crate::chat::Chat;
use crate::chat::rooms::FlushSet;
use crate::chat::users::{Controls, DueUsers, MAX_BATCH_WAIT, MOST_READS, RETRY, Users};
use crate::model::{ControlEvent, Notification, NotificationId, UserEvent, UserId};

/// This node's knowledge of notifications; a cheap handle.
#[derive(Debug, Clone, Default)]
pub(in crate::chat) struct Notices(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// The notifications to all may have changed.
    changed: Notify,
    /// Users with sessions here that may be owed something.
    due: DueUsers,
}

#[derive(Debug, Default)]
struct State {
    /// Those to all users, the oldest first.
    to_all: Vec<Broadcast>,
    /// Whether `to_all` must be read again.
    reading: Reading,
}

/// The need to read the notifications to all again.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Nothing.
    #[default]
    None,
    /// The node was told that they have changed: no user can have seen the new ones.
    Changed,
    /// Events may have been missed: users may have seen them on other nodes.
    MayHaveMissed,
}

/// The notifications of users of one part of the backend.
struct OwnRead {
    asked: Instant,
    found: Vec<(UserId, Result<UserNotifications>)>,
}

impl Notices {
    /// An event for all nodes.
    pub(in crate::chat) fn on_control(&self, event: &ControlEvent, users: &Users) {
        match event {
            ControlEvent::NotificationsChanged => {
                let mut state = self.lock();
                if state.reading == Reading::None {
                    state.reading = Reading::Changed;
                }
                drop(state);
                self.0.changed.notify_one();
            }
            ControlEvent::UserNotified(user) if users.has_listener(user) => self.owe(user),
            _ => {}
        }
    }

    /// Any event may have been missed.
    pub(in crate::chat) fn on_possible_loss(&self, users: &Users) {
        let listening = users.listening();
        self.lock().reading = Reading::MayHaveMissed;
        self.0.changed.notify_one();
        self.0.due.add(listening);
    }

    /// The sessions of a user may be owed something.
    pub(in crate::chat) fn owe(&self, user: &UserId) {
        self.0.due.add([user.clone()]);
    }

    /// The present notifications to all that are not among `seen`, the oldest first.
    pub(super) fn to_all_but(&self, seen: &HashSet<NotificationId>) -> Vec<Notification> {
        let state = self.lock();
        let present = state.to_all.iter().map(|one| &one.notification);
        present.filter(|one| !one.left().is_zero() && !seen.contains(&one.id)).cloned().collect()
    }

    /// The facts that a user's mark of a notification to all depends on.
    pub(super) fn seen_broadcast(&self, id: &NotificationId) -> Option<SeenBroadcast> {
        let state = self.lock();
        let Broadcast { number, notification } =
            state.to_all.iter().find(|one| one.notification.id == *id)?;
        let newest = state.to_all.last()?.number;
        Some(SeenBroadcast { number: *number, newest, left: notification.left() })
    }

    /// Takes over what was read. Returns those that the node did not know, and those that are no more.
    pub(super) fn replace(&self, to_all: Vec<Broadcast>) -> (Vec<Notification>, Vec<NotificationId>) {
        let mut state = self.lock();
        let before = std::mem::replace(&mut state.to_all, to_all);
        let is_among = |list: &[Broadcast], one: &Broadcast| {
            list.iter().any(|other| other.notification.id == one.notification.id)
        };
        let new = state.to_all.iter().filter(|one| !is_among(&before, one));
        let gone = before.iter().filter(|one| !is_among(&state.to_all, one));
        let gone = gone.map(|one| one.notification.id.clone()).collect();
        (new.map(|one| one.notification.clone()).collect(), gone)
    }

    fn take_reading(&self) -> Reading {
        std::mem::take(&mut self.lock().reading)
    }

    /// The read has failed.
    fn read_again(&self, reading: Reading) {
        let mut state = self.lock();
        if state.reading != Reading::MayHaveMissed {
            state.reading = reading;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no code panics while it holds this lock")
    }
}

impl Chat {
    /// Gives the sessions of a user who has shown a token what the user is owed, soon.
    pub fn owe_notifications(&self, user: &UserId) {
        self.inner.notices.owe(user);
    }

    /// Gives a new guest's session the notifications to all. It has seen none, so nothing is read.
    pub fn give_notifications_to_all(&self, controls: &Controls) {
        let to_all = self.inner.notices.to_all_but(&HashSet::new());
        let mut flushes = FlushSet::default();
        to_all.iter().for_each(|one| controls.show(one, &mut flushes));
        flushes.run_now();
    }

    /// Reads what may have changed and gives it to the sessions of this node, until the node stops. Users are given theirs as soon as
    /// their part of the backend answers.
    pub(in crate::chat) async fn keep_notifications(self) {
        let mut feed = self.inner.backend.pubsub.resumed();
        let notices = &self.inner.notices.0;
        self.inner.notices.on_possible_loss(&self.inner.users);
        let mut reads = SelectAll::new();
        let mut slots = FuturesUnordered::new();
        let mut failed = FuturesUnordered::new();
        loop {
            if self.inner.supervisor.until_stopping(self.refresh_broadcasts()).await.is_none() {
                return;
            }
            while slots.len() < MOST_READS {
                let batch = notices.due.take_batch(|_| true);
                if batch.is_empty() {
                    break;
                }
                let asked = Instant::now();
                let (reading, ended) = oneshot::channel::<()>();
                let read = self.inner.backend.notifications.of_users_by_part(batch);
                // The sender is dropped with the read.
                reads.push(read.map(move |found| {
                    let _ = &reading;
                    OwnRead { asked, found }
                }));
                slots.push(timeout(MAX_BATCH_WAIT, ended));
            }
            tokio::select! {
                () = self.inner.supervisor.stopping() => return,
                Some(read) = reads.next() => {
                    let unread = self.give_own(read).await;
                    if !unread.is_empty() {
                        failed.push(async move {
                            sleep(RETRY).await;
                            unread
                        });
                    }
                }
                Some(_) = slots.next() => {}
                Some(users) = failed.next() => notices.due.add(users),
                () = notices.changed.notified() => {}
                () = notices.due.added() => {}
                Ok(()) = feed.changed() => self.inner.notices.on_possible_loss(&self.inner.users),
            }
        }
    }

    /// Reads the notifications to all again if they may have changed, as often as it takes.
    async fn refresh_broadcasts(&self) {
        loop {
            let reading = self.inner.notices.take_reading();
            if reading == Reading::None {
                return;
            }
            match self.inner.backend.notifications.to_all().await {
                Ok(to_all) => self.give_broadcasts(to_all, reading).await,
                Err(error) => {
                    debug!(error = %error.root_cause(), "could not read the notifications to all");
                    self.inner.notices.read_again(reading);
                    sleep(RETRY).await;
                }
            }
        }
    }

    async fn give_broadcasts(&self, to_all: Vec<Broadcast>, reading: Reading) {
        let (new, gone) = self.inner.notices.replace(to_all);
        let users = &self.inner.users;
        let mut flushes = FlushSet::default();
        for id in gone {
            users.withdraw(&id, &mut flushes).await;
        }
        // If events were missed, users may have seen them, so each is given its own list.
        for notification in new.into_iter().filter(|_| reading == Reading::Changed) {
            users.tell_everybody(&UserEvent::Notification(notification), &mut flushes).await;
        }
        flushes.run().await;
    }

    /// Returns the users whose notifications could not be read.
    async fn give_own(&self, OwnRead { asked, found }: OwnRead) -> Vec<UserId> {
        let mut flushes = FlushSet::default();
        let mut unread = Vec::new();
        for (user, found) in found {
            match found {
                Ok(kept) => {
                    let owed = self.owed(kept);
                    self.inner.users.give(&user, &owed, asked, &mut flushes);
                }
                Err(error) => {
                    debug!(error = %error.root_cause(), "could not read the notifications of a user");
                    unread.push(user);
                }
            }
        }
        flushes.run().await;
        unread
    }

    /// The notifications that a user is owed, the oldest first.
    pub(super) fn owed(&self, UserNotifications { unseen, seen }: UserNotifications) -> Vec<Notification> {
        let mut owed = self.inner.notices.to_all_but(&seen);
        owed.extend(unseen);
        owed.sort_by(|one, other| (one.timestamp, &one.id).cmp(&(other.timestamp, &other.id)));
        owed
    }
}
