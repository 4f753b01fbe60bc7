//! Each time of a schedule is fired once in the cluster, whichever node dies.

use std::collections::BTreeMap;

use adda::model::{Role, Timestamp};
use serde_json::{Value, json};

use super::{Admin, SETTINGS, cluster, token, unseen};
use crate::harness::http::{encode, text};
use crate::harness::redis::RedisServer;
use crate::harness::{Client, Cluster, DEADLINE, LONG_DEADLINE, Node, eventually};

/// The times for which notifications of a schedule were sent, in order: the end of each id.
async fn fired(token: &str, node: &Node, schedule: &str) -> Vec<u64> {
    let ids = unseen(token, node).await.iter().map(|one| text(&one["id"])).collect::<Vec<_>>();
    let due = |id: &String| id.strip_prefix(schedule)?.strip_prefix('-')?.parse().ok();
    let mut found: Vec<u64> = ids.iter().filter_map(due).collect();
    found.sort_unstable();
    found
}

/// The times for which messages of a schedule are in the log, each with the number of its message.
async fn posted(cluster: &Cluster, schedule: &str) -> BTreeMap<u64, u64> {
    let nonces = format!("adda:{{general}}:nonce:adda schedule:{schedule}:*");
    let keys = cluster.redis.command(&["KEYS", &nonces]).await;
    let keys: Vec<String> = redis::from_redis_value(keys).expect("a list of keys");
    let mut found = BTreeMap::new();
    for key in keys {
        let receipt = cluster.redis.command(&["GET", &key]).await;
        let receipt: String = redis::from_redis_value(receipt).expect("a receipt");
        let due = key.rsplit(':').next().and_then(|due| due.parse().ok()).expect("a time");
        found.insert(due, receipt.split(' ').nth(1).and_then(|seq| seq.parse().ok()).expect("a number"));
    }
    found
}

/// Seconds between the firings. A time that nobody claims for as long is passed over.
const EVERY_S: u64 = 2;

fn assert_each_once(times: &[u64]) {
    for pair in times.windows(2) {
        assert_eq!(pair[1] - pair[0], EVERY_S * 1000, "{times:?}");
    }
}

#[tokio::test]
async fn each_time_is_fired_once_whichever_node_dies() {
    let Some(mut cluster) = cluster(3).await else { return };
    let (admin, away) = (Admin::new(), token("away", Role::Member));
    let to_user = json!({ "to": { "user_id": "away" }, "content": "tick", "every_s": EVERY_S });
    let to_room = json!({ "to": { "room_id": "general" }, "content": "tock", "every_s": EVERY_S });
    let to_user = admin.schedules(&cluster.nodes[0], to_user).await;
    let to_room = admin.schedules(&cluster.nodes[1], to_room).await;
    // A node dies after each second firing, at some moment, and comes back.
    for round in 1..=5 {
        let victim = fastrand::usize(..3);
        let witness = (victim + 1) % 3;
        eventually("some times are fired", LONG_DEADLINE, async || {
            let fired = fired(&away, &cluster.nodes[witness], &to_user).await;
            (fired.len() >= 2 * round).then_some(())
        })
        .await;
        cluster.nodes[victim].kill();
        cluster.nodes[victim].exited().await;
        cluster.nodes[victim].restart().await;
    }
    let node = &cluster.nodes[0];
    for id in [&to_user, &to_room] {
        let reply = admin.asks(node, "DELETE", &format!("/api/schedules/{id}"), None).await;
        assert_eq!(reply.status, 204);
    }
    let times = fired(&away, node, &to_user).await;
    assert!(times.len() >= 10, "{times:?}");
    let posted = posted(&cluster, &to_room).await;
    let log = node.http().messages("general", "?limit=200").await;
    assert!(
        log.iter().all(|message| message["content"] == "tock" && message["user_id"] == "adda"),
        "{log:?}"
    );
    assert_eq!(log.len(), posted.len(), "each message has a time of its own");
    // The last claim may be a dead node's, whose schedule was removed before another could take it over.
    let settled = |times: Vec<u64>| times[..times.len().saturating_sub(4)].to_vec();
    assert_each_once(&settled(times));
    assert_each_once(&settled(posted.into_keys().collect()));
}

#[tokio::test]
async fn times_that_are_missed_while_all_nodes_are_down_are_fired_once() {
    let Some(mut cluster) = cluster(1).await else { return };
    let (admin, away) = (Admin::new(), token("away", Role::Member));
    let schedule = json!({ "to": { "user_id": "away" }, "content": "tick", "every_s": EVERY_S });
    let schedule = admin.schedules(&cluster.nodes[0], schedule).await;
    let reach = async |node: &Node, count: usize| {
        eventually("some times are fired", LONG_DEADLINE, async || {
            (fired(&away, node, &schedule).await.len() >= count).then_some(())
        })
        .await;
    };
    reach(&cluster.nodes[0], 2).await;
    cluster.nodes[0].kill();
    cluster.nodes[0].exited().await;
    let down = Timestamp::now().unix_millis();
    let is_later = async || (Timestamp::now().unix_millis() > down + 3 * EVERY_S * 1000).then_some(());
    eventually("some times pass", DEADLINE, is_later).await;
    cluster.nodes[0].restart().await;
    let before = fired(&away, &cluster.nodes[0], &schedule).await.len();
    reach(&cluster.nodes[0], before + 3).await;
    let times = fired(&away, &cluster.nodes[0], &schedule).await;
    let longer: Vec<_> =
        times.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap != EVERY_S * 1000).collect();
    assert_eq!(longer.len(), 1, "{times:?}");
    assert!(
        longer[0] >= 3 * EVERY_S * 1000 && longer[0] % (EVERY_S * 1000) == 0,
        "one is made up for, and the phase is kept: {times:?}"
    );
}

#[tokio::test]
async fn schedules_survive_restarts() {
    let Some(redis) = RedisServer::with(&["--appendonly", "yes", "--appendfsync", "always"]).await else {
        return;
    };
    let urls = vec![redis.url(); 2];
    let mut cluster = Cluster::reaching(redis, &urls, &SETTINGS).await;
    let admin = Admin::new();
    let soon = |wait: u64| {
        Timestamp::from_unix_millis(Timestamp::now().unix_millis() + wait).expect("a time").to_string()
    };
    let later = json!({ "to": { "room_id": "general" }, "content": "later", "at": soon(5_000) });
    let later = admin.schedules(&cluster.nodes[0], later).await;
    let repeated = json!({ "to": "all", "content": "again", "every_s": 3600 });
    let repeated = admin.schedules(&cluster.nodes[0], repeated).await;
    cluster.redis.shut_down().await;
    cluster.redis.restart().await;
    cluster.nodes[0].kill();
    cluster.nodes[0].exited().await;
    cluster.nodes[0].restart().await;
    let node = &cluster.nodes[0];
    let listed = eventually("the schedules are listed", LONG_DEADLINE, async || {
        let reply = admin.asks(node, "GET", "/api/schedules", None).await;
        (reply.status == 200).then(|| reply.json())
    })
    .await;
    let ids: Vec<String> =
        listed["data"].as_array().expect("a list").iter().map(|one| text(&one["id"])).collect();
    assert!(ids == [later, repeated.clone()] || ids == [repeated], "{ids:?}");
    let is_posted = async || {
        let messages = node.http().messages("general", "").await;
        (!messages.is_empty()).then_some(messages)
    };
    let messages: Vec<Value> = eventually("the message is posted", LONG_DEADLINE, is_posted).await;
    assert_eq!((messages.len(), &messages[0]["content"]), (1, &json!("later")));
}

#[tokio::test]
async fn without_redis_schedules_fire_too() {
    let node = Node::with(&[("auth.secret", super::SECRET)]).await;
    let admin = Admin::new();
    let mut session = Client::full(&node, "রহিম").await;
    session.join("general").await;
    let to_room = json!({ "to": { "room_id": "general" }, "title": "চা", "content": "বিরতি", "every_s": 1 });
    admin.schedules(&node, to_room).await;
    let to_all = json!({ "to": "all", "content": "সবাই", "every_s": 1 });
    let to_all = admin.schedules(&node, to_all).await;
    for _ in 0..2 {
        let message = session.receives("চা\nবিরতি").await;
        assert_eq!((&message["user_id"], &message["username"]), (&json!("adda"), &json!("adda")));
        let notification = session.expect("notification").await;
        assert!(text(&notification["id"]).starts_with(&to_all), "{notification}");
        let id = text(&notification["id"]);
        session.send(json!({ "type": "seen", "id": id })).await;
        super::is_told(&mut session, &id).await;
    }
}

#[tokio::test]
async fn a_schedule_posts_to_a_private_room_and_ends_with_it() {
    let Some(cluster) = cluster(2).await else { return };
    private_room([&cluster.nodes[0], &cluster.nodes[1]]).await;
}

#[tokio::test]
async fn a_schedule_posts_to_a_private_room_and_ends_with_it_without_redis() {
    let node = Node::with(&[("auth.secret", super::SECRET)]).await;
    private_room([&node; 2]).await;
}

async fn private_room(nodes: [&Node; 2]) {
    let admin = Admin::new();
    let made = admin.asks(nodes[0], "POST", "/api/rooms", Some(json!({ "title": "tea" }))).await;
    assert_eq!(made.status, 201, "{made:?}");
    let room = text(&made.json()["id"]);
    let mut session = Client::returning(nodes[1], &admin.0).await;
    session.join(&room).await;
    let schedule = json!({ "to": { "room_id": room }, "content": "tick", "every_s": 1 });
    admin.schedules(nodes[0], schedule).await;
    for _ in 0..2 {
        assert_eq!(session.receives("tick").await["user_id"], "adda");
    }
    let deleted = admin.asks(nodes[0], "DELETE", &format!("/api/rooms/{}", encode(&room)), None).await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    eventually("the schedule ends", DEADLINE, async || {
        let listed = admin.asks(nodes[1], "GET", "/api/schedules", None).await.json();
        listed["data"].as_array().is_some_and(Vec::is_empty).then_some(())
    })
    .await;
}
