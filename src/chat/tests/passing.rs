//! Users that come once, and what the node keeps of them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::chat_with;
use super::gate::{GatedPubSub, Subscribing};
use super::late::listener;
use crate::backend::{Backend, Channel};
use crate::model::UserId;

#[tokio::test(start_paused = true)]
async fn users_that_come_once_leave_no_subscription() {
    let (told, mut changes) = mpsc::unbounded_channel();
    let chat = chat_with(|backend| {
        let inner = backend.pubsub.clone();
        Backend { pubsub: Arc::new(GatedPubSub { inner, frozen: None, told }), ..backend }
    })
    .await;
    let mut subscribed = HashSet::new();
    let mut count = || {
        while let Ok(change) = changes.try_recv() {
            match change {
                Subscribing::Begins(Channel::User(user)) => drop(subscribed.insert(user)),
                Subscribing::Ends(Channel::User(user)) => drop(subscribed.remove(&user)),
                _ => {}
            }
        }
        subscribed.len()
    };
    let mut most = 0;
    for _ in 0..200 {
        let crowd: Vec<_> =
            (0..50).map(|_| chat.register_session(&UserId::guest(), Some(listener()))).collect();
        sleep(Duration::from_millis(150)).await;
        most = most.max(count());
        drop(crowd);
    }
    assert!(most >= 50, "all are subscribed to while they are there: {most}");
    sleep(Duration::from_secs(60)).await;
    assert_eq!(count(), 0);
}
