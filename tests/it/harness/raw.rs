//! A WebSocket client without rules: it writes any bytes and reads only on request.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::DEADLINE;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Opcodes with the FIN bit set, as the first byte of a frame (RFC 6455, 5.2).
pub mod first_byte {
    /// The last or only frame of a text message.
    pub const TEXT: u8 = 0x81;
    /// The first frame of a fragmented text message.
    pub const TEXT_BEGIN: u8 = 0x01;
    /// A frame in the middle of a message.
    pub const CONTINUE: u8 = 0x00;
    /// A close.
    pub const CLOSE: u8 = 0x88;
    /// A ping.
    pub const PING: u8 = 0x89;
    /// The answer to a ping.
    pub const PONG: u8 = 0x8a;
}

/// A TCP connection to a node, upgraded or not.
#[derive(Debug)]
pub struct RawSocket {
    stream: TcpStream,
}

impl RawSocket {
    /// Connects without an upgrade.
    pub async fn connect(port: u16) -> Self {
        Self::with_receive_buffer(port, None).await
    }

    /// Connects, upgrades and asks for subprotocols if any are named.
    pub async fn upgraded(port: u16, path: &str, subprotocol: Option<&str>) -> Self {
        let mut socket = Self::connect(port).await;
        socket.upgrade(path, subprotocol).await;
        socket
    }

    /// Connects with a small receive window, so that it stalls soon after it stops reading.
    pub async fn connect_narrow(port: u16) -> Self {
        Self::with_receive_buffer(port, Some(4096)).await
    }

    /// The same, upgraded.
    pub async fn narrow(port: u16, path: &str, subprotocol: Option<&str>) -> Self {
        let mut socket = Self::connect_narrow(port).await;
        socket.upgrade(path, subprotocol).await;
        socket
    }

    async fn with_receive_buffer(port: u16, bytes: Option<u32>) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        if let Some(bytes) = bytes {
            socket.set_recv_buffer_size(bytes).expect("a smaller buffer");
        }
        let stream =
            socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await.expect("the node accepts");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Self { stream }
    }

    async fn upgrade(&mut self, path: &str, subprotocol: Option<&str>) {
        self.write(upgrade(path, subprotocol).as_bytes()).await;
        let answer = self.read_head().await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        // The answer to the key of RFC 6455, 1.3.
        assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
    }

    /// Writes bytes; `false` if the node has closed.
    pub async fn write(&mut self, bytes: &[u8]) -> bool {
        timeout(DEADLINE, self.stream.write_all(bytes)).await.is_ok_and(|result| result.is_ok())
    }

    /// Writes one masked frame with any first byte.
    pub async fn frame(&mut self, first_byte: u8, payload: &[u8]) -> bool {
        self.write(&masked(first_byte, payload)).await
    }

    /// Reads an HTTP head.
    pub async fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Some(byte) = self.read_exactly(1).await else { break };
            head.extend(byte);
        }
        String::from_utf8_lossy(&head).into_owned()
    }

    /// Reads one frame of the server: first byte and payload; `None` at the end of the connection.
    pub async fn read_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let head = self.read_exactly(2).await?;
        let length = match head[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes(self.read_exactly(2).await?.try_into().ok()?)),
            127 => u64::from_be_bytes(self.read_exactly(8).await?.try_into().ok()?),
            length => u64::from(length),
        };
        Some((head[0], self.read_exactly(usize::try_from(length).ok()?).await?))
    }

    /// Reads until the node closes: the code of its close frame, or `None` if there was none.
    pub async fn close_code(&mut self) -> Option<u16> {
        while let Some((first_byte, payload)) = self.read_frame().await {
            if first_byte == first_byte::CLOSE {
                return payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            }
        }
        None
    }

    /// Whether the node has cut the connection, tested without reading: a write of one byte fails.
    pub fn is_cut(&self) -> bool {
        self.stream.try_write(&[0]).is_err_and(|error| error.kind() != ErrorKind::WouldBlock)
    }

    /// Sends this many GETs of a path together, the last of which ends the connection, and reads all answers.
    pub async fn get_many(&mut self, path: &str, count: usize) {
        let get = format!("GET {path} HTTP/1.1\r\nhost: a\r\n");
        let all = format!("{get}\r\n").repeat(count) + &get + "connection: close\r\n\r\n";
        self.write(all.as_bytes()).await;
        self.read_to_end().await;
    }

    /// Reads until the node ends the connection.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A reset is an end as well.
        let _ = timeout(DEADLINE, self.stream.read_to_end(&mut bytes)).await.expect("the node ends it");
        bytes
    }

    /// Reads so many bytes; `None` if the connection ends before.
    pub async fn read_exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        let read = timeout(DEADLINE, self.stream.read_exact(&mut bytes)).await.expect("bytes or an end");
        read.ok().map(|_| bytes)
    }
}

/// The head of an upgrade request.
pub fn upgrade(path: &str, subprotocol: Option<&str>) -> String {
    let protocol = subprotocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}\r\n"
    )
}

/// One frame as a client sends it, with any first byte.
pub fn masked(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first_byte];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
