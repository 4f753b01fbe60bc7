//! The records of files, by tokio's clock.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryNode;
use crate::backend::{
    Begun, Claim, Claimed, Expired, FileDescription, FileSweep, Files, NONCE_TTL, PostedFile, QuotaOwner,
    REPETITION_WAITS, Result, StoredFile, Upload,
};
use crate::model::{FileId, NodeId, RoomName, Timestamp, UserId};

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// All records.
#[derive(Debug, Default)]
pub(super) struct FileTable {
    records: HashMap<FileId, Record>,
    /// Bytes that each owner has uploaded in a day.
    uploaded: HashMap<QuotaOwner, (u64, u64)>,
    /// Uploads that may be repeated.
    uploads: HashMap<String, (FileId, Instant)>,
    /// Posted files, in the order of their messages.
    posted: HashMap<RoomName, BTreeSet<(Place, FileId)>>,
    /// Rooms with posted files, in the order in which they are to be looked at.
    rooms: BTreeMap<u64, RoomName>,
    looks: u64,
    removed: HashMap<FileId, Instant>,
    sweeper: Option<(NodeId, Instant)>,
    listed: Option<Instant>,
}

#[derive(Debug)]
struct Record {
    user: UserId,
    room: RoomName,
    day: u64,
    bytes: u64,
    /// Owners of the quotas that the bytes are taken of.
    owners: Vec<QuotaOwner>,
    file: Option<FileDescription>,
    claim: Option<String>,
    place: Option<Place>,
    changed: Instant,
}

/// The number of a message, and whether its file may be that of a message below it.
type Place = (u64, bool);

fn today() -> u64 {
    Timestamp::now().unix_millis() / DAY_MILLIS
}

impl FileTable {
    /// The state of the same upload before, if it keeps this one from beginning.
    fn begun_before(&self, upload: &Upload) -> Option<Begun> {
        let (id, since) = *self.uploads.get(upload.fingerprint.as_ref()?)?;
        let is_stored = self.records.get(&id)?.file.is_some();
        let (begun, lasts) =
            if is_stored { (Begun::Stored(id), NONCE_TTL) } else { (Begun::UnderWay, REPETITION_WAITS) };
        (since.elapsed() < lasts).then_some(begun)
    }

    fn left(&self, upload: &Upload, day: u64) -> u64 {
        let left = upload.quotas.iter().map(|quota| {
            let used =
                self.uploaded.get(&quota.owner).filter(|(of, _)| *of == day).map_or(0, |(_, used)| *used);
            quota.limit.saturating_sub(used)
        });
        left.min().unwrap_or(u64::MAX).min(upload.wanted)
    }

    fn begin(&mut self, upload: &Upload) -> Begun {
        if let Some(begun) = self.begun_before(upload) {
            return begun;
        }
        let day = today();
        let bytes = self.left(upload, day);
        if bytes < upload.least {
            let left = (day + 1) * DAY_MILLIS - Timestamp::now().unix_millis().min((day + 1) * DAY_MILLIS);
            return Begun::Exhausted { retry_after: Duration::from_millis(left) };
        }
        self.uploaded.retain(|_, (of, _)| *of == day);
        for quota in &upload.quotas {
            self.uploaded.entry(quota.owner.clone()).or_insert((day, 0)).1 += bytes;
        }
        let (user, room) = (upload.user.clone(), upload.room.clone());
        let owners = upload.quotas.iter().map(|quota| quota.owner.clone()).collect();
        let (file, claim, place) = (None, None, None);
        let record = Record { user, room, day, bytes, owners, file, claim, place, changed: Instant::now() };
        self.records.insert(upload.id, record);
        self.remember(upload);
        Begun::Granted(bytes)
    }

    fn remember(&mut self, upload: &Upload) {
        self.uploads.retain(|_, (_, since)| since.elapsed() < NONCE_TTL);
        if let Some(fingerprint) = &upload.fingerprint {
            self.uploads.insert(fingerprint.clone(), (upload.id, Instant::now()));
        }
    }

    fn give_back(&mut self, owners: &[QuotaOwner], day: u64, bytes: u64) {
        for owner in owners {
            if let Some((of, used)) = self.uploaded.get_mut(owner)
                && *of == day
            {
                *used = used.saturating_sub(bytes);
            }
        }
    }

    fn finish(&mut self, upload: &Upload, file: &FileDescription) -> bool {
        let Some(record) = self.records.get_mut(&upload.id) else { return false };
        let (day, over) = (record.day, record.bytes.saturating_sub(file.size));
        record.bytes = file.size;
        record.file = Some(file.clone());
        record.changed = Instant::now();
        let owners = record.owners.clone();
        self.give_back(&owners, day, over);
        self.remember(upload);
        true
    }

    fn cancel(&mut self, upload: &Upload) {
        if let Some(record) = self.records.remove(&upload.id) {
            self.give_back(&record.owners, record.day, record.bytes);
        }
        self.removed.insert(upload.id, Instant::now());
    }

    fn claim(&mut self, ids: &[FileId], claim: &Claim) -> Option<Vec<Claimed>> {
        let claimed = ids.iter().map(|id| {
            let record = self.records.get(id)?;
            let was_claimed = record.claim.as_ref() == Some(&claim.message);
            let is_free = record.claim.is_none() || was_claimed;
            let is_mine = record.user == claim.user && record.room == claim.room;
            let description = record.file.clone().filter(|_| is_free && is_mine)?;
            Some(Claimed { id: *id, description, was_claimed })
        });
        let claimed: Vec<Claimed> = claimed.collect::<Option<_>>()?;
        for id in ids {
            if let Some(record) = self.records.get_mut(id) {
                record.claim = Some(claim.message.clone());
                record.changed = Instant::now();
            }
        }
        Some(claimed)
    }

    fn settle(&mut self, room: &RoomName, ids: &[FileId], place: Place) {
        for id in ids {
            let Some(record) = self.records.get_mut(id) else { continue };
            let posted = self.posted.entry(room.clone()).or_insert_with(|| {
                self.looks += 1;
                self.rooms.insert(self.looks, room.clone());
                BTreeSet::new()
            });
            if let Some(before) = record.place.replace(place) {
                posted.remove(&(before, *id));
            }
            posted.insert((place, *id));
        }
    }

    fn remove(&mut self, room: &RoomName, ids: &[FileId]) -> u64 {
        let mut count = 0;
        for id in ids {
            if self.records.get(id).is_none_or(|record| record.room != *room) {
                continue;
            }
            let record = self.records.remove(id);
            self.removed.insert(*id, Instant::now());
            count += 1;
            let place = record.and_then(|record| record.place);
            if let (Some(posted), Some(place)) = (self.posted.get_mut(room), place) {
                posted.remove(&(place, *id));
                if posted.is_empty() {
                    self.posted.remove(room);
                    self.rooms.retain(|_, other| other != room);
                }
            }
        }
        count
    }

    fn expire(&mut self, age: Duration, limit: usize) -> Expired {
        let is_due = |record: &Record| record.place.is_none() && record.changed.elapsed() >= age;
        let due: Vec<FileId> =
            self.records.iter().filter(|(_, record)| is_due(record)).map(|(id, _)| *id).take(limit).collect();
        let mut expired = Expired::default();
        for id in due {
            let Some(record) = self.records.get_mut(&id) else { continue };
            if record.claim.is_some() {
                record.changed = Instant::now();
                expired.unsettled.push((record.room.clone(), id));
            } else if let Some(record) = self.records.remove(&id) {
                if record.file.is_none() {
                    self.give_back(&record.owners, record.day, record.bytes);
                }
                self.removed.insert(id, Instant::now());
                expired.removed += 1;
            }
        }
        expired
    }

    fn rooms(&mut self, limit: usize) -> Vec<RoomName> {
        let places: Vec<u64> = self.rooms.keys().copied().take(limit).collect();
        let mut rooms = Vec::new();
        for room in places.iter().filter_map(|place| self.rooms.remove(place)).collect::<Vec<_>>() {
            self.looks += 1;
            self.rooms.insert(self.looks, room.clone());
            rooms.push(room);
        }
        rooms
    }
}

#[async_trait]
impl Files for MemoryNode {
    async fn begin(&self, upload: &Upload) -> Result<Begun> {
        Ok(self.cluster.lock().files.begin(upload))
    }

    async fn keep(&self, upload: &Upload) -> Result<()> {
        if let Some(record) = self.cluster.lock().files.records.get_mut(&upload.id) {
            record.changed = Instant::now();
        }
        Ok(())
    }

    async fn finish(&self, upload: &Upload, file: &FileDescription) -> Result<bool> {
        Ok(self.cluster.lock().files.finish(upload, file))
    }

    async fn cancel(&self, upload: &Upload) -> Result<()> {
        self.cluster.lock().files.cancel(upload);
        Ok(())
    }

    async fn find(&self, id: FileId) -> Result<Option<StoredFile>> {
        let shared = self.cluster.lock();
        Ok(shared.files.records.get(&id).and_then(|record| {
            let (user, room) = (record.user.clone(), record.room.clone());
            Some(StoredFile { user, room, description: record.file.clone()? })
        }))
    }

    async fn claim(&self, ids: &[FileId], claim: &Claim) -> Result<Option<Vec<Claimed>>> {
        Ok(self.cluster.lock().files.claim(ids, claim))
    }

    async fn settle(&self, room: &RoomName, ids: &[FileId], seq: u64) -> Result<()> {
        self.cluster.lock().files.settle(room, ids, (seq, false));
        Ok(())
    }

    async fn release(&self, ids: &[FileId]) -> Result<()> {
        let mut shared = self.cluster.lock();
        for id in ids {
            if let Some(record) = shared.files.records.get_mut(id).filter(|record| record.place.is_none()) {
                record.claim = None;
                record.changed = Instant::now();
            }
        }
        Ok(())
    }

    async fn remove(&self, room: &RoomName, ids: &[FileId]) -> Result<u64> {
        Ok(self.cluster.lock().files.remove(room, ids))
    }
}

#[async_trait]
impl FileSweep for MemoryNode {
    async fn lead(&self, node: NodeId, lasts: Duration) -> Result<bool> {
        let mut shared = self.cluster.lock();
        let now = Instant::now();
        if shared.files.sweeper.is_some_and(|(leader, until)| leader != node && until > now) {
            return Ok(false);
        }
        shared.files.sweeper = Some((node, now + lasts));
        Ok(true)
    }

    async fn expire(&self, age: Duration, limit: usize) -> Result<Expired> {
        Ok(self.cluster.lock().files.expire(age, limit))
    }

    async fn rooms(&self, limit: usize) -> Result<Vec<RoomName>> {
        Ok(self.cluster.lock().files.rooms(limit))
    }

    async fn posted(&self, room: &RoomName, skip: usize, limit: usize) -> Result<Vec<PostedFile>> {
        let shared = self.cluster.lock();
        let posted = shared.files.posted.get(room).into_iter().flatten().skip(skip).take(limit);
        Ok(posted
            .map(|((seq, is_bound), id)| PostedFile { id: *id, seq: *seq, is_exact: !is_bound })
            .collect())
    }

    async fn settle_up_to(&self, room: &RoomName, ids: &[FileId], seq: u64) -> Result<()> {
        self.cluster.lock().files.settle(room, ids, (seq, true));
        Ok(())
    }

    async fn removed(&self, limit: usize) -> Result<Vec<FileId>> {
        let shared = self.cluster.lock();
        let now = Instant::now();
        let due = shared.files.removed.iter().filter(|(_, from)| **from <= now);
        Ok(due.map(|(id, _)| *id).take(limit).collect())
    }

    async fn deleted(&self, ids: &[FileId]) -> Result<()> {
        let mut shared = self.cluster.lock();
        shared.files.removed.retain(|id, _| !ids.contains(id));
        Ok(())
    }

    async fn postpone(&self, ids: &[FileId], wait: Duration) -> Result<()> {
        let mut shared = self.cluster.lock();
        for id in ids {
            if let Some(from) = shared.files.removed.get_mut(id) {
                *from = Instant::now() + wait;
            }
        }
        Ok(())
    }

    async fn unrecorded(&self, ids: &[FileId]) -> Result<Vec<FileId>> {
        let shared = self.cluster.lock();
        Ok(ids.iter().copied().filter(|id| !shared.files.records.contains_key(id)).collect())
    }

    async fn begin_listing(&self, every: Duration) -> Result<bool> {
        let mut shared = self.cluster.lock();
        if shared.files.listed.is_some_and(|last| last.elapsed() < every) {
            return Ok(false);
        }
        Ok(shared.files.listed.replace(Instant::now()).is_some())
    }
}
