//! The frames that wait for a socket, and the writing of them.

use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::outbox::{Flush, Phase};
use crate::websocket::Frame;

/// Frames in one vectored write, at most; Linux takes 1024.
const SLICES: usize = 64;

/// Room for frames that an emptied queue keeps.
const KEPT_CAPACITY: usize = 16;

/// The frames that wait, and the phase of the session's life.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) frames: VecDeque<Frame>,
    /// Bytes that wait.
    pub(super) bytes: usize,
    /// Bytes of the first frame that are written.
    written: usize,
    pub(super) phase: Phase,
    /// Whether the node closes the session, and not its client.
    pub(super) is_dismissed: bool,
    /// Since when the socket takes nothing.
    pub(super) full_since: Option<Instant>,
    /// Bytes that the kernel held unsent when that was last measured.
    pub(super) unsent: Option<usize>,
}

impl Queue {
    pub(super) fn put(&mut self, frame: Frame) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    /// The waiting frames would not reach a slow reader in time; only a frame that is half written must be
    /// finished, or the close frame would be read as a part of it.
    pub(super) fn drop_waiting(&mut self) {
        self.frames.truncate(usize::from(self.written > 0));
        self.bytes = self.frames.iter().map(Frame::len).sum::<usize>() - self.written;
    }

    pub(super) fn takes_frames(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Draining)
    }

    pub(super) fn is_full_for(&self, time: Duration) -> bool {
        self.full_since.is_some_and(|since| since.elapsed() > time)
    }

    pub(super) fn close(&mut self, close: Frame) {
        if self.takes_frames() {
            self.put(close);
            self.phase = Phase::Closing;
        }
    }

    /// The same, by the node and not at the wish of the client.
    pub(super) fn dismiss(&mut self, close: Frame) {
        self.is_dismissed |= self.takes_frames();
        self.close(close);
    }

    pub(super) fn end(&mut self) {
        self.phase = Phase::Ended;
        self.frames = VecDeque::new();
        (self.bytes, self.written, self.full_since) = (0, 0, None);
    }

    pub(super) fn write(&mut self, socket: &TcpStream) -> Flush {
        while !self.frames.is_empty() {
            match self.try_write(socket) {
                Ok(written) => {
                    self.full_since = None;
                    self.advance(written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.full_since.get_or_insert_with(Instant::now);
                    return Flush::Blocked;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.end(),
            }
        }
        if self.frames.capacity() > KEPT_CAPACITY {
            self.frames.shrink_to(KEPT_CAPACITY);
        }
        Flush::Done
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
