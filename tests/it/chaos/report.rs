//! The report of a finished run.

use std::time::{Duration, Instant};

use super::fault::Fault;
use super::memory::Memory;
use super::notices::Notices;
use super::scene::Length;
use super::table;
use super::verdict::Verdict;
use super::watch::Samples;

/// The report of one run.
#[derive(Debug)]
pub struct Report {
    /// The fault.
    pub fault: Fault,
    /// Its planned length.
    pub length: Length,
    /// Its beginning.
    pub began: Instant,
    /// Its end.
    pub ended: Instant,
    /// The time from the end to recovery, or the remaining problems.
    pub healed: Result<Duration, String>,
    /// Whether all posts were acknowledged in time.
    pub is_all_acked: bool,
    /// The verdict on messages.
    pub verdict: Verdict,
    /// The findings about joins and leaves.
    pub notices: Notices,
    /// REST answers that missed a session or named a ghost.
    pub untruths: Vec<String>,
    /// The records of all clients.
    pub memories: Vec<Memory>,
    /// The sampled answers of the nodes.
    pub samples: Samples,
    /// The result of each check by its name.
    pub checks: Vec<(&'static str, Result<(), String>)>,
}

impl Report {
    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.checks.iter().filter_map(|(name, result)| Some((*name, result.as_ref().err()?.as_str())))
    }

    /// Fails a test with all violations.
    pub fn assert_all_held(&self) {
        let failures = table::failures(std::slice::from_ref(self));
        let row = table::markdown(std::slice::from_ref(self));
        assert!(failures.is_empty(), "{}\n\n{row}\n\n{failures}\n\n{:#?}", self.fault.about, self.verdict);
    }
}
