//! One secret signs the tokens of a cluster: a token names the same user on every node.

use std::path::Path;

use nix::sys::signal::Signal;

use crate::harness::{Client, Cluster, LONG_DEADLINE, Launch, Node, eventually};

const SECRET: &str = "76543210fedcba9876543210fedcba98";
const NEXT_SECRET: &str = "fedcba9876543210fedcba9876543210";

/// Asserts that a guest of each node is the same user on every other, and that a repeated post is logged once.
async fn one_cluster(cluster: &Cluster) {
    for (number, node) in cluster.nodes.iter().enumerate() {
        let guest = Client::full(node, "guest").await;
        let nonce = format!("n-{number}");
        for (place, other) in cluster.nodes.iter().enumerate() {
            let mut back = Client::returning(other, &guest.token).await;
            assert_eq!(back.user_id, guest.user_id, "a stranger on node {place}");
            back.join("general").await;
            assert_eq!(back.post("general", "once", &nonce).await["duplicate"], place != 0);
        }
    }
}

#[tokio::test]
async fn a_node_that_starts_on_an_emptied_redis_learns_the_secret_of_the_live_nodes() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let before = Client::full(&cluster.nodes[0], "before").await;
    cluster.redis.command(&["FLUSHALL"]).await;
    let place = cluster.add_node().await;
    let back = Client::returning(&cluster.nodes[place], &before.token).await;
    assert_eq!(back.user_id, before.user_id);
    one_cluster(&cluster).await;
}

#[tokio::test]
async fn a_redis_that_restarts_empty_together_with_a_node_is_given_the_secret_by_the_other() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let before = Client::full(&cluster.nodes[1], "before").await;
    cluster.nodes[1].kill();
    cluster.redis.kill();
    cluster.redis.lose_files();
    let (redis, nodes) = (&mut cluster.redis, &mut cluster.nodes);
    tokio::join!(redis.restart(), nodes[1].restart());
    nodes[0].until_ready().await;
    let back = Client::returning(&cluster.nodes[1], &before.token).await;
    assert_eq!(back.user_id, before.user_id);
    one_cluster(&cluster).await;
}

/// Two nodes with different secrets agree on one of them, and tokens of both stay valid.
#[tokio::test]
async fn two_secrets_become_one_and_both_stay_valid() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let before = Client::full(&cluster.nodes[0], "before").await;
    let secrets: Vec<String> =
        ::redis::from_redis_value(cluster.redis.command(&["KEYS", "*secret"]).await).unwrap();
    cluster.redis.command(&["SET", &secrets[0], SECRET]).await;
    let place = cluster.add_node().await;
    let after = Client::full(&cluster.nodes[place], "after").await;
    for guest in [&before, &after] {
        for node in &cluster.nodes {
            eventually("the guest is known on every node", LONG_DEADLINE, async || {
                let back = Client::returning_or_refused(node, &guest.token).await?;
                (back.user_id == guest.user_id).then_some(())
            })
            .await;
        }
    }
    one_cluster(&cluster).await;
}

#[tokio::test]
async fn a_secret_can_be_replaced_node_by_node() {
    let Some(mut cluster) = Cluster::with(1, &[("auth.secret", SECRET)]).await else { return };
    let before = Client::full(&cluster.nodes[0], "before").await;
    let launch = cluster.launch().set("auth.secret", NEXT_SECRET).set("auth.previous_secrets", SECRET);
    let next: Node = launch.start().await;
    let back = Client::returning(&next, &before.token).await;
    assert_eq!(back.user_id, before.user_id, "a token of the previous secret is valid");
    let after = Client::full(&next, "after").await;
    let refused = Client::returning_or_refused(&cluster.nodes[0], &after.token).await;
    assert!(refused.is_none(), "a token of the secret that signs is not of the previous one");
    cluster.nodes.push(next);

    for node in &cluster.nodes {
        eventually("each node tells that the other has another secret", LONG_DEADLINE, async || {
            node.log().contains("signs tokens with another secret").then_some(())
        })
        .await;
    }
    let nodes = cluster.nodes[0].http().json("/api/nodes").await["data"].clone();
    assert_ne!(nodes[0]["fingerprints"]["secret"], nodes[1]["fingerprints"]["secret"]);
    assert_eq!(nodes[0]["fingerprints"]["settings"], nodes[1]["fingerprints"]["settings"]);
    assert!(!nodes.to_string().contains(&SECRET[..8]));
}

#[tokio::test]
async fn a_secret_can_be_replaced_while_the_node_runs() {
    let launch = Launch::new();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("secrets-{}.toml", launch.port()));
    let settings = |text: &str| std::fs::write(&path, format!("[auth]\n{text}")).unwrap();
    settings(&format!("secret = \"{SECRET}\"\n"));
    let bind = format!("127.0.0.1:{}", launch.port());
    let command = launch.command(&["serve", "--bind", &bind, "--config", path.to_str().unwrap()]);
    let node = launch.spawn_command(command).ready().await;
    let other = Launch::new().set("auth.secret", NEXT_SECRET).start().await;
    let before = Client::full(&node, "before").await;

    settings(&format!("secret = \"{NEXT_SECRET}\"\nprevious_secrets = [\"{SECRET}\"]\n"));
    node.signal(Signal::SIGHUP);
    let renewed = eventually("tokens are signed with the other secret", LONG_DEADLINE, async || {
        let back = Client::returning(&node, &before.token).await;
        assert_eq!(back.user_id, before.user_id);
        Client::returning_or_refused(&other, &back.token).await.map(|_| back.token)
    })
    .await;

    settings(&format!("secret = \"{NEXT_SECRET}\"\n"));
    node.signal(Signal::SIGHUP);
    eventually("the former secret is no longer taken", LONG_DEADLINE, async || {
        Client::returning_or_refused(&node, &before.token).await.is_none().then_some(())
    })
    .await;
    assert_eq!(Client::returning(&node, &renewed).await.user_id, before.user_id);
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn nodes_with_other_settings_are_logged() {
    let Some(mut cluster) = Cluster::start(2).await else { return };
    let other = cluster.launch().set("history.max_messages", "10").start().await;
    cluster.nodes.push(other);
    for node in &cluster.nodes {
        eventually("each node tells of the other settings", LONG_DEADLINE, async || {
            node.log().contains("all must have the same history.max_messages, history.ttl").then_some(())
        })
        .await;
    }
    let warnings = || cluster.nodes[2].log().matches("has other settings").count();
    eventually("of each of the others", LONG_DEADLINE, async || (warnings() == 2).then_some(())).await;
}
