//! The first byte is the size of the pieces in which the others arrive. The decoder must find the same frames for all.
#![no_main]

use adda::websocket::{CloseCode, Decoder, Incoming};
use libfuzzer_sys::fuzz_target;

fn decode(bytes: &[u8], piece: usize) -> (Vec<Incoming>, Option<CloseCode>) {
    let mut decoder = Decoder::new(1000);
    let mut incoming = Vec::new();
    for piece in bytes.chunks(piece) {
        decoder.feed(piece);
        loop {
            match decoder.take_frame() {
                Ok(Some(frame)) => incoming.push(frame),
                Ok(None) => break,
                Err(code) => return (incoming, Some(code)),
            }
        }
    }
    (incoming, None)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((step, frames)) = bytes.split_first() else { return };
    let whole = decode(frames, frames.len().max(1));
    assert_eq!(decode(frames, usize::from(*step).max(1)), whole);
});
