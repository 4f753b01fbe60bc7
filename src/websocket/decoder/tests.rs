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
fn a_frame_that_breaks_the_rules_is_refused_with_its_code() {
    let unmasked = [0x81, 0x01, b'a'];
    let reserved_bit = masked(0xC1, b"a");
    let reserved_opcode = masked(0x83, b"a");
    let fragmented_ping = masked(0x09, b"");
    let lone_continuation = masked(0x80, b"a");
    let long_ping = [0x89, 0xFE, 0, 200];
    let short_close = masked(0x88, &[3]);
    for bytes in [
        &unmasked[..],
        &reserved_bit,
        &reserved_opcode,
        &fragmented_ping,
        &lone_continuation,
        &long_ping,
        &short_close,
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
fn decoded_bytes_are_not_held() {
    let mut decoder = Decoder::new(100);
    decoder.feed(&[masked(0x81, b"hello"), masked(0x01, b"wor")].concat());
    assert_eq!(decoder.take_frame(), Ok(Some(Incoming::Text("hello".into()))));
    assert_eq!(decoder.take_frame(), Ok(Some(Incoming::Fragment)));
    assert_eq!(decoder.take_frame(), Ok(None));
    assert!(decoder.is_within_message());
    assert_eq!((decoder.unfinished(), decoder.unread.capacity()), (3, 0));
    decoder.feed(&masked(0x80, b"ld"));
    assert_eq!(decoder.take_frame(), Ok(Some(Incoming::Text("world".into()))));
    assert_eq!(decoder.take_frame(), Ok(None));
    assert!(!decoder.is_within_message());
}

#[test]
fn a_length_over_the_limit_is_refused_before_its_payload() {
    assert_eq!(read(&[0x82, 0xFF, 0, 0, 1, 0, 0, 0, 0, 0], 64), Err(CloseCode::TooBig));
    assert_eq!(read(&[masked(0x01, &[b'a'; 99]), masked(0x80, b"bc")].concat(), 200), Err(CloseCode::TooBig));
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
        let payload: Vec<u8> = masked.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        bytes = &bytes[begin + length as usize..];
        match (opcode, message.take()) {
            (8, kept) => {
                match read_close(&payload) {
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
