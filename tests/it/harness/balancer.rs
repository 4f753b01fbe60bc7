//! A TCP balancer with a selectable target, so that a page keeps its origin when its node stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Forwards every new connection to its target; one that can't be reached is closed at once.
#[derive(Debug)]
pub struct Balancer {
    /// Where it listens on the loopback address.
    pub port: u16,
    target: Arc<AtomicU16>,
    accepting: JoinHandle<()>,
}

impl Balancer {
    /// Starts it with a first target.
    pub async fn start(target: u16) -> Self {
        let port = super::ports::reserve();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port was free");
        let target = Arc::new(AtomicU16::new(target));
        let accepting = tokio::spawn(accept(listener, target.clone()));
        Self { port, target, accepting }
    }

    /// Sets the target of new connections.
    pub fn point_to(&self, port: u16) {
        self.target.store(port, Ordering::Relaxed);
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: Arc<AtomicU16>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let port = target.load(Ordering::Relaxed);
        tokio::spawn(async move {
            if let Ok(mut node) = TcpStream::connect(("127.0.0.1", port)).await {
                // Ends with either side.
                let _ = copy_bidirectional(&mut client, &mut node).await;
            }
        });
    }
}
