//! A part of the backend that does not answer, and the users of others.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::chat_with;
use super::gate::{Gate, GatedNotifications, GatedPubSub, GatedStandings, Subscribing};
use crate::backend::{Backend, Channel};
use crate::chat::{Control, FrameSink, Listener, Pushed};
use crate::model::{Audience, ConnectionId, NewNotification, NotificationId, UserId, Words};
use crate::protocol::SessionKind;
use crate::websocket::{CloseCode, Frame};

const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_standing_that_is_not_read_delays_no_other() {
    let [far, near] = [UserId::guest(), UserId::guest()];
    let frozen = Some(far.clone());
    let chat = chat_with(|backend| {
        let inner = backend.standings.clone();
        let gate = Arc::<Gate>::default();
        Backend { standings: Arc::new(GatedStandings { inner, gate, is_lossy: false, frozen }), ..backend }
    })
    .await;
    let _waiting = chat.register_session(&far, None);
    let mut session = chat.register_session(&near, None);
    // Both are due, and read together.
    chat.inner.standings.on_possible_loss();
    let given = timeout(DEADLINE, session.next()).await.expect("it is given");
    assert_eq!(given, Control::Standing(Box::default()));
    chat.inner.standings.on_change(&near);
    timeout(DEADLINE, session.next()).await.expect("it is given again");
}

/// Hands on the frames that a session is given.
struct Frames(mpsc::UnboundedSender<Vec<u8>>);

impl FrameSink for Frames {
    fn push(&self, frame: &Frame) -> Pushed {
        let _ = self.0.send(frame.as_bytes().to_vec());
        Pushed::Queued
    }

    fn flush(&self) {}

    fn close(&self, _code: CloseCode) {}

    fn is_closing(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn notifications_that_are_not_read_delay_those_of_no_other_user() {
    let [far, near] = [UserId::guest(), UserId::guest()];
    let chat = chat_with(|backend| {
        let (inner, frozen) = (backend.notifications.clone(), far.clone());
        Backend { notifications: Arc::new(GatedNotifications { inner, frozen }), ..backend }
    })
    .await;
    let words = Words { to: Audience::User(near.clone()), title: None, content: "for Mita".to_owned() };
    let notification = NewNotification { id: NotificationId::now(), words, ttl: DEADLINE };
    chat.inner.backend.notifications.send(&notification).await.unwrap();
    let listener = |sink| Some(Listener { id: ConnectionId::random(), kind: SessionKind::Full, sink });
    let (frames, mut given) = mpsc::unbounded_channel();
    let _far = chat.register_session(&far, listener(Arc::new(NoSink)));
    let _near = chat.register_session(&near, listener(Arc::new(Frames(frames))));
    // Both are due, and read together.
    chat.inner.notices.on_possible_loss(&chat.inner.users);
    let is_given = async {
        while !String::from_utf8_lossy(&given.recv().await.expect("the session is there"))
            .contains("for Mita")
        {}
    };
    timeout(DEADLINE, is_given).await.expect("it is given");
}

struct NoSink;

impl FrameSink for NoSink {
    fn push(&self, _frame: &Frame) -> Pushed {
        Pushed::Queued
    }

    fn flush(&self) {}

    fn close(&self, _code: CloseCode) {}

    fn is_closing(&self) -> bool {
        false
    }
}

/// A full session.
pub(super) fn listener() -> Listener {
    Listener { id: ConnectionId::random(), kind: SessionKind::Full, sink: Arc::new(NoSink) }
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_not_confirmed_delays_no_other() {
    let frozen = UserId::guest();
    let (told, mut changes) = mpsc::unbounded_channel();
    let chat = chat_with(|backend| {
        let (inner, frozen) = (backend.pubsub.clone(), Some(frozen.clone()));
        Backend { pubsub: Arc::new(GatedPubSub { inner, frozen, told }), ..backend }
    })
    .await;
    let mut follow = async |user: &UserId| {
        let controls = chat.register_session(user, Some(listener()));
        let wanted = Subscribing::Begins(Channel::User(user.clone()));
        let following = async { while changes.recv().await.expect("the node runs") != wanted {} };
        timeout(DEADLINE, following).await.expect("its channel is subscribed to");
        controls
    };
    let _far = follow(&frozen).await;
    // It waits again by then, for as long as it takes.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let _near = follow(&UserId::guest()).await;
}
