//! What is known of a run when it is over.

use std::time::{Duration, Instant};

use super::fault::Fault;
use super::memory::Memory;
use super::notices::Notices;
use super::scene::Length;
use super::table;
use super::verdict::Verdict;
use super::watch::Samples;

/// A run that is over.
#[derive(Debug)]
pub struct Report {
    /// What was done.
    pub fault: Fault,
    /// How long it was to last.
    pub length: Length,
    /// When it began.
    pub began: Instant,
    /// When it was over.
    pub ended: Instant,
    /// How long it then took until all was well, or what never was.
    pub healed: Result<Duration, String>,
    /// Whether all that was said was acknowledged in time.
    pub is_all_acked: bool,
    /// What came of the messages.
    pub verdict: Verdict,
    /// What came of joins and leaves.
    pub notices: Notices,
    /// Answers about who is where that were short, or named ghosts.
    pub untruths: Vec<String>,
    /// What everybody remembers.
    pub memories: Vec<Memory>,
    /// What the nodes answered.
    pub samples: Samples,
    /// Each check's name, and what is wrong if it is.
    pub checks: Vec<(&'static str, Result<(), String>)>,
}

impl Report {
    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.checks.iter().filter_map(|(name, result)| Some((*name, result.as_ref().err()?.as_str())))
    }

    /// Fails a test with everything that is wrong.
    pub fn assert_all_held(&self) {
        let failures = table::failures(std::slice::from_ref(self));
        let row = table::markdown(std::slice::from_ref(self));
        assert!(failures.is_empty(), "{}\n\n{row}\n\n{failures}\n\n{:#?}", self.fault.about, self.verdict);
    }
}
