//! WebSocket frames as a server sends them (RFC 6455, section 5.2): whole, unmasked, encoded once
//! and shared by all sessions that they go to.

use bytes::{BufMut, Bytes, BytesMut};

use super::CloseCode;

/// Opcodes of RFC 6455, section 5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// Continues a message.
    Continuation,
    /// UTF-8.
    Text,
    /// Bytes.
    Binary,
    /// The close frame.
    Close,
    /// A ping.
    Ping,
    /// A pong.
    Pong,
}

impl Opcode {
    /// The opcode of a frame's first byte; `None` for the reserved ones.
    pub fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    /// Whether the opcode is that of a control frame, which may come between the fragments of a message.
    pub fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A finished frame: header and payload. Cloning shares the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    /// A text frame; `payload` must be UTF-8.
    pub fn text(payload: &[u8]) -> Self {
        Self::encode(Opcode::Text, payload)
    }

    /// Any frame.
    pub fn encode(opcode: Opcode, payload: &[u8]) -> Self {
        let mut bytes = BytesMut::with_capacity(payload.len() + 10);
        bytes.put_u8(0x80 | opcode.bits());
        match payload.len() {
            len @ 0..=125 => bytes.put_u8(len as u8),
            len @ 126..=0xFFFF => {
                bytes.put_u8(126);
                bytes.put_u16(len as u16);
            }
            len => {
                bytes.put_u8(127);
                bytes.put_u64(len as u64);
            }
        }
        bytes.put_slice(payload);
        Self(bytes.freeze())
    }

    /// The close frame with a code and its reason.
    pub fn close(code: CloseCode) -> Self {
        let mut payload = code.as_u16().to_be_bytes().to_vec();
        payload.extend_from_slice(code.reason().as_bytes());
        Self::encode(Opcode::Close, &payload)
    }

    /// The bytes that go to the socket.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How much of an outbox the frame takes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never true: even an empty frame has a header.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        let header = |len: usize| Frame::text(&vec![b'x'; len]).as_bytes()[..4].to_vec();
        assert_eq!(Frame::text(b"").as_bytes(), [0x81, 0]);
        assert_eq!(header(125)[..2], [0x81, 125]);
        assert_eq!(header(126), [0x81, 126, 0, 126]);
        assert_eq!(header(65_535), [0x81, 126, 0xFF, 0xFF]);
        assert_eq!(header(65_536)[..2], [0x81, 127]);
    }

    #[test]
    fn a_close_frame_carries_its_code() {
        assert_eq!(Frame::close(CloseCode::Slow).as_bytes()[2..4], 4009u16.to_be_bytes());
    }
}
