//! A session's bounded queue of frames. The hub pushes and flushes, the session's task flushes
//! what the socket did not take at once; all that waits goes out in one vectored write.

use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::connection::now_s;
use crate::chat::{Pushed, Recipient};
use crate::protocol::frame::Opcode;
use crate::protocol::{CloseCode, Frame};
use crate::telemetry::meters;

/// Frames in one vectored write, at most; Linux takes 1024.
const SLICES: usize = 64;

/// Room for frames that an emptied queue keeps.
const KEPT_CAPACITY: usize = 16;

/// The outbox and the socket that it empties into. A write never blocks, so it may happen under
/// the lock: that is what keeps two writers from mixing their bytes.
#[derive(Debug)]
pub struct Outbox {
    socket: TcpStream,
    state: Mutex<State>,
    /// Wakes the session's task: the socket is full, or the phase changed.
    changed: Notify,
    max_bytes: usize,
    /// When the client was last heard, in seconds of the node's life.
    heard_at: AtomicU32,
    /// When it is to be pinged next, likewise.
    ping_at: AtomicU32,
}

#[derive(Debug)]
struct State {
    frames: VecDeque<Frame>,
    /// Bytes that wait.
    bytes: usize,
    /// Bytes of the first frame that are written.
    written: usize,
    phase: Phase,
    /// Since when the socket takes nothing.
    full_since: Option<Instant>,
}

/// A session's life, as far as writing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Frames are taken.
    Open,
    /// Frames are taken, but the session shall say goodbye as soon as it has answered.
    Leaving,
    /// The goodbye is the last frame.
    Closing,
    /// Nothing more can be written.
    Ended,
}

/// Whether a client's goodbye was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// With its own code.
    Now,
    /// Ours was first, or nothing can be written.
    TooLate,
}

/// What is left after a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// The socket is full; flush again when it is writable.
    Some,
}

impl Outbox {
    /// An empty outbox over a socket, for at most `max_bytes`.
    pub fn new(socket: TcpStream, max_bytes: usize) -> Self {
        let state =
            State { frames: VecDeque::new(), bytes: 0, written: 0, phase: Phase::Open, full_since: None };
        Self {
            socket,
            state: Mutex::new(state),
            changed: Notify::new(),
            max_bytes,
            heard_at: AtomicU32::new(0),
            ping_at: AtomicU32::new(u32::MAX),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds this lock")
    }

    /// The socket, for reading.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Where the session's life stands.
    pub fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// Whether frames wait for the socket.
    pub fn is_full(&self) -> bool {
        self.lock().full_since.is_some()
    }

    /// Ends when the socket became full or the phase changed.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Notes that the client gave a sign of life.
    pub fn hear(&self, now_s: u32) {
        self.heard_at.store(now_s, Ordering::Relaxed);
    }

    /// Seconds since the client was heard.
    pub fn silent_for(&self, now_s: u32) -> u32 {
        now_s.saturating_sub(self.heard_at.load(Ordering::Relaxed))
    }

    /// Whether a ping is due; if so, the next is due `every_s` from now. The first is called for by
    /// [`Outbox::ping_from`].
    pub fn take_ping(&self, now_s: u32, every_s: u32) -> bool {
        let is_due = now_s >= self.ping_at.load(Ordering::Relaxed);
        if is_due {
            self.ping_from(now_s + every_s);
        }
        is_due
    }

    /// Sets when the next ping is due.
    pub fn ping_from(&self, at_s: u32) {
        self.ping_at.store(at_s, Ordering::Relaxed);
    }

    /// Whether the socket has taken nothing for so long, and takes nothing now: a node that stood
    /// still itself has not tried meanwhile.
    pub fn is_stuck(&self, timeout: Duration) -> bool {
        let mut state = self.lock();
        state.is_full_for(timeout) && {
            state.write(&self.socket);
            state.is_full_for(timeout)
        }
    }

    /// Asks the session to answer what it has heard and then to say goodbye.
    pub fn send_away(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Leaving;
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Ends the session without a goodbye.
    pub fn abort(&self) {
        self.lock().end();
        self.changed.notify_one();
    }

    /// Writes what the socket takes now.
    pub fn write(&self) -> Left {
        let mut state = self.lock();
        let before = state.phase;
        let left = state.write(&self.socket);
        let is_news = left == Left::Some || state.phase != before;
        drop(state);
        if is_news {
            self.changed.notify_one();
        }
        left
    }

    /// Answers the client's goodbye with its own code (RFC 6455, section 5.5.1).
    pub fn answer_goodbye(&self, code: Option<u16>) -> Answered {
        let payload = code.map(u16::to_be_bytes);
        let frame = Frame::encode(Opcode::Close, payload.as_ref().map_or(&[], |code| &code[..]));
        let mut state = self.lock();
        if !state.takes_frames() {
            return Answered::TooLate;
        }
        state.close(frame);
        Answered::Now
    }

    /// Pushes one frame and writes what the socket takes.
    pub fn send(&self, frame: &Frame) {
        if self.push(frame) == Pushed::First {
            self.write();
        }
    }

    /// Waits until everything is written, or the session is closing. For whoever has more to give
    /// than an outbox holds.
    pub async fn caught_up(&self) {
        while self.phase() == Phase::Open && self.lock().write(&self.socket) == Left::Some {
            tokio::select! {
                writable = self.socket.writable() => match writable {
                    // The client has taken something: a sign of life.
                    Ok(()) => self.hear(now_s()),
                    Err(_) => return,
                },
                () = self.changed() => {}
            }
        }
    }

    /// Waits until everything is written or nothing can be.
    pub async fn drained(&self) {
        while self.write() == Left::Some && self.socket.writable().await.is_ok() {}
    }
}

impl Recipient for Outbox {
    fn push(&self, frame: &Frame) -> Pushed {
        let mut state = self.lock();
        if state.bytes + frame.len() > self.max_bytes {
            // The hub pushes whole batches before it flushes: nobody is slow for that.
            state.write(&self.socket);
        }
        if !state.takes_frames() {
            return Pushed::Behind;
        }
        if state.bytes + frame.len() > self.max_bytes {
            state.drop_waiting();
            state.close(Frame::close(CloseCode::Slow));
            drop(state);
            meters().slow_sessions.increment(1);
            self.changed.notify_one();
            return Pushed::Behind;
        }
        let is_first = state.frames.is_empty();
        state.put(frame.clone());
        if is_first { Pushed::First } else { Pushed::Behind }
    }

    fn flush(&self) {
        self.write();
    }

    fn close(&self, code: CloseCode) {
        self.lock().close(Frame::close(code));
        self.changed.notify_one();
    }

    fn is_closing(&self) -> bool {
        self.phase() != Phase::Open
    }
}

impl State {
    fn put(&mut self, frame: Frame) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    /// What waits would not reach a slow reader in time; only a frame that is half written must be
    /// finished, or the goodbye would be read as a part of it.
    fn drop_waiting(&mut self) {
        self.frames.truncate(usize::from(self.written > 0));
        self.bytes = self.frames.iter().map(Frame::len).sum::<usize>() - self.written;
    }

    fn takes_frames(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Leaving)
    }

    fn is_full_for(&self, time: Duration) -> bool {
        self.full_since.is_some_and(|since| since.elapsed() > time)
    }

    fn close(&mut self, goodbye: Frame) {
        if self.takes_frames() {
            self.put(goodbye);
            self.phase = Phase::Closing;
        }
    }

    fn end(&mut self) {
        self.phase = Phase::Ended;
        self.frames = VecDeque::new();
        (self.bytes, self.written, self.full_since) = (0, 0, None);
    }

    fn write(&mut self, socket: &TcpStream) -> Left {
        while !self.frames.is_empty() {
            match self.try_write(socket) {
                Ok(written) => {
                    self.full_since = None;
                    self.advance(written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.full_since.get_or_insert_with(Instant::now);
                    return Left::Some;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.end(),
            }
        }
        if self.frames.capacity() > KEPT_CAPACITY {
            self.frames.shrink_to(KEPT_CAPACITY);
        }
        Left::Nothing
    }

    fn try_write(&self, socket: &TcpStream) -> std::io::Result<usize> {
        if let [only] = self.frames.as_slices().0
            && self.frames.len() == 1
        {
            return socket.try_write(&only.as_bytes()[self.written..]);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let waiting = self.frames.len().min(SLICES);
        for (slice, frame) in slices.iter_mut().zip(&self.frames) {
            *slice = IoSlice::new(frame.as_bytes());
        }
        slices[0].advance(self.written);
        socket.try_write_vectored(&slices[..waiting])
    }

    fn advance(&mut self, written: usize) {
        self.bytes -= written;
        self.written += written;
        while let Some(first) = self.frames.front()
            && self.written >= first.len()
        {
            self.written -= first.len();
            self.frames.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// An outbox whose socket takes nothing more, and the reader that took nothing.
    async fn full() -> (Outbox, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
        let outbox = Outbox::new(ours.unwrap(), 1 << 20);
        let frame = Frame::text(&[b'x'; 1 << 16]);
        // The kernel's buffers fill up.
        while !outbox.is_full() {
            outbox.send(&frame);
            tokio::task::yield_now().await;
        }
        (outbox, theirs.unwrap().0)
    }

    #[tokio::test]
    async fn a_reader_is_not_stuck_because_the_node_stood_still() {
        let (outbox, reader) = full().await;
        outbox.lock().full_since = Instant::now().checked_sub(Duration::from_secs(60));
        assert!(outbox.is_stuck(Duration::from_secs(10)), "it takes nothing");
        let relief = async {
            let mut bytes = vec![0; 1 << 16];
            while outbox.is_stuck(Duration::from_secs(10)) {
                let _ = reader.try_read(&mut bytes);
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), relief).await.expect("it takes something again");
        assert_eq!(outbox.phase(), Phase::Open);
    }

    #[tokio::test]
    async fn nobody_catches_up_with_a_session_that_is_cut() {
        let (outbox, _reader) = full().await;
        let cut = async {
            tokio::task::yield_now().await;
            outbox.abort();
        };
        let both = async { tokio::join!(outbox.caught_up(), cut) };
        tokio::time::timeout(Duration::from_secs(10), both).await.expect("there is nothing to wait for");
        assert_eq!(outbox.phase(), Phase::Ended);
    }
}
