//! Recovery: every node is ready, a post through each node reaches every node, and every node lists exactly the
//! existing sessions.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::{sleep, timeout};

use super::memory::{Place, SharedMemory, Told};
use super::messages::Received;
use super::scene::Scene;
use super::watch::{Answer, is_ready, who_is_in};
use crate::harness::Http;
use crate::harness::http::{encode, text};

/// The longest wait for recovery.
pub const LIMIT: Duration = Duration::from_secs(30);

const EVERY: Duration = Duration::from_millis(50);

/// Waits for recovery and returns its time, or the remaining problems after [`LIMIT`]. `poster` records the posts.
pub async fn until_healed(scene: &Scene, poster: &SharedMemory) -> Result<Instant, String> {
    let heal = async {
        all_ready(scene).await;
        let posts = scene.nodes().iter().map(|port| post(Http::new(*port), scene.main_room(), poster));
        let ids = futures_util::future::join_all(posts).await;
        while !are_delivered(scene, &ids) {
            sleep(EVERY).await;
        }
        while !all_agree(scene).await {
            sleep(EVERY).await;
        }
        // A node may have become unready again meanwhile.
        all_ready(scene).await;
        Instant::now()
    };
    match timeout(LIMIT, heal).await {
        Ok(healed) => Ok(healed),
        Err(_) => Err(remaining_problems(scene, poster).await),
    }
}

async fn all_ready(scene: &Scene) {
    for port in scene.nodes() {
        while is_ready(Http::new(*port)).await != Some(200) {
            sleep(EVERY).await;
        }
    }
}

/// Posts until a try is acknowledged and returns its id. A guest's post has no nonce, so each try has another text.
async fn post(node: Http, room: &str, poster: &SharedMemory) -> String {
    loop {
        let content = format!("post {}", uuid::Uuid::new_v4());
        let call = node
            .call("POST", &format!("/api/rooms/{}/messages", encode(room)))
            .json(&json!({ "content": content, "username": "post" }));
        let reply = timeout(Duration::from_secs(5), call.try_send()).await.ok().flatten();
        if let Some(reply) = reply.filter(|reply| reply.status == 201) {
            let ack = reply.json();
            let seq = ack["seq"].as_u64().expect("an ack has a number");
            let place = Place { epoch: text(&ack["epoch"]), seq };
            let id = text(&ack["id"]);
            poster.note(Told::Acked { place, message: Received::text(seq, &id, &content) });
            return id;
        }
        sleep(EVERY).await;
    }
}

fn are_delivered(scene: &Scene, ids: &[String]) -> bool {
    scene.crowd.posted().iter().all(|memory| ids.iter().all(|id| memory.lock().ids.contains(id)))
}

async fn all_agree(scene: &Scene) -> bool {
    for room in scene.rooms() {
        for port in scene.nodes() {
            let before = scene.crowd.present(room);
            let answer = who_is_in(Http::new(*port), room).await;
            if before != scene.crowd.present(room) || !is_exact(&answer, &before) {
                return false;
            }
        }
    }
    true
}

/// Whether the answer names exactly these sessions. It lists connection ids and user ids; each session here has a
/// user of its own.
fn is_exact(answer: &Answer, present: &[String]) -> bool {
    let Answer::Names(names) = answer else { return false };
    let present: BTreeSet<_> = present.iter().cloned().collect();
    present.is_subset(names) && names.len() == 2 * present.len()
}

/// The remaining problems, as sentences.
async fn remaining_problems(scene: &Scene, poster: &SharedMemory) -> String {
    let mut wrong = Vec::new();
    for memory in scene.crowd.posted().iter().map(SharedMemory::lock) {
        let undelivered = poster.lock().ids_acked().filter(|id| !memory.ids.contains(*id)).count();
        wrong.push(format!("{} did not receive {undelivered} of the posts", memory.name));
    }
    for (place, port) in scene.nodes().iter().enumerate() {
        let http = Http::new(*port);
        wrong.push(format!("node {place}: readyz {:?}", is_ready(http).await));
        for room in scene.rooms() {
            let (answer, present) = (who_is_in(http, room).await, scene.crowd.present(room));
            if !is_exact(&answer, &present) {
                let count = if let Answer::Names(names) = &answer { names.len() / 2 } else { 0 };
                wrong.push(format!("{room}: {count} named, {} there", present.len()));
            }
        }
    }
    wrong.join("; ")
}
