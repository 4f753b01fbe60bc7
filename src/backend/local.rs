//! What a backend asks of the node that it works for.

use std::fmt;

use super::{NodeStats, Secrets};
use crate::model::{Member, RoomName};

/// This node, as its backend sees it: the truth about its sessions. All answers come at once.
pub trait LocalNode: Send + Sync + fmt::Debug {
    /// The rooms with sessions of this node.
    fn rooms(&self) -> Vec<LocalRoom>;

    /// The sessions of this node in a room.
    fn members(&self, room: &RoomName) -> Vec<Member>;

    /// What the node says of itself to the others.
    fn stats(&self) -> NodeStats;

    /// What this node knows of the secret that signs the cluster's tokens.
    fn secret(&self) -> NodeSecret;

    /// The cluster's secrets: from now on the node signs with the current one.
    fn set_secrets(&self, secrets: Secrets);

    /// All sessions of all nodes can be counted again. What rooms were told meanwhile may have been short.
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

/// What a node knows of the secret that signs tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeSecret {
    /// The settings name it; the cluster keeps none for this node.
    Configured,
    /// Nothing yet.
    Unknown,
    /// It signs with this one, which the cluster keeps.
    Shared(String),
}
