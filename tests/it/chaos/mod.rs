//! Faults in a running cluster, and a verdict from the recorded events of all clients. The tests run each fault
//! for a short time, `scripts/chaos` for the full one.
//!
//! A fault is a value (`fault::Fault`); to add one, put it into a list of `faults/`.

pub mod checks;
pub mod crowd;
pub mod fault;
pub mod faults;
pub mod heal;
pub mod logs;
pub mod memory;
pub mod messages;
pub mod notices;
pub mod person;
pub mod report;
pub mod run;
pub mod scene;
pub mod speech;
pub mod table;
pub mod talk;
pub mod truth;
pub mod verdict;
pub mod watch;
