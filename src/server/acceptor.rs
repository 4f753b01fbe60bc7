//! Accepts connections, and serves them until they end or become sessions.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::descriptors::Complaint;
use super::waiting::{AnswerBody, RequestBody, Visit, Waiting};
use crate::config::Current;
use crate::http::UserBytes;
use crate::protocol::Forwarded;
use crate::supervisor::isolated;
use crate::ws::{Flaw, Sessions, Socket};

/// Bytes of a request's head, at most, and the size of a connection's buffer.
const HEAD_BYTES: usize = 16 * 1024;

/// Wait before another connection is accepted where the system refuses.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Accepts connections.
pub(super) struct Acceptor {
    pub(super) listener: TcpListener,
    pub(super) router: Router,
    pub(super) head_within: Duration,
    pub(super) write_timeout: Duration,
    /// Sockets of clients, at most.
    pub(super) most_sockets: usize,
    pub(super) sessions: Sessions,
    pub(super) connections: TaskTracker,
    pub(super) last_answers: CancellationToken,
    pub(super) complaint: Arc<Complaint>,
    pub(super) settings: Current,
}

/// The other end of a connection.
struct Client {
    peer: IpAddr,
    settings: Current,
    visit: Arc<Visit>,
}

impl Acceptor {
    /// Accepts connections for ever.
    pub(super) async fn accept(self) {
        let waiting = Waiting::default();
        loop {
            match self.listener.accept().await {
                Ok((socket, peer)) => self.take(socket, peer.ip(), &waiting),
                Err(error) => {
                    // Open connections are not affected.
                    self.complaint.warn(self.sockets(), "could not accept a connection");
                    tracing::debug!(%error, "could not accept a connection");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    fn sockets(&self) -> usize {
        self.connections.len() + self.sessions.count()
    }

    /// Serves a connection. If there are too many sockets, the connection goes whose client has kept the node waiting
    /// longest: so those who send no request, or half of one, can't keep out a health check.
    fn take(&self, socket: TcpStream, peer: IpAddr, waiting: &Waiting) {
        if self.sockets() >= self.most_sockets {
            self.complaint.warn(self.sockets(), "closed a connection");
            if !waiting.end_longest() {
                return;
            }
        }
        let visit = waiting.enter();
        // Small frames must not wait for the acknowledgement of the last one.
        let _ = socket.set_nodelay(true);
        let socket = Socket::new(socket, self.write_timeout);
        let client = Client { peer, settings: self.settings.clone(), visit };
        let serving = serve(socket, self.router.clone(), client, self.head_within, self.last_answers.clone());
        self.connections.spawn(isolated("connection", serving));
    }
}

impl Client {
    /// The client of a request of this connection, by `server.trusted_proxies` as they are now.
    fn forwarded(&self, headers: &HeaderMap) -> Forwarded {
        let settings = self.settings.borrow();
        Forwarded::read(self.peer, headers, |address| settings.server.trusted_proxies.contain(address))
    }
}

/// Answers a connection's requests until it ends, or until the answer under way when `last_answer`
/// is called for.
async fn serve(
    socket: Socket,
    router: Router,
    client: Client,
    head_within: Duration,
    last_answer: CancellationToken,
) {
    let router = TowerToHyperService::new(router);
    let has_sent_files = socket.has_sent_files();
    let answer = service_fn(|mut request: Request<Incoming>| {
        let forwarded = client.forwarded(request.headers());
        request.extensions_mut().insert(forwarded);
        let (visit, has_sent_files) = (client.visit.clone(), has_sent_files.clone());
        visit.begin_answer();
        let answering = router.call(request.map(|body| RequestBody::new(body, visit.clone())));
        async move {
            let answered = answering.await;
            visit.begin_wait();
            if answered.as_ref().is_ok_and(|answer| answer.extensions().get::<UserBytes>().is_some()) {
                has_sent_files.store(true, Ordering::Relaxed);
            }
            answered.map(|answer| answer.map(|body| AnswerBody::new(body, visit)))
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_within)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(socket), answer)
        .with_upgrades();
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = client.visit.ended() => return,
        () = last_answer.cancelled() => {
            Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    // Ends with an error for every client that disconnects; that is no fault of the node.
    let flaw = match ended {
        Err(error) if error.is_timeout() => Flaw::Late,
        Err(error) if error.is_parse() => Flaw::Unreadable,
        _ => return,
    };
    if let Some(parts) = connection.into_parts() {
        parts.io.into_inner().refuse(flaw).await;
    }
}
