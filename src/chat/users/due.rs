//! Users whose data must be read for their sessions on this node. A reader takes them in batches, and some batches at the
//! same time: a part of the backend that does not answer must not delay the users of others.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;

use crate::model::UserId;

/// Users whose data is read together.
const BATCH: usize = 256;

/// Batches that a reader reads at the same time, at most.
pub(in crate::chat) const MOST_READS: usize = 8;

/// A batch that takes longer than this counts no more among [`MOST_READS`]: others wait for some part of the backend with it.
pub(in crate::chat) const MAX_BATCH_WAIT: Duration = Duration::from_millis(100);

/// Wait before a read that failed is tried again.
pub(in crate::chat) const RETRY: Duration = Duration::from_millis(250);

/// Users that are due. They have one reader.
#[derive(Debug, Default)]
pub(in crate::chat) struct DueUsers {
    users: Mutex<HashSet<UserId>>,
    added: Notify,
}

impl DueUsers {
    pub(in crate::chat) fn add(&self, users: impl IntoIterator<Item = UserId>) {
        self.lock().extend(users);
        self.added.notify_one();
    }

    /// Takes a batch of those that may be read now.
    pub(in crate::chat) fn take_batch(&self, may_be_read: impl Fn(&UserId) -> bool) -> Vec<UserId> {
        let mut users = self.lock();
        let batch: Vec<UserId> = users.iter().filter(|user| may_be_read(user)).take(BATCH).cloned().collect();
        for user in &batch {
            users.remove(user);
        }
        batch
    }

    /// Returns once users were added since the last call.
    pub(in crate::chat) async fn added(&self) {
        self.added.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<UserId>> {
        self.users.lock().expect("no code panics while it holds this lock")
    }
}
