//! `adda health`: asks a node over HTTP whether it is ready, without an HTTP client in the binary.

use std::io::{Error, Read, Result as IoResult, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use adda::config::{Config, Flags};
use clap::Args;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Time for each of connecting, asking and reading the answer.
const STEP_TIMEOUT: Duration = Duration::from_secs(2);

/// Most bytes of an answer that are read.
const MOST_BYTES: u64 = 4096;

#[derive(Debug, Args)]
pub struct Health {
    /// The address to ask: http://host:port/path, https://… or host:port [default: /readyz of the node that the settings describe].
    #[arg(long)]
    url: Option<String>,
    /// A file of settings, as `serve` reads it.
    #[arg(long)]
    config: Option<PathBuf>,
}

/// `ready` if the answer is 200.
///
/// # Errors
/// One sentence, if the node is not ready or can't be asked.
pub fn run(health: Health) -> Result<String, String> {
    let url = match health.url {
        Some(url) => url,
        None => {
            let flags = Flags { config: health.config, ..Flags::default() };
            Config::load(&flags).map_err(|error| error.to_string())?.server.bind.to_string()
        }
    };
    let question = Question::parse(&url).ok_or_else(|| {
        format!("{url:?} is nothing to ask; say http://host:port/path, https://host/path or host:port")
    })?;
    let authority = &question.authority;
    let answer = question.ask().map_err(|error| format!("{authority} does not answer: {error}"))?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim());
    match answer.split(' ').nth(1) {
        Some("200") if answer.starts_with("HTTP/") => Ok("ready".to_owned()),
        Some(code) if answer.starts_with("HTTP/") => Err(format!("{authority} answers {code}: {body}")),
        _ => Err(format!("{authority} does not speak HTTP")),
    }
}

/// A URL, taken apart.
struct Question {
    is_https: bool,
    /// For the `Host` header and for messages.
    authority: String,
    host: String,
    port: u16,
    path: String,
}

impl Question {
    fn parse(url: &str) -> Option<Self> {
        let (is_https, rest) = match url.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some(_) => return None,
            None => (false, url),
        };
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, format!("/{path}")),
            None => (rest, "/readyz".to_owned()),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, if is_https { 443 } else { 80 }),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_clean = !url.contains(|c: char| c.is_whitespace() || c.is_control());
        (is_clean && !host.is_empty()).then(|| Self {
            is_https,
            authority: authority.to_owned(),
            host: host.to_owned(),
            port,
            path,
        })
    }

    /// The answer of the first address that gives one.
    fn ask(&self) -> IoResult<String> {
        let mut outcome = Err(Error::other("the name has no address"));
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            outcome = self.ask_at(reachable(address));
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    fn ask_at(&self, address: SocketAddr) -> IoResult<String> {
        let socket = TcpStream::connect_timeout(&address, STEP_TIMEOUT)?;
        socket.set_read_timeout(Some(STEP_TIMEOUT))?;
        socket.set_write_timeout(Some(STEP_TIMEOUT))?;
        if !self.is_https {
            return self.exchange(socket);
        }
        let name = ServerName::try_from(self.host.clone()).map_err(Error::other)?;
        let session = ClientConnection::new(tls_config()?, name).map_err(Error::other)?;
        self.exchange(StreamOwned::new(session, socket))
    }

    fn exchange(&self, mut socket: impl Read + Write) -> IoResult<String> {
        let Self { path, authority, .. } = self;
        write!(socket, "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n")?;
        socket.flush()?;
        let mut answer = Vec::new();
        match socket.take(MOST_BYTES).read_to_end(&mut answer) {
            // The bytes so far are enough: some servers end TLS without notice, some keep the connection.
            Err(error) if answer.is_empty() => Err(error),
            _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
        }
    }
}

/// The certificates that the system trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
fn tls_config() -> IoResult<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Error::other("the system has no certificates; SSL_CERT_FILE may name some"));
    }
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

/// An address to listen on may be unspecified; one to ask is the loopback address of its family.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
