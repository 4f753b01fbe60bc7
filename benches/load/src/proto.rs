//! Wire adapters. Each one knows: the upgrade path, what to send after the 101,
//! when a connection counts as joined, how a message is published.
//! Deliveries are recognised by the engine by a byte marker, not here.

pub struct Ident {
    pub room: String,
    pub user: String,
}

/// Appends one masked client frame (mask key 0: legal, and no XOR work here).
pub fn put_frame(out: &mut Vec<u8>, opcode: u8, parts: &[&[u8]]) {
    let len: usize = parts.iter().map(|p| p.len()).sum();
    out.push(0x80 | opcode);
    if len < 126 {
        out.push(0x80 | len as u8);
    } else if len < 65536 {
        out.push(0x80 | 126);
        out.extend_from_slice(&(len as u16).to_be_bytes());
    } else {
        out.push(0x80 | 127);
        out.extend_from_slice(&(len as u64).to_be_bytes());
    }
    out.extend_from_slice(&[0, 0, 0, 0]);
    for p in parts {
        out.extend_from_slice(p);
    }
}

pub fn put_text(out: &mut Vec<u8>, parts: &[&[u8]]) {
    put_frame(out, 1, parts)
}

pub trait Proto {
    /// path and query of the upgrade request
    fn path(&self, c: &Ident) -> String;
    /// extra request headers, each ended by CRLF
    fn headers(&self) -> &'static str {
        ""
    }
    /// called after the 101; true: joined already
    fn on_open(&self, c: &mut Ident, out: &mut Vec<u8>) -> bool;
    /// a text frame without the delivery marker; true: joined now
    fn on_text(&self, c: &mut Ident, payload: &[u8], out: &mut Vec<u8>) -> bool;
    fn publish(&self, c: &mut Ident, body: &[u8], out: &mut Vec<u8>);
    /// asks to join one more room (mode multirooms); false: the protocol cannot
    fn join_more(&self, _room: &str, _out: &mut Vec<u8>) -> bool {
        false
    }
    /// says something in a named room (mode multirooms)
    fn publish_in(&self, _room: &str, _body: &[u8], _out: &mut Vec<u8>) {}
    /// does the sender get its own message back?
    fn echoes(&self) -> bool {
        true
    }
}

pub fn make(name: &str, opts: &Opts) -> Result<Box<dyn Proto>, String> {
    Ok(match name {
        "adda" => Box::new(Adda { marker: opts.joined_marker.clone() }),
        "adda-v1" => Box::new(AddaFull),
        "raw" => Box::new(Raw),
        _ => return Err(format!("unknown protocol {name}: adda adda-v1 raw")),
    })
}

#[derive(Clone, Default)]
pub struct Opts {
    pub joined_marker: Option<String>,
}

fn has(h: &[u8], n: &str) -> bool {
    memchr::memmem::find(h, n.as_bytes()).is_some()
}

/// adda: GET /ws?room=R&username=U; joined at the 101 unless --joined-marker
/// names a string that a text frame must contain first.
struct Adda {
    marker: Option<String>,
}
impl Proto for Adda {
    fn path(&self, c: &Ident) -> String {
        format!("/ws?room={}&username={}", c.room, c.user)
    }
    fn on_open(&self, _: &mut Ident, _: &mut Vec<u8>) -> bool {
        self.marker.is_none()
    }
    fn on_text(&self, _: &mut Ident, p: &[u8], _: &mut Vec<u8>) -> bool {
        matches!(&self.marker, Some(m) if has(p, m))
    }
    fn publish(&self, _: &mut Ident, body: &[u8], out: &mut Vec<u8>) {
        put_text(out, &[b"{\"type\":\"text\",\"content\":\"", body, b"\"}"]);
    }
}

/// adda with the subprotocol adda.v1: joined at the frame "joined".
struct AddaFull;
impl Proto for AddaFull {
    fn path(&self, c: &Ident) -> String {
        format!("/ws?room={}&username={}", c.room, c.user)
    }
    fn headers(&self) -> &'static str {
        "Sec-WebSocket-Protocol: adda.v1\r\n"
    }
    fn on_open(&self, _: &mut Ident, _: &mut Vec<u8>) -> bool {
        false
    }
    fn on_text(&self, _: &mut Ident, p: &[u8], _: &mut Vec<u8>) -> bool {
        has(p, "\"type\":\"joined\"")
    }
    fn publish(&self, c: &mut Ident, body: &[u8], out: &mut Vec<u8>) {
        self.publish_in(&c.room, body, out)
    }
    fn join_more(&self, room: &str, out: &mut Vec<u8>) -> bool {
        put_text(out, &[b"{\"type\":\"join\",\"room_id\":\"", room.as_bytes(), b"\",\"history\":0}"]);
        true
    }
    fn publish_in(&self, room: &str, body: &[u8], out: &mut Vec<u8>) {
        put_text(
            out,
            &[b"{\"type\":\"text\",\"room_id\":\"", room.as_bytes(), b"\",\"content\":\"", body, b"\"}"],
        );
    }
}

/// The floor: the body alone, nothing around it.
struct Raw;
impl Proto for Raw {
    fn path(&self, c: &Ident) -> String {
        format!("/ws?room={}", c.room)
    }
    fn on_open(&self, _: &mut Ident, _: &mut Vec<u8>) -> bool {
        true
    }
    fn on_text(&self, _: &mut Ident, _: &[u8], _: &mut Vec<u8>) -> bool {
        false
    }
    fn publish(&self, _: &mut Ident, body: &[u8], out: &mut Vec<u8>) {
        put_text(out, &[body]);
    }
}
