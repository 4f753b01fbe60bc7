//! The frames of clients and server, and the codes that say why not. No sockets here.

pub mod bearer;
pub mod client;
pub mod codes;
pub mod server;

/// The subprotocol of full sessions.
pub const SUBPROTOCOL: &str = "adda.v1";

pub use bearer::bearer;
pub use client::{ClientFrame, RoomsAsked};
pub use codes::ErrorCode;
