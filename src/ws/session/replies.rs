//! The answers that a session waits for, in the order of what they answer. A command is submitted when it is taken, which
//! gives it its place; its answer is awaited here.

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;

use crate::chat::{Chat, Poster};
use crate::model::{ChangeReceipt, Receipt, RoomName};
use crate::protocol::Rejection;

/// Posts that wait for their receipts. Nothing is held while there are none: most sessions listen.
#[derive(Default)]
pub(super) struct Replies(Option<Box<Waiting>>);

struct Waiting {
    receipts: FuturesOrdered<BoxFuture<'static, Posted>>,
    _counted: Poster,
}

/// A post that was answered.
pub(super) struct Posted {
    pub(super) room: RoomName,
    pub(super) nonce: Option<String>,
    pub(super) outcome: Result<Answer, Rejection>,
}

/// The receipt of a message, or of a change of one.
pub(super) enum Answer {
    Post(Receipt),
    Change(ChangeReceipt),
}

impl Replies {
    /// Waits for one more, behind the others.
    pub(super) fn push(&mut self, chat: &Chat, receipt: impl Future<Output = Posted> + Send + 'static) {
        let waiting = self.0.get_or_insert_with(|| {
            Box::new(Waiting { receipts: FuturesOrdered::new(), _counted: chat.count_poster() })
        });
        waiting.receipts.push_back(Box::pin(receipt));
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.receipts.len())
    }

    /// The next, if any is waited for. May be given up and called again without losing any.
    pub(super) async fn next(&mut self) -> Option<Posted> {
        let waiting = self.0.as_mut()?;
        let posted = waiting.receipts.next().await;
        if waiting.receipts.is_empty() {
            self.0 = None;
        }
        posted
    }
}
