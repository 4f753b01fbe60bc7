//! A session's bounded queue of frames. The hub pushes and flushes, the session's task flushes
//! what the socket did not take at once; all that waits goes out in one vectored write.

use std::net::Shutdown;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::pulse::now_s;
use super::queue::Queue;
use super::unsent;
use crate::chat::{FrameSink, Pushed};
use crate::model::Timestamp;
use crate::telemetry::meters;
use crate::websocket::{CloseCode, Frame, Opcode};

/// The outbox and the socket that it empties into. A write never blocks, so it may happen under
/// the lock: that is what keeps two writers from mixing their bytes.
#[derive(Debug)]
pub struct Outbox {
    socket: TcpStream,
    queue: Mutex<Queue>,
    /// Wakes the session's task: the socket is full, or the phase changed.
    changed: Notify,
    bounds: Bounds,
    /// When the client last gave a sign of life, in seconds of the node's life.
    alive_at: AtomicU32,
    /// When it is to be pinged next, likewise.
    ping_at: AtomicU32,
    /// When the token of its user runs out, in seconds since 1970; the greatest number: never.
    expires_at: AtomicU32,
}

/// Bounds of the bytes that wait for one session.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// `limits.outbox_bytes`.
    pub outbox_bytes: usize,
    /// `limits.unsent_bytes`.
    pub unsent_bytes: usize,
}

/// A session's life, as far as writing goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// Frames are taken.
    #[default]
    Open,
    /// Frames are taken, but the session shall close as soon as it has answered.
    Draining,
    /// The close frame is the last frame.
    Closing,
    /// Nothing more can be written.
    Ended,
}

/// Whether a client's close frame was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReply {
    /// With its own code.
    Sent,
    /// Ours was first, or nothing can be written.
    TooLate,
}

/// How a flush ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// All is written.
    Done,
    /// The socket is full; flush again when it is writable.
    Blocked,
}

impl Outbox {
    /// An empty outbox over a socket.
    pub fn new(socket: TcpStream, bounds: Bounds) -> Self {
        unsent::limit(&socket, bounds.unsent_bytes);
        Self {
            socket,
            queue: Mutex::default(),
            changed: Notify::new(),
            bounds,
            alive_at: AtomicU32::new(0),
            ping_at: AtomicU32::new(u32::MAX),
            expires_at: AtomicU32::new(u32::MAX),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no code panics while it holds this lock")
    }

    /// The socket, for reading.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Where the session's life stands.
    pub fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// Whether the node has closed the session, before its client did.
    pub fn is_dismissed(&self) -> bool {
        self.lock().is_dismissed
    }

    /// Whether frames wait for the socket.
    pub fn is_full(&self) -> bool {
        self.lock().full_since.is_some()
    }

    /// Bytes that wait for the socket.
    pub fn waiting_bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Ends when the socket became full or the phase changed.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Has the other task that waits for a change look again.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// Notes that the client gave a sign of life.
    pub fn note_alive(&self, now_s: u32) {
        self.alive_at.store(now_s, Ordering::Relaxed);
    }

    /// Seconds since the client's last sign of life.
    pub fn silent_for(&self, now_s: u32) -> u32 {
        now_s.saturating_sub(self.alive_at.load(Ordering::Relaxed))
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

    /// Sets when the token of the session's user runs out.
    pub fn expire_at(&self, moment: Timestamp) {
        let unix_s = u32::try_from(moment.unix_millis() / 1000).unwrap_or(u32::MAX);
        self.expires_at.store(unix_s, Ordering::Relaxed);
    }

    /// Whether the token of the session's user has run out.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        let expires_at = self.expires_at.load(Ordering::Relaxed);
        expires_at != u32::MAX && now.unix_millis() / 1000 >= u64::from(expires_at)
    }

    /// Whether the client has given no sign of life for so long, nor has taken anything. To be asked once a second.
    pub fn is_silent(&self, now_s: u32, silence_s: u32) -> bool {
        // Progress shows by comparison with what was left before.
        if self.silent_for(now_s) >= silence_s / 2 && self.takes_unsent() {
            self.note_alive(now_s);
        }
        self.silent_for(now_s) >= silence_s
    }

    /// Whether the kernel holds less for the client than when this was last asked.
    fn takes_unsent(&self) -> bool {
        let mut queue = self.lock();
        if !queue.frames.is_empty() {
            // The writing of these is a sign of life itself.
            return false;
        }
        let unsent = unsent::measure(&self.socket, self.bounds.unsent_bytes).ok();
        let before = std::mem::replace(&mut queue.unsent, unsent);
        unsent.zip(before).is_some_and(|(unsent, before)| unsent < before)
    }

    /// Whether the socket has taken nothing for so long, and takes nothing now: a node that stood
    /// still itself has not tried meanwhile.
    pub fn is_stuck(&self, timeout: Duration) -> bool {
        let mut queue = self.lock();
        queue.is_full_for(timeout) && {
            self.write_queue(&mut queue);
            queue.is_full_for(timeout)
        }
    }

    /// Closes the session of a reader that takes nothing, or too little. It finds the close frame behind what
    /// the kernel holds for it, should it read again.
    pub fn give_up(&self) {
        let mut queue = self.lock();
        // One that is closing already has its own time limit.
        if queue.takes_frames() {
            self.give_up_queue(&mut queue);
            drop(queue);
            meters().slow_sessions.increment(1);
            self.changed.notify_one();
        }
    }

    fn give_up_queue(&self, queue: &mut Queue) {
        queue.drop_waiting();
        queue.close(Frame::close(CloseCode::Slow));
        unsent::lift_limit(&self.socket);
        self.write_queue(queue);
    }

    /// Writes what the socket takes. One that was full takes something only if its reader did.
    fn write_queue(&self, queue: &mut Queue) -> Flush {
        let (was_full, before) = (queue.full_since.is_some(), queue.bytes);
        let left = queue.write(&self.socket);
        if was_full && queue.bytes < before {
            self.note_alive(now_s());
        }
        left
    }

    /// Asks the session to answer what it has read and then to close.
    pub fn drain(&self) {
        let mut queue = self.lock();
        if queue.phase == Phase::Open {
            queue.phase = Phase::Draining;
        }
        drop(queue);
        self.changed.notify_one();
    }

    /// Ends the session without a close frame.
    pub fn abort(&self) {
        self.lock().end();
        // The socket itself lives as long as a room still knows the session.
        let _ = SockRef::from(&self.socket).shutdown(Shutdown::Both);
        self.changed.notify_one();
    }

    /// Tells the client that nothing more comes.
    pub fn end_writing(&self) {
        // One that is gone already need not be told.
        let _ = SockRef::from(&self.socket).shutdown(Shutdown::Write);
    }

    /// Writes what the socket takes now.
    pub fn write(&self) -> Flush {
        let mut queue = self.lock();
        let before = queue.phase;
        let left = self.write_queue(&mut queue);
        let is_news = left == Flush::Blocked || queue.phase != before;
        drop(queue);
        if is_news {
            self.changed.notify_one();
        }
        left
    }

    /// Answers the client's close frame with its own code (RFC 6455, section 5.5.1).
    pub fn answer_close(&self, code: Option<u16>) -> CloseReply {
        let payload = code.map(u16::to_be_bytes);
        let frame = Frame::encode(Opcode::Close, payload.as_ref().map_or(&[], |code| &code[..]));
        let mut queue = self.lock();
        if !queue.takes_frames() {
            return CloseReply::TooLate;
        }
        queue.close(frame);
        CloseReply::Sent
    }

    /// Pushes one frame and writes what the socket takes.
    pub fn send(&self, frame: &Frame) {
        if self.push(frame) == Pushed::NeedsFlush {
            self.write();
        }
    }

    /// Pushes the answer to a frame, which is written with the others of the session's turn.
    pub fn answer(&self, frame: &Frame) {
        self.push(frame);
    }

    /// Writes what the socket takes now, for the session's own task, which looks itself what is left.
    pub fn write_answers(&self) {
        self.write_queue(&mut self.lock());
    }

    /// Waits until everything is written, or the session is closing. For a caller that has more to give
    /// than an outbox holds.
    pub async fn drained(&self) {
        while self.phase() == Phase::Open && self.write_queue(&mut self.lock()) == Flush::Blocked {
            tokio::select! {
                writable = self.socket.writable() => if writable.is_err() { return },
                () = self.changed() => {}
            }
        }
    }

    /// Waits until everything is written or nothing can be.
    pub async fn finish_writing(&self) {
        while self.write() == Flush::Blocked && self.socket.writable().await.is_ok() {}
    }
}

impl FrameSink for Outbox {
    fn push(&self, frame: &Frame) -> Pushed {
        let mut queue = self.lock();
        if queue.bytes + frame.len() > self.bounds.outbox_bytes {
            // The hub pushes whole batches before it flushes: nobody is slow for that.
            self.write_queue(&mut queue);
        }
        if !queue.takes_frames() {
            return Pushed::Queued;
        }
        if queue.bytes + frame.len() > self.bounds.outbox_bytes {
            self.give_up_queue(&mut queue);
            drop(queue);
            meters().slow_sessions.increment(1);
            self.changed.notify_one();
            return Pushed::Queued;
        }
        let is_first = queue.frames.is_empty();
        queue.put(frame.clone());
        if is_first { Pushed::NeedsFlush } else { Pushed::Queued }
    }

    fn flush(&self) {
        self.write();
    }

    fn close(&self, code: CloseCode) {
        self.lock().dismiss(Frame::close(code));
        self.changed.notify_one();
    }

    fn is_closing(&self) -> bool {
        self.phase() != Phase::Open
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::net::TcpListener;

    use super::*;

    /// An outbox whose socket takes nothing more, and the reader that took nothing.
    async fn full() -> (Outbox, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
        let outbox = Outbox::new(ours.unwrap(), Bounds { outbox_bytes: 1 << 20, unsent_bytes: 1 << 20 });
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
        let both = async { tokio::join!(outbox.drained(), cut) };
        tokio::time::timeout(Duration::from_secs(10), both).await.expect("there is nothing to wait for");
        assert_eq!(outbox.phase(), Phase::Ended);
    }
}
