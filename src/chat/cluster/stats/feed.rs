//! The states of the cluster, for those who watch: one read of the backend a second serves all of them, and none is made
//! while nobody watches. The first read brings the last 15 minutes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::backend::FIGURES_KEPT;
use crate::websocket::Frame;

/// Time between two reads, and so between two states.
pub(super) const EVERY: Duration = Duration::from_secs(1);

/// States that are kept: one a second.
const STATES_KEPT: usize = FIGURES_KEPT.as_secs() as usize;

/// The states as the watchers of this node know them.
#[derive(Debug)]
pub(in crate::chat) struct StatsFeed {
    kept: Mutex<VecDeque<Frame>>,
    /// How many states there were.
    count: watch::Sender<u64>,
    watched: Notify,
}

impl Default for StatsFeed {
    fn default() -> Self {
        let (kept, watched) = Default::default();
        Self { kept, count: watch::Sender::new(0), watched }
    }
}

/// A watcher of the cluster's figures.
#[derive(Debug)]
pub struct StatsWatch {
    count: watch::Receiver<u64>,
    /// The number of the next state.
    next: u64,
}

impl StatsFeed {
    pub(super) fn watch(&self) -> StatsWatch {
        let mut count = self.count.subscribe();
        count.mark_changed();
        self.watched.notify_one();
        StatsWatch { count, next: 0 }
    }

    /// Whether anybody watches; if nobody does, what was read is too old for the next.
    pub(super) fn is_watched(&self) -> bool {
        let mut kept = self.lock();
        let is_watched = self.count.receiver_count() > 0;
        if !is_watched {
            kept.clear();
        }
        is_watched
    }

    pub(super) async fn until_watched(&self) {
        while !self.is_watched() {
            self.watched.notified().await;
        }
    }

    /// Adds states, the newest last.
    pub(super) fn add(&self, states: Vec<Frame>) {
        let mut kept = self.lock();
        let added = states.len() as u64;
        kept.extend(states);
        let excess = kept.len().saturating_sub(STATES_KEPT);
        kept.drain(..excess);
        self.count.send_if_modified(|count| {
            *count += added;
            added > 0
        });
    }

    /// The state of a number, or the oldest that is kept after it, and the number of the one that follows.
    fn find(&self, number: u64) -> Option<(Frame, u64)> {
        let kept = self.lock();
        let first = *self.count.borrow() - kept.len() as u64;
        let number = number.max(first);
        let state = kept.get(usize::try_from(number - first).ok()?)?;
        Some((state.clone(), number + 1))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Frame>> {
        self.kept.lock().expect("no code panics while it holds this lock")
    }
}

impl StatsWatch {
    /// The next state: first those that are kept, the oldest first. A watcher that calls too rarely misses some. May be
    /// given up and called again without losing any.
    pub(super) async fn next(&mut self, feed: &StatsFeed) -> Frame {
        loop {
            if let Some((state, next)) = feed.find(self.next) {
                self.next = next;
                return state;
            }
            // Fails only when the feed is gone, which the caller has.
            let _ = self.count.changed().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn states(numbers: std::ops::Range<u64>) -> Vec<Frame> {
        numbers.map(|number| Frame::text(number.to_string().as_bytes())).collect()
    }

    fn all(watch: &mut StatsWatch, feed: &StatsFeed) -> Vec<Frame> {
        std::iter::from_fn(|| watch.next(feed).now_or_never()).collect()
    }

    #[tokio::test]
    async fn a_watcher_is_given_what_is_kept_and_then_each_state_once() {
        let feed = StatsFeed::default();
        assert!(!feed.is_watched());
        let mut first = feed.watch();
        assert!(feed.is_watched());
        feed.add(states(0..100));
        assert_eq!(all(&mut first, &feed), states(0..100));
        let mut second = feed.watch();
        feed.add(states(100..101));
        assert_eq!(all(&mut first, &feed), states(100..101));
        assert_eq!(all(&mut second, &feed), states(0..101));
        assert_eq!(all(&mut second, &feed), []);
    }

    #[tokio::test]
    async fn a_slow_watcher_misses_the_oldest_and_none_is_kept_for_nobody() {
        let feed = StatsFeed::default();
        let mut slow = feed.watch();
        feed.add(states(0..2000));
        assert_eq!(all(&mut slow, &feed), states(1100..2000));
        drop(slow);
        assert!(!feed.is_watched());
        assert_eq!(all(&mut feed.watch(), &feed), [], "what was read for another is too old");
        let mut later = feed.watch();
        feed.add(states(7..8));
        assert_eq!(all(&mut later, &feed), states(7..8));
    }
}
