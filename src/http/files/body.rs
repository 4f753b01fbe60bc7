//! The body of an upload: a form with one file (RFC 7578), read as fast as its bytes are stored.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use futures_util::Stream;
use multer::{Field, Multipart, parse_boundary};
use tokio::time::{Instant, timeout};

use crate::chat::{ENVELOPE_BYTES, Uploading};
use crate::http::error::ApiError;
use crate::model::FileInfo;
use crate::protocol::ErrorCode;
use crate::telemetry::{Refusal, count_refused_upload};

/// Bytes that the parser may hold: a part's head, which it waits for, and what has come meanwhile.
const HELD_BYTES: u64 = 1024 * 1024;

/// Bytes that a client must send in `server.body_timeout`, or the whole rest of its file.
const PROGRESS_BYTES: u64 = 16 * 1024;

/// Bytes a second that a client must send on average, from the first to the last. At less its upload would hold its slot for hours.
const LEAST_RATE: u64 = 8 * 1024;

/// Parts of a form, the file among them.
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

    /// Stores the file of the form, which has at most `length` bytes. `progress_timeout`: time in which its client must make progress.
    pub(super) async fn store(
        self,
        body: Body,
        length: u64,
        mut uploading: Uploading,
        progress_timeout: Duration,
    ) -> Result<FileInfo, ApiError> {
        let passed = Arc::<AtomicU64>::default();
        let source = Source { body: body.into_data_stream(), held: 0, passed: passed.clone() };
        let mut form = Multipart::new(source, self.boundary);
        let mut pace = Pace::new(progress_timeout, length);
        let (mut stored, mut beside_file) = (None, 0);
        // To its end: a form that breaks off behind the file was not sent whole.
        for place in 0.. {
            let Some(mut part) = pace.wait(form.next_field()).await?.map_err(flaw)? else { break };
            if place == PARTS {
                return Err(unreadable("The form has too many parts"));
            }
            let name = file_name(&part)?;
            if name.is_some() && stored.is_some() {
                return Err(unreadable("A form has one file; send each in a request of its own"));
            }
            while let Some(bytes) = pace.wait(part.chunk()).await?.map_err(flaw)? {
                passed.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                if name.is_some() {
                    pace.advance(bytes.len() as u64);
                    uploading.write(&bytes).await?;
                } else {
                    beside_file += bytes.len() as u64;
                    if beside_file > ENVELOPE_BYTES {
                        return Err(unreadable(TOO_MUCH));
                    }
                }
            }
            stored = stored.or(name);
        }
        match stored {
            Some(name) => Ok(uploading.finish(&name).await?),
            None => Err(unreadable("The form has no file")),
        }
    }
}

/// The name of the file in a part; none in other fields, and where no file was chosen.
fn file_name(part: &Field<'_>) -> Result<Option<String>, ApiError> {
    if let Some(name) = part.file_name() {
        // How browsers send these three, and no other (WHATWG HTML, multipart/form-data).
        let name = name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n");
        return Ok(Some(name).filter(|name| !name.is_empty()));
    }
    let disposition = part.headers().get(header::CONTENT_DISPOSITION).map_or(&[][..], HeaderValue::as_bytes);
    let mut parameters = disposition.split(|byte| *byte == b';');
    if parameters.any(|parameter| parameter.trim_ascii_start().starts_with(b"filename")) {
        return Err(unreadable("The name of a file must be in UTF-8, in the parameter filename"));
    }
    Ok(None)
}

const TOO_MUCH: &str = "The form has too much besides its file";

fn unreadable(sentence: &str) -> ApiError {
    count_refused_upload(Refusal::Unreadable);
    ApiError::new(ErrorCode::BadRequest, sentence)
}

fn flaw(error: multer::Error) -> ApiError {
    match error {
        multer::Error::StreamReadFailed(error) if error.is::<HeldTooMuch>() => unreadable(TOO_MUCH),
        _ => unreadable("The body is no whole form"),
    }
}

/// The deadlines for the client: for its progress, and for the whole form. Time in which the storage is waited for does not count.
#[derive(Debug)]
struct Pace {
    progress_timeout: Duration,
    left: Duration,
    left_in_all: Duration,
    bytes: u64,
}

impl Pace {
    fn new(progress_timeout: Duration, length: u64) -> Self {
        let left_in_all = progress_timeout.saturating_add(Duration::from_secs(length / LEAST_RATE));
        Self { progress_timeout, left: progress_timeout, left_in_all, bytes: 0 }
    }

    async fn wait<T>(&mut self, work: impl Future<Output = T>) -> Result<T, ApiError> {
        let began = Instant::now();
        let outcome = timeout(self.left.min(self.left_in_all), work).await;
        let waited = began.elapsed();
        self.left = self.left.saturating_sub(waited);
        self.left_in_all = self.left_in_all.saturating_sub(waited);
        outcome.map_err(|_| {
            count_refused_upload(Refusal::Unreadable);
            ApiError::body_timeout()
        })
    }

    fn advance(&mut self, bytes: u64) {
        self.bytes += bytes;
        if self.bytes >= PROGRESS_BYTES {
            (self.left, self.bytes) = (self.progress_timeout, 0);
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

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    /// Bytes that come in, one piece of `PROGRESS_BYTES` after each wait, until the client is given up.
    async fn sent(pace: &mut Pace, wait: Duration, length: u64) -> u64 {
        let mut sent = 0;
        while sent < length && pace.wait(sleep(wait)).await.is_ok() {
            pace.advance(PROGRESS_BYTES);
            sent += PROGRESS_BYTES;
        }
        sent
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_makes_little_progress_is_given_up_in_the_end() {
        let (progress_timeout, length) = (Duration::from_secs(10), 100 * PROGRESS_BYTES);
        // The time for the whole form is 210 s.
        let sent_slowly =
            sent(&mut Pace::new(progress_timeout, length), Duration::from_secs(9), length).await;
        assert_eq!(sent_slowly, 23 * PROGRESS_BYTES);
        assert_eq!(
            sent(&mut Pace::new(progress_timeout, length), Duration::from_secs(2), length).await,
            length
        );
        assert_eq!(sent(&mut Pace::new(progress_timeout, length), Duration::from_secs(11), length).await, 0);
    }
}
