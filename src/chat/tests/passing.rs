//! Users that come once, and what the node keeps of them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::sleep;

use super::chat_with;
use super::late::listener;
use crate::backend::{Backend, Channel, FeedHealth, PubSub, Publication, Result};
use crate::model::UserId;

/// Subscriptions, and the channels of users among them.
#[derive(Debug)]
struct CountedPubSub {
    inner: Arc<dyn PubSub>,
    users: Arc<Mutex<HashSet<UserId>>>,
}

#[async_trait]
impl PubSub for CountedPubSub {
    async fn subscribe(&self, channel: &Channel) -> Result<()> {
        if let Channel::User(user) = channel {
            self.users.lock().unwrap().insert(user.clone());
        }
        self.inner.subscribe(channel).await
    }

    fn unsubscribe(&self, channel: &Channel) {
        if let Channel::User(user) = channel {
            self.users.lock().unwrap().remove(user);
        }
        self.inner.unsubscribe(channel);
    }

    async fn publish(&self, channel: &Channel, publication: Publication) -> Result<()> {
        self.inner.publish(channel, publication).await
    }

    fn resumed(&self) -> watch::Receiver<u64> {
        self.inner.resumed()
    }

    fn health(&self) -> FeedHealth {
        self.inner.health()
    }
}

#[tokio::test(start_paused = true)]
async fn users_that_come_once_leave_no_subscription() {
    let subscribed = Arc::<Mutex<HashSet<UserId>>>::default();
    let chat = chat_with(|backend| {
        let (inner, users) = (backend.pubsub.clone(), subscribed.clone());
        Backend { pubsub: Arc::new(CountedPubSub { inner, users }), ..backend }
    })
    .await;
    let mut most = 0;
    for _ in 0..200 {
        let crowd: Vec<_> =
            (0..50).map(|_| chat.register_session(&UserId::guest(), Some(listener()))).collect();
        sleep(Duration::from_millis(150)).await;
        most = most.max(subscribed.lock().unwrap().len());
        drop(crowd);
    }
    assert!(most >= 50, "all are subscribed to while they are there: {most}");
    sleep(Duration::from_secs(60)).await;
    assert_eq!(subscribed.lock().unwrap().len(), 0);
}
