//! Redis refuses commands or answers too late: clients get an error in time, sockets stay open, and service
//! resumes by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::timeout;

use crate::harness::redis::RedisServer;
use crate::harness::roamer::outage;
use crate::harness::{Client, Cluster, LONG_DEADLINE, Launch, Proxy, eventually};

/// Clients that post while Redis refuses.
const SPEAKERS: usize = 24;

/// Far less than one `redis.command_timeout` (2 s) for each of them, far more than one for all.
const BOUNDED: Duration = Duration::from_secs(9);

/// Clients in the room `general` on two nodes.
struct Talk {
    people: Vec<Client>,
    connections: Vec<String>,
}

impl Talk {
    async fn begin(cluster: &Cluster) -> Self {
        let mut people = Vec::new();
        for place in 0..SPEAKERS {
            let mut client = Client::full(&cluster.nodes[place % 2], &format!("person {place}")).await;
            client.join("general").await;
            people.push(client);
        }
        for (place, client) in people.iter_mut().enumerate() {
            for later in place + 1..SPEAKERS {
                client.sees_join(&format!("person {later}")).await;
            }
        }
        people[0].posts("general", "before").await;
        for client in &mut people {
            client.receives("before").await;
            // Late notices of the clients that joined before.
            client.take_all();
        }
        let connections = cluster.nodes[0].http().connections("general").await;
        Self { people, connections }
    }

    /// All clients post at once; no refusal waits for the others.
    async fn is_refused(&mut self) {
        let posts = self.people.iter_mut().enumerate().map(async |(place, client)| {
            client.post("general", &format!("word {place}"), &format!("n-{place}")).await
        });
        let answers = timeout(BOUNDED, join_all(posts)).await.expect("no refusal waits for another");
        let mut waits = BTreeSet::new();
        for refusal in answers {
            assert_eq!((&refusal["type"], &refusal["code"]), (&json!("error"), &json!("unavailable")));
            waits.insert(refusal["retry_after_ms"].as_u64().filter(|ms| *ms > 0).expect("a time to wait"));
        }
        assert!(waits.len() > 1, "clients refused at the same time get different waits: {waits:?}");
    }

    /// The same messages are accepted now, each once. Clients have seen only the refusals and so many resets.
    async fn goes_on(&mut self, resets: usize) {
        for (place, client) in self.people.iter_mut().enumerate() {
            let (word, nonce) = (format!("word {place}"), format!("n-{place}"));
            let ack = eventually("the message is accepted", LONG_DEADLINE, async || {
                let answer = client.post("general", &word, &nonce).await;
                (answer["type"] == "ack").then_some(answer)
            })
            .await;
            assert!(ack["seq"].is_u64(), "{ack}");
        }
        for client in &mut self.people {
            let mut words = BTreeSet::new();
            let mut last = 1;
            // A refused post may have been logged: its client cannot know.
            while words.len() < SPEAKERS {
                let message = client.expect("text").await;
                assert_eq!(message["seq"], last + 1, "{message}");
                last += 1;
                if let Some(word) = message["content"].as_str().filter(|content| content.starts_with("word"))
                {
                    assert!(words.insert(word.to_owned()), "{word} arrives twice");
                }
            }
            client.catch_up().await;
            assert_eq!(client.untaken("reset").len(), resets, "{client}");
            for kind in ["text", "join", "leave", "gap"] {
                let frames = client.untaken(kind);
                assert!(frames.is_empty(), "{client} received {frames:?}");
            }
        }
    }
}

/// During the fault every node is not ready, and after a failed renewal no node answers about members.
async fn assert_unavailable(cluster: &mut Cluster) {
    for node in &mut cluster.nodes {
        node.until_readyz(503).await;
        assert_eq!(node.http().get("/healthz").await.status, 200);
        for path in ["/api/rooms", "/api/rooms/general", "/api/rooms/general/messages", "/api/nodes"] {
            let reply = eventually(&format!("{path} is refused"), LONG_DEADLINE, async || {
                Some(node.http().get(path).await).filter(|reply| reply.status != 200)
            })
            .await;
            assert_eq!(reply.error(503), "unavailable", "{path}");
        }
        let post = node.http().call("POST", "/api/rooms/general/messages").json(&json!({ "content": "x" }));
        assert_eq!(post.send().await.error(503), "unavailable");
    }
}

/// Posts succeed before the fault, are refused during it, and succeed after it.
async fn survives(
    cluster: Cluster,
    begins: impl AsyncFnOnce(&mut Cluster),
    ends: impl AsyncFnOnce(&mut Cluster),
) {
    let (_cluster, mut talk) = outlast(cluster, begins, ends).await;
    talk.goes_on(0).await;
}

async fn outlast(
    mut cluster: Cluster,
    begins: impl AsyncFnOnce(&mut Cluster),
    ends: impl AsyncFnOnce(&mut Cluster),
) -> (Cluster, Talk) {
    let mut talk = Talk::begin(&cluster).await;
    begins(&mut cluster).await;
    talk.is_refused().await;
    assert_unavailable(&mut cluster).await;
    ends(&mut cluster).await;
    for node in &mut cluster.nodes {
        node.until_ready().await;
    }
    let connections: Vec<_> = talk.connections.iter().map(String::as_str).collect();
    cluster.until_agreed("general", &connections).await;
    (cluster, talk)
}

async fn set(cluster: &Cluster, setting: &str, value: &str) {
    cluster.redis.command(&["CONFIG", "SET", setting, value]).await;
}

#[tokio::test]
async fn redis_that_became_a_read_only_replica_refuses_until_it_is_master_again() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let nobody = Launch::new().port().to_string();
    let begins = async |cluster: &mut Cluster| {
        cluster.redis.command(&["REPLICAOF", "127.0.0.1", &nobody]).await;
    };
    let ends = async |cluster: &mut Cluster| {
        cluster.redis.command(&["REPLICAOF", "NO", "ONE"]).await;
    };
    let (_cluster, mut talk) = outlast(cluster, begins, ends).await;
    // A replica may lack the last messages of the old master: its numbering continues in a new epoch.
    talk.goes_on(1).await;
}

#[tokio::test]
async fn redis_that_can_not_save_refuses() {
    let Some(cluster) = Cluster::start(2).await else { return };
    // Redis cannot replace a folder with its file.
    let in_the_way = cluster.redis.folder().join("dump.rdb");
    let begins = async |cluster: &mut Cluster| {
        std::fs::create_dir(&in_the_way).expect("the folder can be written");
        set(cluster, "save", "3600 1").await;
        save(cluster, "err").await;
    };
    let ends = async |cluster: &mut Cluster| {
        std::fs::remove_dir(&in_the_way).expect("it is empty");
        save(cluster, "ok").await;
    };
    survives(cluster, begins, ends).await;
}

/// Makes Redis write a snapshot and waits for this result.
async fn save(cluster: &Cluster, end: &str) {
    cluster.redis.command(&["BGSAVE"]).await;
    let wanted = format!("rdb_last_bgsave_status:{end}");
    eventually(&wanted, LONG_DEADLINE, async || {
        let answer = cluster.redis.command(&["INFO", "persistence"]).await;
        let info: String = redis::from_redis_value(answer).expect("text");
        info.contains(&wanted).then_some(())
    })
    .await;
}

/// Two nodes that authenticate to Redis as a user of their own.
async fn cluster_of_user() -> Option<Cluster> {
    let redis = RedisServer::start().await?;
    redis.command(&["ACL", "SETUSER", "adda", "on", ">first", "~*", "&*", "+@all"]).await;
    let url = redis.url().replace("redis://", "redis://adda:first@");
    Some(Cluster::reaching(redis, &[url.clone(), url], &[]).await)
}

#[tokio::test]
async fn a_password_that_is_changed_under_way_and_back() {
    let Some(cluster) = cluster_of_user().await else { return };
    let begins = async |cluster: &mut Cluster| {
        cluster.redis.command(&["ACL", "SETUSER", "adda", "resetpass", ">second"]).await;
        // Authenticated connections stay valid.
        cluster.redis.command(&["CLIENT", "KILL", "USER", "adda"]).await;
    };
    let ends = async |cluster: &mut Cluster| {
        cluster.redis.command(&["ACL", "SETUSER", "adda", "resetpass", ">first"]).await;
    };
    survives(cluster, begins, ends).await;
}

#[tokio::test]
async fn rights_that_are_taken_away_and_given_back() {
    for right in ["@scripting", "@write"] {
        let Some(cluster) = cluster_of_user().await else { return };
        let begins = async |cluster: &mut Cluster| {
            cluster.redis.command(&["ACL", "SETUSER", "adda", &format!("-{right}")]).await;
        };
        let ends = async |cluster: &mut Cluster| {
            cluster.redis.command(&["ACL", "SETUSER", "adda", &format!("+{right}")]).await;
        };
        survives(cluster, begins, ends).await;
    }
}

/// Answers about members stay exact, since reads and renewals still work.
#[tokio::test]
async fn a_node_that_may_not_publish_is_not_ready_and_logs_nothing() {
    let Some(mut cluster) = cluster_of_user().await else { return };
    let mut talk = Talk::begin(&cluster).await;
    cluster.redis.command(&["ACL", "SETUSER", "adda", "-@pubsub"]).await;
    talk.is_refused().await;
    for node in &mut cluster.nodes {
        node.until_readyz(503).await;
    }
    let logged = cluster.nodes[0].http().messages("general", "").await;
    assert_eq!(logged.len(), 1, "what was refused is not in the log: {logged:?}");
    cluster.redis.command(&["ACL", "SETUSER", "adda", "+@pubsub"]).await;
    for node in &mut cluster.nodes {
        node.until_ready().await;
    }
    talk.goes_on(0).await;
}

#[tokio::test]
async fn redis_that_is_loading_is_waited_for() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let fill = "for i = 1, 30000 do redis.call('SET', 'filler' .. i, i) end";
    cluster.redis.command(&["EVAL", fill, "0"]).await;
    let begins = async |cluster: &mut Cluster| {
        cluster.redis.kill();
        // Microseconds a command. After each thousand commands Redis answers its clients.
        cluster.redis.begin_restart(&["--key-load-delay", "100"]);
        eventually("Redis is loading", LONG_DEADLINE, async || {
            let error = cluster.redis.try_command(&["PING"]).await.err()?;
            (error.code() == Some("LOADING")).then_some(())
        })
        .await;
    };
    let ends = async |cluster: &mut Cluster| {
        eventually("Redis has loaded", LONG_DEADLINE, async || {
            cluster.redis.try_command(&["PING"]).await.ok().map(drop)
        })
        .await;
    };
    let (_cluster, mut talk) = outlast(cluster, begins, ends).await;
    talk.goes_on(1).await;
}

#[tokio::test]
async fn redis_that_is_paused_refuses_until_it_resumes() {
    let Some(cluster) = Cluster::start(2).await else { return };
    let begins = async |cluster: &mut Cluster| {
        cluster.redis.command(&["CLIENT", "PAUSE", "12000", "ALL"]).await;
    };
    // The pause ends by itself; until then Redis answers no client.
    survives(cluster, begins, async |_| {}).await;
}

#[tokio::test]
async fn redis_that_answers_after_the_time_out() {
    let Some((cluster, proxies)) = cluster_behind_proxies().await else { return };
    let late = async |_: &mut Cluster| proxies.iter().for_each(|proxy| proxy.delay(Duration::from_secs(3)));
    let soon = async |_: &mut Cluster| proxies.iter().for_each(|proxy| proxy.delay(Duration::ZERO));
    survives(cluster, late, soon).await;
}

async fn cluster_behind_proxies() -> Option<(Cluster, Vec<Proxy>)> {
    let redis = RedisServer::start().await?;
    let proxies = vec![Proxy::start(redis.port()).await, Proxy::start(redis.port()).await];
    let urls: Vec<_> = proxies.iter().map(|proxy| format!("redis://127.0.0.1:{}", proxy.port)).collect();
    Some((Cluster::reaching(redis, &urls, &[]).await, proxies))
}

#[tokio::test]
async fn redis_that_is_slow_but_in_time_is_no_outage() {
    let Some((mut cluster, proxies)) = cluster_behind_proxies().await else { return };
    let mut talk = Talk::begin(&cluster).await;
    proxies.iter().for_each(|proxy| proxy.delay(Duration::from_millis(200)));
    // For longer than a lease.
    for round in 0..6 {
        let (nonce, word) = (format!("slow {round}").replace(' ', "-"), format!("slow {round}"));
        assert_eq!(talk.people[0].post("general", &word, &nonce).await["type"], "ack");
        for node in &cluster.nodes {
            assert_eq!(node.http().status("/readyz").await, Some(200));
            assert_eq!(node.http().connections("general").await, talk.connections);
        }
        outage(Duration::from_secs(1)).await;
    }
    let mut late = Client::full(&cluster.nodes[1], "late").await;
    assert_eq!(late.join("general").await["client_count"], SPEAKERS + 1);
    proxies.iter().for_each(|proxy| proxy.delay(Duration::ZERO));
    for client in &mut talk.people {
        client.sees_join("late").await;
        assert_eq!(client.texts(6).await.len(), 6);
        assert!(client.untaken("leave").is_empty(), "{client}");
    }
    cluster.nodes[0].until_ready().await;
}

#[tokio::test]
async fn a_post_queued_behind_many_joins_is_refused_in_time() {
    const JOINS: usize = 20;
    let Some(mut cluster) = Cluster::start(1).await else { return };
    let mut client = Client::full(&cluster.nodes[0], "client").await;
    client.join("general").await;
    cluster.redis.freeze();
    cluster.nodes[0].until_readyz(503).await;
    for number in 0..JOINS {
        client.send(json!({ "type": "join", "room_id": format!("room {number}") })).await;
    }
    let refusal = client.post("general", "behind them", "n-1").await;
    assert_eq!(refusal["code"], "unavailable", "{refusal}");
    let refused = client.untaken("error");
    assert_eq!(refused.len(), JOINS);
    for error in refused {
        assert_eq!(error["code"], "unavailable", "{error}");
        assert!(error["retry_after_ms"].is_u64(), "{error}");
    }
    cluster.redis.thaw();
    cluster.nodes[0].until_ready().await;
    client.join("room 0").await;
}

/// Connections time out and answers nearly do: some requests are refused, but no answer is wrong.
#[tokio::test]
async fn redis_that_is_nearly_too_slow_causes_no_wrong_answer() {
    let Some((mut cluster, proxies)) = cluster_behind_proxies().await else { return };
    let mut talk = Talk::begin(&cluster).await;
    proxies.iter().for_each(|proxy| proxy.delay(Duration::from_millis(1500)));
    let mut taken = Vec::new();
    // For longer than a lease.
    for round in 0..3 {
        let (word, nonce) = (format!("slow {round}"), format!("slow-{round}"));
        let answer = talk.people[0].post("general", &word, &nonce).await;
        assert!(answer["type"] == "ack" || answer["code"] == "unavailable", "{answer}");
        if answer["type"] == "ack" {
            taken.push(word);
        }
        for node in &cluster.nodes {
            let known = node.http().connections_if_known("general").await;
            assert!(known.is_none_or(|known| known == talk.connections), "true or 503, never short");
        }
    }
    proxies.iter().for_each(|proxy| proxy.delay(Duration::ZERO));
    for node in &mut cluster.nodes {
        node.until_ready().await;
    }
    for client in &mut talk.people {
        for word in &taken {
            client.receives(word).await;
        }
        client.catch_up().await;
        for kind in ["join", "leave", "gap", "reset"] {
            assert!(client.untaken(kind).is_empty(), "{client}");
        }
    }
    let connections: Vec<_> = talk.connections.iter().map(String::as_str).collect();
    cluster.until_agreed("general", &connections).await;
}
