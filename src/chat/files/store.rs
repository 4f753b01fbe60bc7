//! The bytes of files, each under its id: in a folder that all nodes have in common, or in a bucket.

use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path as FolderPath, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig};

use crate::config::Files as Settings;
use crate::model::{FileId, NodeId};

/// Bytes that are written to a folder at once.
const FOLDER_PART: usize = 256 * 1024;

/// Bytes that are sent to a bucket at once: S3 takes no smaller part.
const BUCKET_PART: usize = 5 * 1024 * 1024;

/// Parts of one file that are under way besides the one that fills.
const PARTS_IN_FLIGHT: usize = 1;

/// Time for which a request to a bucket is tried again.
const RETRY_FOR: Duration = Duration::from_secs(10);

/// Access to the stored bytes; a cheap handle.
#[derive(Debug, Clone)]
pub(super) struct Store {
    place: Arc<Place>,
}

#[derive(Debug)]
enum Place {
    /// Of this process alone; made with the first file.
    Temporary(PathBuf, OnceLock<Arc<dyn ObjectStore>>),
    Folder(PathBuf, Arc<dyn ObjectStore>),
    Bucket(Arc<dyn ObjectStore>),
}

impl Store {
    /// The storage of the settings; `None` if the server takes no files.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(super) fn open(settings: &Settings, node: NodeId, is_alone: bool) -> Result<Option<Self>, String> {
        let place = match settings.url.as_str() {
            "" => return Ok(None),
            "auto" if !is_alone => return Ok(None),
            "auto" => {
                let folder = std::env::temp_dir().join(format!("adda-files-{node}"));
                Place::Temporary(folder, OnceLock::new())
            }
            url if url.starts_with("s3://") => Place::Bucket(bucket(settings)?),
            url => {
                let path = folder_path(url)?;
                let folder = PathBuf::from(path);
                let store = open_folder(&folder, Durability::Disk).map_err(|error| {
                    format!("files.url names {}, which can't be used: {error}", folder.display())
                })?;
                Place::Folder(folder, store)
            }
        };
        Ok(Some(Self { place: Arc::new(place) }))
    }

    fn objects(&self) -> object_store::Result<Arc<dyn ObjectStore>> {
        match &*self.place {
            Place::Folder(_, store) | Place::Bucket(store) => Ok(store.clone()),
            Place::Temporary(folder, cell) => match cell.get() {
                Some(store) => Ok(store.clone()),
                None => {
                    let store = open_folder(folder, Durability::Process).map_err(|error| {
                        object_store::Error::Generic { store: "folder", source: error.into() }
                    })?;
                    Ok(cell.get_or_init(|| store).clone())
                }
            },
        }
    }

    /// A writer of the bytes of a file, which exist once it is shut down. It buffers a part.
    pub(super) fn writer(&self, id: FileId) -> object_store::Result<BufWriter> {
        let part = match &*self.place {
            Place::Bucket(_) => BUCKET_PART,
            Place::Temporary(..) | Place::Folder(..) => FOLDER_PART,
        };
        let writer = BufWriter::with_capacity(self.objects()?, path(id), part);
        Ok(writer.with_max_concurrency(PARTS_IN_FLIGHT))
    }

    /// Some bytes of a file. Nothing stays open between two calls: a slow reader holds no descriptor.
    pub(super) async fn read(&self, id: FileId, range: Range<u64>) -> object_store::Result<Bytes> {
        self.objects()?.get_range(&path(id), range).await
    }

    /// Deletes the bytes of a file, those of an upload that broke off among them.
    pub(super) async fn delete(&self, id: FileId) -> object_store::Result<()> {
        let begun = self.folder().map(|folder| folder.join(format!("{id}#1")));
        if let Some(begun) = begun {
            // Mostly there is none.
            let _ = tokio::fs::remove_file(begun).await;
        }
        match self.objects()?.delete(&path(id)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            outcome => outcome,
        }
    }

    /// All files, with the time of their storage. Other objects are left out.
    pub(super) fn list(
        &self,
    ) -> object_store::Result<BoxStream<'static, object_store::Result<(FileId, ObjectMeta)>>> {
        let listing = self.objects()?.list(None);
        Ok(listing
            .filter_map(async |meta| match meta {
                Ok(meta) => FileId::parse(meta.location.filename()?).map(|id| Ok((id, meta))),
                Err(error) => Some(Err(error)),
            })
            .boxed())
    }

    fn folder(&self) -> Option<&FolderPath> {
        match &*self.place {
            Place::Temporary(folder, _) | Place::Folder(folder, _) => Some(folder),
            Place::Bucket(_) => None,
        }
    }

    /// Removes a temporary folder.
    pub(super) async fn close(&self) {
        if let Place::Temporary(folder, _) = &*self.place
            && let Err(error) = tokio::fs::remove_dir_all(folder).await
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %folder.display(), "could not remove the temporary folder of files");
        }
    }
}

/// Checks `files.url` without touching the storage.
///
/// # Errors
/// One sentence for the operator.
pub(super) fn check(settings: &Settings) -> Result<(), String> {
    match settings.url.as_str() {
        "" | "auto" => Ok(()),
        url if url.starts_with("s3://") => bucket(settings).map(drop),
        url => folder_path(url).map(drop),
    }
}

fn folder_path(url: &str) -> Result<&str, String> {
    let path = url.strip_prefix("file://").unwrap_or(url);
    if path.contains("://") {
        return Err(format!("files.url must be a folder or begin with s3://, but it is {url}"));
    }
    Ok(path)
}

fn path(id: FileId) -> Path {
    Path::from(id.to_string())
}

/// The events that the files of a folder must outlive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// Nothing: this process alone has them.
    Process,
    /// A crash of the machine.
    Disk,
}

fn open_folder(folder: &FolderPath, durability: Durability) -> Result<Arc<dyn ObjectStore>, String> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o750);
    builder.create(folder).map_err(|error| error.to_string())?;
    let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| error.to_string())?;
    Ok(Arc::new(store.with_fsync(durability == Durability::Disk)))
}

fn bucket(settings: &Settings) -> Result<Arc<dyn ObjectStore>, String> {
    // Fails if there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let rest = settings.url.trim_start_matches("s3://");
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let given = [
        (AmazonS3ConfigKey::Endpoint, &settings.s3_endpoint),
        (AmazonS3ConfigKey::Region, &settings.s3_region),
        (AmazonS3ConfigKey::AccessKeyId, &settings.s3_access_key),
        (AmazonS3ConfigKey::SecretAccessKey, &settings.s3_secret_key),
    ];
    let retry = RetryConfig { max_retries: 3, retry_timeout: RETRY_FOR, backoff: BackoffConfig::default() };
    let builder = given
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .fold(AmazonS3Builder::from_env(), |builder, (key, value)| builder.with_config(key, value))
        .with_bucket_name(bucket)
        .with_retry(retry);
    // An operator who writes an endpoint without TLS means it.
    let builder =
        if settings.s3_endpoint.starts_with("http://") { builder.with_allow_http(true) } else { builder };
    let store =
        builder.build().map_err(|error| format!("files.url names a bucket that can't be used: {error}"))?;
    let prefix = prefix.trim_matches('/');
    if prefix.is_empty() { Ok(Arc::new(store)) } else { Ok(Arc::new(PrefixStore::new(store, prefix))) }
}
