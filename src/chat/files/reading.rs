//! Reading files. The readers of a room's messages may read its files.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::store::Store;
use super::{file_not_found, unavailable};
use crate::backend::FileDescription;
use crate::chat::{Action, Chat, Principal};
use crate::model::FileId;
use crate::protocol::{ErrorCode, Rejection};
use crate::supervisor::Supervisor;
use crate::telemetry::meters;

/// Bytes of a file that a reader holds.
const PIECE: u64 = 64 * 1024;

/// Time that a piece may take, with the wait for others. A bucket is asked again for 10 s.
const PIECE_WITHIN: Duration = Duration::from_secs(15);

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
    /// Those of the node.
    reads: Arc<Semaphore>,
    supervisor: Supervisor,
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
        let (reads, supervisor) = (self.inner.files.reads.clone(), self.inner.supervisor.clone());
        let reader = FileReader { id, store, reads, supervisor };
        Ok(ReadableFile { description: file.description, reader })
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
        let piece = range.start..range.end.min(range.start + PIECE);
        match timeout(PIECE_WITHIN, self.read_in_turn(piece)).await {
            Ok(Some(read)) => read,
            _ => Err(object_store::Error::Generic { store: "files", source: "it takes too long".into() }),
        }
    }

    /// A read holds its turn to its end, also if its reader gives up: a folder that does not answer holds a thread of the
    /// process for it. `None` if the node stops.
    async fn read_in_turn(&self, piece: Range<u64>) -> Option<Result<Bytes, object_store::Error>> {
        let turn = self.reads.clone().acquire_owned().await.expect("the semaphore is never closed");
        let (id, store, supervisor) = (self.id, self.store.clone(), self.supervisor.clone());
        let reading = async move {
            let read = supervisor.until_stopping(store.read(id, piece)).await;
            drop(turn);
            read
        };
        self.supervisor.run_once("file-read", reading).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;
    use crate::config::Config;
    use crate::model::NodeId;

    /// A folder that does not answer: its file is a pipe that nobody writes to.
    #[tokio::test(start_paused = true)]
    async fn a_read_that_gets_nowhere_is_given_up_and_holds_its_turn_until_it_ends() {
        let folder = std::env::temp_dir().join(format!("adda-test-{}", NodeId::random()));
        let mut settings = Config::defaults().files;
        settings.url = folder.display().to_string();
        let store = Store::open(&settings, NodeId::random(), true).unwrap().unwrap();
        let (id, reads) = (FileId::random(), Arc::new(Semaphore::new(1)));
        let pipe = folder.join(id.to_string());
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = FileReader { id, store, reads: reads.clone(), supervisor: Supervisor::default() };
        for _ in 0..2 {
            let mut reading = pin!(reader.piece(&(0..1)));
            assert!(poll!(&mut reading).is_pending());
            tokio::time::advance(PIECE_WITHIN).await;
            assert!(reading.await.is_err());
            assert_eq!(reads.available_permits(), 0);
        }
        drop(std::fs::File::options().write(true).open(&pipe).unwrap());
        let _turn = reads.acquire().await.unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
