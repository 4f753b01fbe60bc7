//! Reading frames (RFC 6455, section 5): unmasks, joins fragments, refuses what breaks the rules.
//! Holds memory only while a frame is incomplete, for the bytes that have arrived: an idle session has
//! no buffer, and an announced length reserves none.

#[cfg(test)]
mod tests;

use super::{CloseCode, Opcode};

/// A frame of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A whole text message.
    Text(String),
    /// A whole binary message.
    Binary(Vec<u8>),
    /// A fragment of a message that continues.
    Fragment,
    /// A ping, with the bytes that the pong must repeat.
    Ping(Vec<u8>),
    /// A pong.
    Pong,
    /// The close frame, with the client's code if it gave one.
    Close(Option<u16>),
}

/// An incremental decoder: bytes go in as they come, frames are taken out one by one.
#[derive(Debug)]
pub struct Decoder {
    unread: Vec<u8>,
    /// So many bytes of `unread` are decoded.
    decoded: usize,
    message: Option<Fragments>,
    max_bytes: usize,
}

#[derive(Debug)]
struct Fragments {
    opcode: Opcode,
    payload: Vec<u8>,
    /// So much of a text is known to be UTF-8.
    valid: usize,
}

struct Header {
    is_final: bool,
    opcode: Opcode,
    mask: [u8; 4],
    /// Bytes of the header.
    len: usize,
    /// Bytes of the payload.
    payload: usize,
}

impl Decoder {
    /// A decoder that refuses messages of more than `max_bytes`.
    pub fn new(max_bytes: usize) -> Self {
        Self { unread: Vec::new(), decoded: 0, message: None, max_bytes }
    }

    /// Appends bytes off the socket.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.unread.drain(..self.decoded);
        self.decoded = 0;
        append(&mut self.unread, bytes);
    }

    /// Takes out the next frame, joined with the fragments before it; `None` if it is not complete yet.
    ///
    /// # Errors
    /// The code to close with. Nothing that follows can be read.
    pub fn take_frame(&mut self) -> Result<Option<Incoming>, CloseCode> {
        let Some(header) = self.header(self.decoded)? else {
            self.release();
            return Ok(None);
        };
        let begin = self.decoded + header.len;
        let Some(masked) = self.unread.get(begin..begin + header.payload) else { return Ok(None) };
        let mut payload = masked.to_vec();
        unmask(&mut payload, header.mask);
        self.decoded = begin + header.payload;
        self.accept(&header, payload).map(Some)
    }

    /// Bytes of a message or a frame that has begun and not ended.
    pub fn unfinished(&self) -> usize {
        let fragments = self.message.as_ref().map_or(0, |message| message.payload.len());
        self.unread.len() - self.decoded + fragments
    }

    /// Whether a message or a frame has begun and not ended.
    pub fn is_within_message(&self) -> bool {
        self.message.is_some() || self.decoded < self.unread.len()
    }

    /// Drops what it holds.
    pub fn clear(&mut self) {
        *self = Self::new(self.max_bytes);
    }

    fn release(&mut self) {
        if self.decoded == self.unread.len() {
            self.unread = Vec::new();
            self.decoded = 0;
        }
    }

    fn header(&self, at: usize) -> Result<Option<Header>, CloseCode> {
        let bytes = &self.unread[at..];
        let [first, second, ..] = *bytes else { return Ok(None) };
        let opcode = Opcode::from_bits(first & 0x0F).ok_or(CloseCode::ProtocolError)?;
        let (is_final, is_masked) = (first & 0x80 != 0, second & 0x80 != 0);
        let short = usize::from(second & 0x7F);
        // No extension is agreed on, so the reserved bits are zero; a client always masks.
        if first & 0x70 != 0 || !is_masked || (opcode.is_control() && (!is_final || short > 125)) {
            return Err(CloseCode::ProtocolError);
        }
        let (length_bytes, payload) = match (short, &bytes[2..]) {
            (0..=125, _) => (0, short as u64),
            (126, [a, b, ..]) => (2, u64::from(u16::from_be_bytes([*a, *b]))),
            (127, [a, b, c, d, e, f, g, h, ..]) => (8, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h])),
            _ => return Ok(None),
        };
        let begun = self.message.as_ref().map_or(0, |message| message.payload.len());
        // Before any byte is stored: an announced length may be false.
        if payload > (self.max_bytes - begun.min(self.max_bytes)) as u64 && !opcode.is_control() {
            return Err(CloseCode::TooBig);
        }
        let mask_at = 2 + length_bytes;
        let Some(&[a, b, c, d]) = bytes.get(mask_at..mask_at + 4) else { return Ok(None) };
        Ok(Some(Header { is_final, opcode, mask: [a, b, c, d], len: mask_at + 4, payload: payload as usize }))
    }

    fn accept(&mut self, header: &Header, payload: Vec<u8>) -> Result<Incoming, CloseCode> {
        match header.opcode {
            Opcode::Ping => Ok(Incoming::Ping(payload)),
            Opcode::Pong => Ok(Incoming::Pong),
            Opcode::Close => read_close(&payload).map(Incoming::Close),
            Opcode::Text | Opcode::Binary if self.message.is_some() => Err(CloseCode::ProtocolError),
            Opcode::Text | Opcode::Binary => {
                self.continue_with(Fragments { opcode: header.opcode, payload, valid: 0 }, header.is_final)
            }
            Opcode::Continuation => {
                let mut message = self.message.take().ok_or(CloseCode::ProtocolError)?;
                append(&mut message.payload, &payload);
                self.continue_with(message, header.is_final)
            }
        }
    }

    fn continue_with(&mut self, mut message: Fragments, is_final: bool) -> Result<Incoming, CloseCode> {
        if message.opcode == Opcode::Text {
            message.check_text(is_final)?;
        }
        if !is_final {
            self.message = Some(message);
            return Ok(Incoming::Fragment);
        }
        Ok(match message.opcode {
            Opcode::Text => {
                Incoming::Text(String::from_utf8(message.payload).map_err(|_| CloseCode::InvalidText)?)
            }
            _ => Incoming::Binary(message.payload),
        })
    }
}

impl Fragments {
    /// Refuses a text as soon as it can't become UTF-8 (section 8.1). A character may be split
    /// between fragments.
    fn check_text(&mut self, is_final: bool) -> Result<(), CloseCode> {
        match std::str::from_utf8(&self.payload[self.valid..]) {
            Ok(_) => self.valid = self.payload.len(),
            Err(error) if error.error_len().is_some() || is_final => return Err(CloseCode::InvalidText),
            Err(error) => self.valid += error.valid_up_to(),
        }
        Ok(())
    }
}

/// Grows a buffer by the bytes that have arrived: doubling would give a message in pieces up to twice its size.
fn append(buffer: &mut Vec<u8>, bytes: &[u8]) {
    if buffer.capacity() - buffer.len() < bytes.len() {
        buffer.reserve_exact(bytes.len().max(buffer.len() / 8));
    }
    buffer.extend_from_slice(bytes);
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let (chunks, rest) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

fn read_close(payload: &[u8]) -> Result<Option<u16>, CloseCode> {
    match payload {
        [] => Ok(None),
        [_] => Err(CloseCode::ProtocolError),
        [a, b, reason @ ..] => {
            let code = u16::from_be_bytes([*a, *b]);
            // Section 7.4: the others are reserved or must not be sent.
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(CloseCode::ProtocolError);
            }
            std::str::from_utf8(reason).map_err(|_| CloseCode::InvalidText)?;
            Ok(Some(code))
        }
    }
}
