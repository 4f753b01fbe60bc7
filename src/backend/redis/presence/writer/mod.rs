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
//! another.

mod resync;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use redis::Value;
use tokio::sync::{RwLock, mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::{is_refusal, parsed};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::entry;
use crate::backend::redis::presence::generation::Generations;
use crate::backend::redis::presence::index::{Aftermath, Index, Waiting};
use crate::backend::redis::presence::reads::{generation, read_entry};
use crate::backend::redis::presence::{MEMBERS, MEMBERSHIPS, SHARE};
use crate::backend::redis::pubsub::codec::PUBLISH;
use crate::backend::redis::topology::Shards;
use crate::backend::{BackendError, Entered, LeaveMode, MEMBERS_IN_JOINED, Membership, Result};
use crate::config::Presence as Settings;
use crate::model::{ConnectionId, Member, MessageId, NodeId, Notice, NoticeKind, RoomName, Timestamp};
use crate::supervisor::Supervisor;

static ENTER: Script =
    Script::new(Memory::Grows, &[TYPES, SHARE, PUBLISH, MEMBERS, include_str!("enter.lua")]);

static LEAVE: Script =
    Script::new(Memory::Spares, &[TYPES, SHARE, PUBLISH, MEMBERS, include_str!("leave.lua")]);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&ENTER, &LEAVE, &resync::RESTORE];

/// Changes that go to Redis together, at most.
const GROUP: usize = 128;

/// Changes that wait for the group before theirs, at most; further ones wait in their sessions.
const WAITING: usize = 1024;

/// The handle to the queues, whose tasks end with this value.
#[derive(Debug)]
pub struct Registry {
    desk: Desk,
    waiting: Vec<mpsc::Sender<Change>>,
    _clerks: Vec<AbortOnDropHandle<()>>,
}

/// Where the outcome of a change goes.
type Reply<T> = oneshot::Sender<Result<T>>;

/// A change of who is in a room.
enum Change {
    Enter { room: RoomName, member: Member, reply: Reply<Entered> },
    Leave { room: RoomName, member: Member, mode: LeaveMode, reply: Reply<()> },
}

/// What it takes to carry out changes.
#[derive(Debug, Clone)]
struct Desk {
    node: NodeId,
    keys: Keys,
    shards: Arc<Shards>,
    index: Index,
    generations: Generations,
    announce_up_to: usize,
    linger_ms: u128,
    held: Arc<Mutex<Held>>,
    /// Held for reading by changes, for writing while all is put right.
    gate: Arc<RwLock<()>>,
}

/// The sessions that this node has, or may have, in each room. Never too few: what failed is here
/// until a restoration says what is.
type Held = HashMap<RoomName, HashSet<ConnectionId>>;

impl Registry {
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
        let desk = Desk {
            node,
            index,
            keys,
            shards,
            generations,
            announce_up_to: settings.announce_up_to,
            linger_ms: settings.leave_grace.as_millis(),
            held: Arc::default(),
            gate: Arc::default(),
        };
        let start = |_| {
            let (sender, receiver) = mpsc::channel(WAITING);
            (sender, supervisor.keep("membership-writer", desk.clone().carry_out_in_groups(receiver)))
        };
        let (waiting, clerks) = (0..queues).map(start).unzip();
        Self { desk, waiting, _clerks: clerks }
    }

    pub async fn enter(&self, room: &RoomName, member: &Member) -> Result<Entered> {
        let (reply, entered) = oneshot::channel();
        self.queue(room, Change::Enter { room: room.clone(), member: member.clone(), reply }).await?;
        entered.await.unwrap_or_else(|_| Err(stopped()))
    }

    pub async fn leave(&self, room: &RoomName, member: &Member, mode: LeaveMode) -> Result<()> {
        let (reply, left) = oneshot::channel();
        let change = Change::Leave { room: room.clone(), member: member.clone(), mode, reply };
        self.queue(room, change).await?;
        left.await.unwrap_or_else(|_| Err(stopped()))
    }

    async fn queue(&self, room: &RoomName, change: Change) -> Result<()> {
        let queue = self.desk.shards.queue_of(&self.desk.keys.channel(room));
        self.waiting[queue].send(change).await.map_err(|_| stopped())
    }

    /// Also visits the rooms that Redis believes this node to be in and that it is not. Nobody may
    /// enter or leave meanwhile.
    pub async fn restore(&self, membership: &Membership) -> Result<()> {
        self.desk.restore(membership).await
    }

    /// Makes the node's share of these rooms what it is.
    pub async fn mend(&self, membership: &Membership) -> Result<()> {
        self.desk.mend(membership).await
    }
}

fn stopped() -> BackendError {
    BackendError::Unavailable("the node is stopping".into())
}

impl Desk {
    async fn carry_out_in_groups(self, mut waiting: mpsc::Receiver<Change>) {
        let mut group = Vec::with_capacity(GROUP);
        while waiting.recv_many(&mut group, GROUP).await > 0 {
            self.carry_out(std::mem::take(&mut group)).await;
        }
    }

    async fn carry_out(&self, mut group: Vec<Change>) {
        let _carrying = self.gate.read().await;
        group.retain(|change| !change.is_given_up());
        let entering: Vec<&RoomName> = group.iter().filter_map(Change::entered).collect();
        if let Err(error) = self.index.note(self.node, &entering).await {
            let sentence = error.root_cause();
            // A Redis that has no memory for entrances lets sessions leave.
            let is_refused = |change: &mut Change| !is_refusal(&error) || change.entered().is_some();
            group.extract_if(.., is_refused).for_each(|change| change.refuse(&sentence));
        }
        if group.is_empty() {
            return;
        }
        let ids: Vec<MessageId> = group.iter().map(|_| MessageId::now()).collect();
        let calls: Vec<Call> = group.iter().zip(&ids).map(|(change, id)| self.call(change, *id)).collect();
        let values = self.shards.call_all(&MEMBERSHIPS, &calls).await;
        let (mut entrances, mut departures) = (Vec::new(), Vec::new());
        for ((change, value), id) in group.into_iter().zip(values).zip(ids) {
            match change {
                Change::Enter { room, member, reply } => {
                    self.lock_held().entry(room.clone()).or_default().insert(member.id);
                    entrances.push((room, reply, value.and_then(|value| read_entered(value, &member, id))));
                }
                Change::Leave { room, member, reply, .. } => {
                    departures.push((room, member, reply, value.and_then(parsed::<Left>)));
                }
            }
        }
        self.conclude_entrances(entrances).await;
        self.conclude_departures(departures).await;
    }

    async fn conclude_entrances(&self, entrances: Vec<(RoomName, Reply<Entered>, Result<Entered>)>) {
        if entrances.is_empty() {
            return;
        }
        let rooms = entrances.iter().filter(|(_, _, outcome)| outcome.is_ok()).map(|(room, _, _)| room);
        self.index.measure(rooms.clone());
        let (indexed, is_whole) = tokio::join!(self.index.occupy(rooms), self.is_whole());
        let indexed = indexed.map_err(|error| error.root_cause());
        for (_, reply, outcome) in entrances {
            // Whoever gave up waiting says that the session has left.
            let _ = reply.send(outcome.and_then(|entered| match &indexed {
                Ok(()) => Ok(Entered { is_whole, ..entered }),
                Err(reason) => Err(BackendError::Unavailable(reason.clone().into())),
            }));
        }
    }

    /// Whether what was read of rooms before this call was the whole.
    async fn is_whole(&self) -> bool {
        let asked = self.shards.call(&MEMBERSHIPS, generation(&self.keys)).await;
        let generation = asked.and_then(parsed::<Option<String>>);
        generation.is_ok_and(|generation| self.generations.vouch(generation.as_deref()).is_ok())
    }

    async fn conclude_departures(&self, departures: Vec<(RoomName, Member, Reply<()>, Result<Left>)>) {
        let mut aftermath = Aftermath::default();
        self.index.measure(departures.iter().map(|(room, ..)| room));
        for (room, member, _, outcome) in &departures {
            let Ok((count, due)) = outcome else { continue };
            let user = || member.user_id.to_string();
            aftermath.due.extend(due.clone().map(|token| Waiting {
                room: room.clone(),
                user: user(),
                token,
            }));
            if *count == 0 {
                aftermath.empty.push(room.clone());
            }
            let mut held = self.lock_held();
            let is_known = held.get_mut(room).is_some_and(|sessions| {
                sessions.remove(&member.id);
                !sessions.is_empty()
            });
            if !is_known {
                aftermath.gone.push(room.clone());
            }
        }
        let finished = self.finish(&aftermath).await.map_err(|error| error.root_cause());
        for (_, _, reply, outcome) in departures {
            let _ = reply.send(outcome.and_then(|_| match &finished {
                Ok(()) => Ok(()),
                Err(reason) => Err(BackendError::Unavailable(reason.clone().into())),
            }));
        }
    }

    /// The third step of leaving. If it fails a restoration comes by here again, or this node's reaper.
    async fn finish(&self, aftermath: &Aftermath) -> Result<()> {
        self.index.put_due(&aftermath.due, self.linger_ms).await?;
        self.index.vacate(&aftermath.empty).await?;
        // Last: until all is done a reaper must look here.
        self.index.unnote(self.node, &aftermath.gone).await?;
        let mut held = self.lock_held();
        aftermath.gone.iter().for_each(|room| drop(held.remove(room)));
        Ok(())
    }

    fn call(&self, change: &Change, id: MessageId) -> Call {
        let keys = &self.keys;
        match change {
            Change::Enter { room, member, .. } => {
                let script_keys = [keys.members(room), keys.lingering(room), keys.farewells(room)];
                Call::new(&ENTER, script_keys)
                    .arg(keys.channel(room))
                    .arg(self.announce_up_to)
                    .bytes(entry::encode(self.node, member))
                    .arg(member.id)
                    .arg(id)
                    .arg(MEMBERS_IN_JOINED)
            }
            Change::Leave { room, member, mode, .. } => {
                let wait_ms = match mode {
                    LeaveMode::Immediate => 0,
                    LeaveMode::AfterGracePeriod => self.linger_ms,
                };
                Call::new(&LEAVE, [keys.members(room), keys.lingering(room)])
                    .arg(keys.channel(room))
                    .arg(self.announce_up_to)
                    .bytes(entry::encode(self.node, member))
                    .arg(member.id)
                    .arg(id)
                    .arg(wait_ms)
            }
        }
    }

    fn lock_held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("no code panics while it holds this lock")
    }
}

/// What `leave.lua` returns: the sessions left, and the token of the notice, if it waits.
type Left = (u64, Option<String>);

impl Change {
    fn entered(&self) -> Option<&RoomName> {
        match self {
            Self::Enter { room, .. } => Some(room),
            Self::Leave { .. } => None,
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

fn read_entered(value: Value, member: &Member, id: MessageId) -> Result<Entered> {
    let (client_count, is_told, announced_at, entries): (u64, u8, String, Vec<Vec<u8>>) = parsed(value)?;
    let announced_at = announced_at.parse().ok().and_then(Timestamp::from_unix_millis);
    let notice = announced_at.map(|timestamp| Notice {
        kind: NoticeKind::Join { client_count },
        id,
        connection: Some(member.id),
        user_id: member.user_id.clone(),
        username: member.username.clone(),
        timestamp,
    });
    let members = entries.iter().filter_map(|entry| Some(read_entry(entry)?.member)).collect();
    Ok(Entered { client_count, is_told: is_told == 1, notice, members, is_whole: false })
}
