//! One WebSocket as its session sees it: whole messages in, an outbox for frames out. Pings,
//! close frames and the filling of the socket are dealt with here.

mod outbox;
mod pulse;
mod queue;
mod turn;
mod unfinished;
mod unsent;

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;

pub use self::outbox::{Bounds as OutboxBounds, Outbox};
use self::outbox::{CloseReply, Phase};
pub use self::pulse::{Beat, Pulse, now_s};
use self::turn::Turn;
use self::unfinished::Unfinished;
pub(super) use self::unsent::limit as limit_unsent;
use crate::chat::FrameSink;
use crate::websocket::{CloseCode, Decoder, Frame, Incoming, Opcode};

/// Bytes read at once. On the stack, so that a quiet connection holds no buffer.
const READ: usize = 8 * 1024;

/// Pings of a read that are answered each. Of more that arrive together only the newest is (RFC 6455,
/// section 5.5.3): a read may hold over a thousand.
const PINGS: usize = 16;

/// The code with which a client closes that will not be back (RFC 6455, section 7.4.1).
const NORMAL_CLOSURE: u16 = 1000;

/// How long a client may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long what a client goes on sending is read after it broke the rules: a socket that is closed on
/// unread bytes is reset, and the close frame lost.
const AFTER_VIOLATION: Duration = Duration::from_millis(500);

/// A client's connection.
#[derive(Debug)]
pub struct Connection {
    outbox: Arc<Outbox>,
    decoder: Decoder,
    turn: Turn,
    unfinished: Unfinished,
    pings: Pings,
}

/// The pings of a read.
#[derive(Debug, Default)]
struct Pings {
    answered: usize,
    /// The newest of those that are not answered.
    newest: Option<Vec<u8>>,
}

/// Bounds of a client's messages.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// `limits.frame_bytes`.
    pub message_bytes: usize,
    /// `session.message_timeout`.
    pub message_timeout: Duration,
}

/// A message of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// UTF-8.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The client has closed for good: with 1000, or without a code.
    Closed,
    /// The client has closed with another code, and may be back at once: a page that is loaded
    /// again says the same (1001) as one that is closed.
    GoingAway,
    /// The node stops. Everything that was read from the client has been taken.
    Drained,
    /// The client broke the rules and was told so.
    Violation,
    /// It was cut, by the network or by us.
    Lost,
}

impl Connection {
    /// A connection over `outbox`, with what the client sent right behind its handshake.
    pub fn new(outbox: Arc<Outbox>, bounds: Bounds, early: &[u8]) -> Self {
        let mut decoder = Decoder::new(bounds.message_bytes);
        decoder.feed(early);
        let unfinished = Unfinished::new(bounds.message_timeout);
        Self { outbox, decoder, turn: Turn::default(), unfinished, pings: Pings::default() }
    }

    /// The next message. May be given up and called again without losing any. Writes what was put into
    /// the outbox meanwhile with the end of each turn, and before it waits.
    ///
    /// # Errors
    /// How the connection ended; there is no next message.
    pub async fn next(&mut self) -> Result<Message, CloseReason> {
        loop {
            if self.turn.is_over() {
                self.end_turn().await;
            }
            match self.decoder.take_frame() {
                Ok(Some(incoming)) => {
                    self.turn.count_frame();
                    if let Some(message) = self.on_frame(incoming)? {
                        return Ok(message);
                    }
                }
                Ok(None) => self.wait().await?,
                Err(code) => return Err(self.reject(code)),
            }
        }
    }

    fn on_frame(&mut self, incoming: Incoming) -> Result<Option<Message>, CloseReason> {
        match incoming {
            Incoming::Text(text) => {
                self.unfinished.end();
                return Ok(Some(Message::Text(text)));
            }
            Incoming::Binary(bytes) => {
                self.unfinished.end();
                return Ok(Some(Message::Binary(bytes)));
            }
            Incoming::Ping(payload) => self.on_ping(payload),
            Incoming::Fragment | Incoming::Pong => {}
            Incoming::Close(code) => return Err(self.on_close_frame(code)),
        }
        Ok(None)
    }

    /// Answers the first few pings of a read each, in their order among other answers.
    fn on_ping(&mut self, payload: Vec<u8>) {
        if self.pings.answered < PINGS {
            self.pings.answered += 1;
            self.outbox.answer(&Frame::encode(Opcode::Pong, &payload));
        } else {
            self.pings.newest = Some(payload);
        }
    }

    /// Answers the others with the newest of them.
    fn answer_pings(&mut self) {
        if let Some(payload) = std::mem::take(&mut self.pings).newest {
            self.outbox.answer(&Frame::encode(Opcode::Pong, &payload));
        }
    }

    fn on_close_frame(&mut self, code: Option<u16>) -> CloseReason {
        self.answer_pings();
        match (self.outbox.answer_close(code), code) {
            // It answers ours.
            (CloseReply::TooLate, _) => CloseReason::Lost,
            (CloseReply::Sent, None | Some(NORMAL_CLOSURE)) => CloseReason::Closed,
            (CloseReply::Sent, Some(_)) => CloseReason::GoingAway,
        }
    }

    /// Closes a connection whose client broke the rules.
    fn reject(&mut self, code: CloseCode) -> CloseReason {
        self.answer_pings();
        self.outbox.close(code);
        CloseReason::Violation
    }

    /// Writes the answers of the turn together, and lets other tasks run: a client that never stops
    /// sending would never let its task pause by itself.
    async fn end_turn(&mut self) {
        self.outbox.write_answers();
        tokio::task::yield_now().await;
        self.turn = Turn::default();
    }

    /// Waits for the socket, once everything that was read has been taken.
    async fn wait(&mut self) -> Result<(), CloseReason> {
        self.answer_pings();
        if self.turn.has_read_enough() {
            self.end_turn().await;
        } else {
            self.outbox.write_answers();
        }
        match self.outbox.phase() {
            Phase::Open => {}
            Phase::Draining => return Err(CloseReason::Drained),
            Phase::Closing | Phase::Ended => return Err(CloseReason::Lost),
        }
        if self.decoder.is_within_message() {
            self.unfinished.hold(self.decoder.unfinished()).map_err(|code| self.reject(code))?;
        } else {
            self.unfinished.release();
        }
        self.wait_for_socket().await
    }

    async fn wait_for_socket(&mut self) -> Result<(), CloseReason> {
        let mut interest = Interest::READABLE;
        if self.outbox.is_full() {
            interest |= Interest::WRITABLE;
        }
        let ready = tokio::select! {
            // Bytes that have come in time count, also where the node itself is late.
            biased;
            () = self.outbox.changed() => return Ok(()),
            ready = self.outbox.socket().ready(interest) => ready.map_err(|_| CloseReason::Lost)?,
            () = self.unfinished.expired() => return Err(self.reject(CloseCode::Unfinished)),
        };
        if ready.is_writable() {
            self.outbox.write_answers();
        }
        if ready.is_readable() || ready.is_read_closed() {
            self.read()?;
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), CloseReason> {
        let mut bytes = [0; READ];
        match self.outbox.socket().try_read(&mut bytes) {
            Ok(0) => Err(CloseReason::Lost),
            Ok(read) => {
                self.outbox.note_alive(now_s());
                self.turn.count_read(read);
                self.unfinished.count_read(read);
                self.decoder.feed(&bytes[..read]);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
            Err(_) => Err(CloseReason::Lost),
        }
    }

    /// Writes what is left, the close frame last. After a violation the node ends the connection itself (RFC
    /// 6455, section 7.1.7); a close frame of another reason waits for the client's answer.
    pub async fn finish(mut self, reason: CloseReason) {
        if reason == CloseReason::Drained {
            self.outbox.close(CloseCode::Restarting);
        }
        let timeout = if reason == CloseReason::Violation { AFTER_VIOLATION } else { CLOSE_TIMEOUT };
        self.finish_within(timeout, reason).await;
    }

    async fn finish_within(&mut self, timeout: Duration, reason: CloseReason) {
        let closing = async {
            self.outbox.finish_writing().await;
            match reason {
                CloseReason::Closed | CloseReason::GoingAway => {}
                CloseReason::Violation => {
                    self.outbox.end_writing();
                    while self.read_more().await.is_ok() {
                        self.decoder.clear();
                    }
                }
                CloseReason::Drained | CloseReason::Lost => self.await_close_frame().await,
            }
        };
        // A client that does not close in time is dropped.
        let _ = tokio::time::timeout(timeout, closing).await;
        self.outbox.abort();
    }

    /// Reads until the client has answered a close frame of ours. Other frames come too late.
    async fn await_close_frame(&mut self) {
        while self.outbox.phase() == Phase::Closing {
            match self.decoder.take_frame() {
                Ok(Some(Incoming::Close(_))) | Err(_) => return,
                Ok(Some(_)) => {}
                Ok(None) if self.read_more().await.is_err() => return,
                Ok(None) => {}
            }
        }
    }

    async fn read_more(&mut self) -> Result<(), CloseReason> {
        tokio::task::yield_now().await;
        self.outbox.socket().readable().await.map_err(|_| CloseReason::Lost)?;
        self.read()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::*;

    /// Longer than a test runs.
    const HOUR: Duration = Duration::from_secs(3600);

    /// Reached by a test that fails.
    const DEADLINE: Duration = Duration::from_secs(10);

    /// A connection on which a client has sent these bytes, and the client's end.
    async fn connected(early: &[u8]) -> (Arc<Outbox>, Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
        let outbox = Arc::new(Outbox::new(
            ours.unwrap(),
            OutboxBounds { outbox_bytes: 1 << 20, unsent_bytes: 1 << 20 },
        ));
        let bounds = Bounds { message_bytes: 1 << 16, message_timeout: Duration::from_secs(20) };
        let connection = Connection::new(outbox.clone(), bounds, early);
        (outbox, connection, theirs.unwrap().0)
    }

    /// A client's close frame, masked with zeros.
    fn close_frame(code: &[u8]) -> Vec<u8> {
        [&[0x88, 0x80 | code.len() as u8, 0, 0, 0, 0], code].concat()
    }

    async fn left_with(code: &[u8]) -> (Arc<Outbox>, Connection, TcpStream) {
        connected(&close_frame(code)).await
    }

    /// Reads our close frame at the client's end.
    async fn read_close(client: &mut TcpStream) {
        let mut head = [0; 4];
        client.read_exact(&mut head).await.unwrap();
        assert_eq!(u16::from_be_bytes([head[2], head[3]]), CloseCode::Restarting.as_u16());
        let mut reason = vec![0; usize::from(head[1]) - 2];
        client.read_exact(&mut reason).await.unwrap();
    }

    #[tokio::test]
    async fn a_closing_connection_waits_for_the_close_frame_of_the_client_and_no_longer() {
        let (outbox, mut connection, mut client) = connected(&[]).await;
        outbox.close(CloseCode::Restarting);
        let closing = async {
            let mut finishing = pin!(connection.finish_within(HOUR, CloseReason::Drained));
            tokio::select! {
                biased;
                () = &mut finishing => panic!("the client has not answered"),
                () = read_close(&mut client) => {}
            }
            // A pong is no answer.
            client.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.unwrap();
            assert!(poll!(&mut finishing).is_pending(), "the client has not answered");
            client.write_all(&close_frame(&1012_u16.to_be_bytes())).await.unwrap();
            finishing.await;
        };
        timeout(DEADLINE, closing).await.expect("the client has answered");
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "the node ends the connection");
    }

    #[tokio::test]
    async fn a_client_that_never_answers_is_dropped_at_the_deadline() {
        let (outbox, mut connection, mut client) = connected(&[]).await;
        outbox.close(CloseCode::Restarting);
        let closing = connection.finish_within(Duration::from_millis(50), CloseReason::Drained);
        timeout(DEADLINE, closing).await.expect("the deadline has passed");
        read_close(&mut client).await;
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "the node ends the connection");
    }

    #[tokio::test]
    async fn a_client_that_closes_for_good_sends_1000_or_no_code() {
        for (code, reason) in [
            (&[][..], CloseReason::Closed),
            (&1000_u16.to_be_bytes(), CloseReason::Closed),
            (&1001_u16.to_be_bytes(), CloseReason::GoingAway),
            (&4000_u16.to_be_bytes(), CloseReason::GoingAway),
        ] {
            let (_outbox, mut connection, _client) = left_with(code).await;
            assert_eq!(connection.next().await, Err(reason), "{code:?}");
        }
    }

    #[tokio::test]
    async fn a_close_frame_that_answers_ours_does_not_end_the_session_for_good() {
        for code in [&[][..], &1000_u16.to_be_bytes(), &1012_u16.to_be_bytes()] {
            let (outbox, mut connection, _client) = left_with(code).await;
            outbox.close(CloseCode::Restarting);
            assert_eq!(connection.next().await, Err(CloseReason::Lost), "{code:?}");
        }
    }
}
