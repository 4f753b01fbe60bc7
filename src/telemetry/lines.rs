//! A bounded queue of log lines and the thread that writes them. A line that finds no room, or can't be
//! written, is lost and counted: a full disk or a pipe without a reader must not delay the node.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};
use tracing_subscriber::fmt::MakeWriter;

use super::escape::escape;
use crate::config::LogFormat;

/// How long the end of the process waits for its last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The thread's rest between two writes. Lines that come meanwhile are written together, so a busy node neither wakes
/// the thread nor makes a system call for each.
const PAUSE: Duration = Duration::from_millis(5);

/// Bytes after which lines are written, though others wait.
const MOST_BYTES: usize = 64 << 10;

static LOST: AtomicU64 = AtomicU64::new(0);

/// Log lines of this process that could not be written.
pub fn lost_lines() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// The way into the queue; a cheap handle. Writing a line never waits.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    queue: SyncSender<Item>,
    ended: CancellationToken,
}

enum Item {
    Line(Vec<u8>),
    /// All before it is written.
    Flush(SyncSender<()>),
}

impl Lines {
    /// Starts the thread that writes to `out`. At most `most` lines wait for it.
    pub(super) fn start(out: impl Write + Send + 'static, format: LogFormat, most: usize) -> Self {
        let (queue, waiting) = sync_channel(most);
        let ended = CancellationToken::new();
        let guard = ended.clone().drop_guard();
        thread::spawn(move || write_all(&waiting, out, format, guard));
        Self { queue, ended }
    }

    /// Ends if the thread does.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Waits for what was written before, but not for long.
    pub(super) fn flush(&self) {
        let (done, is_done) = sync_channel(1);
        if self.queue.try_send(Item::Flush(done)).is_ok() {
            // A thread that is not done by then is stuck.
            let _: Result<(), RecvTimeoutError> = is_done.recv_timeout(LAST_LINES);
        }
    }
}

fn write_all(waiting: &Receiver<Item>, mut out: impl Write, format: LogFormat, _ended: DropGuard) {
    let mut bytes = Vec::new();
    while let Ok(first) = waiting.recv() {
        let (mut lines, mut next) = (0, Some(first));
        let mut flushed = Vec::new();
        while let Some(item) = next {
            match item {
                Item::Line(line) => {
                    bytes.extend_from_slice(&escape(&line, format));
                    lines += 1;
                }
                Item::Flush(done) => flushed.push(done),
            }
            next = if bytes.len() < MOST_BYTES { waiting.try_recv().ok() } else { None };
        }
        if out.write_all(&bytes).is_err() {
            LOST.fetch_add(lines, Ordering::Relaxed);
        }
        bytes.clear();
        for done in flushed {
            // Nobody waits any more if this fails.
            let _ = done.try_send(());
        }
        thread::sleep(PAUSE);
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Item::Line(line.to_vec())).is_err() {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Writes the last sentence of a process to standard error, if that can be done soon.
pub fn print_error(sentence: &str) {
    let mut lines = Lines::start(io::stderr(), LogFormat::Text, 2);
    // Never fails: a line that can't be written is lost.
    let _ = lines.write(format!("adda: {sentence}\n").as_bytes());
    lines.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITING: usize = 64;

    /// Takes what is written each time that the test lets it.
    struct Gate(Receiver<()>);

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.0.recv() {
                Ok(()) => Ok(bytes.len()),
                Err(_) => Err(io::ErrorKind::StorageFull.into()),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn lines_that_find_no_room_or_no_disk_are_counted() {
        let (let_write, gate) = sync_channel(1);
        let mut lines = Lines::start(Gate(gate), LogFormat::Text, WAITING);
        let before = lost_lines();
        // At most as many as can wait are being written, and as many wait.
        for _ in 0..2 * WAITING + 100 {
            lines.write_all(b"a line\n").unwrap();
        }
        assert!(lost_lines() - before >= 100, "{}", lost_lines() - before);
        // From now on each write fails.
        drop(let_write);
        let ended = lines.ended.clone();
        drop(lines);
        ended.cancelled().await;
        assert_eq!(lost_lines() - before, 2 * WAITING as u64 + 100);
    }
}
