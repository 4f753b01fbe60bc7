//! The turn of a session: what it reads before other tasks run. Every kind of frame counts, so that no mixture
//! of them keeps a node from its other sessions.

/// Frames in a turn. Refusing one costs some microseconds, and a hundred sessions may flood at once.
const FRAMES: usize = 32;

/// Bytes in a turn, which is when no further read begins.
const BYTES: usize = 8 * 1024;

/// A session's turn.
#[derive(Debug, Default)]
pub(super) struct Turn {
    frames: usize,
    bytes: usize,
}

impl Turn {
    /// A frame was taken.
    pub(super) fn count_frame(&mut self) {
        self.frames += 1;
    }

    /// So many bytes were read.
    pub(super) fn count_read(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Whether others are to run before the next frame.
    pub(super) fn is_over(&self) -> bool {
        self.frames >= FRAMES
    }

    /// Whether others are to run before the next read.
    pub(super) fn has_read_enough(&self) -> bool {
        self.bytes >= BYTES
    }
}
