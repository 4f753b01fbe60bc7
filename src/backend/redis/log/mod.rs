//! The log: posts in batches, pages, heads.

mod calls;
mod page;
mod probe;
mod receipts;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use redis::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::unconstrained;
use tokio_util::task::AbortOnDropHandle;

pub(super) use self::calls::{ENTRIES, FENCE, PAGES, SCRIPTS, TEXTS};
use self::calls::{HEAD, OPEN, Store};
#[cfg(any(test, fuzzing))]
pub(super) use self::page::Found;
use self::probe::Acceptance;
use self::receipts::{change_receipt, receipt};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::script::Script;
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::pubsub::codec::Wire;
use crate::backend::redis::topology::Shards;
use crate::backend::{self, Appending, BackendError, Excerpt, Page, Result, Span, within};
use crate::config::Config;
use crate::model::{ChangeDraft, ChangeReceipt, Draft, Epoch, Nonce, Position, Receipt, RoomName, UserId};
use crate::supervisor::Supervisor;

/// Messages.
pub const POSTS: Role = Role::Ordered("posts");

/// Reads of joins and recoveries, which must not wait behind REST.
pub const READS: Role = Role::Ordered("reads");

/// Maximum number of drafts in one pipeline.
const MAX_BATCH: usize = 128;

/// Maximum number of queued drafts; further ones wait in their sessions.
const QUEUE_CAPACITY: usize = 1024;

/// Lua counts in doubles, which are exact up to here. No room reaches it, but a client may request it.
const MAX_SEQ: u64 = (1 << 53) - 1;

/// A draft, and the channel of its receipt.
#[derive(Debug)]
enum Queued {
    Message(Draft, oneshot::Sender<Result<Receipt>>),
    Change(ChangeDraft, oneshot::Sender<Result<ChangeReceipt>>),
}

/// The rooms' logs in Redis.
#[derive(Debug)]
pub struct Log {
    store: Store,
    /// Queues of drafts, by room: a shard that does not answer delays few other rooms.
    queues: Vec<mpsc::Sender<Queued>>,
    acceptance: Arc<Acceptance>,
    deadline: Duration,
    _tasks: Vec<AbortOnDropHandle<()>>,
}

impl Log {
    /// Spawns the tasks that post. They end with this value.
    pub fn start(
        keys: Keys,
        shards: Arc<Shards>,
        wire: Wire,
        config: &Config,
        supervisor: &Supervisor,
    ) -> Self {
        let queues = shards.queues();
        let store = Store::new(keys, shards, wire, config);
        let acceptance = Arc::<Acceptance>::default();
        let start = |_| {
            let (sender, receiver) = mpsc::channel(QUEUE_CAPACITY);
            let posting = post_batches(store.clone(), receiver, acceptance.clone());
            (sender, supervisor.keep("post-writer", posting))
        };
        let (queues, mut tasks): (Vec<_>, Vec<_>) = (0..queues).map(start).unzip();
        tasks.push(supervisor.keep("post-probe", probe::probe(store.clone(), acceptance.clone())));
        Self { store, queues, acceptance, deadline: config.redis.command_timeout, _tasks: tasks }
    }

    /// Queues a draft before this returns.
    fn queue<T: Send + 'static>(
        &self,
        queued: Queued,
        receipt: oneshot::Receiver<Result<T>>,
    ) -> impl Future<Output = Result<T>> + Send + use<T> {
        let stopped = || BackendError::Unavailable("the node is stopping".into());
        let queue = self.store.shards.queue_of(&self.store.keys.channel(queued.room()));
        let queue = self.queues[queue].clone();
        // A full channel accepts senders in the order of their first poll. So the first poll is here, unconstrained
        // by tokio's budget for the task.
        let mut sending = Box::pin(unconstrained(async move { queue.send(queued).await }));
        let sent = sending.as_mut().now_or_never();
        async move {
            let sent = match sent {
                Some(sent) => sent,
                None => sending.await,
            };
            sent.map_err(|_| stopped())?;
            receipt.await.unwrap_or_else(|_| Err(stopped()))
        }
    }

    async fn position(&self, script: &'static Script, room: &RoomName) -> Result<Position> {
        let store = &self.store;
        position(store.shards.call(&READS, store.head_call(script, room)).await?)
    }

    async fn read_in_epoch(&self, room: &RoomName, span: Span, limit: usize) -> Result<Page> {
        loop {
            let found = self.store.read(&READS, room, &span, limit).await?;
            if let Some(page) = found.page() {
                return Ok(page);
            }
            // The room has no epoch under this replication id, so one is opened. The room is in use on this node
            // already, so this is allowed at Redis' memory limit, too.
            self.position(&HEAD, room).await?;
        }
    }
}

#[async_trait]
impl backend::Log for Log {
    fn append(&self, draft: Draft) -> Appending<Receipt> {
        let (reply, receipt) = oneshot::channel();
        Box::pin(within(self.deadline, self.queue(Queued::Message(draft, reply), receipt)))
    }

    fn change(&self, draft: ChangeDraft) -> Appending<ChangeReceipt> {
        let (reply, receipt) = oneshot::channel();
        Box::pin(within(self.deadline, self.queue(Queued::Change(draft, reply), receipt)))
    }

    async fn head(&self, room: &RoomName) -> Result<Position> {
        within(self.deadline, self.position(&OPEN, room)).await
    }

    async fn heads(&self, rooms: &[RoomName]) -> Vec<Result<Position>> {
        let store = &self.store;
        let calls: Vec<Call> = rooms.iter().map(|room| store.head_call(&HEAD, room)).collect();
        let values = store.shards.call_all(&READS, &calls).await;
        values.into_iter().map(|value| position(value?)).collect()
    }

    async fn read(&self, room: &RoomName, span: Span, limit: usize) -> Result<Page> {
        within(self.deadline, self.read_in_epoch(room, span, limit)).await
    }

    async fn peek(&self, room: &RoomName, span: Span, limit: usize) -> Result<Excerpt> {
        let found = within(self.deadline, self.store.read(&Role::Pooled, room, &span, limit)).await?;
        Ok(found.excerpt())
    }

    async fn has_nonce(&self, room: &RoomName, user: &UserId, nonce: &Nonce) -> Result<bool> {
        let call = Call::plain("GET", self.store.keys.nonce(room, user, nonce));
        let receipt = within(self.deadline, self.store.shards.call(&Role::Pooled, call)).await;
        Ok(parsed_if_ours::<Option<Vec<u8>>>(receipt)?.is_some())
    }

    fn accepts_posts(&self) -> bool {
        self.acceptance.is_accepting()
    }
}

impl Queued {
    fn room(&self) -> &RoomName {
        match self {
            Self::Message(draft, _) => &draft.room,
            Self::Change(draft, _) => &draft.room,
        }
    }

    /// Whether its caller has timed out: it was told that the post failed.
    fn is_given_up(&self) -> bool {
        match self {
            Self::Message(_, reply) => reply.is_closed(),
            Self::Change(_, reply) => reply.is_closed(),
        }
    }

    fn call(&self, store: &Store) -> Call {
        match self {
            Self::Message(draft, _) => store.post_call(draft),
            Self::Change(draft, _) => store.change_call(draft),
        }
    }

    fn answer(self, value: Result<Value>) {
        // The session may have ended.
        match self {
            Self::Message(draft, reply) => {
                let _ = reply.send(value.and_then(|value| receipt(draft.id, value)));
            }
            Self::Change(draft, reply) => {
                let _ = reply.send(value.and_then(|value| change_receipt(draft.id, value)));
            }
        }
    }
}

/// Sends all drafts that were queued while the last batch was in flight as one pipeline: one write and one read for
/// many messages. One batch at a time: after a failed one, a later draft of the same session could overtake an
/// earlier one.
async fn post_batches(store: Store, mut queue: mpsc::Receiver<Queued>, acceptance: Arc<Acceptance>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while queue.recv_many(&mut batch, MAX_BATCH).await > 0 {
        batch.retain(|queued| !queued.is_given_up());
        // A room's messages are adjacent and in order, so they are written together or not at all.
        batch.sort_by(|one, next| one.room().cmp(next.room()));
        let calls: Vec<Call> = batch.iter().map(|queued| queued.call(&store)).collect();
        let values = store.shards.run(&POSTS, &calls, store.atomicity).await;
        for (queued, value) in batch.drain(..).zip(values) {
            acceptance.record(queued.room(), value.as_ref().err());
            queued.answer(value);
        }
    }
}

fn position(value: Value) -> Result<Position> {
    let (epoch, seq): (String, u64) = parsed(value)?;
    Ok(Position { epoch: Epoch::new(&epoch), seq })
}

fn malformed(what: &str) -> BackendError {
    BackendError::Unavailable(format!("{what} that adda did not write").into())
}
