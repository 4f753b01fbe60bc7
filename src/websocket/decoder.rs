//! Reading frames (RFC 6455, section 5): unmasks, joins fragments, refuses what breaks the rules.
//! Holds memory only while a frame is incomplete, and then what has come of it: an idle session costs
//! no buffer, and a length is only a promise.

use super::{CloseCode, Opcode};

/// What a client said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A whole text message.
    Text(String),
    /// A whole binary message.
    Binary(Vec<u8>),
    /// A part of a message that goes on.
    Fragment,
    /// Are you there? With what the pong must repeat.
    Ping(Vec<u8>),
    /// Yes.
    Pong,
    /// The goodbye, with the client's code if it gave one.
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
    pub fn is_amid_message(&self) -> bool {
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
        // Before anything is stored: a length is only a promise.
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
            Opcode::Close => read_goodbye(&payload).map(Incoming::Close),
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

/// Grows a buffer with what has come: doubling would give a message in pieces up to twice its size.
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

fn read_goodbye(payload: &[u8]) -> Result<Option<u16>, CloseCode> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first, 0x80 | payload.len() as u8, 1, 2, 3, 4];
        frame.extend(payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, key)| byte ^ key));
        frame
    }

    fn read(bytes: &[u8], step: usize) -> Result<Vec<Incoming>, CloseCode> {
        let (mut decoder, mut incoming) = (Decoder::new(100), Vec::new());
        for piece in bytes.chunks(step) {
            decoder.feed(piece);
            while let Some(frame) = decoder.take_frame()? {
                incoming.push(frame);
            }
        }
        Ok(incoming)
    }

    #[test]
    fn a_message_arrives_however_it_is_cut() {
        let bytes = [masked(0x81, "হ্যালো".as_bytes()), masked(0x89, b"hi"), masked(0x82, &[7; 99])].concat();
        let expected =
            vec![Incoming::Text("হ্যালো".into()), Incoming::Ping(b"hi".into()), Incoming::Binary(vec![7; 99])];
        for step in 1..=bytes.len() {
            assert_eq!(read(&bytes, step), Ok(expected.clone()));
        }
    }

    #[test]
    fn fragments_are_joined_and_control_frames_come_between() {
        let text = "আড্ডা".as_bytes();
        let bytes = [masked(0x01, &text[..4]), masked(0x8A, b""), masked(0x80, &text[4..])].concat();
        let expected = vec![Incoming::Fragment, Incoming::Pong, Incoming::Text("আড্ডা".into())];
        assert_eq!(read(&bytes, 3), Ok(expected));
    }

    #[test]
    fn what_breaks_the_rules_is_refused_with_its_code() {
        let unmasked = [0x81, 0x01, b'a'];
        let reserved_bit = masked(0xC1, b"a");
        let reserved_opcode = masked(0x83, b"a");
        let fragmented_ping = masked(0x09, b"");
        let lone_continuation = masked(0x80, b"a");
        let long_ping = [0x89, 0xFE, 0, 200];
        let short_goodbye = masked(0x88, &[3]);
        for bytes in [
            &unmasked[..],
            &reserved_bit,
            &reserved_opcode,
            &fragmented_ping,
            &lone_continuation,
            &long_ping,
            &short_goodbye,
        ] {
            assert_eq!(read(bytes, 64), Err(CloseCode::ProtocolError), "{bytes:?}");
        }
        assert_eq!(read(&masked(0x81, &[0xC3, 0x28]), 64), Err(CloseCode::InvalidText));
        assert_eq!(read(&masked(0x01, &[0xFF]), 64), Err(CloseCode::InvalidText));
    }

    #[test]
    fn an_unfinished_message_costs_what_has_come_of_it() {
        let mut decoder = Decoder::new(1 << 20);
        let promise = [0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4];
        decoder.feed(&promise);
        decoder.feed(&[7; 9000]);
        assert_eq!(decoder.take_frame(), Ok(None));
        assert_eq!(decoder.unfinished(), promise.len() + 9000);
        assert!(decoder.unread.capacity() < 2 * 9000, "{}", decoder.unread.capacity());
    }

    #[test]
    fn what_is_decoded_is_not_held() {
        let mut decoder = Decoder::new(100);
        decoder.feed(&[masked(0x81, b"hello"), masked(0x01, b"wor")].concat());
        assert_eq!(decoder.take_frame(), Ok(Some(Incoming::Text("hello".into()))));
        assert_eq!(decoder.take_frame(), Ok(Some(Incoming::Fragment)));
        assert_eq!(decoder.take_frame(), Ok(None));
        assert!(decoder.is_amid_message());
        assert_eq!((decoder.unfinished(), decoder.unread.capacity()), (3, 0));
        decoder.feed(&masked(0x80, b"ld"));
        assert_eq!(decoder.take_frame(), Ok(Some(Incoming::Text("world".into()))));
        assert_eq!(decoder.take_frame(), Ok(None));
        assert!(!decoder.is_amid_message());
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_its_payload() {
        assert_eq!(read(&[0x82, 0xFF, 0, 0, 1, 0, 0, 0, 0, 0], 64), Err(CloseCode::TooBig));
        assert_eq!(
            read(&[masked(0x01, &[b'a'; 99]), masked(0x80, b"bc")].concat(), 200),
            Err(CloseCode::TooBig)
        );
    }

    /// A second reader of the same rules, for bytes that are all there: slow, and plain.
    fn read_plainly(mut bytes: &[u8], max_bytes: usize) -> (Vec<Incoming>, Option<CloseCode>) {
        let (mut incoming, mut message) = (Vec::new(), None::<(u8, Vec<u8>)>);
        while let [first, second, ..] = *bytes {
            let (opcode, is_final) = (first & 0x0F, first & 0x80 != 0);
            let is_known = matches!(opcode, 0..=2 | 8..=10);
            let is_long_control = opcode >= 8 && (!is_final || second & 0x7F > 125);
            if !is_known || first & 0x70 != 0 || second & 0x80 == 0 || is_long_control {
                return (incoming, Some(CloseCode::ProtocolError));
            }
            let wide = match second & 0x7F {
                126 => 2,
                127 => 8,
                _ => 0,
            };
            let Some(length) = bytes.get(2..2 + wide) else { break };
            let length = match wide {
                0 => u64::from(second & 0x7F),
                _ => length.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)),
            };
            let begun = message.as_ref().map_or(0, |(_, payload)| payload.len());
            if opcode < 8 && u128::from(length) + begun as u128 > max_bytes as u128 {
                return (incoming, Some(CloseCode::TooBig));
            }
            let begin = 6 + wide;
            let Some(mask) = bytes.get(begin - 4..begin) else { break };
            let Some(masked) = bytes.get(begin..begin + length as usize) else { break };
            let payload: Vec<u8> =
                masked.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
            bytes = &bytes[begin + length as usize..];
            match (opcode, message.take()) {
                (8, kept) => {
                    match read_goodbye(&payload) {
                        Ok(code) => incoming.push(Incoming::Close(code)),
                        Err(code) => return (incoming, Some(code)),
                    }
                    message = kept;
                }
                (9 | 10, kept) => {
                    incoming.push(if opcode == 9 { Incoming::Ping(payload) } else { Incoming::Pong });
                    message = kept;
                }
                (0, None) | (1 | 2, Some(_)) => return (incoming, Some(CloseCode::ProtocolError)),
                (_, begun) => {
                    let (kind, mut whole) = begun.unwrap_or((opcode, Vec::new()));
                    whole.extend(payload);
                    let text = std::str::from_utf8(&whole);
                    let can_be = text.map_or_else(|error| !is_final && error.error_len().is_none(), |_| true);
                    if kind == 1 && !can_be {
                        return (incoming, Some(CloseCode::InvalidText));
                    }
                    incoming.push(match (is_final, kind) {
                        (false, _) => Incoming::Fragment,
                        (true, 1) => Incoming::Text(String::from_utf8(whole.clone()).unwrap()),
                        (true, _) => Incoming::Binary(whole.clone()),
                    });
                    message = (!is_final).then_some((kind, whole));
                }
            }
        }
        (incoming, None)
    }

    /// Frames that are mostly in order, some of them spoiled, cut anywhere: both readers agree.
    #[test]
    fn a_plain_reader_finds_the_same_however_the_bytes_are_cut() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for run in 0..20_000 {
            let mut bytes = Vec::new();
            for _ in 0..random.usize(1..8) {
                let first = [0x81, 0x01, 0x80, 0x00, 0x82, 0x89, 0x8A, 0x88][random.usize(..8)];
                let letters = ["a", "আ", "", "\u{3}\u{e8}", "hello"];
                let payload = letters[random.usize(..5)].repeat(random.usize(..12)).into_bytes();
                bytes.extend(masked(first, &payload[..payload.len().min(125)]));
            }
            if random.bool() {
                let place = random.usize(..bytes.len());
                bytes[place] ^= 1 << random.u8(..8);
            }
            let expected = read_plainly(&bytes, 60);
            let (mut decoder, mut incoming, mut rest) = (Decoder::new(60), Vec::new(), &bytes[..]);
            let mut fault = None;
            while fault.is_none() && !rest.is_empty() {
                let (piece, behind) = rest.split_at(random.usize(1..=rest.len()));
                decoder.feed(piece);
                loop {
                    match decoder.take_frame() {
                        Ok(Some(frame)) => incoming.push(frame),
                        Ok(None) => break,
                        Err(code) => {
                            fault = Some(code);
                            break;
                        }
                    }
                }
                rest = behind;
            }
            assert_eq!((incoming, fault), expected, "seed {seed}, run {run}: {bytes:02x?}");
        }
    }
}
