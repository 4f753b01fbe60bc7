//! Collections that clients fill give back the memory that a crowd has needed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};

/// Entries for which a collection keeps its memory.
const KEPT_ENTRIES: usize = 1024;

/// A collection that can give back memory.
pub trait Release {
    /// Gives back the memory of entries that were removed, once that is most of it. Cheap enough to be called after every removal.
    fn release(&mut self);
}

/// The capacity to shrink to, if there is much to give back.
fn shrunk(len: usize, capacity: usize) -> Option<usize> {
    (capacity > 4 * KEPT_ENTRIES && len < capacity / 8).then(|| KEPT_ENTRIES.max(2 * len))
}

impl<K: Eq + Hash, V, S: BuildHasher> Release for HashMap<K, V, S> {
    fn release(&mut self) {
        shrunk(self.len(), self.capacity()).into_iter().for_each(|kept| self.shrink_to(kept));
    }
}

impl<T: Eq + Hash, S: BuildHasher> Release for HashSet<T, S> {
    fn release(&mut self) {
        shrunk(self.len(), self.capacity()).into_iter().for_each(|kept| self.shrink_to(kept));
    }
}

impl<T> Release for VecDeque<T> {
    fn release(&mut self) {
        shrunk(self.len(), self.capacity()).into_iter().for_each(|kept| self.shrink_to(kept));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_that_was_large_is_small_again() {
        let mut table: HashMap<u32, u32> = (0..100_000).map(|key| (key, key)).collect();
        table.retain(|key, _| *key < 50_000);
        let half_used = table.capacity();
        table.release();
        assert_eq!(table.capacity(), half_used, "half of it is in use");
        for key in 0..50_000 {
            table.remove(&key);
            table.release();
        }
        assert!(table.capacity() <= 4 * KEPT_ENTRIES, "{}", table.capacity());
        let mut queue: VecDeque<u32> = (0..100_000).collect();
        queue.drain(..99_000);
        queue.release();
        assert!(queue.capacity() <= 2 * KEPT_ENTRIES, "{}", queue.capacity());
        assert_eq!(queue.len(), 1000);
    }
}
