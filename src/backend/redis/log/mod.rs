//! The log: posts in batches, pages, heads.

mod page;
mod probe;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use redis::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::unconstrained;
use tokio_util::task::AbortOnDropHandle;

pub(super) use self::page::Found;
use self::probe::Acceptance;
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::script::{Memory, REPLID, Script};
use crate::backend::redis::client::server::{Atomicity, parsed};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::pubsub::codec::{PUBLISH, Wire};
use crate::backend::redis::topology::Shards;
use crate::backend::{self, Appending, BackendError, Excerpt, NONCE_TTL, Page, Result, Span, within};
use crate::config::Config;
use crate::model::{Draft, Epoch, Position, Receipt, RoomName};
use crate::supervisor::Supervisor;

/// Functions to read and open the numbering of a room. Prepended to other scripts, behind [`REPLID`].
const FENCE: &str = include_str!("fence.lua");

static APPEND: Script = Script::new(Memory::Grows, &[REPLID, FENCE, PUBLISH, include_str!("append.lua")]);

/// Opens the numbering of a room that a session joins.
static OPEN: Script = Script::new(Memory::Grows, &[REPLID, FENCE, include_str!("head.lua")]);

/// The same script for a room that is occupied.
static HEAD: Script = Script::new(Memory::Spares, &[REPLID, FENCE, include_str!("head.lua")]);

static READ: Script = Script::new(Memory::Untouched, &[REPLID, FENCE, include_str!("read.lua")]);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&APPEND, &OPEN, &HEAD, &READ];

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
type QueuedDraft = (Draft, oneshot::Sender<Result<Receipt>>);

/// The rooms' logs in Redis.
#[derive(Debug)]
pub struct Log {
    store: Store,
    /// Queues of drafts, by room: a shard that does not answer delays few other rooms.
    queues: Vec<mpsc::Sender<QueuedDraft>>,
    acceptance: Arc<Acceptance>,
    deadline: Duration,
    _tasks: Vec<AbortOnDropHandle<()>>,
}

/// The calls of the log's scripts.
#[derive(Debug, Clone)]
struct Store {
    keys: Keys,
    shards: Arc<Shards>,
    wire: Wire,
    atomicity: Atomicity,
    max_messages: usize,
    log_ttl_ms: u128,
    head_ttl_ms: u128,
    page_bytes: usize,
    min_replicas: usize,
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
        let (history, min_replicas) = (&config.history, config.redis.min_replicas_acked);
        let queues = shards.queues();
        let store = Store {
            keys,
            shards,
            wire,
            atomicity: Atomicity::PerKey { min_replicas },
            max_messages: history.max_messages,
            log_ttl_ms: history.ttl.as_millis(),
            // Nonces refer to positions, so the head must outlive them.
            head_ttl_ms: (history.ttl + NONCE_TTL).as_millis(),
            page_bytes: config.limits.outbox_bytes / 2,
            min_replicas,
        };
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

    /// Queues the draft before this returns.
    fn queue(&self, draft: Draft) -> impl Future<Output = Result<Receipt>> + Send + use<> {
        let (reply, receipt) = oneshot::channel();
        let stopped = || BackendError::Unavailable("the node is stopping".into());
        let queue = self.store.shards.queue_of(&self.store.keys.channel(&draft.room));
        let queue = self.queues[queue].clone();
        // A full channel accepts senders in the order of their first poll. So the first poll is here, unconstrained
        // by tokio's budget for the task.
        let mut sending = Box::pin(unconstrained(async move { queue.send((draft, reply)).await }));
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
    fn append(&self, draft: Draft) -> Appending {
        Box::pin(within(self.deadline, self.queue(draft)))
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

    fn accepts_posts(&self) -> bool {
        self.acceptance.is_accepting()
    }
}

/// Sends all drafts that were queued while the last batch was in flight as one pipeline: one write and one read for
/// many messages. One batch at a time: after a failed one, a later draft of the same session could overtake an
/// earlier one.
async fn post_batches(store: Store, mut queue: mpsc::Receiver<QueuedDraft>, acceptance: Arc<Acceptance>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while queue.recv_many(&mut batch, MAX_BATCH).await > 0 {
        // Skips drafts whose caller has timed out: it was told that the post failed.
        batch.retain(|(_, reply)| !reply.is_closed());
        // A room's messages are adjacent and in order, so they are written together or not at all.
        batch.sort_by(|(one, _), (next, _)| one.room.cmp(&next.room));
        let calls: Vec<Call> = batch.iter().map(|(draft, _)| store.post_call(draft)).collect();
        let values = store.shards.run(&POSTS, &calls, store.atomicity).await;
        for ((draft, reply), value) in batch.drain(..).zip(values) {
            acceptance.record(&draft.room, value.as_ref().err());
            // The session may have ended.
            let _ = reply.send(value.and_then(|value| receipt(&draft, value)));
        }
    }
}

impl Store {
    fn post_call(&self, draft: &Draft) -> Call {
        let keys = &self.keys;
        let nonce_key =
            draft.nonce.as_ref().map(|nonce| keys.nonce(&draft.room, &draft.author.user_id, nonce));
        let script_keys = [keys.head(&draft.room), keys.log(&draft.room)];
        Call::new(&APPEND, script_keys.into_iter().chain(nonce_key))
            .arg(keys.channel(&draft.room))
            .arg(draft.open_json())
            .arg(self.max_messages)
            .arg(self.log_ttl_ms)
            .arg(self.head_ttl_ms)
            .arg(NONCE_TTL.as_millis())
            .arg(draft.id)
            .arg(draft.nonce.as_ref().map_or_else(|| "-".to_owned(), |_| draft.digest()))
            .arg(self.wire.mark(draft.taken_in))
            .arg(u8::from(self.min_replicas > 0))
    }

    /// A test post to separate keys in the room's slot, without subscribers.
    fn probe_call(&self, room: &RoomName) -> Call {
        let ttl_ms = probe::TTL.as_millis();
        Call::new(&APPEND, self.keys.probe(room))
            .arg(self.keys.probe_channel(room))
            .arg("{\"id\":\"probe\"")
            .arg(1)
            .arg(ttl_ms)
            .arg(ttl_ms)
            .arg(ttl_ms)
            .arg("-")
            .arg("-")
            .arg("-")
            .arg(0)
    }

    fn head_call(&self, script: &'static Script, room: &RoomName) -> Call {
        Call::new(script, [self.keys.head(room), self.keys.log(room)]).arg(self.head_ttl_ms)
    }

    async fn read(&self, role: &Role, room: &RoomName, span: &Span, limit: usize) -> Result<Found> {
        let value = self.shards.call(role, self.read_call(room, span, limit)).await?;
        let is_forward = matches!(span, Span::After(_) | Span::Above(_));
        Found::parse(value, is_forward).ok_or_else(|| malformed("a page"))
    }

    fn read_call(&self, room: &RoomName, span: &Span, limit: usize) -> Call {
        let (name, seq, epoch) = match span {
            Span::Newest => ("newest", 0, ""),
            Span::Before(seq) => ("before", *seq, ""),
            Span::Above(seq) => ("above", *seq, ""),
            Span::After(place) => ("after", place.seq, place.epoch.as_str()),
        };
        let seq = seq.min(MAX_SEQ);
        Call::new(&READ, [self.keys.head(room), self.keys.log(room)])
            .arg(self.log_ttl_ms)
            .arg(limit)
            .arg(self.page_bytes)
            .arg(name)
            .arg(seq)
            .arg(epoch)
    }
}

fn position(value: Value) -> Result<Position> {
    let (epoch, seq): (String, u64) = parsed(value)?;
    Ok(Position { epoch: Epoch::new(&epoch), seq })
}

/// Parses the reply of `append.lua`.
fn receipt(draft: &Draft, value: Value) -> Result<Receipt> {
    let fields: Vec<String> = parsed(value)?;
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    match fields.as_slice() {
        ["0", epoch, seq, timestamp] => {
            let id = draft.id.to_string();
            posted(&[epoch, seq, &id, timestamp]).map(|receipt| Receipt { is_duplicate: false, ..receipt })
        }
        ["1", first] => posted(&first.split(' ').collect::<Vec<_>>()),
        ["2"] => return Err(BackendError::NonceReused),
        _ => None,
    }
    .ok_or_else(|| malformed("a receipt"))
}

/// The receipt of an earlier message: epoch, seq, id and timestamp.
fn posted(words: &[&str]) -> Option<Receipt> {
    let [epoch, seq, id, timestamp, ..] = words else { return None };
    Some(Receipt {
        id: (*id).to_owned(),
        epoch: Epoch::new(epoch),
        seq: seq.parse().ok()?,
        timestamp: (*timestamp).to_owned(),
        is_duplicate: true,
    })
}

fn malformed(what: &str) -> BackendError {
    BackendError::Unavailable(format!("{what} that adda did not write").into())
}
