//! The tasks that carry changes out, room by room in their order.

use std::sync::MutexGuard;

use redis::Value;
use tokio::sync::mpsc;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::{is_refusal, parsed};
use crate::backend::redis::presence::entry;
use crate::backend::redis::presence::index::{Aftermath, Waiting};
use crate::backend::redis::presence::reads::{generation, read_entry};
use crate::backend::redis::presence::{MEMBERS, MEMBERSHIPS, SHARE};
use crate::backend::redis::pubsub::codec::PUBLISH;
use crate::backend::{BackendError, Entered, LeaveMode, MEMBERS_IN_JOINED, Result};
use crate::model::{Member, MessageId, Notice, NoticeKind, RoomName, Timestamp};

use super::{Change, GROUP, Held, MembershipWriter, Op, Reply};
pub(super) static ENTER: Script =
    Script::new(Memory::Grows, &[TYPES, SHARE, PUBLISH, MEMBERS, include_str!("enter.lua")]);

pub(super) static LEAVE: Script =
    Script::new(Memory::Spares, &[TYPES, SHARE, PUBLISH, MEMBERS, include_str!("leave.lua")]);

impl MembershipWriter {
    pub(super) async fn run(self, mut waiting: mpsc::Receiver<Op>) {
        let mut group = Vec::with_capacity(GROUP);
        while waiting.recv_many(&mut group, GROUP).await > 0 {
            let mut changes = Vec::new();
            for op in group.drain(..) {
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

    async fn run_batch(&self, mut group: Vec<Change>) {
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
        for change in &group {
            let (room, session) = change.session();
            self.pending.mark_applied(room, session);
        }
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
    pub(super) async fn finish(&self, aftermath: &Aftermath) -> Result<()> {
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

    pub(super) fn lock_held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("no code panics while it holds this lock")
    }
}

/// What `leave.lua` returns: the sessions left, and the token of the notice, if it waits.
type Left = (u64, Option<String>);

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
