//! The frames of a text: from the bytes of its sender to a value, and from a value to the bytes for its readers.

use std::hint::black_box;

use adda::model::{EntryKind, Epoch, LoggedMessage, MessageId, Receipt, RoomName, Timestamp};
use adda::protocol::server::{self, ReceiptJson, RoomFrame};
use adda::protocol::{ClientFrame, SessionKind};
use adda::websocket::{Decoder, Frame, Incoming};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};

const POST: &str = r#"{"type":"text","room_id":"general","content":"আমার সোনার বাংলা, আমি তোমায় ভালোবাসি","nonce":"01934f3a-7c1e-7b22-9d5a-0c6e0d1f2a3b"}"#;

const MASK: [u8; 4] = [1, 2, 3, 4];

/// A frame as a client sends it: final, masked, with a payload of 126 to 65,535 bytes (RFC 6455, section 5.2).
fn masked(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a short payload");
    assert!(length >= 126, "a shorter payload has another header");
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn decode(criterion: &mut Criterion) {
    let bytes = masked(POST.as_bytes());
    let mut decoder = Decoder::new(65_536);
    criterion.bench_function("decode a frame", |bencher| {
        bencher.iter(|| {
            decoder.feed(black_box(&bytes));
            decoder.take_frame()
        });
    });
    decoder.feed(&bytes);
    assert_eq!(decoder.take_frame(), Ok(Some(Incoming::Text(POST.into()))));
    criterion.bench_function("parse a message", |bencher| {
        bencher.iter(|| ClientFrame::parse(black_box(POST), SessionKind::Full));
    });
    assert!(matches!(ClientFrame::parse(POST, SessionKind::Full), Ok(ClientFrame::Text(_))));
}

fn encode(criterion: &mut Criterion) {
    let logged = LoggedMessage {
        epoch: Epoch::new("3f2a"),
        seq: 4711,
        json: Bytes::from_static(POST.as_bytes()),
        kind: EntryKind::Text,
        taken_in: None,
    };
    criterion.bench_function("encode a message", |bencher| {
        bencher.iter(|| server::message(black_box(&logged)));
    });
    let room = RoomName::parse("general", 64).expect("a name");
    let receipt = Receipt {
        id: MessageId::now().to_string(),
        epoch: Epoch::new("3f2a"),
        seq: 4711,
        timestamp: Timestamp::now().to_string(),
        is_duplicate: false,
    };
    let ack = || -> Option<Frame> {
        let ack = RoomFrame::Ack { receipt: ReceiptJson::new(&room, Some("7b22"), &receipt) };
        server::encode(&ack.into(), SessionKind::Full)
    };
    criterion.bench_function("encode an ack", |bencher| bencher.iter(|| black_box(ack())));
}

criterion_group!(frames, decode, encode);
criterion_main!(frames);
