//! The wire: what clients send, what they get, and the codes that say why not. No sockets here.

pub mod bearer;
pub mod client;
pub mod codes;
pub mod frame;
pub mod server;

pub use bearer::bearer;
pub use client::ClientFrame;
pub use codes::{CloseCode, ErrorCode};
pub use frame::Frame;
