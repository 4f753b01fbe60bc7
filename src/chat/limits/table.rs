//! A table that clients fill: it has a bound, and forgets what was not used lately. It is one allocation: keys that come
//! once would leave holes in the heap between what stays.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::backend::Release;

/// Entries of a table, at most: some 20 MB.
const MOST: usize = 65_536;

/// Least time between two searches for forgotten entries in a full table.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Values by user or by address.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    entries: Mutex<Entries<V>>,
    /// Two hashes with secret keys stand for a key, which has any length.
    hashers: [RandomState; 2],
    keys: PhantomData<fn(K)>,
}

#[derive(Debug)]
struct Entries<V> {
    by_key: HashMap<[u64; 2], Entry<V>>,
    swept_at: Option<Instant>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    used_at: Instant,
}

impl<K: Hash, V> Table<K, V> {
    pub(super) fn new() -> Self {
        Self {
            entries: Mutex::new(Entries { by_key: HashMap::new(), swept_at: None }),
            hashers: [RandomState::new(), RandomState::new()],
            keys: PhantomData,
        }
    }

    /// Does something with the value of a key, which is made if there is none. `None`: the table is full.
    ///
    /// `forget_after`: as for [`Table::sweep`].
    pub(super) fn with<R>(
        &self,
        key: &K,
        forget_after: Duration,
        now: Instant,
        make: impl FnOnce() -> V,
        act: impl FnOnce(&mut V) -> R,
    ) -> Option<R> {
        let key = self.hashers.each_ref().map(|hasher| hasher.hash_one(key));
        let mut entries = self.lock();
        if let Some(entry) = entries.by_key.get_mut(&key) {
            entry.used_at = now;
            return Some(act(&mut entry.value));
        }
        if entries.by_key.len() >= MOST {
            if entries.swept_at.is_none_or(|swept| now.saturating_duration_since(swept) >= SWEEP_EVERY) {
                entries.sweep(forget_after, now);
            }
            if entries.by_key.len() >= MOST {
                return None;
            }
        }
        let entry = entries.by_key.entry(key).or_insert(Entry { value: make(), used_at: now });
        Some(act(&mut entry.value))
    }

    /// Forgets what was not used for so long, and gives its memory back.
    pub(super) fn sweep(&self, forget_after: Duration, now: Instant) {
        self.lock().sweep(forget_after, now);
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.lock().by_key = HashMap::new();
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.lock().by_key.len()
    }

    fn lock(&self) -> MutexGuard<'_, Entries<V>> {
        self.entries.lock().expect("no code panics while it holds this lock")
    }
}

impl<V> Entries<V> {
    fn sweep(&mut self, forget_after: Duration, now: Instant) {
        self.by_key.retain(|_, entry| now.saturating_duration_since(entry.used_at) < forget_after);
        self.by_key.release();
        self.swept_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORGET_AFTER: Duration = Duration::from_secs(14);

    #[test]
    fn keys_that_come_once_leave_no_memory() {
        let (table, start) = (Table::new(), Instant::now());
        let get =
            |key: u32, now: Instant| table.with(&key, FORGET_AFTER, now, || [0_u64; 16], |_| ()).is_some();
        // A thousand a second.
        for key in 0..100_000 {
            let now = start + Duration::from_millis(1) * key;
            assert!(get(key, now), "{key}");
            if key % 10_000 == 0 {
                table.sweep(FORGET_AFTER, now);
            }
        }
        assert!(table.len() <= 24_000, "{}", table.len());
        table.sweep(FORGET_AFTER, start + Duration::from_secs(200));
        assert_eq!(table.len(), 0);
        assert!(table.lock().by_key.capacity() < 10_000);
    }

    #[test]
    fn a_full_table_takes_no_more_until_something_is_forgotten() {
        let (table, start) = (Table::new(), Instant::now());
        let get = |key: u32, now: Instant| table.with(&key, FORGET_AFTER, now, || (), |()| ()).is_some();
        let taken = (0..100_000).filter(|key| get(*key, start)).count();
        assert_eq!((taken, table.len()), (MOST, MOST));
        assert!(get(0, start + FORGET_AFTER / 2), "a key that is there is found");
        assert!(get(100_000, start + FORGET_AFTER));
        assert_eq!(table.len(), 2);
    }
}
