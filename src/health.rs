//! `adda health`: asks a node over HTTP whether it is ready, without an HTTP client in the binary.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Time for each of connecting, asking and hearing the answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks `http://host:port/path`; the status line's reason if it is 200.
///
/// # Errors
/// One sentence, if the node is not ready or can't be asked.
pub fn ask(url: &str) -> Result<String, String> {
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("{url} must begin with http://"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let status = request(host, path).map_err(|error| format!("{host} does not answer: {error}"))?;
    match status.split(' ').nth(1) {
        Some("200") => Ok("ready".to_owned()),
        Some(code) => Err(format!("{host} answers {code}: not ready")),
        None => Err(format!("{host} does not speak HTTP")),
    }
}

fn request(host: &str, path: &str) -> std::io::Result<String> {
    let unresolved = || std::io::Error::other("the name has no address");
    let address = host.to_socket_addrs()?.next().ok_or_else(unresolved)?;
    let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    write!(socket, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = [0; 128];
    let read = socket.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..read]).lines().next().unwrap_or_default().to_owned())
}
