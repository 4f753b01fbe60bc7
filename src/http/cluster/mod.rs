//! The node and its cluster, for operators and their machines: health, metrics, the nodes, the figures.

pub(super) mod health;
pub(super) mod nodes;
pub(super) mod stats;
