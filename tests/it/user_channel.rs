//! An event of a user reaches each of its full sessions, on every node.

use adda::backend::{self, Backend, Events};
use adda::config::Config;
use adda::model::{NodeId, RoomName, UserEvent, UserId};
use adda::supervisor::Supervisor;
use serde_json::json;

use crate::harness::store::Store;
use crate::harness::{Client, Cluster, DEADLINE, Dial, RedisCluster, eventually};

/// A publisher beside the nodes.
struct Publisher {
    backend: Backend,
    // Its events have no reader.
    _events: Events,
}

impl Publisher {
    async fn of(redis: &Store) -> Self {
        let mut config = Config::defaults();
        config.redis.url = redis.url();
        let started = backend::start(&config, NodeId::random(), &Supervisor::default()).await;
        let (backend, events) = started.expect("Redis is there");
        Self { backend, _events: events }
    }

    async fn tell(&self, user_id: &str, event: UserEvent) {
        let user = UserId::parse(user_id).expect("a user id");
        self.backend.tell_user(&user, event).await.expect("Redis answers");
    }
}

fn read(seq: u64) -> UserEvent {
    UserEvent::Read { room: RoomName::parse("general", 64).expect("a name"), seq }
}

async fn reaches_every_session_once(cluster: Cluster) {
    let publisher = Publisher::of(&cluster.redis).await;
    let first = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut sessions = Vec::new();
    for node in &cluster.nodes {
        sessions.push(Client::returning(node, &first.token).await);
    }
    let bearer = format!("Bearer {}", first.token);
    let plain = Dial::plain(cluster.nodes[0].port, "/ws?room=general").header("authorization", &bearer);
    let mut plain = plain.open().await;
    let mut stranger = Client::full(&cluster.nodes[0], "মিতা").await;
    stranger.join("general").await;
    publisher.tell(&first.user_id, read(1)).await;
    publisher.tell(&first.user_id, read(2)).await;
    publisher.tell(&stranger.user_id, read(3)).await;
    for session in &mut sessions {
        assert_eq!(session.expect("read").await, json!({ "type": "read", "room_id": "general", "seq": 1 }));
        assert_eq!(session.expect("read").await["seq"], 2);
        assert!(session.untaken("read").is_empty());
    }
    assert_eq!(stranger.expect("read").await["seq"], 3);
    plain.speak("a mark").await;
    plain.receives("a mark").await;
    assert!(plain.untaken("read").is_empty(), "{plain}");
    stranger.receives("a mark").await;
    assert!(stranger.untaken("read").is_empty(), "{stranger}");
}

#[tokio::test]
async fn an_event_of_a_user_reaches_each_full_session_once() {
    let Some(cluster) = Cluster::with(3, &[("redis.prefix", "adda:")]).await else { return };
    reaches_every_session_once(cluster).await;
}

#[tokio::test]
async fn an_event_of_a_user_arrives_in_a_redis_cluster() {
    let Some(redis) = RedisCluster::start().await else { return };
    let urls = vec![redis.url(); 2];
    reaches_every_session_once(Cluster::reaching(redis, &urls, &[("redis.prefix", "adda:")]).await).await;
}

#[tokio::test]
async fn a_node_follows_a_user_while_a_full_session_is_there() {
    let settings = [("redis.prefix", "adda:"), ("presence.unsubscribe_after", "1s")];
    let Some(cluster) = Cluster::with(1, &settings).await else { return };
    let node = &cluster.nodes[0];
    let subscribers = async |user_id: &str| {
        let channel = format!("adda:user:{{{user_id}}}");
        let answer = cluster.redis.command(&["PUBSUB", "NUMSUB", &channel]).await;
        let (_, count): (String, u64) = redis::from_redis_value(answer).expect("a channel and a number");
        count == 1
    };
    // A new guest is followed soon although it joins no room.
    let guest = Client::full(node, "রহিম").await;
    eventually("the guest is followed", DEADLINE, async || subscribers(&guest.user_id).await.then_some(()))
        .await;
    let second = Client::returning(node, &guest.token).await;
    let (token, user_id) = (guest.token.clone(), guest.user_id.clone());
    guest.close().await;
    let plain = Dial::plain(node.port, "/ws?room=general").header("authorization", format!("Bearer {token}"));
    let _plain = plain.open().await;
    assert!(subscribers(&user_id).await, "another session is there");
    second.close().await;
    let gone = async || (!subscribers(&user_id).await).then_some(());
    eventually("the user is followed no longer", DEADLINE, gone).await;
    let _back = Client::returning(node, &token).await;
    assert!(subscribers(&user_id).await, "it is followed before it is welcomed");
}

#[tokio::test]
async fn after_a_lost_subscription_sessions_are_told_to_ask_for_their_rooms_again() {
    let Some(cluster) = Cluster::with(2, &[("redis.prefix", "adda:")]).await else { return };
    let publisher = Publisher::of(&cluster.redis).await;
    let mut sessions =
        [Client::full(&cluster.nodes[0], "রহিম").await, Client::full(&cluster.nodes[1], "মিতা").await];
    for session in &mut sessions {
        session.join("general").await;
        publisher.tell(&session.user_id, read(1)).await;
        session.expect("read").await;
        // The twin: none comes without a loss.
        assert!(session.untaken("my_rooms_changed").is_empty(), "{session}");
    }
    cluster.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    for session in &mut sessions {
        assert_eq!(session.expect("my_rooms_changed").await, json!({ "type": "my_rooms_changed" }));
        publisher.tell(&session.user_id, read(2)).await;
        assert_eq!(session.expect("read").await["seq"], 2);
    }
}
