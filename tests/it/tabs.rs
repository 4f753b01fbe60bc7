//! The load of idle pages of the browser client, as counts of commands and requests.

use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::redis::RedisServer;
use crate::harness::swarm::Swarm;
use crate::harness::{Client, Cluster, LONG_DEADLINE, Node, eventually};

/// An idle page: it is in a room and watches the list of rooms.
async fn tab(node: &Node, number: usize) -> Client {
    let mut tab = Client::full(node, &format!("tab {number}")).await;
    tab.join("general").await;
    tab.send(json!({ "type": "rooms", "watch": true })).await;
    tab.expect("rooms").await;
    tab
}

/// Numbers of Redis commands: all, and the canaries, one a second.
#[derive(Debug, Clone, Copy)]
struct Calls {
    all: u64,
    canaries: u64,
}

impl Calls {
    /// Reads the numbers, without the test's own commands.
    async fn read(redis: &RedisServer) -> Self {
        let stats: String =
            ::redis::from_redis_value(redis.command(&["INFO", "commandstats"]).await).unwrap();
        let mut calls = Self { all: 0, canaries: 0 };
        for line in stats.lines().filter_map(|line| line.strip_prefix("cmdstat_")) {
            let (command, rest) = line.split_once(":calls=").unwrap();
            let count: u64 = rest.split(',').next().unwrap().parse().unwrap();
            let is_asking = ["info", "hello", "client|setinfo", "command"].contains(&command);
            calls.all += if is_asking { 0 } else { count };
            calls.canaries += if command == "publish" { count } else { 0 };
        }
        calls
    }

    /// Commands a second, by the canaries of some seconds.
    async fn a_second(redis: &RedisServer) -> f64 {
        const SECONDS: u64 = 16;
        let before = Self::read(redis).await;
        let after = eventually("canaries", LONG_DEADLINE * 2, async || {
            let now = Self::read(redis).await;
            (now.canaries >= before.canaries + SECONDS).then_some(now)
        })
        .await;
        (after.all - before.all) as f64 / (after.canaries - before.canaries) as f64
    }
}

#[tokio::test]
async fn twenty_idle_pages_cost_redis_what_one_does_and_one_next_to_nothing() {
    // As often as the canaries by which seconds are counted.
    let Some(cluster) = Cluster::with(1, &[("presence.renew_every", "1s")]).await else { return };
    let node = &cluster.nodes[0];
    let mut rahim = Client::full(node, "রহিম").await;
    rahim.join("general").await;
    let none = Calls::a_second(&cluster.redis).await;
    let mut tabs = vec![tab(node, 0).await];
    let one = Calls::a_second(&cluster.redis).await;
    for number in 1..20 {
        tabs.push(tab(node, number).await);
    }
    let twenty = Calls::a_second(&cluster.redis).await;
    assert!(one <= none * 1.1, "{none} commands without a page, {one} with one");
    assert!(twenty <= one * 1.1, "{one} commands with one page, {twenty} with twenty");
}

/// The number of REST requests to a node.
fn asked(node: &Node) -> usize {
    node.log().lines().filter(|line| line.contains("answered") && line.contains("/api/")).count()
}

#[tokio::test]
async fn joins_and_leaves_in_a_large_room_make_no_page_ask_over_rest() {
    const GUESTS: usize = 60;
    let Some(browser) = Browser::start().await else { return };
    let Some(cluster) = Cluster::start(1).await else { return };
    let node = &cluster.nodes[0];
    let _crowd = Swarm::enter(500, &[node.port], |_| "general".to_owned()).await;
    let mut pages = Vec::new();
    for name in ["রহিম", "করিম", "মিনা"] {
        let page = browser.enter(node.port, name, "general").await;
        pages.push(page);
    }
    let mut watcher = tab(node, 0).await;
    let before = asked(node);
    for number in 0..GUESTS {
        let mut guest = Client::full(node, &format!("guest {number}")).await;
        guest.join("general").await;
        guest.close().await;
    }
    // The list is sent every few seconds, so a delayed request has been sent by then.
    for room in ["second", "third"] {
        watcher.join(room).await;
        watcher
            .find("the list with the room", |frame| {
                frame["type"] == "rooms_changed" && frame.to_string().contains(room)
            })
            .await;
    }
    let mut guest = Client::full(node, "last").await;
    guest.join("general").await;
    guest.posts("general", "after all").await;
    for page in &pages {
        page.shows("after all").await;
    }
    assert_eq!(asked(node) - before, 0, "{}", node.log());
    for page in pages {
        page.close().await;
    }
}
