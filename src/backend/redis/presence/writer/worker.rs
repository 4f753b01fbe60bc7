//! The workers, which apply the changes of a room in their order.

use std::sync::MutexGuard;

use redis::{FromRedisValue, ParsingError, Value, from_redis_value};
use tokio::sync::mpsc;

use super::{Change, LocalMembers, MAX_BATCH, MembershipWriter, Op, Reply};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, REPLID, Script, TYPES};
use crate::backend::redis::client::server::{is_refusal, parsed};
use crate::backend::redis::presence::entry;
use crate::backend::redis::presence::index::{IndexUpdates, PendingLeave};
use crate::backend::redis::presence::reads::{generation, read_entry};
use crate::backend::redis::presence::{MEMBERS, MEMBERSHIPS, SHARE};
use crate::backend::redis::pubsub::codec::PUBLISH;
use crate::backend::{BackendError, Entered, LeaveMode, MEMBERS_IN_JOINED, Result};
use crate::model::{Epoch, Member, MessageId, Notice, NoticeKind, Position, RoomName, Timestamp};

pub(super) static ENTER: Script = Script::new(
    Memory::Grows,
    &[REPLID, TYPES, SHARE, PUBLISH, MEMBERS, include_str!("known_head.lua"), include_str!("enter.lua")],
);

pub(super) static LEAVE: Script =
    Script::new(Memory::Spares, &[TYPES, SHARE, PUBLISH, MEMBERS, include_str!("leave.lua")]);

impl MembershipWriter {
    pub(super) async fn run(self, mut queue: mpsc::Receiver<Op>) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while queue.recv_many(&mut batch, MAX_BATCH).await > 0 {
            let mut changes = Vec::new();
            for op in batch.drain(..) {
                match op {
                    Op::Change(change) => changes.push(change),
                    Op::Resync(resync) => {
                        self.run_batch(std::mem::take(&mut changes)).await;
                        self.resync_rooms(resync).await;
                    }
                }
            }
            self.run_batch(changes).await;
        }
    }

    /// Applies changes in three steps: the rooms of this node, the memberships, the index.
    async fn run_batch(&self, mut batch: Vec<Change>) {
        batch.retain(|change| !change.is_abandoned());
        self.add_node_rooms(&mut batch).await;
        if batch.is_empty() {
            return;
        }
        let prepared: Vec<Prepared> = batch.into_iter().map(Prepared::new).collect();
        let calls: Vec<Call> = prepared.iter().map(|prepared| self.call(prepared)).collect();
        for Prepared { change, .. } in &prepared {
            let (room, session) = change.session();
            self.pending.mark_applied(room, session);
        }
        let values = self.shards.call_all(&MEMBERSHIPS, &calls).await;
        let (mut enters, mut leaves) = (Vec::new(), Vec::new());
        for (Prepared { change, id }, value) in prepared.into_iter().zip(values) {
            match change {
                Change::Enter { room, member, reply } => {
                    self.lock_local_members().entry(room.clone()).or_default().insert(member.id);
                    let outcome =
                        value.and_then(parsed::<EnterReply>).map(|enter| enter.entered(&member, id));
                    enters.push(EnterOp { room, reply, outcome });
                }
                Change::Leave { room, member, reply, .. } => {
                    leaves.push(LeaveOp { room, member, reply, outcome: value.and_then(parsed) });
                }
            }
        }
        self.finish_enters(enters).await;
        self.finish_leaves(leaves).await;
    }

    /// Lists the rooms that are entered as rooms of this node. Refuses and removes the changes that can't go on without that.
    async fn add_node_rooms(&self, batch: &mut Vec<Change>) {
        let entering: Vec<&RoomName> = batch.iter().filter_map(Change::entered).collect();
        let Err(error) = self.index.add_node_rooms(self.node, &entering).await else { return };
        let sentence = error.root_cause();
        // A Redis at its memory limit refuses enters, but no leaves.
        let is_refused = |change: &mut Change| !is_refusal(&error) || change.entered().is_some();
        batch.extract_if(.., is_refused).for_each(|change| change.refuse(&sentence));
    }

    async fn finish_enters(&self, enters: Vec<EnterOp>) {
        if enters.is_empty() {
            return;
        }
        let rooms = enters.iter().filter(|enter| enter.outcome.is_ok()).map(|enter| &enter.room);
        self.index.measure(rooms.clone());
        let (indexed, is_complete) = tokio::join!(self.index.add_rooms(rooms), self.is_complete());
        let indexed = indexed.map_err(|error| error.root_cause());
        for enter in enters {
            // A caller that has timed out sends a leave.
            let _ = enter.reply.send(enter.outcome.and_then(|entered| match &indexed {
                Ok(()) => Ok(Entered { is_complete, ..entered }),
                Err(reason) => Err(BackendError::Unavailable(reason.clone().into())),
            }));
        }
    }

    /// Whether data that was read before this call is complete.
    async fn is_complete(&self) -> bool {
        let asked = self.shards.call(&MEMBERSHIPS, generation(&self.keys)).await;
        let generation = asked.and_then(parsed::<Option<String>>);
        generation.is_ok_and(|generation| self.data_generation.ensure_complete(generation.as_deref()).is_ok())
    }

    async fn finish_leaves(&self, leaves: Vec<LeaveOp>) {
        let mut updates = IndexUpdates::default();
        self.index.measure(leaves.iter().map(|leave| &leave.room));
        for LeaveOp { room, member, outcome, .. } in &leaves {
            let Ok(left) = outcome else { continue };
            if let Some(token) = &left.pending_token {
                let user = member.user_id.to_string();
                updates.due.push(PendingLeave { room: room.clone(), user, token: token.clone() });
            }
            if left.client_count == 0 {
                updates.empty.push(room.clone());
            }
            let mut local_members = self.lock_local_members();
            let is_known = local_members.get_mut(room).is_some_and(|sessions| {
                sessions.remove(&member.id);
                !sessions.is_empty()
            });
            if !is_known {
                updates.gone.push(room.clone());
            }
        }
        let finished = self.update_index(&updates).await.map_err(|error| error.root_cause());
        for leave in leaves {
            let _ = leave.reply.send(leave.outcome.and_then(|_| match &finished {
                Ok(()) => Ok(()),
                Err(reason) => Err(BackendError::Unavailable(reason.clone().into())),
            }));
        }
    }

    /// The third step of a leave. If it fails, a resync or this node's reaper repeats it.
    pub(super) async fn update_index(&self, updates: &IndexUpdates) -> Result<()> {
        self.index.schedule_leaves(&updates.due, self.leave_grace_ms).await?;
        self.index.remove_empty_rooms(&updates.empty).await?;
        // Last: until everything is done, a reaper must find the room here.
        self.index.remove_node_rooms(self.node, &updates.gone).await?;
        let mut local_members = self.lock_local_members();
        updates.gone.iter().for_each(|room| drop(local_members.remove(room)));
        Ok(())
    }

    fn call(&self, Prepared { change, id }: &Prepared) -> Call {
        let keys = &self.keys;
        match change {
            Change::Enter { room, member, .. } => {
                let [head, _] = keys.head_and_log(room);
                let script_keys =
                    [keys.members(room), keys.pending_leaves(room), keys.announced_leaves(room), head];
                Call::new(&ENTER, script_keys)
                    .arg(keys.channel(room))
                    .arg(self.announce_up_to)
                    .bytes(entry::encode(self.node, member))
                    .arg(member.id)
                    .arg(*id)
                    .arg(MEMBERS_IN_JOINED)
                    .arg(&member.user_id)
            }
            Change::Leave { room, member, mode, .. } => {
                let wait_ms = match mode {
                    LeaveMode::Immediate => 0,
                    LeaveMode::AfterGracePeriod => self.leave_grace_ms,
                };
                Call::new(&LEAVE, [keys.members(room), keys.pending_leaves(room)])
                    .arg(keys.channel(room))
                    .arg(self.announce_up_to)
                    .bytes(entry::encode(self.node, member))
                    .arg(member.id)
                    .arg(*id)
                    .arg(wait_ms)
            }
        }
    }

    pub(super) fn lock_local_members(&self) -> MutexGuard<'_, LocalMembers> {
        self.local_members.lock().expect("no code panics while it holds this lock")
    }
}

/// A change that is about to be applied.
struct Prepared {
    change: Change,
    /// The id of its notice, if there will be one.
    id: MessageId,
}

impl Prepared {
    fn new(change: Change) -> Self {
        Self { change, id: MessageId::now() }
    }
}

/// An enter that Redis has answered.
struct EnterOp {
    room: RoomName,
    reply: Reply<Entered>,
    outcome: Result<Entered>,
}

/// A leave that Redis has answered.
struct LeaveOp {
    room: RoomName,
    member: Member,
    reply: Reply<()>,
    outcome: Result<LeaveReply>,
}

/// The reply of `enter.lua`.
struct EnterReply {
    client_count: u64,
    is_announced: bool,
    /// The time of the join notice; `None` if there is none.
    announced_at: Option<Timestamp>,
    /// The first entries of the room.
    entries: Vec<Vec<u8>>,
    /// The head of its log; `None` if no epoch is open.
    head: Option<Position>,
}

/// The reply of `leave.lua`.
struct LeaveReply {
    client_count: u64,
    /// The token of the pending leave, if any.
    pending_token: Option<String>,
}

impl FromRedisValue for EnterReply {
    fn from_redis_value(value: Value) -> std::result::Result<Self, ParsingError> {
        let (client_count, is_announced, announced_at, entries, epoch, seq) = from_redis_value(value)?;
        let (announced_at, epoch, seq): (String, String, String) = (announced_at, epoch, seq);
        let head = seq.parse().ok().map(|seq| Position { epoch: Epoch::new(&epoch), seq });
        Ok(Self {
            client_count,
            is_announced,
            announced_at: announced_at.parse().ok().and_then(Timestamp::from_unix_millis),
            entries,
            head,
        })
    }
}

impl FromRedisValue for LeaveReply {
    fn from_redis_value(value: Value) -> std::result::Result<Self, ParsingError> {
        let (client_count, pending_token) = from_redis_value(value)?;
        Ok(Self { client_count, pending_token })
    }
}

impl EnterReply {
    fn entered(self, member: &Member, id: MessageId) -> Entered {
        let client_count = self.client_count;
        let notice = self.announced_at.map(|timestamp| Notice {
            kind: NoticeKind::Join { client_count },
            id,
            connection: Some(member.id),
            user_id: member.user_id.clone(),
            username: member.username.clone(),
            timestamp,
        });
        let members = self.entries.iter().filter_map(|entry| Some(read_entry(entry)?.member)).collect();
        Entered {
            client_count,
            is_announced: self.is_announced,
            notice,
            members,
            head: self.head,
            is_complete: false,
        }
    }
}
