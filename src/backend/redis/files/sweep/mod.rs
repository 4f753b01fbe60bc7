//! The search for files to remove.

use std::time::Duration;

use async_trait::async_trait;

use super::{RedisFiles, SHARED, read_owners, with_ids};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::{Expired, FileSweep, PostedFile, Result};
use crate::model::{FileId, NodeId, RoomName};
use crate::telemetry::{Unreadable, count_unreadable};

static LEAD: Script = Script::new(Memory::Spares, &[TYPES, SHARED, include_str!("lead.lua")]);

static DUE: Script = Script::new(Memory::Spares, &[TYPES, SHARED, include_str!("due.lua")]);

static OWNERS: Script = Script::new(Memory::Spares, &[TYPES, include_str!("owners.lua")]);

static EXPIRE: Script = Script::new(Memory::Spares, &[TYPES, SHARED, include_str!("expire.lua")]);

static ROOMS: Script = Script::new(Memory::Spares, &[TYPES, SHARED, include_str!("rooms.lua")]);

pub(super) static POSTPONE: Script =
    Script::new(Memory::Spares, &[TYPES, SHARED, include_str!("postpone.lua")]);

static UNRECORDED: Script = Script::new(Memory::Untouched, &[include_str!("unrecorded.lua")]);

static LISTING: Script = Script::new(Memory::Spares, &[TYPES, SHARED, include_str!("listing.lua")]);

/// The scripts of this file.
pub(super) const SCRIPTS: &[&Script] =
    &[&LEAD, &DUE, &OWNERS, &EXPIRE, &ROOMS, &POSTPONE, &UNRECORDED, &LISTING];

impl RedisFiles {
    /// Files of a list that are due since `age`.
    async fn due(&self, list: String, age: Duration, limit: usize) -> Result<Vec<FileId>> {
        let call = Call::new(&DUE, [list]).arg(age.as_millis()).arg(limit);
        Ok(readable(parsed(self.calls.call(call).await?)?))
    }
}

#[async_trait]
impl FileSweep for RedisFiles {
    async fn lead(&self, node: NodeId, lasts: Duration) -> Result<bool> {
        let call = Call::new(&LEAD, [self.keys.file_sweeper()]).arg(node).arg(lasts.as_millis());
        parsed(self.calls.call(call).await?)
    }

    async fn expire(&self, age: Duration, limit: usize) -> Result<Expired> {
        let ids = self.due(self.keys.unposted_files(), age, limit).await?;
        if ids.is_empty() {
            return Ok(Expired::default());
        }
        let owners = Call::new(&OWNERS, self.keys([], &ids));
        let owners: Vec<Vec<u8>> = parsed(self.calls.call(owners).await?)?;
        let mut keys = vec![self.keys.unposted_files(), self.keys.removed_files()];
        let mut counts = Vec::with_capacity(ids.len());
        for (id, owners) in ids.iter().zip(owners) {
            let owners = read_owners(&owners);
            keys.push(self.keys.file(*id));
            keys.extend(owners.iter().map(|owner| self.keys.byte_quota(owner)));
            counts.push((id, owners.len()));
        }
        let call = Call::new(&EXPIRE, keys).arg(age.as_millis());
        let call = counts.into_iter().fold(call, |call, (id, count)| call.arg(id).arg(count));
        let (removed, claimed): (u64, Vec<(Vec<u8>, String)>) = parsed(self.calls.call(call).await?)?;
        let unsettled =
            claimed.into_iter().filter_map(|(room, id)| Some((room_name(&room)?, FileId::parse(&id)?)));
        Ok(Expired { removed, unsettled: unsettled.collect() })
    }

    async fn rooms(&self, limit: usize) -> Result<Vec<RoomName>> {
        let call = Call::new(&ROOMS, [self.keys.file_rooms()]).arg(limit);
        let rooms: Vec<Vec<u8>> = parsed(self.calls.call(call).await?)?;
        Ok(rooms.iter().filter_map(|room| room_name(room)).collect())
    }

    async fn posted(&self, room: &RoomName, skip: usize, limit: usize) -> Result<Vec<PostedFile>> {
        let call = Call::plain("ZRANGEBYSCORE", self.keys.room_files(room)).arg("-inf").arg("+inf");
        let call = call.arg("WITHSCORES").arg("LIMIT").arg(skip).arg(limit);
        let found: Vec<(Vec<u8>, f64)> = parsed_if_ours(self.calls.call(call).await)?;
        let posted: Vec<PostedFile> =
            found.iter().filter_map(|(id, score)| posted_file(id, *score)).collect();
        count_unreadable(Unreadable::File, (found.len() - posted.len()) as u64);
        Ok(posted)
    }

    async fn settle_up_to(&self, room: &RoomName, ids: &[FileId], seq: u64) -> Result<()> {
        self.settle_at(room, ids, format!("{seq}.5")).await
    }

    async fn removed(&self, limit: usize) -> Result<Vec<FileId>> {
        self.due(self.keys.removed_files(), Duration::ZERO, limit).await
    }

    async fn deleted(&self, ids: &[FileId]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        self.calls.call(with_ids(Call::plain("ZREM", self.keys.removed_files()), ids)).await.map(drop)
    }

    async fn postpone(&self, ids: &[FileId], wait: Duration) -> Result<()> {
        let call = Call::new(&POSTPONE, [self.keys.removed_files()]).arg(wait.as_millis());
        self.calls.call(with_ids(call, ids)).await.map(drop)
    }

    async fn unrecorded(&self, ids: &[FileId]) -> Result<Vec<FileId>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<usize> = parsed(self.calls.call(Call::new(&UNRECORDED, self.keys([], ids))).await?)?;
        Ok(places.into_iter().filter_map(|place| ids.get(place).copied()).collect())
    }

    async fn begin_listing(&self, every: Duration) -> Result<bool> {
        let call = Call::new(&LISTING, [self.keys.file_listing()]).arg(every.as_millis());
        parsed(self.calls.call(call).await?)
    }
}

fn room_name(stored: &[u8]) -> Option<RoomName> {
    std::str::from_utf8(stored).ok().map(RoomName::from_trusted)
}

fn posted_file(id: &[u8], score: f64) -> Option<PostedFile> {
    let id = FileId::parse(std::str::from_utf8(id).ok()?)?;
    let seq = score.trunc();
    // A number of a log is exact in a double.
    (seq >= 0.0).then_some(PostedFile { id, seq: seq as u64, is_exact: seq == score })
}

/// Ids of a list, without entries of other programs.
fn readable(ids: Vec<Vec<u8>>) -> Vec<FileId> {
    let count = ids.len();
    let ids: Vec<FileId> = ids.iter().filter_map(|id| FileId::parse(std::str::from_utf8(id).ok()?)).collect();
    count_unreadable(Unreadable::File, (count - ids.len()) as u64);
    ids
}
