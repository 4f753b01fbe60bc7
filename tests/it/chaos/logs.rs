//! The logs of the rooms at the end of a run: texts as the pages of each node show them, and texts and changes as a
//! session gets them that resumes from the beginning.

use std::collections::BTreeMap;

use serde_json::Value;

use super::messages::Received;
use super::verdict::{Log, Page};
use super::watch;
use crate::harness::{Client, Dial, Http, LONG_DEADLINE, eventually};

/// Reads the logs of recovered nodes, by their ports.
pub async fn read_logs(nodes: &[u16], rooms: &[String]) -> BTreeMap<String, Log> {
    let mut session = Dial::full(nodes[0], "/ws?username=log%20reader").open().await;
    session.welcomed().await;
    let mut logs = BTreeMap::new();
    for room in rooms {
        let mut log = Log::default();
        for port in nodes {
            let json = read_texts(*port, room, &mut log.epoch).await;
            let texts = json.iter().map(Received::parse).collect();
            log.pages.push(Page { name: format!("the page at {port}"), texts, json });
        }
        match resume(&mut session, room, &log).await {
            Some(messages) => {
                let texts = messages.iter().filter(|message| message.content().is_some()).cloned().collect();
                log.pages.push(Page { name: "a resumed session".to_owned(), texts, json: Vec::new() });
                log.messages = messages;
            }
            None => log.messages.clone_from(&log.pages[0].texts),
        }
        logs.insert(room.clone(), log);
    }
    logs
}

async fn read_texts(port: u16, room: &str, epoch: &mut String) -> Vec<Value> {
    let mut texts: Vec<Value> = Vec::new();
    loop {
        let after = texts.last().and_then(|last| last["seq"].as_u64()).unwrap_or(0);
        let page = eventually("a page of the log", LONG_DEADLINE, async || {
            watch::log_after(Http::new(port), room, after).await
        });
        let page = page.await;
        let before = texts.len();
        texts.extend(page["data"].as_array().into_iter().flatten().cloned());
        page["epoch"].as_str().unwrap_or_default().clone_into(epoch);
        if texts.len() == before {
            return texts;
        }
    }
}

/// All messages from the oldest text on; `None` if the log has dropped changes since.
async fn resume(session: &mut Client, room: &str, log: &Log) -> Option<Vec<Received>> {
    let mut after = log.pages[0].texts.first()?.seq - 1;
    let mut all = Vec::new();
    loop {
        let joined = session.resume(room, &log.epoch.as_str().into(), after).await;
        session.leave(room).await;
        if joined["recovered"] != true {
            return None;
        }
        let page: Vec<_> = messages(&joined["messages"]).collect();
        if page.is_empty() {
            return Some(all);
        }
        all.extend(page);
        after = joined["seq"].as_u64().expect("a position");
    }
}

fn messages(list: &Value) -> impl Iterator<Item = Received> {
    list.as_array().into_iter().flatten().map(Received::parse)
}
