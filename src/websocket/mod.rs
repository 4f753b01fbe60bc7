//! RFC 6455: frames, an incremental decoder, the opening handshake, close codes. Nothing here knows
//! adda's messages, its settings or a socket.

mod close;
mod decoder;
mod frame;
mod handshake;

pub use close::CloseCode;
pub use decoder::{Decoder, Incoming};
pub use frame::{Frame, Opcode};
pub use handshake::Handshake;
