//! One address in front of several Redis servers, like a floating address or a TCP balancer: it forwards to one of
//! them at a time, and cuts its connections when the target changes.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// The address; connections are cut when it is dropped.
pub struct Front {
    port: u16,
    target: watch::Sender<u16>,
    _task: AbortOnDropHandle<()>,
}

impl Front {
    /// Forwards to a port of this machine.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (target, seen) = watch::channel(target);
        let task = AbortOnDropHandle::new(tokio::spawn(accept(listener, seen)));
        Self { port, target, _task: task }
    }

    /// Changes the target.
    pub fn turn_to(&self, target: u16) {
        self.target.send_replace(target);
    }

    /// The value of `redis.url`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

async fn accept(listener: TcpListener, target: watch::Receiver<u16>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(carry(client, target.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn carry(mut client: TcpStream, mut target: watch::Receiver<u16>) {
    let port = *target.borrow_and_update();
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = target.changed() => {}
    }
}
