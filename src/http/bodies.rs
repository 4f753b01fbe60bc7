//! The bodies of requests that are held until they are whole. All of a node together have a bound, as unfinished messages of
//! sessions have.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

/// Bytes that all requests of the node may hold, beyond what each may hold in any case.
const ALL: usize = 64 * 1024 * 1024;

/// Bytes of one body that are taken whatever others hold: almost every body is shorter.
const EACH: usize = 8 * 1024;

/// Bytes that a piece of a body takes besides its own. A client may send each byte as a chunk, and each chunk is kept until the
/// body is whole.
const PIECE: usize = 64;

/// Bytes that all requests of this process hold now.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// All bodies together are too large.
#[derive(Debug, thiserror::Error)]
#[error("all bodies together are too large")]
pub(super) struct TooManyBytes;

/// A body whose bytes count until it is dropped.
#[derive(Debug)]
pub(super) struct HeldBody {
    body: Body,
    held: usize,
}

impl HeldBody {
    pub(super) fn new(body: Body) -> Self {
        Self { body, held: 0 }
    }

    fn hold(&mut self, bytes: usize) -> Result<(), TooManyBytes> {
        let all = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.held += bytes;
        if self.held > EACH && all > ALL { Err(TooManyBytes) } else { Ok(()) }
    }
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        polled.map(|frame| {
            let frame = frame?.map_err(BoxError::from);
            let held = frame.and_then(|frame| {
                self.hold(frame.data_ref().map_or(0, Bytes::len) + PIECE)?;
                Ok(frame)
            });
            Some(held)
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        HELD.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::poll_fn;

    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn a_body_in_small_pieces_counts_for_what_they_take() {
        let pieces = (0..1000).map(|_| Ok::<_, Infallible>(Bytes::from_static(b" ")));
        let mut body = HeldBody::new(Body::from_stream(stream::iter(pieces)));
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            assert!(frame.is_ok());
        }
        assert!(body.held >= 1000 * (1 + size_of::<Bytes>()), "{}", body.held);
    }

    #[test]
    fn all_together_have_a_bound_that_short_bodies_pass() {
        let [mut hoarder, mut long, mut short] = [(); 3].map(|()| HeldBody::new(Body::empty()));
        assert!(hoarder.hold(ALL).is_ok());
        assert!(long.hold(EACH).is_ok());
        assert!(long.hold(1).is_err());
        assert!(short.hold(EACH).is_ok());
        drop((hoarder, long));
        assert!(short.hold(1).is_ok());
    }
}
