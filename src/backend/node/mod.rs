//! The parts of a node that both implementations of a backend share: its sessions as the backend sees them, its lease, its changes
//! that are under way, the queue of events towards it, the secret that it shares with others, and the memory
//! that its collections give back.

pub(in crate::backend) mod events;
pub(in crate::backend) mod lease;
mod local;
pub(in crate::backend) mod pending;
mod release;
mod secrets;

pub use self::events::Events;
pub use self::local::{LocalNode, LocalRoom, NodeSecret};
pub use self::release::Release;
pub use self::secrets::share as share_secret;
