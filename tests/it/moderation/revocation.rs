//! Log-outs, new passwords and bans end the sessions of a user on every node.

use adda::backend::StandingChange;
use adda::model::Role;
use serde_json::json;

use super::{Moderator, Operator, ban, cluster, kill_subscriptions, path};
use crate::harness::raw::first_byte::TEXT;
use crate::harness::raw::{masked, upgrade};
use crate::harness::{Client, Cluster, DEADLINE, Dial, Node, RawSocket, RedisCluster, eventually};
use crate::registration::{SETTINGS, log_in, register};

/// A session of each kind of one user, on a node.
struct Sessions {
    full: Client,
    plain: Client,
}

impl Sessions {
    async fn open(node: &Node, token: &str) -> Self {
        let full = Client::returning(node, token).await;
        let bearer = format!("Bearer {token}");
        let mut plain = Dial::plain(node.port, "/ws?room=quiet").header("authorization", bearer).open().await;
        plain.speak("here").await;
        plain.receives("here").await;
        Self { full, plain }
    }

    async fn are_closed_with(&mut self, code: u16) {
        assert_eq!((self.full.closed().await, self.plain.closed().await), (code, code));
    }
}

/// A user, its sessions on every node, and a user who has nothing to do with it.
struct Scene {
    user: Client,
    sessions: Vec<Sessions>,
    other: Client,
}

impl Scene {
    async fn open(cluster: &Cluster) -> Self {
        let user = Client::full(&cluster.nodes[0], "রহিম").await;
        let mut sessions = Vec::new();
        for node in &cluster.nodes {
            sessions.push(Sessions::open(node, &user.token).await);
        }
        let other = Client::full(&cluster.nodes[0], "মিতা").await;
        Self { user, sessions, other }
    }

    async fn all_are_closed_with(&mut self, code: u16) {
        for sessions in &mut self.sessions {
            sessions.are_closed_with(code).await;
        }
        // It never showed its token, and is a session of the user all the same.
        assert_eq!(self.user.closed().await, code);
        self.other.join("general").await;
        self.other.posts("general", "still here").await;
    }
}

async fn post(node: &Node, token: &str) -> crate::harness::Reply {
    let call = node.http().call("POST", "/api/rooms/general/messages");
    call.header("authorization", &format!("Bearer {token}")).json(&json!({ "content": "x" })).send().await
}

#[tokio::test]
async fn a_log_out_ends_the_sessions_of_its_user_on_every_node() {
    let Some(cluster) = cluster(3).await else { return };
    let (operator, mut scene) = (Operator::of(&cluster).await, Scene::open(&cluster).await);
    operator.change(&scene.user.user_id, StandingChange::NextGeneration).await;
    scene.all_are_closed_with(4401).await;
    for node in &cluster.nodes {
        assert!(Client::returning_or_refused(node, &scene.user.token).await.is_none());
        assert_eq!(post(node, &scene.user.token).await.error(401), "bad_token");
    }
}

/// Frames that come with the upgrade, or before the close frame has been read.
#[tokio::test]
async fn nothing_is_done_for_a_session_that_is_refused() {
    let Some(cluster) = cluster(1).await else { return };
    let node = &cluster.nodes[0];
    let (operator, banned) = (Operator::of(&cluster).await, Client::full(node, "রহিম").await);
    let mut witness = Client::full(node, "witness").await;
    witness.join("general").await;
    operator.change(&banned.user_id, ban()).await;
    let head = upgrade("/ws", Some("adda.v1"));
    let head = head.replace("\r\n\r\n", &format!("\r\nAuthorization: Bearer {}\r\n\r\n", banned.token));
    let join = masked(TEXT, br#"{"type":"join","room_id":"general"}"#);
    let post = masked(TEXT, br#"{"type":"text","room_id":"general","content":"all the same"}"#);
    let mut socket = RawSocket::connect(node.port).await;
    assert!(socket.write(&[head.into_bytes(), join, post].concat()).await);
    assert!(socket.read_head().await.starts_with("HTTP/1.1 101 "));
    assert_eq!(socket.close_code().await, Some(4403));
    witness.posts("general", "after").await;
    assert_eq!(witness.texts(1).await[0]["content"], "after");
    assert!(witness.untaken("join").is_empty(), "{witness}");
}

#[tokio::test]
async fn a_ban_ends_the_sessions_of_its_user_and_refuses_new_ones_until_it_is_lifted() {
    let Some(cluster) = cluster(3).await else { return };
    let (operator, mut scene) = (Operator::of(&cluster).await, Scene::open(&cluster).await);
    operator.change(&scene.user.user_id, ban()).await;
    let told = scene.sessions[1].full.expect("error").await;
    assert_eq!((&told["code"], &told["content"]), (&json!("banned"), &json!("You are banned: spam")));
    scene.all_are_closed_with(4403).await;
    let bearer = format!("Bearer {}", scene.user.token);
    for node in &cluster.nodes {
        assert!(Client::returning_or_refused(node, &scene.user.token).await.is_none());
        assert_eq!(post(node, &scene.user.token).await.error(403), "banned");
        let mut full = Dial::full(node.port, "/ws").header("authorization", &bearer).open().await;
        assert_eq!(full.expect("error").await["code"], "banned");
        assert_eq!(full.closed().await, 4403);
        let mut plain = Dial::plain(node.port, "/ws").header("authorization", &bearer).open().await;
        assert_eq!(plain.expect("error").await["code"], "banned");
        assert_eq!(plain.closed().await, 4403);
    }
    operator.change(&scene.user.user_id, StandingChange::Unban).await;
    for node in &cluster.nodes {
        eventually("it is admitted again", DEADLINE, async || {
            Client::returning_or_refused(node, &scene.user.token).await.map(drop)
        })
        .await;
    }
}

#[tokio::test]
async fn a_ban_that_ends_by_itself_says_how_long_it_lasts() {
    let Some(cluster) = cluster(1).await else { return };
    let (operator, node) = (Operator::of(&cluster).await, &cluster.nodes[0]);
    let mut rahim = Client::full(node, "রহিম").await;
    let lasts = Some(std::time::Duration::from_secs(2));
    operator.change(&rahim.user_id, StandingChange::Ban { lasts, reason: None }).await;
    let told = rahim.expect("error").await;
    assert_eq!(told["code"], "banned");
    assert!(told["retry_after_ms"].as_u64().is_some_and(|wait| wait <= 2_000), "{told}");
    assert_eq!(rahim.closed().await, 4403);
    eventually("it ends", DEADLINE, async || {
        Client::returning_or_refused(node, &rahim.token).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn a_node_whose_subscription_was_lost_finds_revoked_sessions_when_it_returns() {
    let Some(cluster) = cluster(3).await else { return };
    let (operator, mut scene) = (Operator::of(&cluster).await, Scene::open(&cluster).await);
    let user_id = scene.user.user_id.clone();
    operator.change_silently(&user_id, StandingChange::NextGeneration).await;
    // The twin: a node that is not told goes on, since no message asks Redis for the standing of its user.
    scene.sessions[1].full.catch_up().await;
    scene.sessions[1].full.join("general").await;
    kill_subscriptions(&cluster).await;
    scene.all_are_closed_with(4401).await;
}

#[tokio::test]
async fn a_ban_that_is_set_while_subscriptions_are_cut_reaches_every_node() {
    let Some(cluster) = cluster(3).await else { return };
    let operator = Operator::of(&cluster).await;
    for _ in 0..5 {
        let mut scene = Scene::open(&cluster).await;
        tokio::join!(kill_subscriptions(&cluster), operator.change(&scene.user.user_id, ban()));
        scene.all_are_closed_with(4403).await;
    }
}

#[tokio::test]
async fn a_session_that_starts_during_a_log_out_does_not_outlast_it() {
    const ROUNDS: usize = 30;

    let Some(cluster) = cluster(2).await else { return };
    let operator = Operator::of(&cluster).await;
    let (mut closed, mut round) = (0, 0_usize);
    // On a slow machine a session starts long after the first log-outs.
    while round < ROUNDS || closed == 0 {
        let user = Client::full(&cluster.nodes[0], "রহিম").await;
        let turns = if round < ROUNDS { round * 10 } else { round.pow(3) };
        let log_out = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            operator.change(&user.user_id, StandingChange::NextGeneration).await;
        };
        let starting = Client::returning_or_refused(&cluster.nodes[1], &user.token);
        let (session, ()) = tokio::join!(starting, log_out);
        if let Some(mut session) = session {
            assert_eq!(session.closed().await, 4401);
            closed += 1;
        }
        round += 1;
    }
}

#[tokio::test]
async fn a_guest_who_signs_in_while_redis_is_frozen_is_checked_once_it_answers() {
    let Some(cluster) = cluster(1).await else { return };
    let (operator, node) = (Operator::of(&cluster).await, &cluster.nodes[0]);
    let rahim = Client::full(node, "রহিম").await;
    let mut mita = Client::full(node, "মিতা").await;
    operator.change_silently(&rahim.user_id, ban()).await;
    cluster.redis.freeze();
    mita.send(json!({ "type": "auth", "token": rahim.token })).await;
    mita.expect("auth_success").await;
    cluster.redis.thaw();
    assert_eq!(mita.closed().await, 4403);
}

#[tokio::test]
async fn sessions_are_revoked_in_a_redis_cluster() {
    let Some(redis) = RedisCluster::start().await else { return };
    let urls = vec![redis.url(); 2];
    let cluster = Cluster::reaching(redis, &urls, &[("redis.prefix", "adda:")]).await;
    let operator = Operator::of(&cluster).await;
    let mut scene = Scene::open(&cluster).await;
    operator.change(&scene.user.user_id, ban()).await;
    scene.all_are_closed_with(4403).await;
    let mut scene = Scene::open(&cluster).await;
    operator.change_silently(&scene.user.user_id, StandingChange::NextGeneration).await;
    kill_subscriptions(&cluster).await;
    scene.all_are_closed_with(4401).await;
}

#[tokio::test]
async fn foreign_data_in_a_standing_is_skipped_and_counted() {
    let Some(cluster) = cluster(1).await else { return };
    let (operator, node) = (Operator::of(&cluster).await, &cluster.nodes[0]);
    let unreadable = async || {
        let metrics = node.http().metrics().await;
        metrics.value("adda_unreadable_total{what=\"standing\"}")
    };
    let until_refused = async |token: &str| {
        eventually("the ban is known", DEADLINE, async || {
            Client::returning_or_refused(node, token).await.is_none().then_some(())
        })
        .await;
    };
    for (field, value) in
        [("generation", "x"), ("signed_out_at", "-1"), ("role", "owner"), ("ban", "soon"), ("ban", "\u{0}")]
    {
        let rahim = Client::full(node, "রহিম").await;
        let key = format!("adda:{{user:{}}}:standing", rahim.user_id);
        cluster.redis.command(&["HSET", &key, field, value]).await;
        let before = unreadable().await;
        Client::returning(node, &rahim.token).await;
        assert!(unreadable().await > before, "{field} {value}");
        operator.change(&rahim.user_id, ban()).await;
        until_refused(&rahim.token).await;
    }
    let rahim = Client::full(node, "রহিম").await;
    let key = format!("adda:{{user:{}}}:standing", rahim.user_id);
    cluster.redis.command(&["SET", &key, "a key of another type"]).await;
    Client::returning(node, &rahim.token).await;
    operator.change(&rahim.user_id, ban()).await;
    until_refused(&rahim.token).await;
}

#[tokio::test]
async fn a_banned_user_logs_in_no_more_until_the_ban_is_lifted() {
    let settings = [&SETTINGS[..], &[("redis.prefix", "adda:")]].concat();
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    let admin = Moderator::of(&cluster, Role::Admin).await;
    let password = "correct horse battery";
    let made = register(&cluster.nodes[0], "Rahim", password).await.json();
    let ban = path(&["bans", made["user_id"].as_str().unwrap()]);
    admin.changes(&cluster.nodes[0], "PUT", &ban, json!({ "reason": "spam" })).await;
    for node in &cluster.nodes {
        assert_eq!(log_in(node, "Rahim", password).await.error(403), "banned");
        assert_eq!(log_in(node, "Rahim", "another horse").await.error(401), "bad_credentials");
    }
    admin.changes(&cluster.nodes[1], "DELETE", &ban, json!({})).await;
    assert_eq!(log_in(&cluster.nodes[0], "Rahim", password).await.status, 200);
}
