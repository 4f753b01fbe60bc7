//! The bytes that the kernel holds unsent for a socket: bounded, and a sign of life as it shrinks. A reader that
//! goes on taking bytes is alive however slow it is, though it comes to the pings among them late.

use std::io;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::SockRef;
use tokio::net::TcpStream;
use tracing::debug;

/// Differences smaller than this are not seen.
const RESOLUTION_BYTES: usize = 1024;

/// Lets the kernel take in no more while it holds so many bytes unsent (tcp(7), TCP_NOTSENT_LOWAT).
/// Bytes on their way to a reader that takes them do not count.
pub(in crate::ws) fn limit(socket: &TcpStream, bytes: usize) {
    if let Err(error) = try_limit(socket, bytes) {
        debug!(%error, "could not limit what the kernel holds for a socket");
    }
}

/// Lets the kernel take in a close frame behind all that it holds.
pub(super) fn lift_limit(socket: &TcpStream) {
    let lifted = try_limit(socket, u32::MAX as usize).and_then(|()| {
        let socket = SockRef::from(socket);
        // Linux doubles what it is given, so this makes the buffer twice as large.
        socket.set_send_buffer_size(socket.send_buffer_size()?)
    });
    if let Err(error) = lifted {
        debug!(%error, "could not make room for a close frame");
    }
}

/// A number that shrinks with what the kernel holds unsent; `limit` is what [`limit`] was given. Only
/// for a socket that nobody waits to write to: the kernel is asked by the very limit, which is set
/// anew for each question, and a wait could miss its end meanwhile.
pub(super) fn measure(socket: &TcpStream, limit: usize) -> io::Result<usize> {
    // Linux calls a socket writable only below half its limit.
    let (mut least, mut most) = (0, limit.saturating_mul(2).saturating_add(RESOLUTION_BYTES));
    let mut middle = RESOLUTION_BYTES;
    while most - least > RESOLUTION_BYTES {
        try_limit(socket, middle)?;
        if is_writable(socket)? {
            most = middle
        } else {
            least = middle
        }
        middle = least.midpoint(most);
    }
    try_limit(socket, limit)?;
    Ok(most)
}

fn is_writable(socket: &TcpStream) -> io::Result<bool> {
    let mut asked = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
    Ok(poll(&mut asked, PollTimeout::ZERO)? > 0)
}

#[cfg(target_os = "linux")]
fn try_limit(socket: &TcpStream, bytes: usize) -> io::Result<()> {
    SockRef::from(socket).set_tcp_notsent_lowat(u32::try_from(bytes).unwrap_or(u32::MAX))
}

/// Elsewhere the system's own limits hold.
#[cfg(not(target_os = "linux"))]
fn try_limit(_: &TcpStream, _: usize) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    const LIMIT: usize = 256 * 1024;

    /// A socket that is limited, and its other end.
    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
        let ours = ours.unwrap();
        limit(&ours, LIMIT);
        (ours, theirs.unwrap().0)
    }

    /// Writes until the socket takes nothing more.
    fn fill(socket: &TcpStream) {
        while socket.try_write(&[b'x'; 1 << 14]).is_ok() {}
    }

    #[tokio::test]
    async fn the_progress_of_a_reader_shows_though_nothing_is_written() {
        let (ours, mut theirs) = pair().await;
        ours.writable().await.unwrap();
        assert!(measure(&ours, LIMIT).unwrap() <= RESOLUTION_BYTES, "nothing is held yet");
        fill(&ours);
        let full = measure(&ours, LIMIT).unwrap();
        assert_eq!(measure(&ours, LIMIT).unwrap(), full, "the reader takes nothing");
        let mut taken = vec![0; 1 << 16];
        while measure(&ours, LIMIT).unwrap() >= full {
            theirs.read_exact(&mut taken).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_close_frame_finds_room_in_a_full_socket() {
        let (ours, _theirs) = pair().await;
        ours.writable().await.unwrap();
        fill(&ours);
        lift_limit(&ours);
        // Tokio remembers that the socket was full until the kernel says otherwise.
        let sent = SockRef::from(&ours).send(b"goodbye").unwrap();
        assert_eq!(sent, 7);
    }
}
