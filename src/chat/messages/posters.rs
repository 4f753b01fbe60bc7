//! How many posts a session may have under way. All sessions share what the log takes in a moment, so
//! that one which posts a message a minute does not wait behind hundreds that flood.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Posts of all sessions under way, about; the log takes in some ten thousand a second.
const ALL: usize = 256;

/// The sessions that wait for receipts; a cheap handle.
#[derive(Debug, Clone, Default)]
pub(in crate::chat) struct Posters(Arc<AtomicUsize>);

/// A session that waits for receipts, for as long as this lives.
#[derive(Debug)]
pub struct Poster(Posters);

impl Posters {
    /// Counts a session.
    pub(in crate::chat) fn enter(&self) -> Poster {
        self.0.fetch_add(1, Ordering::Relaxed);
        Poster(self.clone())
    }

    /// Posts that each may have under way now: at least one, at most `most`.
    pub(in crate::chat) fn share(&self, most: usize) -> usize {
        (ALL / self.0.load(Ordering::Relaxed).max(1)).clamp(1, most.max(1))
    }
}

impl Drop for Poster {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_who_post_share_what_one_may_have_alone() {
        let posters = Posters::default();
        assert_eq!(posters.share(64), 64);
        let few: Vec<_> = (0..4).map(|_| posters.enter()).collect();
        assert_eq!(posters.share(64), 64);
        let many: Vec<_> = (4..100).map(|_| posters.enter()).collect();
        assert_eq!(posters.share(64), 2);
        let crowd: Vec<_> = (100..2000).map(|_| posters.enter()).collect();
        assert_eq!(posters.share(64), 1);
        drop((few, many, crowd));
        assert_eq!(posters.share(64), 64);
    }
}
