//! Reading files. The readers of a room's messages may read its files.

use std::ops::Range;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;

use super::store::Store;
use super::{file_not_found, unavailable};
use crate::backend::FileDescription;
use crate::chat::{Action, Chat, Principal};
use crate::model::FileId;
use crate::protocol::{ErrorCode, Rejection};
use crate::telemetry::meters;

/// Bytes of a file that a reader holds.
const PIECE: u64 = 64 * 1024;

/// A file that its reader may read.
#[derive(Debug)]
pub struct ReadableFile {
    /// Its name, type and size.
    pub description: FileDescription,
    /// Its bytes.
    pub reader: FileReader,
}

/// The bytes of a file.
#[derive(Debug)]
pub struct FileReader {
    id: FileId,
    store: Store,
}

impl Chat {
    /// A file by its id and its name.
    ///
    /// # Errors
    /// `file_not_found`: the file never was, is gone, or is in a room that the caller may not read. Also
    /// `auth_required` where guests may not take part, and `unavailable`.
    pub async fn file(
        &self,
        principal: Principal<'_>,
        id: &str,
        name: &str,
    ) -> Result<ReadableFile, Rejection> {
        let store = self.store()?.clone();
        if matches!(principal, Principal::Anonymous) {
            self.check_guests()?;
        }
        let id = FileId::parse(id).filter(|parsed| parsed.to_string() == id).ok_or_else(file_not_found)?;
        let file = self.inner.backend.files.find(id).await?.filter(|file| file.description.name == name);
        let file = file.ok_or_else(file_not_found)?;
        match self.check_access(principal, Action::Read, &file.room).await {
            Ok(_) => {}
            Err(rejection) if rejection.code == ErrorCode::Unavailable => return Err(rejection),
            Err(_) => return Err(file_not_found()),
        }
        Ok(ReadableFile { description: file.description, reader: FileReader { id, store } })
    }
}

impl FileReader {
    /// Some bytes of the file, in pieces. The first is read before this returns.
    ///
    /// # Errors
    /// `file_not_found` if they are gone, `unavailable`. The stream fails in the same cases.
    pub async fn read(
        self,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, object_store::Error>> + Send + 'static, Rejection> {
        let first = self.piece(&range).await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => file_not_found(),
            error => unavailable(&error, "could not read a file"),
        })?;
        let state = (self, Some(first), range);
        Ok(try_unfold(state, async |(reader, first, range)| {
            if range.is_empty() {
                return Ok(None);
            }
            let piece = match first {
                Some(first) => first,
                None => reader.piece(&range).await?,
            };
            meters().file_bytes_sent.increment(piece.len() as u64);
            let rest = range.start + piece.len() as u64..range.end;
            Ok(Some((piece, (reader, None, rest))))
        }))
    }

    async fn piece(&self, range: &Range<u64>) -> Result<Bytes, object_store::Error> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.store.read(self.id, range.start..range.end.min(range.start + PIECE)).await
    }
}
