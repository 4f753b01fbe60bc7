//! The node as its backend sees it.

use std::fmt;

use crate::backend::{NodeStats, Secrets};
use crate::model::{Member, RoomName};
use crate::telemetry::Figures;

/// The authority on this node's sessions. No method blocks.
pub trait LocalNode: Send + Sync + fmt::Debug {
    /// The rooms with sessions of this node.
    fn rooms(&self) -> Vec<LocalRoom>;

    /// The sessions of this node in a room.
    fn members(&self, room: &RoomName) -> Vec<Member>;

    /// The statistics that other nodes see.
    fn stats(&self) -> NodeStats;

    /// The figures since the last call that returned some; `None` if that was less than a second ago.
    fn take_figures(&self) -> Option<Figures>;

    /// Takes figures back that could not be stored, so that the next ones contain them.
    fn return_figures(&self, figures: Figures);

    /// This node's secret for signing tokens.
    fn secret(&self) -> NodeSecret;

    /// Sets the cluster's secrets. From now on the node signs with the current one.
    fn set_secrets(&self, secrets: Secrets);

    /// Called when membership is complete again. Counts that were announced before may have been too low.
    fn on_complete(&self);
}

/// A room with sessions of this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalRoom {
    /// Its name.
    pub name: RoomName,
    /// How many sessions of this node are in it.
    pub sessions: usize,
}

/// A node's secret for signing tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeSecret {
    /// Configured in the settings; the cluster stores none for this node.
    Configured,
    /// Not known yet.
    Unknown,
    /// The node signs with this one, which the cluster stores.
    Shared(String),
}
