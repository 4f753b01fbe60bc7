//! Kicks, mutes and locks, over WebSocket and REST.

use adda::backend::RulesChange;
use serde_json::json;

use super::{Moderator, Operator, cluster, kill_subscriptions, path, user};
use crate::harness::{Client, Cluster, DEADLINE, Dial, Node, RedisCluster, Reply, eventually};

const ROOM: &str = "general";

/// A full and a plain session of one user in [`ROOM`], on one node.
struct Speaker {
    full: Client,
    plain: Client,
}

impl Speaker {
    async fn enter(node: &Node, token: &str) -> Self {
        let mut full = Client::returning(node, token).await;
        full.join(ROOM).await;
        let bearer = format!("Bearer {token}");
        let dial = Dial::plain(node.port, format!("/ws?room={ROOM}")).header("authorization", bearer);
        let mut plain = dial.open().await;
        plain.speak("hello from a plain session").await;
        plain.receives("hello from a plain session").await;
        Self { full, plain }
    }

    /// The code of the refusal of a message over WebSocket, plain WebSocket and REST; `""` if it is taken.
    async fn speaks(&mut self, node: &Node, token: &str) -> [String; 3] {
        let nonce = uuid::Uuid::new_v4().to_string();
        let answer = self.full.post(ROOM, &nonce, &nonce).await;
        let full = answer["code"].as_str().unwrap_or_default().to_owned();
        self.plain.speak(&format!("plain {nonce}")).await;
        let content = format!("plain {nonce}");
        let is_it =
            |frame: &serde_json::Value| frame["type"] == "error" || frame["content"] == content.as_str();
        let answer = self.plain.expect_that("its message or an error", is_it).await;
        let plain = answer["code"].as_str().unwrap_or_default().to_owned();
        let reply = post(node, ROOM, token).await;
        let rest = if reply.status == 201 { String::new() } else { reply.error(403) };
        [full, plain, rest]
    }

    async fn until_refused_with(&mut self, node: &Node, token: &str, code: &str) {
        eventually(&format!("messages are refused with {code:?}"), DEADLINE, async || {
            (self.speaks(node, token).await == [code; 3]).then_some(())
        })
        .await;
    }
}

async fn post(node: &Node, room: &str, token: &str) -> Reply {
    let call = node.http().call("POST", &path(&["rooms", room, "messages"]));
    call.header("authorization", &format!("Bearer {token}")).json(&json!({ "content": "x" })).send().await
}

/// A user with sessions on every node, and a moderator.
struct Scene {
    cluster: Cluster,
    moderator: Moderator,
    token: String,
    user_id: String,
    speakers: Vec<Speaker>,
}

impl Scene {
    async fn open(cluster: Cluster) -> Self {
        let moderator = Moderator::of(&cluster, adda::model::Role::Moderator).await;
        let guest = Client::full(&cluster.nodes[0], "রহিম").await;
        let mut speakers = Vec::new();
        for node in &cluster.nodes {
            speakers.push(Speaker::enter(node, &guest.token).await);
        }
        Self { cluster, moderator, token: guest.token.clone(), user_id: guest.user_id.clone(), speakers }
    }

    async fn until_all_are_refused_with(&mut self, code: &str) {
        for (speaker, node) in self.speakers.iter_mut().zip(&self.cluster.nodes) {
            speaker.until_refused_with(node, &self.token, code).await;
        }
    }
}

#[tokio::test]
async fn a_mute_holds_over_websocket_and_rest_on_every_node_until_it_is_lifted() {
    let Some(cluster) = cluster(3).await else { return };
    let mut scene = Scene::open(cluster).await;
    let mute = path(&["rooms", ROOM, "mutes", &scene.user_id]);
    let node = &scene.cluster.nodes[1];
    scene.moderator.changes(node, "PUT", &mute, json!({ "for_s": 600 })).await;
    scene.until_all_are_refused_with("muted").await;
    let told = scene.speakers[2].full.post(ROOM, "x", "n").await;
    assert!(told["retry_after_ms"].as_u64().is_some_and(|wait| wait > 500_000 && wait <= 600_000), "{told}");
    scene.speakers[2].full.send(json!({ "type": "typing", "room_id": ROOM })).await;
    assert_eq!(scene.speakers[2].full.expect("error").await["code"], "muted");
    let reply = post(&scene.cluster.nodes[0], ROOM, &scene.token).await;
    assert!(reply.header("retry-after").parse::<u64>().is_ok_and(|wait| wait > 500), "{reply:?}");
    let listed = scene.moderator.reads(&scene.cluster.nodes[2], &path(&["rooms", ROOM, "mutes"])).await;
    assert_eq!(listed["data"][0]["user_id"], scene.user_id.as_str(), "{listed}");
    // Another room and another user are not concerned.
    assert_eq!(post(&scene.cluster.nodes[0], "other", &scene.token).await.status, 201);
    scene.cluster.nodes[0].http().post(ROOM, "of another user").await;
    scene.moderator.changes(&scene.cluster.nodes[0], "DELETE", &mute, json!({})).await;
    scene.until_all_are_refused_with("").await;
}

#[tokio::test]
async fn a_mute_ends_by_itself() {
    let Some(cluster) = cluster(2).await else { return };
    let mut scene = Scene::open(cluster).await;
    let mute = path(&["rooms", ROOM, "mutes", &scene.user_id]);
    scene.moderator.changes(&scene.cluster.nodes[0], "PUT", &mute, json!({ "for_s": 3600 })).await;
    scene.until_all_are_refused_with("muted").await;
    scene.moderator.changes(&scene.cluster.nodes[0], "PUT", &mute, json!({ "for_s": 1 })).await;
    scene.until_all_are_refused_with("").await;
}

#[tokio::test]
async fn in_a_locked_room_only_moderators_may_speak() {
    let Some(cluster) = cluster(3).await else { return };
    let mut scene = Scene::open(cluster).await;
    let mut moderator = Speaker::enter(&scene.cluster.nodes[1], &scene.moderator.token).await;
    let lock = path(&["rooms", ROOM, "lock"]);
    scene.moderator.changes(&scene.cluster.nodes[2], "PUT", &lock, json!({})).await;
    scene.until_all_are_refused_with("room_locked").await;
    let token = scene.moderator.token.clone();
    moderator.until_refused_with(&scene.cluster.nodes[1], &token, "").await;
    let listed = scene.moderator.reads(&scene.cluster.nodes[0], &path(&["rooms", ROOM, "mutes"])).await;
    assert_eq!(listed["locked"], true);
    // A user who is made a moderator may speak in the very same session.
    scene.moderator.operator.give_role(&scene.user_id, adda::model::Role::Moderator).await;
    scene.until_all_are_refused_with("").await;
    scene.moderator.operator.give_role(&scene.user_id, adda::model::Role::Member).await;
    scene.until_all_are_refused_with("room_locked").await;
    scene.moderator.changes(&scene.cluster.nodes[0], "DELETE", &lock, json!({})).await;
    scene.until_all_are_refused_with("").await;
}

#[tokio::test]
async fn a_kick_removes_the_sessions_of_a_user_from_one_room() {
    let Some(cluster) = cluster(3).await else { return };
    let mut scene = Scene::open(cluster).await;
    for speaker in &mut scene.speakers {
        speaker.full.join("other").await;
    }
    let mut witness = Client::full(&scene.cluster.nodes[0], "মিতা").await;
    witness.join(ROOM).await;
    let kick = path(&["rooms", ROOM, "kick"]);
    let node = &scene.cluster.nodes[1];
    scene.moderator.changes(node, "POST", &kick, json!({ "user_id": scene.user_id })).await;
    for speaker in &mut scene.speakers {
        let left = speaker.full.expect("left").await;
        assert_eq!((&left["room_id"], &left["reason"]), (&json!(ROOM), &json!("kicked")));
        assert_eq!(speaker.full.post(ROOM, "x", "n").await["code"], "not_in_room");
        speaker.full.posts("other", "still here").await;
        assert_eq!(speaker.plain.expect("error").await["code"], "not_in_room");
        assert_eq!(speaker.plain.closed().await, 4403);
    }
    witness.sees_leave("রহিম").await;
    scene.cluster.until_agreed(ROOM, &[&witness.connection_id]).await;
    // It may come back.
    scene.speakers[0].full.join(ROOM).await;
    scene.speakers[0].full.posts(ROOM, "here again").await;
}

#[tokio::test]
async fn a_node_whose_subscription_was_lost_learns_of_mutes_locks_and_kicks_when_it_returns() {
    let Some(cluster) = cluster(2).await else { return };
    let mut scene = Scene::open(cluster).await;
    let room = adda::model::RoomName::parse(ROOM, 64).unwrap();
    let moderation = scene.moderator.operator.backend.moderation.clone();
    let rules = "adda:{general}:rules";
    let ends = (adda::model::Timestamp::now().unix_millis() + 600_000).to_string();
    let mute = format!("m:{}", scene.user_id);
    // Nobody is told of what is written past the script. The twin: without a loss the rules of before hold.
    scene.cluster.redis.command(&["HSET", rules, &mute, &ends, "version", "1"]).await;
    assert_eq!(scene.speakers[0].full.post(ROOM, "x", "n").await["type"], "ack");
    kill_subscriptions(&scene.cluster).await;
    scene.until_all_are_refused_with("muted").await;
    scene.cluster.redis.command(&["DEL", rules]).await;
    scene.cluster.redis.command(&["HSET", rules, "locked", "1"]).await;
    kill_subscriptions(&scene.cluster).await;
    scene.until_all_are_refused_with("room_locked").await;
    let version = (adda::model::Timestamp::now().unix_millis() + 1_000).to_string();
    let kick = format!("k:{}", scene.user_id);
    scene.cluster.redis.command(&["HSET", rules, &kick, &version, "version", &version]).await;
    kill_subscriptions(&scene.cluster).await;
    for speaker in &mut scene.speakers {
        assert_eq!(speaker.full.expect("left").await["reason"], "kicked");
        assert_eq!(speaker.plain.closed().await, 4403);
    }
    let change = RulesChange::Mute(user(&scene.user_id), std::time::Duration::from_secs(600));
    scene.speakers[0].full.join(ROOM).await;
    tokio::join!(kill_subscriptions(&scene.cluster), async {
        moderation.change_rules(&room, &change).await.expect("Redis answers");
    });
    eventually("it is muted", DEADLINE, async || {
        let answer = scene.speakers[0].full.post(ROOM, "x", &uuid::Uuid::new_v4().to_string()).await;
        (answer["code"] == "muted").then_some(())
    })
    .await;
}

#[tokio::test]
async fn rooms_are_moderated_in_a_redis_cluster() {
    let Some(redis) = RedisCluster::start().await else { return };
    let urls = vec![redis.url(); 2];
    let cluster = Cluster::reaching(redis, &urls, &[("redis.prefix", "adda:")]).await;
    let mut scene = Scene::open(cluster).await;
    let mute = path(&["rooms", ROOM, "mutes", &scene.user_id]);
    scene.moderator.changes(&scene.cluster.nodes[1], "PUT", &mute, json!({ "for_s": 600 })).await;
    scene.until_all_are_refused_with("muted").await;
    scene.moderator.changes(&scene.cluster.nodes[1], "DELETE", &mute, json!({})).await;
    let lock = path(&["rooms", ROOM, "lock"]);
    scene.moderator.changes(&scene.cluster.nodes[0], "PUT", &lock, json!({})).await;
    scene.until_all_are_refused_with("room_locked").await;
}

#[tokio::test]
async fn a_message_asks_redis_nothing_about_moderation() {
    let Some(cluster) = cluster(1).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join(ROOM).await;
    rahim.posts(ROOM, "one").await;
    let reads = async || {
        let stats = cluster.redis.command(&["INFO", "commandstats"]).await;
        let stats: String = redis::from_redis_value(stats).expect("text");
        let calls =
            stats.lines().find_map(|line| line.strip_prefix("cmdstat_hgetall:calls=")?.split(',').next());
        calls.map_or(0, |calls| calls.parse::<u64>().expect("a number"))
    };
    let before = reads().await;
    assert!(before > 0, "the rules were read as the room opened");
    for number in 0..100 {
        rahim.posts(ROOM, &number.to_string()).await;
    }
    // Others are left to the node's own tasks: it reads rules again when its subscription resumes.
    assert!(reads().await - before < 10, "a hundred messages");
}

#[tokio::test]
async fn foreign_data_in_the_rules_of_a_room_is_skipped_and_counted() {
    let Some(cluster) = cluster(1).await else { return };
    let operator = Operator::of(&cluster).await;
    let rules = "adda:{general}:rules";
    for (field, value) in
        [("m:rahim", "soon"), ("k:rahim", "x"), ("m:", "1"), ("x", "y"), ("version", "-"), ("m:a b", "9")]
    {
        cluster.redis.command(&["HSET", rules, field, value]).await;
    }
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    rahim.join(ROOM).await;
    rahim.posts(ROOM, "hello").await;
    let counted = cluster.nodes[0].http().metrics().await.value("adda_unreadable_total{what=\"moderation\"}");
    assert!(counted >= 6.0, "{counted}");
    let room = adda::model::RoomName::parse(ROOM, 64).unwrap();
    let moderation = &operator.backend.moderation;
    moderation.change_rules(&room, &RulesChange::Lock).await.expect("Redis answers");
    eventually("it is locked", DEADLINE, async || {
        let answer = rahim.post(ROOM, "x", &uuid::Uuid::new_v4().to_string()).await;
        (answer["code"] == "room_locked").then_some(())
    })
    .await;
    cluster.redis.command(&["DEL", rules]).await;
    cluster.redis.command(&["SET", rules, "a key of another type"]).await;
    moderation.change_rules(&room, &RulesChange::Unlock).await.expect("Redis answers");
    eventually("it is unlocked", DEADLINE, async || {
        let answer = rahim.post(ROOM, "x", &uuid::Uuid::new_v4().to_string()).await;
        (answer["type"] == "ack").then_some(())
    })
    .await;
}
