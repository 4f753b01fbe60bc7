//! Samples the readiness and the members of each room on every node, and keeps the answers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::harness::Http;
use crate::harness::http::encode;

/// Time between two samples of a node.
const EVERY: Duration = Duration::from_millis(250);
/// Longer than a node may take to answer 503.
const ANSWER_LIMIT: Duration = Duration::from_secs(4);

/// A node's answer about the members of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Connection ids and user ids; each session has both.
    Names(BTreeSet<String>),
    /// 503: the members are unknown.
    Unavailable,
    /// No answer, or the connection was refused.
    Silent,
    /// An invalid answer.
    Odd(String),
}

/// One answer of one node.
#[derive(Debug, Clone)]
pub struct Sample<T> {
    /// The node's index.
    pub node: usize,
    /// The time of the request.
    pub asked: Instant,
    /// The time of the answer.
    pub answered: Instant,
    /// The answer.
    pub answer: T,
}

/// All answers of a run.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    /// `/readyz`: the status, or none.
    pub readiness: Vec<Sample<Option<u16>>>,
    /// `/api/rooms/{id}`, with the room.
    pub rooms: Vec<(String, Sample<Answer>)>,
}

/// The sampling tasks; they end when this is dropped.
#[derive(Debug)]
pub struct Watch {
    samples: Arc<Mutex<Samples>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Watch {
    /// Starts sampling.
    pub fn start(ports: &[u16], rooms: &[String]) -> Self {
        let samples = Arc::<Mutex<Samples>>::default();
        let mut tasks = Vec::new();
        for (node, port) in ports.iter().enumerate() {
            let http = Http::new(*port);
            // A task of its own: a node that cannot answer does so late.
            tasks.push(tokio::spawn(ask_if_ready(node, http, samples.clone())));
            tasks.extend(
                rooms
                    .iter()
                    .map(|room| tokio::spawn(ask_who_is_in(node, http, room.clone(), samples.clone()))),
            );
        }
        Self { samples, tasks }
    }

    /// The answers so far.
    pub fn samples(&self) -> Samples {
        self.samples.lock().expect("no holder panics").clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn ask_if_ready(node: usize, http: Http, samples: Arc<Mutex<Samples>>) {
    loop {
        let sample = ask(node, is_ready(http)).await;
        samples.lock().expect("no holder panics").readiness.push(sample);
        sleep(EVERY).await;
    }
}

async fn ask_who_is_in(node: usize, http: Http, room: String, samples: Arc<Mutex<Samples>>) {
    loop {
        let sample = ask(node, who_is_in(http, &room)).await;
        samples.lock().expect("no holder panics").rooms.push((room.clone(), sample));
        sleep(EVERY).await;
    }
}

async fn ask<T>(node: usize, question: impl Future<Output = T>) -> Sample<T> {
    let asked = Instant::now();
    let answer = question.await;
    Sample { node, asked, answered: Instant::now(), answer }
}

/// The status of `/readyz`, if there is an answer.
pub async fn is_ready(http: Http) -> Option<u16> {
    timeout(ANSWER_LIMIT, http.status("/readyz")).await.ok().flatten()
}

/// The members of a room, over all pages.
pub async fn who_is_in(http: Http, room: &str) -> Answer {
    let mut names = BTreeSet::new();
    let base = format!("/api/rooms/{}", encode(room));
    let mut path = base.clone();
    loop {
        let Ok(Some(reply)) = timeout(ANSWER_LIMIT, http.call("GET", &path).try_send()).await else {
            return Answer::Silent;
        };
        match reply.status {
            200 => {}
            404 => return Answer::Names(BTreeSet::new()),
            503 => return Answer::Unavailable,
            _ => return Answer::Odd(format!("{reply:?}")),
        }
        let page = reply.json();
        for client in page["data"]["clients"].as_array().into_iter().flatten() {
            names.extend(["id", "user_id"].iter().filter_map(|key| client[*key].as_str().map(str::to_owned)));
        }
        let Some(next) = page["data"]["next"].as_str().map(encode) else { return Answer::Names(names) };
        path = format!("{base}?cursor={next}");
    }
}

/// A page of a room's log after a number, as JSON; `None` if the node does not answer 200.
pub async fn log_after(http: Http, room: &str, seq: u64) -> Option<Value> {
    let path = format!("/api/rooms/{}/messages?after={seq}&limit=200", encode(room));
    let reply = timeout(ANSWER_LIMIT, http.call("GET", &path).try_send()).await.ok()??;
    (reply.status == 200).then(|| reply.json())
}
