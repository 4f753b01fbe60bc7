//! WebSocket sessions: upgrade, framing, outbox, heartbeat. The rules of the chat are in `chat`.

mod address;
mod connection;
mod dashboard;
mod echo;
mod session;
mod sessions;
mod socket;
mod unreadable;
mod upgrade;

pub use sessions::Sessions;
pub use socket::{Flaw, Socket};
pub use upgrade::router;
