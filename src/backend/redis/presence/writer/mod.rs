//! Puts this node's sessions into rooms and takes them out.
//!
//! What is about a room lives in the room's slot, what is about nodes and the index of rooms in slots
//! of their own, and no script reaches over slots. So a change goes in steps, each of which may be
//! the last if something dies:
//!
//! 1. The node's own list of rooms, *before* a session enters one: a reaper must find it. A room too
//!    many there costs the reaper one look.
//! 2. The room itself: members and notices. This is what every answer counts.
//! 3. The index of rooms *after* the entrance and before the session is told; when a leave notice
//!    falls due; the rest of what the room's emptiness means. Whatever is missing here is done by the
//!    next who passes: a reaper, or a restoration.
//!
//! A room's changes go through one queue, group by group, so that one of this node never overtakes
//! another. A resync of the room goes through the same queue, and asks the node for its sessions in its turn: so no
//! change waits for it, nor does it undo one.

mod resync;
mod worker;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

pub use self::resync::CountPolicy;
use self::resync::Resync;
use crate::backend::pending::{ChangeKind, PendingChanges};
use crate::backend::redis::client::script::Script;
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::generation::Generations;
use crate::backend::redis::presence::index::Index;
use crate::backend::redis::topology::Shards;
use crate::backend::{BackendError, Changing, Entered, LeaveMode, LocalNode, Result};
use crate::config::Presence as Settings;
use crate::model::{ConnectionId, Member, NodeId, RoomName};
use crate::supervisor::Supervisor;

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&worker::ENTER, &worker::LEAVE, &resync::RESTORE];

/// Changes that go to Redis together, at most.
const GROUP: usize = 128;

/// Changes that wait for the group before theirs, at most; further ones wait in their sessions.
const WAITING: usize = 1024;

/// The handle to the queues, whose tasks end with the last one.
#[derive(Debug, Clone)]
pub struct Memberships {
    writer: MembershipWriter,
    waiting: Arc<[mpsc::Sender<Op>]>,
    _workers: Arc<[AbortOnDropHandle<()>]>,
}

/// Where the outcome of a change goes.
type Reply<T> = oneshot::Sender<Result<T>>;

/// What waits in a queue.
enum Op {
    Change(Change),
    Resync(Resync),
}

/// A change of who is in a room.
enum Change {
    Enter { room: RoomName, member: Member, reply: Reply<Entered> },
    Leave { room: RoomName, member: Member, mode: LeaveMode, reply: Reply<()> },
}

/// What it takes to carry out changes.
#[derive(Debug, Clone)]
struct MembershipWriter {
    node: NodeId,
    keys: Keys,
    shards: Arc<Shards>,
    index: Index,
    generations: Generations,
    announce_up_to: usize,
    linger_ms: u128,
    held: Arc<Mutex<Held>>,
    pending: PendingChanges,
    local: Arc<Mutex<Local>>,
}

/// The node whose sessions these are. None before it has started, and once it has retired: then it has no sessions.
type Local = Option<Weak<dyn LocalNode>>;

/// The sessions that this node has, or may have, in each room. Never too few: what failed is here
/// until a resync says what is.
type Held = HashMap<RoomName, HashSet<ConnectionId>>;

impl Memberships {
    /// Spawns the tasks that carry out changes.
    pub fn start(
        node: NodeId,
        keys: Keys,
        shards: Arc<Shards>,
        generations: Generations,
        index: Index,
        settings: &Settings,
        supervisor: &Supervisor,
    ) -> Self {
        let queues = shards.queues();
        let writer = MembershipWriter {
            node,
            index,
            keys,
            shards,
            generations,
            announce_up_to: settings.announce_up_to,
            linger_ms: settings.leave_grace.as_millis(),
            held: Arc::default(),
            pending: PendingChanges::default(),
            local: Arc::default(),
        };
        let start = |_| {
            let (sender, receiver) = mpsc::channel(WAITING);
            (sender, supervisor.keep("membership-writer", writer.clone().run(receiver)))
        };
        let (waiting, workers): (Vec<_>, Vec<_>) = (0..queues).map(start).unzip();
        Self { writer, waiting: waiting.into(), _workers: workers.into() }
    }

    pub fn enter(&self, room: &RoomName, member: &Member) -> Changing<Entered> {
        let ticket = self.writer.pending.begin(room, member, ChangeKind::Enter);
        let (reply, entered) = oneshot::channel();
        let queue = self.queue_of(room);
        let change = Change::Enter { room: room.clone(), member: member.clone(), reply };
        Box::pin(async move {
            queue.send(Op::Change(change)).await.map_err(|_| stopped())?;
            let entered = entered.await.unwrap_or_else(|_| Err(stopped()))?;
            ticket.succeed();
            Ok(entered)
        })
    }

    pub fn leave(&self, room: &RoomName, member: &Member, mode: LeaveMode) -> Changing<()> {
        let ticket = self.writer.pending.begin(room, member, ChangeKind::Leave);
        let (reply, left) = oneshot::channel();
        let queue = self.queue_of(room);
        let change = Change::Leave { room: room.clone(), member: member.clone(), mode, reply };
        Box::pin(async move {
            queue.send(Op::Change(change)).await.map_err(|_| stopped())?;
            left.await.unwrap_or_else(|_| Err(stopped()))?;
            ticket.succeed();
            Ok(())
        })
    }

    /// From now on `node` says which sessions there are; nobody does if there is none.
    pub fn attach(&self, node: Option<&Arc<dyn LocalNode>>) {
        *self.writer.local.lock().expect("no code panics while it holds this lock") =
            node.map(Arc::downgrade);
    }

    /// The changes under way.
    pub fn pending(&self) -> &PendingChanges {
        &self.writer.pending
    }

    fn queue_of(&self, room: &RoomName) -> mpsc::Sender<Op> {
        self.waiting[self.writer.shards.queue_of(&self.writer.keys.channel(room))].clone()
    }
}

fn stopped() -> BackendError {
    BackendError::Unavailable("the node is stopping".into())
}

impl Change {
    fn entered(&self) -> Option<&RoomName> {
        match self {
            Self::Enter { room, .. } => Some(room),
            Self::Leave { .. } => None,
        }
    }

    fn session(&self) -> (&RoomName, ConnectionId) {
        match self {
            Self::Enter { room, member, .. } | Self::Leave { room, member, .. } => (room, member.id),
        }
    }

    /// Whoever gave up an entrance was told that it failed; made now, it would be a ghost's. A
    /// session that has gone must be taken out all the same.
    fn is_given_up(&self) -> bool {
        matches!(self, Self::Enter { reply, .. } if reply.is_closed())
    }

    fn refuse(self, reason: &str) {
        let error = BackendError::Unavailable(reason.into());
        match self {
            Self::Enter { reply, .. } => drop(reply.send(Err(error))),
            Self::Leave { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}
