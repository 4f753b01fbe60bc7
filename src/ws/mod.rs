//! The door for people: WebSocket sessions. Upgrade, framing, outbox, heartbeat; the rules of the
//! chat are in `chat`.

mod address;
mod connection;
mod echo;
mod inbox;
mod outbox;
mod pulse;
mod session;
mod sessions;
mod socket;
mod turn;
mod unfinished;
mod unreadable;
mod unsent;
mod upgrade;

pub use sessions::Sessions;
pub use socket::{Flaw, Socket};
pub use upgrade::router;
