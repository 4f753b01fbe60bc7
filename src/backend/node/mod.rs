//! The parts of a node that both implementations of a backend share: its sessions as the backend sees them, its lease, its changes
//! that are under way, the queue of events towards it, and the secret that it shares with others.

pub(in crate::backend) mod events;
pub(in crate::backend) mod lease;
mod local;
pub(in crate::backend) mod pending;
mod secrets;

pub use self::events::Events;
pub use self::local::{LocalNode, LocalRoom, NodeSecret};
pub use self::secrets::share as share_secret;
