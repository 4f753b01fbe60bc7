//! The faults, by the component that they affect.

mod network;
mod nodes;
mod process;
mod redis;
mod topologies;

use super::fault::Fault;

/// All of them, in the order in which they are run.
pub fn all() -> Vec<Fault> {
    [redis::FAULTS, nodes::FAULTS, process::FAULTS, network::FAULTS, topologies::FAULTS].concat()
}

/// The fault of a name.
pub fn named(name: &str) -> Option<Fault> {
    all().into_iter().find(|fault| fault.name == name)
}
