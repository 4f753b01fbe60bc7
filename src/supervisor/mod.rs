//! Owns the tasks of a node. A task that the node can't do without may neither end unasked nor panic:
//! then the node has failed, is not ready from that moment, and ends.

#[cfg(debug_assertions)]
mod injection;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::error;

tokio::task_local! {
    /// The task that runs, for the log line about its panic.
    static TASK: &'static str;
}

/// The tasks of a node; a cheap handle.
#[derive(Debug, Clone, Default)]
pub struct Supervisor {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tasks: TaskTracker,
    stop: CancellationToken,
    /// The first task that failed.
    failed: OnceLock<&'static str>,
    failure: CancellationToken,
}

impl Supervisor {
    /// Runs a task that ends when the node stops ([`Supervisor::stopping`]) and not before.
    pub fn run(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.inner.tasks.spawn(self.clone().watch_end(name, task));
    }

    /// Runs a task that ends with the handle and not before.
    #[must_use = "the task ends with its handle"]
    pub fn keep(
        &self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> AbortOnDropHandle<()> {
        AbortOnDropHandle::new(tokio::spawn(self.clone().watch_end(name, task)))
    }

    /// Runs a task that has an end of its own. If it panics, the node's state is unknown.
    pub fn run_once<T: Send + 'static>(
        &self,
        name: &'static str,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.inner.tasks.spawn(self.clone().watch_panic(name, task))
    }

    /// As [`Supervisor::run_once`], but it ends with the handle at the latest.
    #[must_use = "the task ends with its handle"]
    pub fn keep_once(
        &self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> AbortOnDropHandle<()> {
        AbortOnDropHandle::new(tokio::spawn(self.clone().watch_panic(name, task)))
    }

    async fn watch_end(self, name: &'static str, task: impl Future<Output = ()>) {
        self.clone().watch_panic(name, task).await;
        if !self.inner.stop.is_cancelled() {
            error!(task = name, "task ended; the node stops");
            self.fail(name);
        }
    }

    async fn watch_panic<T>(self, name: &'static str, task: impl Future<Output = T>) -> T {
        match catch_panic(name, task).await {
            Ok(outcome) => outcome,
            Err(panic) => {
                self.fail(name);
                std::panic::resume_unwind(panic)
            }
        }
    }

    fn fail(&self, name: &'static str) {
        self.inner.failed.get_or_init(|| name);
        self.inner.failure.cancel();
    }

    /// The task that failed first.
    pub fn failure(&self) -> Option<&'static str> {
        self.inner.failed.get().copied()
    }

    /// Ends when a task has failed.
    pub async fn failed(&self) {
        self.inner.failure.cancelled().await;
    }

    /// Ends when the tasks are to end.
    pub async fn stopping(&self) {
        self.inner.stop.cancelled().await;
    }

    /// Does `work` unless the tasks are to end before.
    pub async fn until_stopping<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.inner.stop.run_until_cancelled(work).await
    }

    /// Ends the tasks, and waits until those of [`Supervisor::run`] and [`Supervisor::run_once`] have.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

/// A task whose panic ends nothing else, like that of one session. There are thousands of these, and a future that is
/// handed through several others takes its size in each of them, so it is boxed first.
pub fn isolated(
    name: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static {
    let task = Box::pin(task);
    async move {
        // The panic is in the log.
        let _ = catch_panic(name, task).await;
    }
}

async fn catch_panic<T>(name: &'static str, task: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    #[cfg(debug_assertions)]
    let task = injection::panic_on_demand(name, task);
    AssertUnwindSafe(TASK.scope(name, task)).catch_unwind().await
}

/// The rhythm of a task. After the node stood still, the ticks that it missed do not come in a burst.
pub fn ticks(period: Duration) -> Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// From now on a panic is one line of the log: the task, the reason and the place.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let reason = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("?");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let task = TASK.try_with(|name| *name).unwrap_or("unnamed");
        error!(task, reason, place, "task panicked");
    }));
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_unasked_fails_the_node() {
        let supervisor = Supervisor::default();
        supervisor.run("steady", pending());
        supervisor.run("brief", ready(()));
        supervisor.failed().await;
        assert_eq!(supervisor.failure(), Some("brief"));
    }

    #[tokio::test]
    async fn a_panic_fails_the_node_and_reaches_the_caller() {
        let supervisor = Supervisor::default();
        let outcome = supervisor.run_once("work", async { panic!("planted") });
        let error: tokio::task::JoinError = Result::<(), _>::expect_err(outcome.await, "it panicked");
        assert!(error.is_panic());
        assert_eq!(supervisor.failure(), Some("work"));
    }

    #[tokio::test]
    async fn a_task_that_ends_when_it_is_asked_to_fails_nothing() {
        let supervisor = Supervisor::default();
        let asked = supervisor.clone();
        supervisor.run("loop", async move { asked.stopping().await });
        assert_eq!(supervisor.run_once("work", ready(7)).await.expect("it ends well"), 7);
        drop(supervisor.keep("kept", pending()));
        supervisor.stop().await;
        assert_eq!(supervisor.failure(), None);
    }
}
