//! Work that is done to its end, whatever becomes of its caller.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use crate::supervisor::Supervisor;

/// Work of a caller that goes on as a task of the node once the caller gives it up: nobody awaits the answers of a session whose
/// client is lost, or of a request whose client has disconnected. It is for work that has begun to change something and must not
/// end half-way. While the caller awaits it, it is no task, so the work of one session keeps its order.
pub(super) struct Completion<T: Send + 'static> {
    name: &'static str,
    work: Option<BoxFuture<'static, T>>,
    supervisor: Supervisor,
}

impl<T: Send + 'static> Completion<T> {
    pub(super) fn new(
        supervisor: &Supervisor,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Self {
        Self { name, work: Some(Box::pin(work)), supervisor: supervisor.clone() }
    }
}

impl<T: Send + 'static> Future for Completion<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let work = self.work.as_mut().expect("a future is not polled after its end");
        let outcome = ready!(work.as_mut().poll(context));
        self.work = None;
        Poll::Ready(outcome)
    }
}

impl<T: Send + 'static> Drop for Completion<T> {
    fn drop(&mut self) {
        // The last sessions are dropped with the runtime, or after it.
        if let (Some(work), Ok(_)) = (self.work.take(), Handle::try_current()) {
            drop(self.supervisor.run_once(self.name, work));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_that_its_caller_gives_up_goes_on() {
        let supervisor = Supervisor::default();
        let (receipt, received) = oneshot::channel();
        let (done, is_done) = oneshot::channel();
        let work = async move { done.send(received.await) };
        let mut work = Completion::new(&supervisor, "work", work);
        assert!(poll!(&mut work).is_pending());
        drop(work);
        receipt.send(7).unwrap();
        assert_eq!(is_done.await.unwrap(), Ok(7));
        supervisor.stop().await;
    }

    #[tokio::test]
    async fn work_that_has_ended_is_not_done_again() {
        let supervisor = Supervisor::default();
        let mut work = Completion::new(&supervisor, "work", async { 7 });
        assert_eq!((&mut work).await, 7);
        drop(work);
        supervisor.stop().await;
        assert_eq!(supervisor.failure(), None);
    }
}
