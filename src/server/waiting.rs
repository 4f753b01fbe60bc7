//! The connections that are not sessions, by how long their clients have kept the node waiting: for a request, for the
//! rest of its body, or to take more of the answer. While the node owes the next part of an answer, it waits for nobody.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio_util::sync::CancellationToken;

/// Entries up to which nothing is forgotten.
const FEW: usize = 1024;

/// The number of a visit's wait while it waits for nobody.
const NONE: u64 = 0;

/// The connections that wait for their clients; a cheap handle.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    /// The longest wait first. Those that are over are forgotten sooner or later.
    waits: VecDeque<Wait>,
    /// The number of the newest.
    last: u64,
    /// The number of entries at which those that are over are forgotten.
    swept_at: usize,
}

#[derive(Debug)]
struct Wait {
    number: u64,
    visit: Weak<Visit>,
}

/// A connection that is not a session.
#[derive(Debug)]
pub(super) struct Visit {
    /// The number of its wait.
    wait: AtomicU64,
    end: CancellationToken,
    waiting: Waiting,
}

/// The body of a request, whose client is waited for whenever there is no more of it yet.
#[derive(Debug)]
pub(super) struct RequestBody {
    body: Incoming,
    visit: Arc<Visit>,
    /// The wait for the next bytes.
    wait: u64,
}

/// The body of an answer, whose client is waited for to take what there is of it.
#[derive(Debug)]
pub(super) struct AnswerBody<B> {
    body: B,
    visit: Arc<Visit>,
}

impl Waiting {
    /// A connection on which nothing was sent yet.
    pub(super) fn enter(&self) -> Arc<Visit> {
        let (wait, end) = (AtomicU64::new(NONE), CancellationToken::new());
        let visit = Arc::new(Visit { wait, end, waiting: self.clone() });
        visit.begin_wait();
        visit
    }

    /// Ends the connection that has waited longest. Returns whether there is one.
    pub(super) fn end_longest(&self) -> bool {
        let mut queue = self.lock();
        while let Some(wait) = queue.waits.pop_front() {
            if let Some(visit) = wait.visit.upgrade()
                && visit.end_wait(wait.number)
            {
                visit.end.cancel();
                return true;
            }
        }
        false
    }

    fn begin(&self, visit: &Arc<Visit>) -> u64 {
        let mut queue = self.lock();
        if queue.waits.len() >= queue.swept_at {
            queue.waits.retain(Wait::goes_on);
            queue.swept_at = FEW.max(2 * queue.waits.len());
        }
        queue.last += 1;
        let number = queue.last;
        visit.wait.store(number, Ordering::Relaxed);
        queue.waits.push_back(Wait { number, visit: Arc::downgrade(visit) });
        number
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().expect("no code panics while it holds this lock")
    }
}

impl Wait {
    fn goes_on(&self) -> bool {
        self.visit.upgrade().is_some_and(|visit| visit.wait.load(Ordering::Relaxed) == self.number)
    }
}

impl Visit {
    /// The client is waited for from now on. Returns the number of the wait.
    pub(super) fn begin_wait(self: &Arc<Self>) -> u64 {
        self.waiting.begin(self)
    }

    /// The node owes an answer, or the next part of it.
    pub(super) fn begin_answer(&self) {
        self.wait.store(NONE, Ordering::Relaxed);
    }

    /// Ends a wait. Returns whether it went on.
    fn end_wait(&self, number: u64) -> bool {
        let order = Ordering::Relaxed;
        number != NONE && self.wait.compare_exchange(number, NONE, order, order).is_ok()
    }

    /// Ends when the connection is to end, because others need its place.
    pub(super) async fn ended(&self) {
        self.end.cancelled().await;
    }
}

impl RequestBody {
    pub(super) fn new(body: Incoming, visit: Arc<Visit>) -> Self {
        Self { body, visit, wait: NONE }
    }

    fn end_wait(&mut self) {
        self.visit.end_wait(std::mem::replace(&mut self.wait, NONE));
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match (polled.is_ready(), self.wait) {
            (true, _) => self.end_wait(),
            (false, NONE) => self.wait = self.visit.begin_wait(),
            (false, _) => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The request may be answered though its body is not whole.
impl Drop for RequestBody {
    fn drop(&mut self) {
        self.end_wait();
    }
}

impl<B> AnswerBody<B> {
    pub(super) fn new(body: B, visit: Arc<Visit>) -> Self {
        Self { body, visit }
    }
}

impl<B: Body + Unpin> Body for AnswerBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_ready() {
            self.visit.begin_wait();
        } else {
            self.visit.begin_answer();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_ends_first_and_an_answer_is_none() {
        let waiting = Waiting::default();
        let [first, answered, third, gone] = std::array::from_fn(|_| waiting.enter());
        answered.begin_answer();
        drop(gone);
        // Bytes came, and more are waited for.
        first.begin_wait();
        assert!(waiting.end_longest());
        assert!(third.end.is_cancelled() && !first.end.is_cancelled());
        assert!(waiting.end_longest());
        assert!(first.end.is_cancelled());
        assert!(!waiting.end_longest(), "nobody is waited for");
        answered.begin_wait();
        assert!(waiting.end_longest());
        assert!(answered.end.is_cancelled());
    }

    #[test]
    fn waits_that_are_over_leave_no_memory() {
        let waiting = Waiting::default();
        let visit = waiting.enter();
        for _ in 0..10 * FEW {
            visit.begin_wait();
        }
        assert!(waiting.lock().waits.len() <= FEW);
        assert!(waiting.end_longest() && !waiting.end_longest());
    }
}
