//! Adds this node's sessions to rooms and removes them.
//!
//! A room's keys are in the room's slot; those of nodes and of the index of rooms are in slots of their own, and no
//! script spans slots. So a change has three steps, and any of them may be the last before a crash:
//!
//! 1. Before a session enters, the room is added to the node's list of rooms, so a reaper finds it. An extra room on the
//!    list costs the reaper one read.
//! 2. The room itself: members and notices. Every answer counts these.
//! 3. The index of rooms, after the session has entered and before it is answered; the schedule of leave notices; the
//!    removal of an empty room. A reaper or a resync repeats a missing step.
//!
//! A room's changes go through one queue, batch by batch, so changes of this node keep their order. A resync of the
//! room goes through the same queue, and reads the node's sessions when its turn comes. So it neither delays nor
//! reverts a change.

mod resync;
mod worker;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

pub use self::resync::CountPolicy;
use self::resync::Resync;
use crate::backend::node::pending::{ChangeKind, PendingChanges};
use crate::backend::redis::client::script::Script;
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::generation::DataGeneration;
use crate::backend::redis::presence::index::Index;
use crate::backend::redis::topology::Shards;
use crate::backend::{BackendError, Changing, Entered, LeaveMode, LocalNode, Result};
use crate::config::Presence as Settings;
use crate::model::{ConnectionId, Member, NodeId, RoomName};
use crate::supervisor::Supervisor;

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&worker::ENTER, &worker::LEAVE, &resync::RESTORE];

/// Maximum number of changes in one pipeline.
const MAX_BATCH: usize = 128;

/// Maximum number of queued changes; further ones wait in their sessions.
const QUEUE_CAPACITY: usize = 1024;

/// The handle to the queues, whose tasks end with the last one.
#[derive(Debug, Clone)]
pub struct Memberships {
    writer: MembershipWriter,
    queues: Arc<[mpsc::Sender<Op>]>,
    _workers: Arc<[AbortOnDropHandle<()>]>,
}

/// The channel for the result of a change.
type Reply<T> = oneshot::Sender<Result<T>>;

/// An entry of a queue.
enum Op {
    Change(Change),
    Resync(Resync),
}

/// A change of a room's members.
enum Change {
    Enter { room: RoomName, member: Member, reply: Reply<Entered> },
    Leave { room: RoomName, member: Member, mode: LeaveMode, reply: Reply<()> },
}

/// The writer of one or more queues; a cheap handle.
#[derive(Debug, Clone)]
struct MembershipWriter {
    node: NodeId,
    keys: Keys,
    shards: Arc<Shards>,
    index: Index,
    data_generation: DataGeneration,
    announce_up_to: usize,
    leave_grace_ms: u128,
    local_members: Arc<Mutex<LocalMembers>>,
    pending: PendingChanges,
    local: Arc<Mutex<Local>>,
}

/// The node with the sessions. `None` before it has started and after it has retired: then it has no sessions.
type Local = Option<Weak<dyn LocalNode>>;

/// The sessions of this node that each room has, or may have. A superset: sessions whose change failed stay here
/// until the next resync.
type LocalMembers = HashMap<RoomName, HashSet<ConnectionId>>;

impl Memberships {
    /// Spawns the workers.
    pub fn start(
        node: NodeId,
        keys: Keys,
        shards: Arc<Shards>,
        data_generation: DataGeneration,
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
            data_generation,
            announce_up_to: settings.announce_up_to,
            leave_grace_ms: settings.leave_grace.as_millis(),
            local_members: Arc::default(),
            pending: PendingChanges::default(),
            local: Arc::default(),
        };
        let start = |_| {
            let (sender, receiver) = mpsc::channel(QUEUE_CAPACITY);
            (sender, supervisor.keep("membership-writer", writer.clone().run(receiver)))
        };
        let (queues, workers): (Vec<_>, Vec<_>) = (0..queues).map(start).unzip();
        Self { writer, queues: queues.into(), _workers: workers.into() }
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

    /// Sets the node with the sessions; without one there are none.
    pub fn attach(&self, node: Option<&Arc<dyn LocalNode>>) {
        *self.writer.local.lock().expect("no code panics while it holds this lock") =
            node.map(Arc::downgrade);
    }

    /// The changes in progress.
    pub fn pending(&self) -> &PendingChanges {
        &self.writer.pending
    }

    fn queue_of(&self, room: &RoomName) -> mpsc::Sender<Op> {
        self.queues[self.writer.shards.queue_of(&self.writer.keys.channel(room))].clone()
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

    /// Whether to skip an enter whose caller has timed out: it was told that the enter failed. A leave is always
    /// carried out.
    fn is_abandoned(&self) -> bool {
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
