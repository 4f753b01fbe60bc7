//! The removal of files that no message has: never posted, or posted in a message that the log has dropped or that was deleted
//! by a node that could not remove its files. One node of the cluster looks for them; each step is bounded, and what is left comes
//! with the next.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use tracing::{debug, info, warn};

use super::store::Store;
use crate::backend::{Page, PostedFile, Result, Span};
use crate::chat::Chat;
use crate::model::{EntryKind, FileId, LoggedMessage, RoomName};
use crate::supervisor::ticks;
use crate::telemetry::{Removal, count_removed_files, meters};

/// Files that are looked at in a step.
const FILES: usize = 100;

/// Rooms whose logs are looked at in a step.
const ROOMS: usize = 64;

/// Rooms of which a place is remembered, at most.
const PLACES: usize = 10_000;

/// The leader of the search is another node's after so many intervals without a sign of it.
const LEASE: u32 = 3;

/// Wait before the bytes of a file are deleted again.
const RETRY: Duration = Duration::from_secs(60);

/// Time between two comparisons of all stored bytes with the records.
const LIST_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes without a record that are younger may be those of an upload.
const YOUNG: Duration = Duration::from_secs(60 * 60);

/// How many files of a room were compared with their messages, of those rooms that have more than a step compares. Another
/// leader begins again.
type Compared = HashMap<RoomName, usize>;

impl Chat {
    /// Looks for files to remove until the node stops.
    pub(in crate::chat) async fn sweep_files(self) {
        let supervisor = self.inner.supervisor.clone();
        let Some(store) = self.inner.files.store.clone() else { return supervisor.stopping().await };
        let every = self.inner.config.files.sweep_every;
        let mut ticks = ticks(every);
        let mut compared = Compared::new();
        while supervisor.until_stopping(ticks.tick()).await.is_some() {
            let sweep = self.sweep_once(&store, every * LEASE, &mut compared);
            match supervisor.until_stopping(sweep).await {
                None => return,
                Some(Ok(())) => {}
                // An outage is told by the renewal of the lease.
                Some(Err(error)) => debug!(error = %error.root_cause(), "could not look for files to remove"),
            }
        }
    }

    async fn sweep_once(&self, store: &Store, lease: Duration, compared: &mut Compared) -> Result<()> {
        let sweep = &self.inner.backend.file_sweep;
        if !sweep.lead(self.inner.node, lease).await? {
            return Ok(());
        }
        self.expire_files().await?;
        for room in sweep.rooms(ROOMS).await? {
            let removing = async {
                self.remove_dropped(&room).await?;
                self.remove_deleted(&room, compared).await
            };
            // A room whose log can't be read, or whose server does not answer, must keep no other file.
            if let Err(error) = removing.await {
                debug!(room = %room, error = %error.root_cause(), "could not compare files with the log of their room");
            }
        }
        self.delete_bytes(&sweep.removed(FILES).await?).await;
        if sweep.begin_listing(LIST_EVERY).await? {
            self.compare_with_store(store, lease).await?;
        }
        Ok(())
    }

    /// Removes files that no message has claimed. A message that may have been posted has the number of the newest message of
    /// its room at most.
    async fn expire_files(&self) -> Result<()> {
        let backend = &self.inner.backend;
        let expired = backend.file_sweep.expire(self.inner.config.files.orphan_after, FILES).await?;
        count_removed_files(Removal::Orphan, expired.removed);
        for (room, file) in expired.unsettled {
            match backend.log.head(&room).await {
                Ok(head) => backend.file_sweep.settle_up_to(&room, &[file], head.seq).await?,
                // It comes again.
                Err(error) => {
                    debug!(room = %room, error = %error.root_cause(), "could not read the head of a file's room");
                }
            }
        }
        Ok(())
    }

    /// Removes the files of messages that the log of a room has dropped. They are listed before the log is read, so a file of
    /// a message that is posted meanwhile is not among them, whatever its number.
    async fn remove_dropped(&self, room: &RoomName) -> Result<()> {
        let backend = &self.inner.backend;
        let files = backend.file_sweep.posted(room, 0, FILES).await?;
        let oldest = oldest_kept(&backend.log.read(room, Span::Above(0), 1).await?);
        let dropped: Vec<FileId> =
            files.iter().filter(|file| file.seq < oldest).map(|file| file.id).collect();
        if !dropped.is_empty() {
            count_removed_files(Removal::Dropped, backend.files.remove(room, &dropped).await?);
        }
        Ok(())
    }

    /// Removes files of deleted messages, among the next files of a room. A deletion removes its files itself, unless its node
    /// dies between the two, learns of the deletion too late, or can't reach the records.
    async fn remove_deleted(&self, room: &RoomName, compared: &mut Compared) -> Result<()> {
        let backend = &self.inner.backend;
        let place = compared.remove(room).unwrap_or(0);
        let files = backend.file_sweep.posted(room, place, FILES).await?;
        let mut orphans = Vec::new();
        for file in &files {
            let next = backend.log.peek(room, Span::Above(file.seq.saturating_sub(1)), 1).await?;
            if is_deleted(file, next.messages.first()) {
                orphans.push(file.id);
            }
        }
        if files.len() == FILES && compared.len() < PLACES {
            compared.insert(room.clone(), place + files.len() - orphans.len());
        }
        if !orphans.is_empty() {
            count_removed_files(Removal::Deleted, backend.files.remove(room, &orphans).await?);
        }
        Ok(())
    }

    /// Deletes the bytes of files without a record, and postpones those that can't be deleted now.
    pub(super) async fn delete_bytes(&self, ids: &[FileId]) {
        let Some(store) = &self.inner.files.store else { return };
        let (mut deleted, mut failed) = (Vec::new(), Vec::new());
        for id in ids {
            match store.delete(*id).await {
                Ok(()) => deleted.push(*id),
                Err(error) => {
                    if failed.is_empty() {
                        warn!(%error, "could not delete the bytes of files; trying again");
                    }
                    failed.push(*id);
                }
            }
        }
        meters().file_deletions_failed.increment(failed.len() as u64);
        let sweep = &self.inner.backend.file_sweep;
        let mut recorded = sweep.deleted(&deleted).await;
        if !failed.is_empty() {
            recorded = recorded.and(sweep.postpone(&failed, RETRY).await);
        }
        if let Err(error) = recorded {
            debug!(error = %error.root_cause(), "could not record which bytes are deleted; they are deleted again");
        }
    }

    /// Deletes bytes that no record has: those of an upload whose record was lost with Redis' data.
    async fn compare_with_store(&self, store: &Store, lease: Duration) -> Result<()> {
        let Ok(listing) = store.list() else { return Ok(()) };
        let old = SystemTime::now() - YOUNG;
        let is_old = async |found: object_store::Result<(FileId, object_store::ObjectMeta)>| match found {
            Ok((id, meta)) => (SystemTime::from(meta.last_modified) < old).then_some(id),
            Err(error) => {
                debug!(%error, "could not list a stored file");
                None
            }
        };
        let mut batches = listing.filter_map(is_old).chunks(FILES).boxed();
        let mut count = 0;
        while let Some(ids) = batches.next().await {
            if !self.inner.backend.file_sweep.lead(self.inner.node, lease).await? {
                break;
            }
            let unrecorded = self.inner.backend.file_sweep.unrecorded(&ids).await?;
            count += unrecorded.len() as u64;
            self.delete_bytes(&unrecorded).await;
        }
        count_removed_files(Removal::Unrecorded, count);
        info!(removed = count, "compared the stored files with their records");
        Ok(())
    }
}

/// Whether the message of a file was deleted, by the next message of the log from its number on. The message at a number that
/// is only a bound may be another one.
fn is_deleted(file: &PostedFile, next: Option<&LoggedMessage>) -> bool {
    file.is_exact && next.is_some_and(|next| next.seq == file.seq && next.kind == EntryKind::Deleted)
}

/// The number of the oldest message that a log has. Without any no message is left; one that a later version wrote counts.
fn oldest_kept(page: &Page) -> u64 {
    let is_empty = page.messages.is_empty() && page.unreadable == 0;
    if is_empty { u64::MAX } else { page.continuity.oldest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Epoch;

    #[test]
    fn a_file_goes_with_the_deleted_message_that_has_its_number() {
        let message = |seq, kind| LoggedMessage {
            epoch: Epoch::new("e"),
            seq,
            json: Default::default(),
            kind,
            taken_in: None,
        };
        let file = PostedFile { id: FileId::random(), seq: 7, is_exact: true };
        let uncertain = PostedFile { is_exact: false, ..file };
        let cases = [
            (file, Some(message(7, EntryKind::Deleted)), true),
            (file, Some(message(7, EntryKind::Text)), false),
            (file, Some(message(8, EntryKind::Deleted)), false),
            (file, None, false),
            (uncertain, Some(message(7, EntryKind::Deleted)), false),
        ];
        for (file, next, expected) in cases {
            assert_eq!(is_deleted(&file, next.as_ref()), expected, "{file:?} {next:?}");
        }
    }
}
