//! The body of an upload: a form with one file (RFC 7578), read as fast as its bytes are stored.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{HeaderMap, header};
use futures_util::Stream;
use multer::{Multipart, parse_boundary};
use tokio::time::{Instant, timeout_at};

use crate::chat::Uploading;
use crate::http::error::ApiError;
use crate::model::FileInfo;
use crate::protocol::ErrorCode;
use crate::telemetry::{Refusal, count_refused_upload};

/// Bytes that the parser may hold: a part's head, which it waits for, and what has come meanwhile.
const HELD_BYTES: u64 = 1024 * 1024;

/// Bytes that a client must send in `server.body_timeout`, or the whole rest of its file.
const PROGRESS_BYTES: u64 = 16 * 1024;

/// Parts of a form that are looked at for a file.
const PARTS: usize = 8;

/// The form of a request.
#[derive(Debug)]
pub(super) struct Form {
    boundary: String,
}

impl Form {
    pub(super) fn new(headers: &HeaderMap) -> Result<Self, ApiError> {
        let kind =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match parse_boundary(kind) {
            Ok(boundary) => Ok(Self { boundary }),
            Err(_) => Err(unreadable("The content-type must be multipart/form-data with a boundary")),
        }
    }

    /// Stores the first file of the form. `patience`: time in which its client must make progress.
    pub(super) async fn store(
        self,
        body: Body,
        mut uploading: Uploading,
        patience: Duration,
    ) -> Result<FileInfo, ApiError> {
        let passed = Arc::<AtomicU64>::default();
        let source = Source { body: body.into_data_stream(), held: 0, passed: passed.clone() };
        let mut form = Multipart::new(source, self.boundary);
        let mut pace = Pace::new(patience);
        for _ in 0..PARTS {
            let part = pace.wait(form.next_field()).await?.map_err(flaw)?;
            let Some(mut part) = part else { break };
            let name = part.file_name().map(str::to_owned);
            while let Some(bytes) = pace.wait(part.chunk()).await?.map_err(flaw)? {
                passed.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                pace.advance(bytes.len() as u64);
                if name.is_some() {
                    uploading.write(&bytes).await?;
                }
            }
            if let Some(name) = name {
                drop(part);
                // A form that breaks off behind the file was not sent whole.
                while pace.wait(form.next_field()).await?.map_err(flaw)?.is_some() {}
                return Ok(uploading.finish(&name).await?);
            }
        }
        Err(unreadable("The form has no file"))
    }
}

fn unreadable(sentence: &str) -> ApiError {
    count_refused_upload(Refusal::Unreadable);
    ApiError::new(ErrorCode::BadRequest, sentence)
}

fn flaw(error: multer::Error) -> ApiError {
    match error {
        multer::Error::StreamReadFailed(error) if error.is::<HeldTooMuch>() => {
            unreadable("The form has too much besides its file")
        }
        _ => unreadable("The body is no whole form"),
    }
}

/// The deadline for the client's progress. Time in which the storage is waited for does not count.
#[derive(Debug)]
struct Pace {
    patience: Duration,
    left: Duration,
    bytes: u64,
}

impl Pace {
    fn new(patience: Duration) -> Self {
        Self { patience, left: patience, bytes: 0 }
    }

    async fn wait<T>(&mut self, work: impl Future<Output = T>) -> Result<T, ApiError> {
        let began = Instant::now();
        let outcome = timeout_at(began + self.left, work).await;
        self.left = self.left.saturating_sub(began.elapsed());
        outcome.map_err(|_| {
            count_refused_upload(Refusal::Unreadable);
            ApiError::body_timeout()
        })
    }

    fn advance(&mut self, bytes: u64) {
        self.bytes += bytes;
        if self.bytes >= PROGRESS_BYTES {
            (self.left, self.bytes) = (self.patience, 0);
        }
    }
}

/// The bytes of a body for the parser, which would hold any number of them while it waits for the end of a part's head.
struct Source {
    body: BodyDataStream,
    held: u64,
    /// Bytes that the parser has passed on.
    passed: Arc<AtomicU64>,
}

/// The parser holds more than a form with a file needs.
#[derive(Debug, thiserror::Error)]
#[error("too many bytes that belong to no file")]
struct HeldTooMuch;

impl Stream for Source {
    type Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.held > self.passed.load(Ordering::Relaxed) + HELD_BYTES {
            return Poll::Ready(Some(Err(HeldTooMuch.into())));
        }
        let next = Pin::new(&mut self.body).poll_next(context);
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            self.held += bytes.len() as u64;
        }
        next.map(|next| next.map(|bytes| bytes.map_err(Into::into)))
    }
}
