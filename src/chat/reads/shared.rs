//! Equal reads of the backend, of which at most one is in flight and all others share the next.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::oneshot;

use crate::backend::BackendError;
use crate::protocol::Rejection;

type Answer<V> = Result<Arc<V>, Arc<BackendError>>;
type Waiting<V> = Vec<oneshot::Sender<Answer<V>>>;

/// The reads of one kind that are in flight, at most one of a key, each with the callers who wait for the next; a
/// cheap handle.
///
/// A read that has begun may have been answered before something that a later caller knows of: a session that has
/// joined meanwhile. So callers never share a read that is in flight already; all who come during one share the next.
#[derive(Debug)]
pub(super) struct SharedReads<K, V>(Arc<Mutex<HashMap<K, Waiting<V>>>>);

impl<K, V> Clone for SharedReads<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> Default for SharedReads<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// A caller's part in a read. `S` is held while the read that it starts is in flight.
pub(super) enum Claim<V, S> {
    /// Nothing: a read is in flight, and the next answers.
    Waits(oneshot::Receiver<Answer<V>>),
    /// To start the read.
    Starts(oneshot::Sender<Answer<V>>, S, oneshot::Receiver<Answer<V>>),
}

impl<K: Clone + Eq + Hash, V> SharedReads<K, V> {
    /// The part of another caller. `slot` is asked for if a read has to be started.
    pub(super) fn claim<S>(
        &self,
        key: &K,
        slot: impl FnOnce() -> Result<S, Rejection>,
    ) -> Result<Claim<V, S>, Rejection> {
        let (sender, receiver) = oneshot::channel();
        let mut in_flight = self.lock();
        if let Some(next) = in_flight.get_mut(key) {
            next.push(sender);
            return Ok(Claim::Waits(receiver));
        }
        let slot = slot()?;
        in_flight.insert(key.clone(), Vec::new());
        Ok(Claim::Starts(sender, slot, receiver))
    }

    /// Reads until nobody waits. Callers who have given up start nothing.
    pub(super) async fn run<S, Reading: Future<Output = Result<V, BackendError>>>(
        self,
        key: K,
        first: oneshot::Sender<Answer<V>>,
        read: impl Fn(K) -> Reading,
        _slot: S,
    ) {
        let mut waiting = vec![first];
        loop {
            waiting.retain(|caller| !caller.is_closed());
            if !waiting.is_empty() {
                let answer = read(key.clone()).await.map(Arc::new).map_err(Arc::new);
                for caller in waiting.drain(..) {
                    // It may have given up meanwhile.
                    let _ = caller.send(answer.clone());
                }
            }
            let mut in_flight = self.lock();
            waiting = in_flight.get_mut(&key).map(std::mem::take).unwrap_or_default();
            if waiting.is_empty() {
                in_flight.remove(&key);
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Waiting<V>>> {
        self.0.lock().expect("no code panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::{OwnedSemaphorePermit, Semaphore};

    use super::*;

    /// Counts reads, each of which takes a turn of the test's task.
    #[derive(Clone, Default)]
    struct Counter(Arc<AtomicUsize>);

    impl Counter {
        async fn read(self) -> Result<usize, BackendError> {
            let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            tokio::task::yield_now().await;
            Ok(number)
        }
    }

    fn slot() -> Result<OwnedSemaphorePermit, Rejection> {
        Ok(Arc::new(Semaphore::new(1)).try_acquire_owned().expect("one is free"))
    }

    #[tokio::test]
    async fn those_who_ask_during_a_read_share_the_next() {
        let (reads, counter) = (SharedReads::<u8, usize>::default(), Counter::default());
        let Ok(Claim::Starts(first, slot, answer)) = reads.claim(&1, slot) else { panic!("it starts") };
        let running = tokio::spawn(reads.clone().run(1, first, move |_| counter.clone().read(), slot));
        tokio::task::yield_now().await;
        let mut later = Vec::new();
        for _ in 0..400 {
            let claim = reads.claim::<()>(&1, || panic!("one is in flight"));
            let Ok(Claim::Waits(answer)) = claim else { panic!("it waits") };
            later.push(answer);
        }
        assert_eq!(*answer.await.expect("an answer").expect("a value"), 1);
        for answer in later {
            assert_eq!(*answer.await.expect("an answer").expect("a value"), 2);
        }
        running.await.expect("it ends");
        assert!(reads.lock().is_empty());
    }

    #[tokio::test]
    async fn callers_who_have_given_up_start_nothing() {
        let (reads, counter) = (SharedReads::<u8, usize>::default(), Counter::default());
        let Ok(Claim::Starts(first, slot, answer)) = reads.claim(&1, slot) else { panic!("it starts") };
        for _ in 0..400 {
            assert!(reads.claim::<()>(&1, || panic!("one is in flight")).is_ok());
        }
        drop(answer);
        reads.clone().run(1, first, |_| counter.clone().read(), slot).await;
        assert_eq!(counter.0.load(Ordering::Relaxed), 0);
        assert!(reads.lock().is_empty());
    }
}
