//! Decoders of stored and published data, for the fuzz targets. Each panics on a contradictory result. Compiled with the tests
//! as well, so that a change which breaks a target is noticed.

use redis::Value;

use super::log::Found;
use super::presence::entry;
use super::pubsub::codec::Wire;
use crate::model::{Event, NodeId};

/// Reads a publication of a room's channel.
pub fn publication(bytes: &[u8]) {
    if let Some(Event::Message(message)) = Wire::new(NodeId::random()).decode(bytes.to_vec()) {
        assert_holds_its_number(&message.json, message.seq);
    }
}

/// Reads the answer of the script that reads a page: its fields are separated by line feeds.
pub fn log_page(bytes: &[u8]) {
    let fields = bytes.split(|byte| *byte == b'\n').map(|field| Value::BulkString(field.to_vec()));
    let Some(found) = Found::parse(Value::Array(fields.collect()), true) else { return };
    for message in found.messages() {
        assert_holds_its_number(&message.json, message.seq);
    }
}

/// Reads an entry of a room's members.
pub fn member_entry(bytes: &[u8]) {
    let Some(read) = entry::decode(bytes) else { return };
    let written = entry::encode(read.node, &read.member);
    assert_eq!(entry::decode(&written), Some(read));
}

fn assert_holds_its_number(json: &[u8], seq: u64) {
    let json: serde_json::Value = serde_json::from_slice(json).expect("a message is JSON");
    assert_eq!(json["seq"], seq);
}

#[cfg(test)]
mod tests {
    use super::super::mutations::read_mutations;
    use super::*;

    #[test]
    fn each_decoder_takes_any_bytes() {
        let message = br#"{"id":"i","room_id":"r","user_id":"u","username":"n","content":"c","type":"text","timestamp":"t","seq":5}"#;
        let page = [b"e\n5\n1\n4\n5\n0\n5\n".as_slice(), message].concat();
        let publication_bytes = [b"1 m e 5 -\n".as_slice(), message].concat();
        read_mutations(&[publication_bytes, page], 20_000, |bytes| {
            publication(bytes);
            log_page(bytes);
            member_entry(bytes);
        });
    }
}
