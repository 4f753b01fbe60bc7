//! The frames of clients and server, and why something is rejected. No sockets and no settings here.

pub mod bearer;
pub mod client;
pub mod codes;
pub mod credentials;
pub mod forwarded;
pub mod kind;
pub mod rejection;
pub mod server;

/// The subprotocol of full sessions.
pub const SUBPROTOCOL: &str = "adda.v1";

pub use bearer::bearer;
pub use client::ClientFrame;
pub use codes::ErrorCode;
pub use credentials::Proof;
pub use forwarded::{ClientAddress, Forwarded};
pub use kind::SessionKind;
pub use rejection::Rejection;
