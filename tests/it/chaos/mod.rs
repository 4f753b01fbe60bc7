//! Faults in a running cluster, and a verdict from what every client remembers. Shared by the tests, which run
//! each fault for a short time, and by `scripts/chaos`, which runs them as they are promised to be survived.
//!
//! A fault is a value (`fault::Fault`); to add one, put it into a list of `faults/`.

pub mod checks;
pub mod crowd;
pub mod fault;
pub mod faults;
pub mod heal;
pub mod memory;
pub mod notices;
pub mod person;
pub mod report;
pub mod run;
pub mod scene;
pub mod table;
pub mod talk;
pub mod truth;
pub mod verdict;
pub mod watch;
