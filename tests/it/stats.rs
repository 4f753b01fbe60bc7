//! The figures of the cluster, over REST and `/ws/dashboard`: of all nodes on each of them, and equal to those of `/metrics`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use adda::chat::{Identity, Source, sign_token};
use adda::model::{Author, Role, UserId, Username};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::harness::http::text;
use crate::harness::{Client, Cluster, DEADLINE, Dial, LONG_DEADLINE, Launch, Node, Reply, eventually};

/// Signs the tokens of the nodes.
pub const SECRET: &str = "3f1c6a0d94be27518a7e0c5d2b9f4e6871d0a3c5f2e84b96";

/// A token of a user with a role.
pub fn token(role: Role) -> String {
    let author = Author { user_id: UserId::guest(), username: Username::from_trusted("Operator") };
    let identity = Identity { role, source: Source::Account, ..Identity::guest_with(author) };
    sign_token(SECRET, &identity, Duration::from_secs(3600)).token
}

/// Nodes that take the tokens.
pub async fn cluster(count: usize) -> Option<Cluster> {
    Cluster::with(count, &[("auth.secret", SECRET)]).await
}

async fn ask(node: &Node, token: &str) -> Reply {
    node.http().call("GET", "/api/stats").header("authorization", &format!("Bearer {token}")).send().await
}

/// The ids of the nodes in an answer or a frame.
fn node_ids(stats: &Value) -> Vec<String> {
    stats["nodes"].as_array().expect("a list").iter().map(|node| text(&node["node_id"])).collect()
}

/// Waits until a node shows so many nodes.
async fn until_nodes(node: &Node, token: &str, count: usize) -> Value {
    eventually(&format!("{count} nodes"), DEADLINE, async || {
        let reply = ask(node, token).await;
        let stats = (reply.status == 200).then(|| reply.json())?;
        (node_ids(&stats).len() == count).then_some(stats)
    })
    .await
}

/// A session that is sent the figures.
async fn dashboard(node: &Node, token: &str) -> Client {
    let dial = Dial::plain(node.port, "/ws/dashboard");
    dial.header("authorization", format!("Bearer {token}")).open().await
}

async fn frame(client: &mut Client, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    client.expect_that(what, |frame| frame["type"] == "stats" && is_it(frame)).await
}

#[tokio::test]
async fn any_node_shows_all_nodes_to_admins_alone() {
    let Some(cluster) = cluster(3).await else { return };
    let admin = token(Role::Admin);
    let mut answers = Vec::new();
    for node in &cluster.nodes {
        let stats = until_nodes(node, &admin, 3).await;
        assert_eq!(stats["cluster"]["sessions"], 0);
        for field in ["cpu", "requests_s", "errors_s", "messages_s", "deliveries_s", "slow_closed_s"] {
            assert!(
                stats["cluster"][field].is_number() && stats["nodes"][0][field].is_number(),
                "{field}: {stats}"
            );
        }
        assert!(stats["nodes"][0]["redis_ms"]["p99"].as_f64() > Some(0.0), "{stats}");
        assert!(stats["nodes"][0]["memory_bytes"].as_u64() > Some(1 << 20), "{stats}");
        answers.push(node_ids(&stats));
        assert_eq!(ask(node, &token(Role::Moderator)).await.error(403), "forbidden");
        assert_eq!(node.http().get("/api/stats").await.error(401), "auth_required");
    }
    assert!(answers.iter().all(|nodes| *nodes == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn a_killed_node_vanishes_and_a_new_one_appears() {
    let Some(mut cluster) = cluster(3).await else { return };
    let admin = token(Role::Admin);
    let before = until_nodes(&cluster.nodes[0], &admin, 3).await;
    let mut screen = dashboard(&cluster.nodes[0], &admin).await;
    frame(&mut screen, "all nodes", |stats| node_ids(stats).len() == 3).await;
    cluster.nodes[2].kill();
    frame(&mut screen, "two nodes", |stats| node_ids(stats).len() == 2).await;
    let added = cluster.add_node().await;
    let is_known = |node: &String| node_ids(&before).contains(node);
    let after = frame(&mut screen, "a new node", |stats| !node_ids(stats).iter().all(is_known)).await;
    assert_eq!(node_ids(&after).len(), 3, "{after}");
    // It has the history of the one that is dead, too.
    let mut other = dashboard(&cluster.nodes[added], &admin).await;
    let gone =
        node_ids(&before).into_iter().find(|node| !node_ids(&after).contains(node)).expect("one is dead");
    frame(&mut other, "the dead node", |stats| node_ids(stats).contains(&gone)).await;
}

/// The sums of a figure over all frames of a node, each figure counted once; by node.
fn sums(frames: &[Value], field: &str) -> BTreeMap<String, f64> {
    let mut counted: BTreeMap<(String, String), f64> = BTreeMap::new();
    for node in frames.iter().flat_map(|frame| frame["nodes"].as_array().expect("a list")) {
        let count = node[field].as_f64().expect("a rate") * node["seconds"].as_f64().expect("a time");
        counted.insert((text(&node["node_id"]), text(&node["timestamp"])), count);
    }
    let mut sums = BTreeMap::new();
    for ((node, _), count) in counted {
        *sums.entry(node).or_default() += count;
    }
    sums
}

#[tokio::test]
async fn figures_count_each_event_once_as_the_metrics_do() {
    const POSTS: usize = 150;
    let Some(cluster) = cluster(2).await else { return };
    let admin = token(Role::Admin);
    let mut rahim = Client::full(&cluster.nodes[0], "রহিম").await;
    let mut mita = Client::full(&cluster.nodes[1], "মিতা").await;
    rahim.join("general").await;
    mita.join("general").await;
    for number in 0..POSTS {
        rahim.posts("general", &number.to_string()).await;
    }
    mita.receives(&(POSTS - 1).to_string()).await;
    mita.posts("general", "the last").await;

    // Opened afterwards, on the other node: the history comes first.
    let mut screen = dashboard(&cluster.nodes[1], &admin).await;
    let mut frames = Vec::new();
    let posted = eventually("all posts", LONG_DEADLINE, async || {
        frames.push(frame(&mut screen, "a frame", |_| true).await);
        let posted = sums(&frames, "messages_s");
        (posted.values().sum::<f64>().round() >= (POSTS + 1) as f64).then_some(posted)
    })
    .await;
    let mut counts: Vec<_> = posted.values().map(|count| count.round() as usize).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, POSTS]);
    let times: Vec<_> = frames.iter().map(|frame| text(&frame["timestamp"])).collect();
    assert!(times.is_sorted(), "the oldest first: {times:?}");

    let last = frame(&mut screen, "all sessions", |stats| stats["cluster"]["sessions"] == 3).await;
    assert_eq!([&last["nodes"][0]["rooms"], &last["nodes"][1]["rooms"]], [1, 1], "{last}");
    assert_eq!(last["cluster"]["rooms"], 1, "it is the same one");
    for node in &cluster.nodes {
        assert_eq!(ask(node, &admin).await.json()["cluster"]["rooms"], 1);
    }
    let metrics = [cluster.nodes[0].http().metrics().await, cluster.nodes[1].http().metrics().await];
    let sum = |name: &str| metrics.iter().map(|metrics| metrics.value(name)).sum::<f64>();
    assert_eq!(sum("adda_messages_posted_total"), (POSTS + 1) as f64);
    let delivered = sums(&frames, "deliveries_s").values().sum::<f64>();
    // The last delivery may be in the next figures.
    assert!((sum("adda_deliveries_total") - delivered).abs() < 5.0, "{delivered} of {metrics:?}");
}

#[tokio::test]
async fn figures_of_the_process_are_those_of_the_system() {
    let node = Node::with(&[("auth.secret", SECRET)]).await;
    let stats = until_nodes(&node, &token(Role::Admin), 1).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.process())).expect("it runs");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix(" kB"));
    let resident = resident.expect("it has memory").trim().parse::<f64>().expect("a number") * 1024.0;
    let metrics = node.http().metrics().await;
    let told = stats["nodes"][0]["memory_bytes"].as_f64().expect("a number");
    for bytes in [told, metrics.value("process_resident_memory_bytes")] {
        assert!((bytes / resident - 1.0).abs() < 0.1, "{bytes}, not {resident}");
    }
    assert!(metrics.value("process_cpu_seconds_total") > 0.0);
    assert_eq!(metrics.value("process_max_fds"), metrics.value("adda_descriptors_limit"));
    let started = metrics.value("process_start_time_seconds");
    let created = std::fs::metadata(format!("/proc/{}", node.process())).and_then(|folder| folder.modified());
    let created = created.expect("it runs").duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    assert!((started - created.as_secs_f64()).abs() < 60.0, "{started}, not {created:?}");
}

#[tokio::test]
async fn a_dashboard_is_opened_by_the_first_frame_too_and_ends_with_the_log_out_of_its_user() {
    let node = Node::with(&[("auth.secret", SECRET)]).await;
    let admin = token(Role::Admin);
    let mut screen = Dial::plain(node.port, "/ws/dashboard").open().await;
    screen.send(json!({ "type": "auth", "token": admin })).await;
    frame(&mut screen, "figures", |stats| node_ids(stats).len() == 1).await;
    screen.catch_up().await;
    let bearer = format!("Bearer {admin}");
    let reply = node.http().call("POST", "/api/logout").header("authorization", &bearer).send().await;
    assert_eq!(reply.status, 204, "{reply:?}");
    assert_eq!(screen.closed().await, 4401);
}

#[tokio::test]
async fn a_dashboard_is_refused_without_the_role_and_open_to_all_if_the_settings_say_so() {
    let node = Node::with(&[("auth.secret", SECRET), ("auth.timeout", "3s")]).await;
    for (first, code, closed) in [
        (Some(json!({ "type": "auth", "token": token(Role::Moderator) })), "forbidden", 4403),
        (Some(json!({ "type": "auth", "token": "nonsense" })), "bad_token", 4401),
        (Some(json!({ "type": "ping" })), "auth_required", 4401),
        (None, "auth_required", 4401),
    ] {
        let mut screen = Dial::plain(node.port, "/ws/dashboard").open().await;
        if let Some(first) = first {
            screen.send(first).await;
        }
        assert_eq!(screen.expect("error").await["code"], code);
        assert_eq!(screen.closed().await, closed, "{code}");
    }
    let mut screen = dashboard(&node, &token(Role::Member)).await;
    assert_eq!(screen.closed().await, 4403);

    let open = Node::with(&[("http.public_stats", "true"), ("auth.guests", "false")]).await;
    let mut screen = Dial::plain(open.port, "/ws/dashboard").open().await;
    frame(&mut screen, "figures", |stats| node_ids(stats).len() == 1).await;
    assert_eq!(open.http().get("/api/stats").await.status, 200);
}

#[tokio::test]
async fn a_public_dashboard_ends_with_the_setting_but_for_admins() {
    let launch = Launch::new();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stats-{}.toml", launch.port()));
    let settings = |is_public: bool| {
        let text = format!("[http]\npublic_stats = {is_public}\n[auth]\nsecret = \"{SECRET}\"\n");
        std::fs::write(&path, text).expect("the target folder can be written");
    };
    settings(true);
    let bind = format!("127.0.0.1:{}", launch.port());
    let command = launch.command(&["serve", "--bind", &bind, "--config", path.to_str().expect("text")]);
    let node = launch.spawn_command(command).ready().await;
    let mut open = Dial::plain(node.port, "/ws/dashboard").open().await;
    let mut member = dashboard(&node, &token(Role::Member)).await;
    let mut admin = dashboard(&node, &token(Role::Admin)).await;
    for screen in [&mut open, &mut member, &mut admin] {
        frame(screen, "figures", |_| true).await;
    }
    settings(false);
    node.signal(Signal::SIGHUP);
    assert_eq!(open.expect("error").await["code"], "auth_required");
    assert_eq!(open.closed().await, 4401);
    assert_eq!(member.expect("error").await["code"], "forbidden");
    assert_eq!(member.closed().await, 4403);
    admin.catch_up().await;
    frame(&mut admin, "figures", |_| true).await;
    std::fs::remove_file(&path).expect("it was there");
}

#[tokio::test]
async fn public_dashboards_take_no_place_of_sessions_that_have_yet_to_sign_in() {
    let settings = [("http.public_stats", "true"), ("limits.unauthenticated_per_address", "1")];
    let node = Node::with(&settings).await;
    let mut screens = Vec::new();
    for _ in 0..3 {
        let mut screen = Dial::plain(node.port, "/ws/dashboard").open().await;
        frame(&mut screen, "figures", |_| true).await;
        screens.push(screen);
    }
    Client::full(&node, "রহিম").await.join("general").await;
}

/// Each is given the last 15 minutes.
#[tokio::test]
async fn dashboards_are_opened_as_often_as_rooms_are_joined() {
    let settings = [("http.public_stats", "true"), ("limits.joins_per_s", "1"), ("limits.joins_burst", "2")];
    let node = Node::with(&settings).await;
    let mut screens = Vec::new();
    while let Ok(screen) = Dial::plain(node.port, "/ws/dashboard").try_open().await {
        screens.push(screen);
        assert!(screens.len() < 100, "no upgrade is refused");
    }
    assert!(screens.len() >= 2);
}
