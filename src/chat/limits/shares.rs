//! The number of things of one kind that a user or an address may have under way at once on this node.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::Semaphore;

/// Entries up to which nothing is forgotten.
const SWEEP_FROM_ENTRIES: usize = 64;

/// A semaphore for each key that has something under way. Each caller that waits for one or holds a permit of one keeps it, so the
/// number of entries is at most about twice that of these callers.
#[derive(Debug)]
pub(in crate::chat) struct Shares<K>(Mutex<Semaphores<K>>);

#[derive(Debug)]
struct Semaphores<K> {
    by_key: HashMap<K, Weak<Semaphore>>,
    /// The number of entries at which those without callers are forgotten.
    swept_at: usize,
}

impl<K> Default for Shares<K> {
    fn default() -> Self {
        Self(Mutex::new(Semaphores { by_key: HashMap::new(), swept_at: SWEEP_FROM_ENTRIES }))
    }
}

impl<K: Eq + Hash> Shares<K> {
    /// The permits of a key, `most` in all.
    pub(in crate::chat) fn of(&self, key: K, most: usize) -> Arc<Semaphore> {
        let mut semaphores = self.0.lock().expect("no code panics while it holds this lock");
        let Semaphores { by_key, swept_at } = &mut *semaphores;
        if let Some(permits) = by_key.get(&key).and_then(Weak::upgrade) {
            return permits;
        }
        if by_key.len() >= *swept_at {
            by_key.retain(|_, permits| permits.strong_count() > 0);
            *swept_at = SWEEP_FROM_ENTRIES.max(2 * by_key.len());
        }
        let permits = Arc::new(Semaphore::new(most));
        by_key.insert(key, Arc::downgrade(&permits));
        permits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_permits_as_long_as_one_is_held() {
        let shares = Shares::default();
        let held = shares.of("a", 1).try_acquire_owned().unwrap();
        assert!(shares.of("a", 1).try_acquire_owned().is_err());
        let other = shares.of("b", 1).try_acquire_owned();
        assert!(other.is_ok());
        drop(held);
        assert!(shares.of("a", 1).try_acquire_owned().is_ok());
    }

    #[test]
    fn keys_without_permits_are_forgotten() {
        let shares = Shares::default();
        let held: Vec<_> = (0..100).map(|key| shares.of(key, 1).try_acquire_owned().unwrap()).collect();
        for key in 100..10_000 {
            drop(shares.of(key, 1));
        }
        assert!(shares.0.lock().unwrap().by_key.len() <= 2 * held.len());
        assert!((0..100).all(|key| shares.of(key, 1).try_acquire_owned().is_err()));
    }
}
