//! Uploading: bytes pass from the client to the storage, and never more than a part of a file is held.

use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use object_store::buffered::BufWriter;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;
use tracing::debug;

use super::kind::Inspector;
use super::slots::UploadSlot;
use super::{file_info, unavailable};
use crate::backend::{Begun, ByteQuota, FileDescription, QuotaOwner, Upload};
use crate::chat::{Chat, Identity, Source, SpeechAccess};
use crate::model::names::file_name;
use crate::model::{FileId, FileInfo, Timestamp, hex};
use crate::protocol::{ClientAddress, ErrorCode, Rejection};
use crate::telemetry::{Refusal, count_refused_upload, meters};

/// The quota of the guests of an address, as a multiple of a user's: a class has one address.
const USERS_OF_ADDRESS: u64 = 10;

/// Bytes that may stand around a file in a request.
pub const ENVELOPE_BYTES: u64 = 64 * 1024;

/// The record of an upload is kept from expiring so often in the time after which it would.
const KEPT_IN_TIME: u32 = 4;

/// Wait before an upload that is under way is repeated.
const REPETITION_WAIT: Duration = Duration::from_millis(250);

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;

const STORAGE_FAILED: &str = "could not store a file";

/// An upload that a client asks for.
#[derive(Debug)]
pub struct UploadRequest<'a> {
    /// The user.
    pub identity: &'a Identity,
    /// The right to post to the room that the file is for.
    pub access: &'a SpeechAccess,
    /// The client's address.
    pub address: ClientAddress,
    /// Bytes of the request, if they are known: those of the file, and at most `ENVELOPE_BYTES` more.
    pub length: Option<u64>,
    /// Identifies a repetition of the upload.
    pub fingerprint: Option<String>,
}

/// A file whose bytes are at hand.
#[derive(Debug, Clone, Copy)]
pub struct NewFile<'a> {
    /// The name of the user's system.
    pub name: &'a str,
    /// The bytes.
    pub bytes: &'a Bytes,
    /// The sender's mark of the message that the file is for.
    pub nonce: Option<&'a str>,
}

/// The beginning of an upload.
#[derive(Debug)]
pub enum UploadStart {
    /// Bytes may be written.
    Open(Box<Uploading>),
    /// The upload is a repetition of one that is stored.
    Stored(FileInfo),
}

/// An upload under way. If it is dropped before it is finished, nothing of it stays.
#[derive(Debug)]
pub struct Uploading {
    chat: Chat,
    /// Nothing once the upload is finished.
    open: Option<Open>,
    /// Bytes that the quotas have granted.
    granted: u64,
    size: u64,
    /// When its record was last kept from expiring.
    kept: Instant,
    inspector: Inspector,
    _slot: UploadSlot,
}

#[derive(Debug)]
struct Open {
    upload: Upload,
    /// Nothing once it is shut down.
    writer: Option<BufWriter>,
}

impl Chat {
    /// Refuses a request whose length shows that its file is too large.
    ///
    /// # Errors
    /// `not_found` if the server takes no files; `file_too_large`.
    pub fn check_upload(&self, length: Option<u64>) -> Result<(), Rejection> {
        self.store()?;
        if length.is_some_and(|length| length > self.max_upload_bytes()) {
            return Err(self.too_large());
        }
        Ok(())
    }

    /// Bytes of a request with a file, at most.
    pub fn max_upload_bytes(&self) -> u64 {
        self.max_file_bytes() + ENVELOPE_BYTES
    }

    /// Begins an upload: takes its bytes from the quotas of its user, and one of the node's slots.
    ///
    /// # Errors
    /// Those of [`Chat::check_upload`], `file_quota_exceeded`, `unavailable`.
    pub async fn begin_upload(&self, request: UploadRequest<'_>) -> Result<UploadStart, Rejection> {
        self.check_upload(request.length)?;
        let slot = self.inner.files.slots.take(request.identity, request.address)?;
        let upload = self.upload(request);
        let writer = self.store()?.writer(upload.id).map_err(|error| unavailable(&error, STORAGE_FAILED))?;
        // From here on a failure cancels it: an answer that is lost may have granted bytes.
        let mut uploading = Uploading {
            chat: self.clone(),
            open: Some(Open { upload: upload.clone(), writer: Some(writer) }),
            granted: 0,
            size: 0,
            kept: Instant::now(),
            inspector: Inspector::default(),
            _slot: slot,
        };
        let begun = self.inner.backend.files.begin(&upload).await?;
        if !matches!(begun, Begun::Granted(_)) {
            // There is no record.
            uploading.open = None;
        }
        match begun {
            Begun::Granted(granted) => {
                uploading.granted = granted;
                Ok(UploadStart::Open(Box::new(uploading)))
            }
            Begun::Stored(id) => {
                let file = self.inner.backend.files.find(id).await?.ok_or_else(super::file_not_found)?;
                Ok(UploadStart::Stored(file_info(id, file.description)))
            }
            Begun::UnderWay => {
                let sentence = "The same file is being stored; send it again in a moment";
                Err(Rejection::new(ErrorCode::Unavailable, sentence).retry_in(REPETITION_WAIT))
            }
            Begun::Exhausted { retry_after } => {
                count_refused_upload(Refusal::Quota);
                Err(quota_exceeded().retry_in(retry_after))
            }
        }
    }

    /// Stores a file whose bytes are at hand. One of the same bytes and name that the user has sent to the room with the
    /// same nonce before is not stored again.
    ///
    /// # Errors
    /// `nonce_reused`; those of [`Chat::begin_upload`] and [`Uploading::finish`].
    pub async fn store_bytes(
        &self,
        identity: &Identity,
        access: &SpeechAccess,
        address: ClientAddress,
        file: NewFile<'_>,
    ) -> Result<FileInfo, Rejection> {
        let fingerprint = file.nonce.map(|nonce| {
            let mut digest = Sha256::new();
            for part in [identity.author.user_id.as_str(), access.room().as_str(), nonce, file.name] {
                digest.update(part);
                digest.update([0]);
            }
            digest.update(file.bytes);
            hex(&digest.finalize())
        });
        let length = Some(file.bytes.len() as u64);
        let request = UploadRequest { identity, access, address, length, fingerprint };
        match self.begin_upload(request).await? {
            UploadStart::Stored(stored) => Ok(stored),
            UploadStart::Open(mut uploading) => {
                // Another message has the nonce, since its own file would be known: this one would be refused.
                self.check_nonce_is_new(&identity.author.user_id, access.room(), file.nonce).await?;
                uploading.write(file.bytes).await?;
                uploading.finish(file.name).await
            }
        }
    }

    fn upload(&self, request: UploadRequest<'_>) -> Upload {
        let UploadRequest { identity, access, address, length, fingerprint } = request;
        let (max, limit) = (self.max_file_bytes(), self.inner.config.files.per_user_per_day as u64);
        let user = identity.author.user_id.clone();
        let mut quotas = Vec::new();
        if limit > 0 {
            quotas.push(ByteQuota { owner: QuotaOwner::User(user.clone()), limit });
        }
        if limit > 0 && identity.source == Source::Guest {
            let owner = QuotaOwner::Guests(address.to_string());
            quotas.push(ByteQuota { owner, limit: limit.saturating_mul(USERS_OF_ADDRESS) });
        }
        Upload {
            id: FileId::random(),
            user,
            room: access.room().clone(),
            wanted: length.map_or(max, |length| length.min(max)),
            least: length.map_or(1, |length| length.saturating_sub(ENVELOPE_BYTES).max(1).min(length)),
            quotas,
            fingerprint,
        }
    }

    fn max_file_bytes(&self) -> u64 {
        self.inner.config.files.max_bytes as u64
    }

    fn too_large(&self) -> Rejection {
        count_refused_upload(Refusal::TooLarge);
        let sentence = format!("A file must have at most {} bytes", self.max_file_bytes());
        Rejection::new(ErrorCode::FileTooLarge, sentence)
    }
}

fn quota_exceeded() -> Rejection {
    let sentence = "You have uploaded as much as you may in a day; try again tomorrow (UTC)";
    let left = DAY_MILLIS - Timestamp::now().unix_millis() % DAY_MILLIS;
    Rejection::new(ErrorCode::FileQuotaExceeded, sentence).retry_in(Duration::from_millis(left))
}

impl Uploading {
    /// Writes the next bytes. Waits for the storage.
    ///
    /// # Errors
    /// `file_too_large`, `file_quota_exceeded`, `unavailable`. The upload must be dropped then.
    pub async fn write(&mut self, bytes: &Bytes) -> Result<(), Rejection> {
        self.size += bytes.len() as u64;
        if self.size > self.chat.max_file_bytes() {
            return Err(self.chat.too_large());
        }
        if self.size > self.granted {
            count_refused_upload(Refusal::Quota);
            return Err(quota_exceeded());
        }
        self.inspector.see(bytes);
        self.keep_record().await;
        let Some(writer) = self.open.as_mut().and_then(|open| open.writer.as_mut()) else { return Ok(()) };
        writer.write_all(bytes).await.map_err(|error| unavailable(&error, STORAGE_FAILED))
    }

    /// An upload may take longer than a file that nobody posts is kept.
    async fn keep_record(&mut self) {
        let Some(open) = &mut self.open else { return };
        if self.kept.elapsed() < self.chat.keep_uploads_every() {
            return;
        }
        self.kept = Instant::now();
        self.chat.keep_upload(&open.upload).await;
    }

    /// Ends the upload. `name` is that of the user's system.
    ///
    /// # Errors
    /// `unavailable`; nothing of the file stays then.
    pub async fn finish(mut self, name: &str) -> Result<FileInfo, Rejection> {
        let file = self.describe(name);
        let Some(open) = &mut self.open else { return Err(super::file_not_found()) };
        if let Some(mut writer) = open.writer.take() {
            let stored = self.chat.keep_during(&open.upload, writer.shutdown()).await;
            stored.map_err(|error| unavailable(&error, STORAGE_FAILED))?;
        }
        let id = open.upload.id;
        let is_recorded = self.chat.inner.backend.files.finish(&open.upload, &file).await?;
        if !is_recorded {
            return Err(Rejection::new(ErrorCode::Unavailable, "The upload took too long; try again"));
        }
        self.open = None;
        meters().files_uploaded.increment(1);
        meters().file_bytes_received.increment(file.size);
        debug!(file = %id, size = file.size, "stored a file");
        Ok(file_info(id, file))
    }

    fn describe(&self, name: &str) -> FileDescription {
        let kind = self.inspector.kind();
        FileDescription {
            name: file_name(name),
            r#type: kind.media_type.to_owned(),
            size: self.size,
            width: kind.pixels.map(|(width, _)| width),
            height: kind.pixels.map(|(_, height)| height),
        }
    }
}

impl Drop for Uploading {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        let (chat, supervisor) = (self.chat.clone(), self.chat.inner.supervisor.clone());
        drop(supervisor.run_once("upload-removal", chat.cancel_upload(open)));
    }
}

impl Chat {
    /// Waits for the storage, however long it takes: the sweep would remove what it stores.
    async fn keep_during<T>(&self, upload: &Upload, storing: impl Future<Output = T>) -> T {
        let mut storing = pin!(storing);
        loop {
            tokio::select! {
                biased;
                stored = &mut storing => return stored,
                () = sleep(self.keep_uploads_every()) => self.keep_upload(upload).await,
            }
        }
    }

    fn keep_uploads_every(&self) -> Duration {
        self.inner.config.files.orphan_after / KEPT_IN_TIME
    }

    async fn keep_upload(&self, upload: &Upload) {
        if let Err(error) = self.inner.backend.files.keep(upload).await {
            debug!(error = %error.root_cause(), file = %upload.id, "could not keep the record of an upload");
        }
    }

    /// Removes what an upload has left. The sweep removes what this can't.
    async fn cancel_upload(self, open: Open) {
        let Open { upload, writer } = open;
        if let Some(mut writer) = writer
            && let Err(error) = writer.abort().await
        {
            debug!(%error, file = %upload.id, "could not remove the parts of an upload");
        }
        if let Err(error) = self.inner.backend.files.cancel(&upload).await {
            debug!(error = %error.root_cause(), file = %upload.id, "could not remove the record of an upload");
            return;
        }
        self.delete_bytes(&[upload.id]).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::tests::configured_chat;
    use crate::config::Config;
    use crate::model::{RoomName, Username};

    #[tokio::test(start_paused = true)]
    async fn the_record_of_an_upload_is_kept_until_its_bytes_are_stored() {
        let mut config = Config::defaults();
        config.files.orphan_after = Duration::from_secs(8);
        let chat = configured_chat(config, |backend| backend).await;
        let identity = Identity::guest(Username::from_trusted("রহিম"));
        let access = chat.access_to_post(&identity, &RoomName::from_trusted("general")).await.unwrap();
        let address = ClientAddress::new("192.0.2.1".parse().unwrap());
        let (identity, access) = (&identity, &access);
        let upload =
            chat.upload(UploadRequest { identity, access, address, length: Some(1), fingerprint: None });
        let (files, sweep) = (&chat.inner.backend.files, &chat.inner.backend.file_sweep);
        files.begin(&upload).await.unwrap();
        let orphan_after = chat.inner.config.files.orphan_after;
        chat.keep_during(&upload, sleep(3 * orphan_after)).await;
        assert_eq!(sweep.expire(orphan_after, 10).await.unwrap().removed, 0);
        sleep(orphan_after).await;
        assert_eq!(sweep.expire(orphan_after, 10).await.unwrap().removed, 1);
        chat.close_files().await;
    }
}
