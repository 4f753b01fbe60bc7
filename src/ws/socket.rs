//! The socket under HTTP, until an upgrade takes it over: it fails when its other end takes nothing
//! for too long, and gives a body to the answers that hyper writes without one. hyper waits for ever, and an answer that
//! nobody reads must not.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};

use super::connection::limit_unsent;
use super::unreadable::{late_head, replace_bare_answer};

/// Time and bytes in which the input of a refused client is read and discarded: a connection that is closed with unread bytes is reset,
/// and a reset may overtake the refusal.
const DISCARD_TIME: Duration = Duration::from_secs(1);
const DISCARD_BYTES: u64 = 4 << 20;

/// Bytes that the kernel may hold unsent of answers: what a fast reader takes in a millisecond. Of a download that nobody reads it
/// would hold megabytes.
const UNSENT: usize = 256 * 1024;

/// The fault of a request's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It did not come in time, and nothing has been answered.
    Late,
    /// It could not be read, and hyper has answered.
    Unreadable,
}

/// A TCP connection whose writes have to get somewhere within a time.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    write_timeout: Duration,
    /// Runs while a write waits.
    limit: Option<Pin<Box<Sleep>>>,
    /// An answer that stands for one of hyper's own, as far as it is not written yet.
    instead: Bytes,
    /// Whether bytes came since anything was written: a request has begun.
    is_asked: bool,
    has_sent_files: Arc<AtomicBool>,
}

impl Socket {
    /// A write that gets nowhere for `write_timeout` fails with [`io::ErrorKind::TimedOut`].
    pub fn new(stream: TcpStream, write_timeout: Duration) -> Self {
        limit_unsent(&stream, UNSENT);
        let has_sent_files = Arc::default();
        Self { stream, write_timeout, limit: None, instead: Bytes::new(), is_asked: false, has_sent_files }
    }

    /// To be set before the bytes of a file that a user has made are sent: they may end like an answer of hyper's own. From
    /// then on none is looked for.
    pub fn has_sent_files(&self) -> Arc<AtomicBool> {
        self.has_sent_files.clone()
    }

    /// Ends a connection that HTTP could not go on with, so that its client can read why.
    pub async fn refuse(mut self, flaw: Flaw) {
        let discarding = async {
            // A connection on which nobody has asked for anything ends without a word.
            if flaw == Flaw::Late && self.is_asked {
                self.stream.write_all(&late_head()).await?;
            }
            self.stream.shutdown().await?;
            tokio::io::copy(&mut self.stream.take(DISCARD_BYTES), &mut tokio::io::sink()).await
        };
        // The connection ends also if this fails.
        let _ = timeout(DISCARD_TIME, discarding).await;
    }

    /// The connection without its limit.
    pub fn into_inner(self) -> TcpStream {
        self.stream
    }

    fn bound<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.limit = None;
            return written;
        }
        let limit = self.limit.get_or_insert_with(|| Box::pin(sleep(self.write_timeout)));
        limit.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = bytes.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, bytes);
        self.is_asked |= bytes.filled().len() > before;
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_asked = false;
        if !self.has_sent_files.load(Ordering::Relaxed)
            && let Some(instead) = replace_bare_answer(bytes)
        {
            // Written with the flush that hyper asks for next; nothing follows it.
            self.instead = instead.into();
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bound(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // hyper's own answers have no body, so they come in one piece.
        if let [only] = slices {
            return self.poll_write(context, only);
        }
        self.is_asked = false;
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.bound(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.instead.has_remaining() {
            let Self { stream, instead, .. } = &mut *self;
            let written = Pin::new(stream).poll_write(context, instead);
            match self.bound(written, context) {
                Poll::Ready(Ok(count)) => self.instead.advance(count),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
