//! A minimal client connection of a full session, for thousands in one process.

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::raw::{masked, upgrade};

/// One upgraded connection.
#[derive(Debug)]
pub struct Line {
    stream: TcpStream,
    received: BytesMut,
}

impl Line {
    /// Connects and upgrades; `None` if the server does not.
    pub async fn open(port: u16, path: &str) -> Option<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        stream.set_nodelay(true).ok()?;
        stream.write_all(upgrade(path, Some("adda.v1")).as_bytes()).await.ok()?;
        let mut line = Self { stream, received: BytesMut::new() };
        let end = loop {
            if let Some(end) = line.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            line.receive().await?;
        };
        let is_upgraded = line.received.starts_with(b"HTTP/1.1 101");
        line.received.advance(end);
        is_upgraded.then_some(line)
    }

    /// The next frame: its first byte and payload; `None` at the end of the connection.
    pub async fn next(&mut self) -> Option<(u8, BytesMut)> {
        loop {
            if let Some(frame) = take_frame(&mut self.received) {
                return Some(frame);
            }
            self.receive().await?;
        }
    }

    /// Sends one frame; `false` if the connection has ended.
    pub async fn send(&mut self, first_byte: u8, payload: &[u8]) -> bool {
        self.stream.write_all(&masked(first_byte, payload)).await.is_ok()
    }

    /// Makes the connection end with a reset, as that of a killed process.
    pub fn reset_at_end(&self) {
        // Fails only if it has ended already.
        let _ = self.stream.set_zero_linger();
    }

    async fn receive(&mut self) -> Option<()> {
        if self.received.is_empty() {
            // An idle connection holds no buffer.
            self.received = BytesMut::new();
            self.stream.readable().await.ok()?;
        }
        self.received.reserve(4096);
        let count = self.stream.read_buf(&mut self.received).await.ok()?;
        (count > 0).then_some(())
    }
}

/// Takes a whole frame of a server off the front, if there is one.
fn take_frame(received: &mut BytesMut) -> Option<(u8, BytesMut)> {
    let (first_byte, length) = (*received.first()?, usize::from(*received.get(1)? & 0x7f));
    let (head, length) = match length {
        126 => (4, usize::from(u16::from_be_bytes(received.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(received.get(2..10)?.try_into().ok()?)).ok()?),
        length => (2, length),
    };
    if received.len() < head + length {
        return None;
    }
    received.advance(head);
    Some((first_byte, received.split_to(length)))
}
