//! Redis as in production: users with few rights, TLS, replicas that must have a message, Sentinels, a Redis Cluster.
//! Failovers are in `chaos_runs`.

use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::harness::redis::RedisServer;
use crate::harness::redis_cluster::until_says;
use crate::harness::store::Store;
use crate::harness::{Client, Cluster, LONG_DEADLINE, Node, RedisCluster, Sentinels, eventually, ports};

/// The sufficient rights by docs/redis.md.
const RIGHTS: &str = "~adda:* &adda:* +@read +@write +@pubsub +@transaction +@connection +evalsha +script|load +info \
                      +time +wait";

/// Asserts that clients on two nodes post, join, leave and are listed.
async fn people_talk(cluster: &Cluster) {
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "মিতা").await;
    for room in ["general", "আড্ডা", "kitchen"] {
        rahim.join(room).await;
        mita.join(room).await;
        rahim.sees_join("মিতা").await;
        let first = rahim.posts(room, "হ্যালো").await;
        let second = mita.posts(room, "ওহে").await;
        assert_eq!((&first["seq"], &second["seq"]), (&1.into(), &2.into()), "{room}");
        for client in [&mut rahim, &mut mita] {
            client.receives("হ্যালো").await;
            client.receives("ওহে").await;
        }
        cluster.agree(room, &[&rahim.connection_id, &mita.connection_id]).await;
    }
    let counts = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), 2)).collect::<Vec<_>>();
    assert_eq!(cluster.nodes[1].http().rooms().await, counts(&["general", "kitchen", "আড্ডা"]));
    mita.leave("kitchen").await;
    rahim.leave("kitchen").await;
    cluster.agree("kitchen", &[]).await;
    assert_eq!(cluster.nodes[0].http().rooms().await, counts(&["general", "আড্ডা"]));
}

#[tokio::test]
async fn people_talk_over_a_redis_cluster() {
    let Some(redis) = RedisCluster::start().await else { return };
    let urls = vec![redis.url(); 2];
    people_talk(&Cluster::reaching(redis, &urls, &[]).await).await;
}

#[tokio::test]
async fn people_talk_over_a_master_that_sentinels_name() {
    let Some(redis) = Sentinels::start().await else { return };
    let urls = vec![redis.url(); 2];
    people_talk(&Cluster::reaching(redis, &urls, &[]).await).await;
}

/// When a machine dies, its Sentinel and its connections to the master fail in silence.
#[tokio::test]
async fn a_sentinel_that_never_answers_delays_no_request() {
    let Some(redis) = Sentinels::start().await else { return };
    let urls = vec![redis.url(); 2];
    redis.freeze_first();
    people_talk(&Cluster::reaching(redis, &urls, &[]).await).await;
}

/// Sentinels take ten seconds to demote the old master; writes that it accepts until then are lost.
#[tokio::test]
async fn a_replaced_master_that_was_not_demoted_is_left() {
    let Some(redis) = Sentinels::start().await else { return };
    let urls = vec![redis.url(); 2];
    let cluster = Cluster::reaching(redis, &urls, &[("redis.prefix", "adda:")]).await;
    let Store::Sentinels(redis) = &cluster.redis else { unreachable!("started with them") };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "মিতা").await;
    rahim.join("general").await;
    mita.join("general").await;
    rahim.posts("general", "one").await;
    mita.receives("one").await;
    redis.servers[0].command(&["ACL", "SETUSER", "default", "-replicaof", "-slaveof"]).await;
    redis.fail_over().await;
    // Before the node asks the Sentinels again it opens a few connections, and those lead to the next master. The others
    // must not stay with the old one.
    while !redis.names_another(0).await {
        rahim.post("general", "between", &uuid::Uuid::new_v4().to_string()).await;
    }
    replace_idle_connections(&cluster.nodes[0], &redis.servers[0]).await;
    redis.until_not_master(0).await;
    let next = &redis.servers[redis.master().await];
    let mut number = 0;
    eventually("what is said is on the next master", LONG_DEADLINE, async || {
        number += 1;
        rahim.post("general", "two", &format!("n-{number}")).await;
        let length: u64 =
            redis::from_redis_value(next.command(&["XLEN", "adda:{general}:log"]).await).expect("a number");
        (length > 1).then_some(())
    })
    .await;
    rahim.posts("general", "three").await;
    mita.receives("three").await;
    until_says(&redis.servers[0], "INFO", "replication", "role:master").await;
}

/// Has a node open connections to Redis without a failure of one in use.
async fn replace_idle_connections(node: &Node, redis: &RedisServer) {
    let clients: String = redis::from_redis_value(redis.command(&["CLIENT", "LIST"]).await).expect("text");
    for client in clients.lines().filter(|client| client.contains("lib-name=redis-rs")) {
        let field = |name: &str| client.split(' ').find_map(|field| field.strip_prefix(name));
        let idle: u64 = field("idle=").and_then(|idle| idle.parse().ok()).expect("a number");
        if idle > 2 {
            // It may have ended meanwhile.
            let _ = redis.try_command(&["CLIENT", "KILL", "ID", field("id=").expect("each has one")]).await;
        }
    }
    join_all(
        (0..8).map(|i| async move { node.http().get(&format!("/api/rooms/unread-{i}/messages")).await }),
    )
    .await;
}

#[tokio::test]
async fn the_documented_rights_are_enough() {
    let reference = std::fs::read_to_string("docs/redis.md").expect("the root of the checkout");
    let rights: Vec<_> = RIGHTS.split_whitespace().collect();
    assert!(reference.contains(&rights.join(" ")), "docs/redis.md names other rights");
    let Some(redis) = RedisServer::start().await else { return };
    let mut words = vec!["ACL", "SETUSER", "adda", "on", ">a-password"];
    words.extend(&rights);
    redis.command(&words).await;
    let urls = vec![redis.url().replace("redis://", "redis://adda:a-password@"); 2];
    let cluster = Cluster::reaching(redis, &urls, &[("redis.prefix", "adda:")]).await;
    cluster.redis.command(&["ACL", "LOG", "RESET"]).await;
    people_talk(&cluster).await;
    let refused: Vec<redis::Value> =
        redis::from_redis_value(cluster.redis.command(&["ACL", "LOG"]).await).expect("a list");
    assert!(refused.is_empty(), "{refused:?}");
}

/// A Redis with a TLS port that requires certificates; `None` if redis-server is not installed.
async fn redis_with_tls(files: &Certificates, port: u16) -> Option<RedisServer> {
    let port = port.to_string();
    let mut settings = vec!["--tls-port", &port, "--tls-auth-clients", "yes"];
    settings.extend(["--tls-ca-cert-file", path(&files.ca), "--tls-cert-file", path(&files.server)]);
    settings.extend(["--tls-key-file", path(&files.server_key)]);
    RedisServer::with(&settings).await
}

fn path(path: &Path) -> &str {
    path.to_str().expect("text")
}

fn tls_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tls-{}", ports::reserve()))
}

#[tokio::test]
async fn people_talk_by_tls_to_a_redis_that_asks_for_a_certificate() {
    let (folder, port) = (tls_folder(), ports::reserve());
    let files = Certificates::make(&folder);
    let Some(redis) = redis_with_tls(&files, port).await else { return };
    let urls = vec![format!("rediss://127.0.0.1:{port}"); 2];
    let cluster = Cluster::reaching(redis, &urls, &files.settings()).await;
    people_talk(&cluster).await;

    // Without the authority's certificate the server is not trusted.
    let mut stranger = cluster.launch().redis(&urls[0]).set("redis.tls_ca", "").spawn();
    stranger.until_readyz(503).await;
    eventually("the log says why", LONG_DEADLINE, async || {
        stranger.log().to_lowercase().contains("certificate").then_some(())
    })
    .await;
    let _ = std::fs::remove_dir_all(&folder);
}

/// Another authority signs new certificates of Redis and the nodes, in the same files.
#[tokio::test]
async fn certificates_are_renewed_without_a_restart() {
    let (folder, port) = (tls_folder(), ports::reserve());
    let files = Certificates::make(&folder);
    let Some(redis) = redis_with_tls(&files, port).await else { return };
    let urls = vec![format!("rediss://127.0.0.1:{port}"); 2];
    let cluster = Cluster::reaching(redis, &urls, &files.settings()).await;
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "মিতা").await;
    rahim.join("general").await;
    mita.join("general").await;
    rahim.posts("general", "before").await;
    mita.receives("before").await;
    // A partly written file changes nothing.
    std::fs::write(&files.client, "-----BEGIN CERT").expect("the target folder can be written");
    cluster.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    eventually("the log names the file", LONG_DEADLINE, async || {
        cluster.nodes[0].log().contains("redis.tls_cert").then_some(())
    })
    .await;
    rahim.posts("general", "meanwhile").await;
    mita.receives("meanwhile").await;

    Certificates::make(&folder);
    let (ca, server, key) = (path(&files.ca), path(&files.server), path(&files.server_key));
    let mut reload = vec!["CONFIG", "SET", "tls-ca-cert-file", ca, "tls-cert-file", server];
    reload.extend(["tls-key-file", key]);
    cluster.redis.command(&reload).await;
    for kind in ["pubsub", "normal"] {
        cluster.redis.command(&["CLIENT", "KILL", "TYPE", kind]).await;
    }
    eventually("the nodes post again", LONG_DEADLINE, async || {
        (rahim.post("general", "after", "n-1").await["type"] == "ack").then_some(())
    })
    .await;
    mita.receives("after").await;
    let _ = std::fs::remove_dir_all(&folder);
}

/// Certificate files as OpenSSL writes them.
struct Certificates {
    ca: PathBuf,
    server: PathBuf,
    server_key: PathBuf,
    client: PathBuf,
    client_key: PathBuf,
}

impl Certificates {
    /// The settings of a node that uses them.
    fn settings(&self) -> [(&str, &str); 3] {
        [
            ("redis.tls_ca", path(&self.ca)),
            ("redis.tls_cert", path(&self.client)),
            ("redis.tls_key", path(&self.client_key)),
        ]
    }

    /// Writes new files with a new authority, replacing existing ones.
    fn make(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("the target folder can be written");
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            std::fs::write(&path, text).expect("the target folder can be written");
            path
        };
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "an authority");
        let key = KeyPair::generate().expect("a key");
        let ca = write("ca.pem", authority.self_signed(&key).expect("a certificate").pem());
        let issuer = Issuer::new(authority, key);
        let signed = |name: &str| {
            let key = KeyPair::generate().expect("a key");
            let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
            let certificate = params.signed_by(&key, &issuer).expect("a certificate");
            (
                write(&format!("{name}.pem"), certificate.pem()),
                write(&format!("{name}.key"), key.serialize_pem()),
            )
        };
        let ((server, server_key), (client, client_key)) = (signed("server"), signed("client"));
        Self { ca, server, server_key, client, client_key }
    }
}

#[tokio::test]
async fn a_message_that_too_few_replicas_have_is_not_acknowledged() {
    let settings = [("redis.min_replicas_acked", "1"), ("redis.command_timeout", "3s")];
    let Some(cluster) = Cluster::with(2, &settings).await else { return };
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "মিতা").await;
    rahim.join("general").await;
    mita.join("general").await;
    for _ in 0..2 {
        let refusal = rahim.post("general", "is anybody there?", "n-1").await;
        assert_eq!(refusal["code"], "unavailable", "{refusal}");
    }
    let port = cluster.redis.port().to_string();
    let Some(replica) = RedisServer::with(&["--replicaof", "127.0.0.1", &port]).await else { return };
    until_says(&replica, "INFO", "replication", "master_link_status:up").await;
    let ack = eventually("the replica has it", LONG_DEADLINE, async || {
        Some(rahim.post("general", "is anybody there?", "n-1").await).filter(|answer| answer["type"] == "ack")
    })
    .await;
    // It was logged and published at the first attempt; only its ack had to wait.
    assert_eq!((&ack["duplicate"], &ack["seq"]), (&true.into(), &1.into()), "{ack}");
    let next = rahim.posts("general", "here I am").await;
    assert_eq!(next["duplicate"], false, "{next}");
    mita.receives("is anybody there?").await;
    mita.receives("here I am").await;
    assert!(mita.untaken("text").is_empty(), "{mita}");
    let kept: Vec<String> =
        redis::from_redis_value(replica.command(&["KEYS", "*{general}:log"]).await).expect("keys");
    let length = replica.command(&["XLEN", &kept[0]]).await;
    assert_eq!(redis::from_redis_value::<u64>(length).expect("a number"), 2);
}
