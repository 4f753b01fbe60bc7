//! A well-behaved client: it reconnects to any node, authenticates by its token, resumes by position, repeats
//! unacknowledged posts with the same nonce, and posts one message at a time. It asserts nothing; it records.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{interval, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use super::memory::{Dialect, End, SharedMemory, Told};
use super::talk::Talk;
use crate::harness::http::encode;

/// Time-out of an upgrade, after which the client tries another node.
const OPENING_LIMIT: Duration = Duration::from_secs(3);
/// Silence after which a connection counts as dead; a full session sends a ping before.
const SILENCE_LIMIT: Duration = Duration::from_secs(5);
/// The longest wait before the first reconnect; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(300);
/// Time between two checks for something to send.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How a client acts when its connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// It resumes from its position.
    Resuming,
    /// It rejoins after a pause without a position, as a faulty client would.
    Blindly,
    /// It stays away.
    Never,
}

/// The behaviour of a client.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// Its subprotocol.
    pub dialect: Dialect,
    /// Its reaction to the end of a connection.
    pub comes_back: Return,
    /// The time between two posts; `None` for a client that only listens.
    pub speaks_every: Option<Duration>,
    /// The ports that it may connect to, by preference.
    pub ports: Vec<u16>,
    /// The longest wait before a reconnect.
    pub longest_wait: Duration,
}

/// Signals from the run to a client.
#[derive(Debug, Clone, Default)]
pub struct Orders {
    /// Post nothing new.
    pub stop_posting: CancellationToken,
    /// Leave and end.
    pub stop: CancellationToken,
}

type Socket = WebSocketStream<TcpStream>;

/// Runs the client until it is told to leave.
pub async fn live(behaviour: Behaviour, memory: SharedMemory, orders: Orders) {
    let mut talk = Talk::new(&behaviour, memory.clone(), orders.stop_posting.clone());
    let (mut place, mut tries) = (0, 0);
    loop {
        let port = behaviour.ports[place % behaviour.ports.len()];
        let opened = tokio::select! {
            opened = connect(&behaviour, &memory, port) => opened,
            () = orders.stop.cancelled() => break,
        };
        if opened.is_none() {
            memory.lock().given_up += 1;
        }
        if let Some(socket) = opened {
            tries = 0;
            talk.begin(port);
            let end = converse(&mut talk, socket, &orders.stop).await;
            memory.note(Told::Ended(end));
            if end == End::Wanted || behaviour.comes_back == Return::Never {
                break;
            }
        }
        // The last node may be at fault: try another one.
        place += 1;
        tokio::select! {
            () = sleep(wait(&behaviour, tries)) => tries += 1,
            () = orders.stop.cancelled() => break,
        }
    }
    memory.lock().is_gone = true;
}

fn wait(behaviour: &Behaviour, tries: u32) -> Duration {
    match behaviour.comes_back {
        // Long enough for others to post.
        Return::Blindly => Duration::from_secs(1),
        Return::Resuming | Return::Never => {
            behaviour.longest_wait.min(FIRST_WAIT * 2_u32.pow(tries.min(8))).mul_f64(fastrand::f64())
        }
    }
}

async fn connect(behaviour: &Behaviour, memory: &SharedMemory, port: u16) -> Option<Socket> {
    let (room, name) = {
        let memory = memory.lock();
        (encode(&memory.room), encode(&memory.name))
    };
    let address = format!("ws://127.0.0.1:{port}/ws?username={name}");
    let request = match behaviour.dialect {
        Dialect::Plain => format!("{address}&room={room}").into_client_request().expect("an address"),
        Dialect::Full => {
            let mut request = address.into_client_request().expect("an address");
            request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("adda.v1"));
            request
        }
    };
    let opening = async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok::<_, Error>(tokio_tungstenite::client_async(request, stream).await?.0)
    };
    timeout(OPENING_LIMIT, opening).await.ok()?.ok()
}

/// Receives and posts until the connection ends.
async fn converse(talk: &mut Talk, mut socket: Socket, stop: &CancellationToken) -> End {
    let mut looks = interval(LOOK_EVERY);
    let mut last_word = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => {
                close_normally(socket).await;
                return End::Wanted;
            }
            received = socket.next() => {
                last_word = Instant::now();
                match received {
                    Some(Ok(Message::Text(text))) => {
                        let frame: Value = serde_json::from_str(&text).expect("a text frame is JSON");
                        talk.on_frame(&frame);
                    }
                    Some(Ok(Message::Close(frame))) => {
                        // The answer that tungstenite has prepared; the server may be gone already.
                        let _ = socket.close(None).await;
                        return End::Server(frame.map_or(1005, |frame| frame.code.into()));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return End::Server(1006),
                }
            }
            _ = looks.tick() => {
                // A plain session sends no pings, so silence does not mean a dead connection.
                if talk.dialect() == Dialect::Full && last_word.elapsed() > SILENCE_LIMIT {
                    return End::Silence;
                }
            }
        }
        while let Some(frame) = talk.due() {
            match timeout(SILENCE_LIMIT, socket.send(Message::text(frame.to_string()))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return End::Server(1006),
                Err(_) => return End::Silence,
            }
        }
    }
}

async fn close_normally(mut socket: Socket) {
    let close = async {
        if socket.close(None).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    // A dead node does not answer.
    let _ = timeout(Duration::from_secs(1), close).await;
}
