//! A TCP proxy between a node and its Redis: passes everything on, or lets answers come late.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Stands in front of one port. Its connections end with either side, or with the proxy.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens on the loopback address.
    pub port: u16,
    delay: Arc<watch::Sender<Duration>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts one that passes everything on at once.
    pub async fn start(target: u16) -> Self {
        let port = super::ports::reserve();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port was free");
        let delay = Arc::new(watch::Sender::new(Duration::ZERO));
        let accepting = tokio::spawn(accept(listener, target, delay.clone()));
        Self { port, delay, accepting }
    }

    /// Lets whatever the target says from now on arrive so much later, over all connections. What is said
    /// to the target is passed on at once.
    pub fn delay(&self, by: Duration) {
        self.delay.send_replace(by);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: u16, delay: Arc<watch::Sender<Duration>>) {
    while let Ok((near, _)) = listener.accept().await {
        let delay = delay.subscribe();
        tokio::spawn(async move {
            let Ok(far) = TcpStream::connect(("127.0.0.1", target)).await else { return };
            let ((near_reader, near_writer), (far_reader, far_writer)) =
                (near.into_split(), far.into_split());
            tokio::select! {
                () = pass(near_reader, far_writer, None) => {}
                () = pass(far_reader, near_writer, Some(delay)) => {}
            }
        });
    }
}

/// Passes on what comes, in order, each piece when its time has come.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Option<watch::Receiver<Duration>>) {
    // More than a test ever lets wait.
    let (sender, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(100_000);
    let read = async move {
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            let late = delay.as_ref().map_or(Duration::ZERO, |delay| *delay.borrow());
            if sender.send((Instant::now() + late, bytes[..count].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let write = async {
        while let Some((due, piece)) = pieces.recv().await {
            sleep_until(due).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}
