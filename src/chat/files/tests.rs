//! An upload whose grant is lost on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::{UploadRequest, UploadStart};
use crate::backend::{
    Backend, BackendError, Begun, Claim, Claimed, FileDescription, Files, Result, StoredFile, Upload,
};
use crate::chat::Identity;
use crate::chat::tests::configured_chat;
use crate::config::Config;
use crate::model::{FileId, RoomName, Username};
use crate::protocol::ClientAddress;

/// Records of files that lose the answer to the first upload.
#[derive(Debug)]
struct LostGrant {
    files: Arc<dyn Files>,
    is_lost: AtomicBool,
}

#[async_trait]
impl Files for LostGrant {
    async fn begin(&self, upload: &Upload) -> Result<Begun> {
        let begun = self.files.begin(upload).await?;
        if self.is_lost.swap(true, Ordering::Relaxed) {
            return Ok(begun);
        }
        Err(BackendError::Unavailable("no answer".into()))
    }

    async fn keep(&self, upload: &Upload) -> Result<()> {
        self.files.keep(upload).await
    }

    async fn finish(&self, upload: &Upload, file: &FileDescription) -> Result<bool> {
        self.files.finish(upload, file).await
    }

    async fn cancel(&self, upload: &Upload) -> Result<()> {
        self.files.cancel(upload).await
    }

    async fn find(&self, id: FileId) -> Result<Option<StoredFile>> {
        self.files.find(id).await
    }

    async fn claim(&self, ids: &[FileId], claim: &Claim) -> Result<Option<Vec<Claimed>>> {
        self.files.claim(ids, claim).await
    }

    async fn settle(&self, room: &RoomName, ids: &[FileId], seq: u64) -> Result<()> {
        self.files.settle(room, ids, seq).await
    }

    async fn release(&self, ids: &[FileId]) -> Result<()> {
        self.files.release(ids).await
    }

    async fn remove(&self, room: &RoomName, ids: &[FileId]) -> Result<u64> {
        self.files.remove(room, ids).await
    }
}

#[tokio::test]
async fn an_upload_whose_grant_is_lost_costs_nothing() {
    let mut config = Config::defaults();
    (config.files.per_user_per_day, config.files.max_bytes) = (1000, 1000);
    let chat = configured_chat(config, |backend| {
        let files = backend.files.clone();
        Backend { files: Arc::new(LostGrant { files, is_lost: AtomicBool::new(false) }), ..backend }
    })
    .await;
    let identity = Identity::guest(Username::from_trusted("রহিম"));
    let access = chat.access_to_post(&identity, &RoomName::from_trusted("general")).await.unwrap();
    let address = ClientAddress::new("192.0.2.1".parse().unwrap());
    let begin = async || {
        let (identity, access) = (&identity, &access);
        let request = UploadRequest { identity, access, address, length: Some(1000), fingerprint: None };
        chat.begin_upload(request).await
    };
    assert!(begin().await.is_err());
    let granted = async {
        while !matches!(begin().await, Ok(UploadStart::Open(_))) {
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), granted).await.expect("the bytes are given back");
    chat.close_files().await;
}
