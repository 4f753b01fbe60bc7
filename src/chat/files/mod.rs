//! Files: uploading and reading them, the messages that they belong to, and the removal of those that no message has. Their
//! bytes are in a [`Store`], their records in the backend.

mod exif;
mod kind;
mod posting;
mod reading;
mod slots;
mod store;
mod sweep;
#[cfg(test)]
mod tests;
mod upload;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub use self::kind::is_shown;
pub use self::posting::{ClaimedFiles, MAX_FILES};
pub use self::reading::{FileReader, ReadableFile};
use self::slots::UploadSlots;
use self::store::Store;
pub use self::upload::{ENVELOPE_BYTES, NewFile, UploadRequest, UploadStart, Uploading};
use super::Chat;
use crate::backend::FileDescription;
use crate::config::Config;
use crate::model::{FileId, FileInfo, NodeId};
use crate::protocol::{ErrorCode, Rejection};

/// Reads of the storage at once. Each is a piece, so that thousands of readers get on though a few of them read.
const READS: usize = 32;

/// The storage of a node, and its uploads and reads under way.
#[derive(Debug)]
pub(super) struct FileService {
    store: Option<Store>,
    slots: UploadSlots,
    reads: Arc<Semaphore>,
}

impl FileService {
    /// # Errors
    /// One sentence, if the storage of `files.url` can't be used.
    pub(super) fn open(config: &Config, node: NodeId) -> Result<Self, String> {
        let store = Store::open(&config.files, node, config.redis.url.is_empty())?;
        let slots = UploadSlots::new(config.files.uploads_in_flight);
        Ok(Self { store, slots, reads: Arc::new(Semaphore::new(READS)) })
    }
}

/// Checks the settings of files without touching their storage.
///
/// # Errors
/// One sentence about a storage that can't be used.
pub fn check_files(config: &Config) -> Result<(), String> {
    store::check(&config.files)
}

impl Chat {
    /// Whether the server takes files.
    pub fn takes_files(&self) -> bool {
        self.inner.files.store.is_some()
    }

    fn store(&self) -> Result<&Store, Rejection> {
        self.inner.files.store.as_ref().ok_or_else(|| {
            Rejection::new(
                ErrorCode::NotFound,
                "This server takes no files; files.url says where to store them",
            )
        })
    }

    /// Removes the temporary folder of files, if there is one.
    pub(super) async fn close_files(&self) {
        if let Some(store) = &self.inner.files.store {
            store.close().await;
        }
    }
}

fn file_not_found() -> Rejection {
    Rejection::new(ErrorCode::FileNotFound, "No such file")
}

/// The storage fails; that is logged where it is noticed first.
fn unavailable(error: &dyn std::error::Error, what: &'static str) -> Rejection {
    tracing::warn!(%error, "{what}");
    Rejection::new(ErrorCode::Unavailable, "The server can't reach the storage of files right now; try again")
}

/// A file as messages show it.
fn file_info(id: FileId, file: FileDescription) -> FileInfo {
    let FileDescription { name, r#type, size, width, height } = file;
    let url = format!("/api/files/{id}/{}", percent_encoding::utf8_percent_encode(&name, PATH));
    FileInfo { id: id.to_string(), name, r#type, size, width, height, url }
}

/// All but the characters of RFC 3986, section 2.3, is encoded.
const PATH: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
