//! Panics on demand, in builds for tests alone: the task that `PANIC_IN_TASK` names panics at SIGUSR2.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio::signal::unix::{SignalKind, signal};
use tracing::debug;

/// The task itself, until the demand comes.
pub(super) async fn panic_on_demand<T>(name: &'static str, task: impl Future<Output = T>) -> T {
    debug!(task = name, "started a task");
    let (mut task, mut demand) = (pin!(task), pin!(demand(name)));
    // The demand first: a task that is always busy must not hide it.
    poll_fn(|context| match demand.as_mut().poll(context) {
        Poll::Ready(()) => panic!("a test demands it"),
        Poll::Pending => task.as_mut().poll(context),
    })
    .await
}

async fn demand(name: &'static str) {
    if std::env::var("PANIC_IN_TASK").is_ok_and(|task| task == name) {
        signal(SignalKind::user_defined2()).expect("the signal can be handled").recv().await;
    } else {
        pending().await
    }
}
