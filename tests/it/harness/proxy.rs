//! A TCP proxy between a node and its Redis: forwards everything, delays answers, or drops publications.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// A proxy of one port. Its connections end with either side, or with the proxy.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens on the loopback address.
    pub port: u16,
    delay: Arc<watch::Sender<Duration>>,
    is_hushed: Arc<AtomicBool>,
    forget_after: Arc<watch::Sender<Duration>>,
    accepting: JoinHandle<()>,
}

/// Drops a connection after it was idle, as a NAT does: later data is discarded without a reset.
struct Memory {
    forget_after: watch::Receiver<Duration>,
    /// The time of the last data; `None` once the connection is dropped.
    spoken: Mutex<Option<Instant>>,
}

/// How the answers of one connection are treated.
struct Answers {
    delay: watch::Receiver<Duration>,
    is_hushed: Arc<AtomicBool>,
    is_subscribed: Arc<AtomicBool>,
}

impl Proxy {
    /// Starts a proxy that forwards everything at once.
    pub async fn start(target: u16) -> Self {
        let port = super::ports::reserve();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port was free");
        let delay = Arc::new(watch::Sender::new(Duration::ZERO));
        let is_hushed = Arc::<AtomicBool>::default();
        let forget_after = Arc::new(watch::Sender::new(Duration::MAX));
        let accepting =
            tokio::spawn(accept(listener, target, delay.clone(), is_hushed.clone(), forget_after.clone()));
        Self { port, delay, is_hushed, forget_after, accepting }
    }

    /// Drops each connection after this idle time.
    pub fn forget_after(&self, idle: Duration) {
        self.forget_after.send_replace(idle);
    }

    /// Delays all data from the target from now on. Data to the target is forwarded at once.
    pub fn delay(&self, by: Duration) {
        self.delay.send_replace(by);
    }

    /// Discards the data of subscribed connections, or stops doing so. They stay open; other connections are unaffected.
    pub fn hush_subscriptions(&self, is_hushed: bool) {
        self.is_hushed.store(is_hushed, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: u16,
    delay: Arc<watch::Sender<Duration>>,
    is_hushed: Arc<AtomicBool>,
    forget_after: Arc<watch::Sender<Duration>>,
) {
    while let Ok((near, _)) = listener.accept().await {
        let is_subscribed = Arc::<AtomicBool>::default();
        let answers = Answers {
            delay: delay.subscribe(),
            is_hushed: is_hushed.clone(),
            is_subscribed: is_subscribed.clone(),
        };
        let memory =
            Memory { forget_after: forget_after.subscribe(), spoken: Mutex::new(Some(Instant::now())) };
        tokio::spawn(async move {
            let Ok(far) = TcpStream::connect(("127.0.0.1", target)).await else { return };
            let ((near_reader, near_writer), (far_reader, far_writer)) =
                (near.into_split(), far.into_split());
            tokio::select! {
                () = pass(near_reader, far_writer, |said| {
                    if said.windows(9).any(|word| word == b"SUBSCRIBE") {
                        is_subscribed.store(true, Ordering::Relaxed);
                    }
                    memory.knows().then_some(Duration::ZERO)
                }) => {}
                () = pass(far_reader, near_writer, |_| answers.lateness().filter(|_| memory.knows())) => {}
            }
        });
    }
}

impl Memory {
    /// Records data on the connection; returns whether it is still forwarded.
    fn knows(&self) -> bool {
        let mut spoken = self.spoken.lock().expect("no code panics while it holds this lock");
        let limit = *self.forget_after.borrow();
        *spoken = spoken.filter(|spoken| spoken.elapsed() < limit).map(|_| Instant::now());
        spoken.is_some()
    }
}

impl Answers {
    /// The delay of the next piece of data; `None` to discard it.
    fn lateness(&self) -> Option<Duration> {
        let is_swallowed =
            self.is_hushed.load(Ordering::Relaxed) && self.is_subscribed.load(Ordering::Relaxed);
        (!is_swallowed).then(|| *self.delay.borrow())
    }
}

/// Forwards the data in order, each piece after its delay.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, lateness: impl Fn(&[u8]) -> Option<Duration>) {
    // More than a test ever delays.
    let (sender, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(100_000);
    let read = async move {
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            let Some(late) = lateness(&bytes[..count]) else { continue };
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
