//! The files of messages: claimed before the message is posted, and settled once it has its number. So each file belongs to one
//! message, and a second attempt with the same nonce finds its own files claimed.

use tracing::debug;
use uuid::Uuid;

use super::file_info;
use crate::backend::{BackendError, Claim, Claimed, Result as BackendResult};
use crate::chat::{Chat, SpeechAccess};
use crate::model::{FileId, FileInfo, Receipt, RoomName, UserId};
use crate::protocol::{ErrorCode, Rejection};
use crate::telemetry::{Removal, count_removed_files};

/// Files that a message may have.
pub const MAX_FILES: usize = 10;

/// The files that a message has claimed.
#[derive(Debug, Clone, Default)]
pub struct ClaimedFiles(Vec<Claimed>);

impl ClaimedFiles {
    /// As the message shows them.
    pub(in crate::chat) fn infos(&self) -> Vec<FileInfo> {
        self.0.iter().map(|file| file_info(file.id, file.description.clone())).collect()
    }

    /// Whether there are none.
    pub(in crate::chat) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn ids(&self) -> Vec<FileId> {
        self.0.iter().map(|file| file.id).collect()
    }

    /// Those that no earlier attempt of the message had claimed: it may have been posted with the others.
    fn newly_claimed(&self) -> Vec<FileId> {
        self.0.iter().filter(|file| !file.was_claimed).map(|file| file.id).collect()
    }
}

impl Chat {
    /// Claims files for a message that is about to be posted. Without files this asks nobody.
    ///
    /// # Errors
    /// `file_not_found` unless each is stored, the user's own, uploaded for this room, and not posted in another message;
    /// `bad_content`, `unavailable`.
    pub async fn claim_files(
        &self,
        user: &UserId,
        access: &SpeechAccess,
        nonce: Option<&str>,
        ids: &[String],
    ) -> Result<ClaimedFiles, Rejection> {
        if ids.is_empty() {
            return Ok(ClaimedFiles::default());
        }
        self.store()?;
        let ids = parse(ids)?;
        let message = nonce.map_or_else(|| format!("m {}", Uuid::new_v4()), |nonce| format!("n {nonce}"));
        let claim = Claim { user: user.clone(), room: access.room().clone(), message };
        let claimed = self.inner.backend.files.claim(&ids, &claim).await?;
        claimed.map(ClaimedFiles).ok_or_else(|| {
            let sentence =
                "A file must be uploaded by you, for this room, and not be posted yet; upload it again";
            Rejection::new(ErrorCode::FileNotFound, sentence)
        })
    }

    /// Records the outcome of posting a message with files. If it is unknown whether the message was posted, its files stay
    /// claimed, and the sweep settles them.
    pub(in crate::chat) async fn settle_files(
        &self,
        room: &RoomName,
        files: &ClaimedFiles,
        outcome: &BackendResult<Receipt>,
    ) {
        let settled = match outcome {
            Ok(receipt) => self.inner.backend.files.settle(room, &files.ids(), receipt.seq).await,
            Err(BackendError::Unavailable(_)) => return,
            Err(_) => return self.release_files(files).await,
        };
        if let Err(error) = settled {
            debug!(error = %error.root_cause(), "could not record the message of files; the sweep does");
        }
    }

    /// Gives up the files of a message that was not posted.
    pub(in crate::chat) async fn release_files(&self, files: &ClaimedFiles) {
        let ids = files.newly_claimed();
        if ids.is_empty() {
            return;
        }
        if let Err(error) = self.inner.backend.files.release(&ids).await {
            debug!(error = %error.root_cause(), "could not give up the files of a message");
        }
    }

    /// Removes the files of a message that was deleted. Nobody finds them once this returns, unless the records can't be reached:
    /// then the sweep removes them. Their bytes are deleted soon.
    pub(in crate::chat) async fn forget_files(&self, room: &RoomName, ids: &[String]) {
        let ids: Vec<FileId> = ids.iter().filter_map(|id| FileId::parse(id)).collect();
        if ids.is_empty() || !self.takes_files() {
            return;
        }
        match self.inner.backend.files.remove(room, &ids).await {
            Ok(count) => {
                count_removed_files(Removal::Deleted, count);
                let (chat, supervisor) = (self.clone(), &self.inner.supervisor);
                drop(supervisor.run_once("file-removal", async move { chat.delete_bytes(&ids).await }));
            }
            Err(error) => {
                debug!(error = %error.root_cause(), "could not remove the files of a message; the sweep does");
            }
        }
    }
}

fn parse(ids: &[String]) -> Result<Vec<FileId>, Rejection> {
    let parsed: Option<Vec<FileId>> = ids.iter().map(|id| FileId::parse(id)).collect();
    let mut parsed = parsed.unwrap_or_default();
    let count = parsed.len();
    let mut seen = std::collections::HashSet::new();
    parsed.retain(|id| seen.insert(*id));
    if (1..=MAX_FILES).contains(&count) && parsed.len() == count {
        return Ok(parsed);
    }
    let sentence = format!("files must be a list of at most {MAX_FILES} different file ids");
    Err(Rejection::new(ErrorCode::BadContent, sentence))
}
