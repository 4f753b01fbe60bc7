//! Reads of the standings that this node's sessions must be given. Each user's is given as soon as it is there, so a part of
//! the backend that does not answer delays the users of no other.

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, SelectAll};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::backend::Channel;
use crate::chat::Chat;
use crate::chat::users::due::{MAX_BATCH_WAIT, MOST_READS, RETRY};
use crate::model::UserId;

impl Chat {
    /// Gives the sessions of this node what is to be known of their users, until the node stops.
    pub(in crate::chat) async fn give_standings(self) {
        let standings = &self.inner.standings;
        let mut feed = self.inner.backend.pubsub.resumed();
        let mut reads = SelectAll::new();
        let mut slots = FuturesUnordered::new();
        let mut failed: FuturesUnordered<BoxFuture<'static, UserId>> = FuturesUnordered::new();
        if self.inner.supervisor.until_stopping(self.subscribe_to_changes()).await.is_none() {
            return;
        }
        standings.on_possible_loss();
        loop {
            while slots.len() < MOST_READS {
                let batch = standings.take_due();
                if batch.is_empty() {
                    break;
                }
                let (reading, ended) = oneshot::channel::<()>();
                let read = self.inner.backend.standings.each_standing(batch);
                // The sender is dropped with the read.
                reads.push(read.inspect(move |_| _ = &reading));
                slots.push(timeout(MAX_BATCH_WAIT, ended));
            }
            tokio::select! {
                () = self.inner.supervisor.stopping() => return,
                Some((user, standing)) = reads.next() => match standing {
                    Ok(standing) => standings.give(&user, standing),
                    Err(error) => {
                        debug!(error = %error.root_cause(), "could not read the standing of a user");
                        failed.push(Box::pin(async move {
                            sleep(RETRY).await;
                            user
                        }));
                    }
                },
                Some(_) = slots.next() => {}
                Some(user) = failed.next() => standings.read_again(&user),
                () = standings.due.added() => {}
                Ok(()) = feed.changed() => standings.on_possible_loss(),
            }
        }
    }

    /// Subscribes to changes of standing, as often as it takes.
    async fn subscribe_to_changes(&self) {
        while let Err(error) = self.inner.backend.pubsub.subscribe(&Channel::Control).await {
            debug!(error = %error.root_cause(), "could not subscribe to changes of standing");
            sleep(RETRY).await;
        }
    }
}
