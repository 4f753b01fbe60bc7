//! The sessions of each user on this node, and the way to reach them. A session has a mailbox of bounded size, and no sender
//! waits: a new entry merges with those that are there. `Close` replaces all others, a standing the one before, a room is to
//! be left once, and a full mailbox closes its session, which so leaves all its rooms. `channels.rs` brings a full session what
//! is published for its user.

mod channels;
mod due;
mod standing;

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

use self::channels::Changes;
pub use self::channels::Listener;
pub(super) use self::channels::UserChannels;
pub(super) use self::due::{DueUsers, MAX_BATCH_WAIT, MOST_READS, RETRY};
pub(super) use self::standing::KnownStandings;
pub use self::standing::Version;
use super::notifications::Given;
use super::{Chat, RoomScope};
use crate::backend::{Release, Standing};
use crate::model::{RoomName, UserId};
use crate::websocket::CloseCode;

/// Rooms that a session is asked to leave and has not left yet, at most.
const MOST_LEAVES: usize = 64;

/// An order of the node to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// End with this code.
    Close(CloseCode),
    /// Leave a room, if the session is in it.
    LeaveRoom(RoomName, LeaveReason),
    /// Go on under this standing of its user, if it admits that.
    Standing(Box<Standing>),
}

/// Why a session must leave a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaveReason {
    /// A moderator has removed its user, who may come back.
    Kicked,
    /// Its user may no longer be there.
    AccessRevoked,
}

impl LeaveReason {
    /// The reason as clients see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kicked => "kicked",
            Self::AccessRevoked => "removed",
        }
    }
}

/// The mailboxes by user; a cheap handle.
#[derive(Debug, Clone, Default)]
pub(super) struct Users(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    mailboxes: Mutex<HashMap<UserId, Vec<Arc<Mailbox>>>>,
    changes: Changes,
}

#[derive(Debug, Default)]
struct Mailbox {
    /// Of a full session: its way to get the events of its user.
    listener: Option<Listener>,
    /// The notifications that the session has.
    given: Given,
    /// Whether its user is a moderator.
    moderates: AtomicBool,
    /// The rooms of which the session may be told.
    scope: Mutex<RoomScope>,
    /// Looked at before the lock is taken: most sessions are never asked for anything.
    has_mail: AtomicBool,
    pending: Mutex<Pending>,
    waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct Pending {
    close: Option<CloseCode>,
    standing: Option<Box<Standing>>,
    leaves: Vec<(RoomName, LeaveReason)>,
}

/// A session's own end of its mailbox. When it is dropped the session is no longer among its user's.
#[derive(Debug)]
pub struct Controls {
    users: Users,
    user: UserId,
    mailbox: Arc<Mailbox>,
}

impl Users {
    fn register(&self, user: &UserId, listener: Option<Listener>) -> Controls {
        let is_listener = listener.is_some();
        let mailbox = Arc::new(Mailbox { listener, ..Mailbox::default() });
        self.add(user, mailbox.clone());
        if is_listener {
            self.0.changes.came(user);
        }
        Controls { users: self.clone(), user: user.clone(), mailbox }
    }

    fn add(&self, user: &UserId, mailbox: Arc<Mailbox>) {
        let mut users = self.lock();
        let mailboxes = users.entry(user.clone()).or_default();
        // Almost every user has one session here.
        mailboxes.reserve_exact(1);
        mailboxes.push(mailbox);
    }

    fn remove(&self, user: &UserId, mailbox: &Arc<Mailbox>) {
        let mut users = self.lock();
        let Some(mailboxes) = users.get_mut(user) else { return };
        mailboxes.retain(|other| !Arc::ptr_eq(other, mailbox));
        let is_last = !mailboxes.iter().any(|other| other.listener.is_some());
        if mailboxes.is_empty() {
            users.remove(user);
            users.release();
        }
        drop(users);
        if is_last && mailbox.listener.is_some() {
            self.0.changes.left(user);
        }
    }

    /// Gives an order to each session of a user. Returns how many there are.
    pub(super) fn send(&self, user: &UserId, control: &Control) -> usize {
        let mailboxes = self.lock().get(user).cloned().unwrap_or_default();
        for mailbox in &mailboxes {
            mailbox.put(control.clone());
        }
        mailboxes.len()
    }

    fn has(&self, user: &UserId) -> bool {
        self.lock().contains_key(user)
    }

    pub(super) fn all(&self) -> Vec<UserId> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Vec<Arc<Mailbox>>>> {
        self.0.mailboxes.lock().expect("no code panics while it holds this lock")
    }
}

impl Mailbox {
    fn put(&self, control: Control) {
        self.lock().merge(control);
        self.has_mail.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Control> {
        if let Some(control) = self.take() {
            return Poll::Ready(control);
        }
        self.waker.register(context.waker());
        // It may have come before the waker was there.
        self.take().map_or(Poll::Pending, Poll::Ready)
    }

    fn take(&self) -> Option<Control> {
        if !self.has_mail.load(Ordering::Acquire) {
            return None;
        }
        let mut pending = self.lock();
        let control = pending.take();
        self.has_mail.store(!pending.is_empty(), Ordering::Release);
        control
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().expect("no code panics while it holds this lock")
    }
}

impl Pending {
    fn merge(&mut self, control: Control) {
        match control {
            _ if self.close.is_some() => {}
            Control::Close(code) => *self = Self { close: Some(code), ..Self::default() },
            Control::Standing(standing) => self.standing = Some(standing),
            Control::LeaveRoom(room, reason) => {
                if self.leaves.iter().any(|(other, _)| *other == room) {
                    return;
                }
                if self.leaves.len() == MOST_LEAVES {
                    *self = Self { close: Some(CloseCode::Restarting), ..Self::default() };
                } else {
                    self.leaves.push((room, reason));
                }
            }
        }
    }

    fn take(&mut self) -> Option<Control> {
        if let Some(code) = self.close.take() {
            return Some(Control::Close(code));
        }
        if let Some(standing) = self.standing.take() {
            return Some(Control::Standing(standing));
        }
        let next = self.leaves.pop().map(|(room, reason)| Control::LeaveRoom(room, reason));
        if self.leaves.is_empty() {
            // Most sessions are never asked for anything again.
            self.leaves = Vec::new();
        }
        next
    }

    fn is_empty(&self) -> bool {
        self.close.is_none() && self.standing.is_none() && self.leaves.is_empty()
    }
}

impl Controls {
    /// The next order. May be given up and called again without losing any; costs no lock while there is none.
    pub async fn next(&mut self) -> Control {
        poll_fn(|context| self.mailbox.poll(context)).await
    }

    /// The next order, if there is one.
    #[cfg(test)]
    fn take(&mut self) -> Option<Control> {
        self.mailbox.take()
    }
}

impl Drop for Controls {
    fn drop(&mut self) {
        self.users.remove(&self.user, &self.mailbox);
    }
}

impl Chat {
    /// From now on a session can be reached by its user, until what is returned is dropped. A full session is given the
    /// events of its user as well.
    pub fn register_session(&self, user: &UserId, listener: Option<Listener>) -> Controls {
        self.inner.users.register(user, listener)
    }

    /// Closes all sessions of a user on this node. Returns how many there are.
    pub fn close_user(&self, user: &UserId, code: CloseCode) -> usize {
        self.inner.users.send(user, &Control::Close(code))
    }

    /// Has all sessions of a user on this node leave a room. Returns how many sessions are asked.
    pub fn remove_user_from_room(&self, user: &UserId, room: &RoomName, reason: LeaveReason) -> usize {
        self.inner.users.send(user, &Control::LeaveRoom(room.clone(), reason))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn leave(room: &str) -> Control {
        Control::LeaveRoom(RoomName::from_trusted(room), LeaveReason::Kicked)
    }

    #[test]
    fn every_session_of_a_user_is_reached_and_no_other() {
        let users = Users::default();
        let (rahim, mita) = (UserId::guest(), UserId::guest());
        let mut sessions = [users.register(&rahim, None), users.register(&rahim, None)];
        let mut other = users.register(&mita, None);
        assert_eq!(users.send(&rahim, &leave("general")), 2);
        for session in &mut sessions {
            assert_eq!(session.next().now_or_never(), Some(leave("general")));
            assert_eq!(session.next().now_or_never(), None);
        }
        assert_eq!(other.next().now_or_never(), None);
    }

    #[test]
    fn a_session_is_reached_by_the_user_that_it_speaks_for_now_and_not_after_its_end() {
        let users = Users::default();
        let (guest, user) = (UserId::guest(), UserId::guest());
        let mut session = users.register(&guest, None);
        session.set_user(&user, &RoomScope::ALL);
        assert_eq!(users.send(&guest, &leave("general")), 0);
        assert_eq!(users.send(&user, &leave("general")), 1);
        drop(session);
        assert_eq!(users.send(&user, &leave("general")), 0);
        assert!(users.lock().is_empty());
    }

    #[test]
    fn a_mailbox_merges_what_it_holds_and_closes_its_session_when_it_is_full() {
        let users = Users::default();
        let user = UserId::guest();
        let mut session = users.register(&user, None);
        for _ in 0..3 {
            users.send(&user, &leave("general"));
        }
        assert_eq!(session.next().now_or_never(), Some(leave("general")));
        assert_eq!(session.next().now_or_never(), None, "asked for once");
        for room in 0..=MOST_LEAVES {
            users.send(&user, &leave(&room.to_string()));
        }
        assert_eq!(session.next().now_or_never(), Some(Control::Close(CloseCode::Restarting)));
        users.send(&user, &leave("general"));
        users.send(&user, &Control::Close(CloseCode::Slow));
        users.send(&user, &leave("general"));
        assert_eq!(session.next().now_or_never(), Some(Control::Close(CloseCode::Slow)));
        assert_eq!(session.next().now_or_never(), None);
    }

    #[tokio::test]
    async fn a_session_that_waits_is_woken() {
        let users = Users::default();
        let user = UserId::guest();
        let mut session = users.register(&user, None);
        let waiting = tokio::spawn(async move { session.next().await });
        tokio::task::yield_now().await;
        users.send(&user, &leave("general"));
        assert_eq!(waiting.await.unwrap(), leave("general"));
    }
}
