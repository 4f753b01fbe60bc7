//! One WebSocket as its session sees it: whole messages in, an outbox for frames out. Pings,
//! goodbyes and the filling of the socket are dealt with here.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use tokio::io::Interest;

use super::outbox::{Answered, Outbox, Phase};
use crate::chat::Recipient;
use crate::websocket::{CloseCode, Decoder, Frame, Incoming, Opcode};

/// Bytes read at once. On the stack, so that a quiet connection holds no buffer.
const READ: usize = 8 * 1024;

/// Messages or reads after which other tasks are let run.
const TURNS: u8 = 16;

/// What a client that will not be back closes with (RFC 6455, section 7.4.1).
const NORMAL: u16 = 1000;

/// How long a client may take to answer a goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// A client's connection.
#[derive(Debug)]
pub struct Connection {
    outbox: Arc<Outbox>,
    decoder: Decoder,
    incoming: VecDeque<Incoming>,
    fault: Option<CloseCode>,
    turns: u8,
}

/// A message of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// UTF-8.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

/// How a connection came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The client said goodbye for good: with 1000, or without a code.
    Goodbye,
    /// The client said goodbye with another code, and may be back at once: a page that is loaded
    /// again says the same (1001) as one that is closed.
    Away,
    /// The node stops. Everything that was read from the client has been taken.
    SentAway,
    /// It was cut, by the network or by us.
    Broken,
}

impl Connection {
    /// A connection over `outbox`, with what the client sent right behind its handshake.
    pub fn new(outbox: Arc<Outbox>, max_bytes: usize, early: &[u8]) -> Self {
        let mut connection = Self {
            outbox,
            decoder: Decoder::new(max_bytes),
            incoming: VecDeque::new(),
            fault: None,
            turns: 0,
        };
        connection.feed(early);
        connection
    }

    /// The next message. May be given up and called again without losing any.
    ///
    /// # Errors
    /// How the connection ended; there is no next message.
    pub async fn next(&mut self) -> Result<Said, Ending> {
        loop {
            self.let_others_run().await;
            while let Some(incoming) = self.incoming.pop_front() {
                match incoming {
                    Incoming::Text(text) => return Ok(Said::Text(text)),
                    Incoming::Binary(bytes) => return Ok(Said::Binary(bytes)),
                    Incoming::Ping(payload) => self.outbox.send(&Frame::encode(Opcode::Pong, &payload)),
                    Incoming::Pong => {}
                    Incoming::Close(code) => return Err(self.hear_goodbye(code)),
                }
            }
            if let Some(code) = self.fault.take() {
                self.outbox.close(code);
            }
            match self.outbox.phase() {
                Phase::Open => self.wait().await?,
                Phase::Leaving => return Err(Ending::SentAway),
                Phase::Closing | Phase::Ended => return Err(Ending::Broken),
            }
        }
    }

    fn hear_goodbye(&self, code: Option<u16>) -> Ending {
        match (self.outbox.answer_goodbye(code), code) {
            // It answers ours.
            (Answered::TooLate, _) => Ending::Broken,
            (Answered::Now, None | Some(NORMAL)) => Ending::Goodbye,
            (Answered::Now, Some(_)) => Ending::Away,
        }
    }

    /// A client that never stops sending would never let its task pause by itself.
    async fn let_others_run(&mut self) {
        self.turns = (self.turns + 1) % TURNS;
        if self.turns == 0 {
            tokio::task::yield_now().await;
        }
    }

    async fn wait(&mut self) -> Result<(), Ending> {
        let interest = match self.outbox.is_full() {
            true => Interest::READABLE | Interest::WRITABLE,
            false => Interest::READABLE,
        };
        let ready = tokio::select! {
            () = self.outbox.changed() => return Ok(()),
            ready = self.outbox.socket().ready(interest) => ready.map_err(|_| Ending::Broken)?,
        };
        if ready.is_writable() {
            self.outbox.write();
        }
        if ready.is_readable() || ready.is_read_closed() {
            self.read()?;
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), Ending> {
        let mut bytes = [0; READ];
        match self.outbox.socket().try_read(&mut bytes) {
            Ok(0) => Err(Ending::Broken),
            Ok(read) => {
                self.outbox.hear(now_s());
                self.feed(&bytes[..read]);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
            Err(_) => Err(Ending::Broken),
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        let mut incoming = Vec::new();
        self.fault = self.decoder.feed(bytes, &mut incoming).err();
        self.incoming.extend(incoming);
        if self.incoming.capacity() > 8 && self.incoming.is_empty() {
            self.incoming = VecDeque::new();
        }
    }

    /// Writes what is left, the goodbye last, and reads on until the client has answered it: a
    /// socket that is closed on unread bytes is reset, and the goodbye lost.
    pub async fn finish(mut self, ending: Ending) {
        if ending == Ending::SentAway {
            self.outbox.close(CloseCode::Restarting);
        }
        let parting = async {
            self.outbox.drained().await;
            self.decoder.begin_anew();
            let is_ours = matches!(ending, Ending::SentAway | Ending::Broken);
            let is_ours = is_ours && self.outbox.phase() == Phase::Closing;
            while is_ours && !self.decoder.has_goodbye() {
                let is_readable = self.outbox.socket().readable().await.is_ok();
                if !is_readable || self.read().is_err() {
                    return;
                }
                // Whatever else comes is too late.
                self.incoming.clear();
                if self.fault.take().is_some() {
                    // Amid what broke the rules; the answer begins with a frame of its own.
                    self.decoder.begin_anew();
                }
                tokio::task::yield_now().await;
            }
        };
        // Whoever does not part in time is dropped.
        let _ = tokio::time::timeout(GOODBYE, parting).await;
        self.outbox.abort();
    }
}

/// Seconds of this process' life.
pub fn now_s() -> u32 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    // A node that runs for 136 years is to be restarted.
    START.elapsed().as_secs() as u32
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// A connection on which a client has said goodbye, and the client's end.
    async fn left_with(code: &[u8]) -> (Arc<Outbox>, Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
        let outbox = Arc::new(Outbox::new(ours.unwrap(), 1 << 20));
        // Masked with zeros.
        let goodbye = [&[0x88, 0x80 | code.len() as u8, 0, 0, 0, 0], code].concat();
        let connection = Connection::new(outbox.clone(), 1 << 16, &goodbye);
        (outbox, connection, theirs.unwrap().0)
    }

    #[tokio::test]
    async fn who_leaves_for_good_says_so_with_1000_or_nothing() {
        for (code, ending) in [
            (&[][..], Ending::Goodbye),
            (&1000_u16.to_be_bytes(), Ending::Goodbye),
            (&1001_u16.to_be_bytes(), Ending::Away),
            (&4000_u16.to_be_bytes(), Ending::Away),
        ] {
            let (_outbox, mut connection, _client) = left_with(code).await;
            assert_eq!(connection.next().await, Err(ending), "{code:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_to_our_goodbye_is_no_goodbye() {
        for code in [&[][..], &1000_u16.to_be_bytes(), &1012_u16.to_be_bytes()] {
            let (outbox, mut connection, _client) = left_with(code).await;
            outbox.close(CloseCode::Restarting);
            assert_eq!(connection.next().await, Err(Ending::Broken), "{code:?}");
        }
    }
}
