//! How a node starts, refuses to start, and says so.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::redis::RedisServer;
use crate::harness::{Client, LONG_DEADLINE, Launch, eventually};

/// What a process said on stderr before it ended, and whether it ended well.
struct Ended {
    is_success: bool,
    stderr: String,
}

async fn run(mut command: Command) -> Ended {
    let mut process =
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it can be started");
    let ended = async || process.try_wait().expect("a child of ours");
    let status = eventually("the process ends by itself", LONG_DEADLINE, ended).await;
    let stderr = std::io::read_to_string(process.stderr.take().expect("it was piped")).expect("text");
    Ended { is_success: status.success(), stderr }
}

/// Runs a node that must not start: one sentence on stderr that holds `word`.
async fn assert_refuses(command: Command, word: &str) {
    let shown = format!("{command:?}");
    let ended = run(command).await;
    assert!(!ended.is_success, "{shown}");
    assert!(ended.stderr.contains(word), "{word:?} in {:?} of {shown}", ended.stderr);
    assert_eq!(ended.stderr.trim().lines().count(), 1, "one clear sentence: {}", ended.stderr);
    for noise in ["panicked", "RUST_BACKTRACE", "Error {", "Error("] {
        assert!(!ended.stderr.contains(noise), "{}", ended.stderr);
    }
}

fn file(name: &str, content: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("the target folder can be written");
    path.to_str().expect("a path of text").to_owned()
}

#[tokio::test]
async fn a_setting_that_makes_no_sense_is_named() {
    for (key, value, word) in [
        ("server.bnid", "127.0.0.1:0", "bnid"),
        ("sevrer.bind", "127.0.0.1:0", "sevrer"),
        ("server.bind", "everywhere", "bind"),
        ("server.drain", "soon", "drain"),
        ("limits.frame_bytes", "-1", "frame_bytes"),
        ("limits.frame_bytes", "many", "frame_bytes"),
        ("history.max_messages", "0", "history.max_messages"),
        ("presence.lease", "300ms", "presence.lease"),
        ("presence.renew_every", "0s", "presence.renew_every"),
        ("redis.canary_late", "1s", "redis.canary_late"),
        ("limits.content_chars", "100000", "limits.frame_bytes"),
        ("limits.content_chars", "", "content_chars"),
        ("redis.canary", "1", "canary"),
        ("auth.secret", "too short", "auth.secret"),
        ("log.format", "xml", "format"),
        ("log.level", "info,adda=shout", "log.level"),
        ("log.level", "loud", "log.level"),
        ("log.level", "warnn,adda=info", "log.level"),
        ("log.level", "", "log.level"),
        ("redis.url", "http://127.0.0.1:6379", "redis.url"),
    ] {
        // Without what is said before the setting is looked at.
        let launch = Launch::new().set("log.level", "error");
        let bind = format!("127.0.0.1:{}", launch.port());
        let launch = launch.set("server.bind", &bind);
        assert_refuses(launch.set(key, value).command(&["serve"]), word).await;
    }
}

#[tokio::test]
async fn a_file_that_can_not_be_used_is_named() {
    let unknown = file("unknown.toml", "[limits]\nframe_byts = 1\n");
    assert_refuses(Launch::new().command(&["serve", "--config", &unknown]), "frame_byts").await;
    let broken = file("broken.toml", "[limits\n");
    let ended = run(Launch::new().command(&["serve", "--config", &broken])).await;
    assert!(!ended.is_success && ended.stderr.contains("broken.toml"), "{}", ended.stderr);
    assert_refuses(Launch::new().command(&["serve", "--config", "/nowhere/adda.toml"]), "/nowhere/adda.toml")
        .await;
}

#[tokio::test]
async fn a_file_is_read_and_the_environment_goes_before_it() {
    let path = file("limits.toml", "[limits]\ncontent_chars = 3\nroom_name_chars = 7\n");
    let launch = Launch::new().set("limits.room_name_chars", "8");
    let bind = format!("127.0.0.1:{}", launch.port());
    let command = launch.command(&["--config", &path, "--bind", &bind]);
    let node = launch.spawn_command(command).ready().await;
    let mut rahim = crate::harness::Dial::full(node.port, "/ws").open().await;
    let limits = rahim.welcomed().await["limits"].clone();
    assert_eq!((&limits["content_chars"], &limits["room_name_chars"]), (&3.into(), &8.into()));
}

#[tokio::test]
async fn text_that_looks_like_a_number_is_read_as_text() {
    let secret = "00001234567890123456789012345678901234567890";
    let prefix = "00777000777";
    let by_environment = Launch::new().set("auth.secret", secret).set("redis.prefix", prefix).start().await;
    let path = file("digits.toml", &format!("[auth]\nsecret = \"{secret}\"\n"));
    let launch = Launch::new();
    let bind = format!("127.0.0.1:{}", launch.port());
    let command = launch.command(&["--config", &path, "--bind", &bind]);
    let by_file = launch.spawn_command(command).ready().await;
    let rahim = Client::full(&by_environment, "রহিম").await;
    let back = Client::returning(&by_file, &rahim.token).await;
    assert_eq!(back.user_id, rahim.user_id);
    assert!(by_environment.log().contains(&format!("\"{prefix}\"")), "{}", by_environment.log());
}

#[tokio::test]
async fn an_unknown_flag_is_refused() {
    let ended = run(Launch::new().command(&["serve", "--bnid", "127.0.0.1:0"])).await;
    assert!(!ended.is_success && ended.stderr.contains("--bnid"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = Launch::new().start().await;
    let bind = format!("127.0.0.1:{}", first.port);
    let ended = run(Launch::new().set("log.level", "error").command(&["serve", "--bind", &bind])).await;
    assert!(!ended.is_success);
    assert!(ended.stderr.contains(&bind), "{}", ended.stderr);
    assert_eq!(ended.stderr.trim().lines().count(), 1, "{}", ended.stderr);
}

#[tokio::test]
async fn a_wrong_redis_password_stops_the_start() {
    let Some(redis) = RedisServer::start().await else { return };
    redis.command(&["CONFIG", "SET", "requirepass", "right-password"]).await;
    for user in ["", ":wrong-password@"] {
        let url = redis.url().replace("redis://", &format!("redis://{user}"));
        let launch = Launch::new().set("log.level", "error");
        let bind = format!("127.0.0.1:{}", launch.port());
        let ended = run(launch.command(&["serve", "--bind", &bind, "--redis", &url])).await;
        assert!(!ended.is_success, "{}", ended.stderr);
        assert!(ended.stderr.to_lowercase().contains("password"), "{}", ended.stderr);
        assert_eq!(ended.stderr.trim().lines().count(), 1, "{}", ended.stderr);
        assert!(!ended.stderr.contains("wrong-password"), "no secret in the log: {}", ended.stderr);
    }
}

#[tokio::test]
async fn a_node_waits_for_a_redis_that_is_not_there_yet() {
    let Some(mut redis) = RedisServer::start().await else { return };
    redis.kill();
    let mut node = Launch::new().redis(&redis.url()).spawn();
    node.until_readyz(503).await;
    assert_eq!(node.http().get("/healthz").await.status, 200);
    assert_eq!(node.http().get("/").await.status, 200, "the page can say that it waits");
    redis.restart().await;
    node.until_ready().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    rahim.say("general", "at last").await;
}

#[tokio::test]
async fn health_is_an_exit_status() {
    let launch = Launch::new();
    let url = format!("http://127.0.0.1:{}/readyz", launch.port());
    let health = || launch.command(&["health", "--url", &url]);
    let before = run(health()).await;
    assert!(!before.is_success, "nobody listens yet");
    assert!(!before.stderr.is_empty() && !before.stderr.contains("panicked"), "{}", before.stderr);
    let mut node = launch.clone().start().await;
    assert!(run(health()).await.is_success);
    node.kill();
    assert!(!run(health()).await.is_success);
}

#[tokio::test]
async fn help_and_version_are_answered() {
    for argument in ["--help", "--version"] {
        let output = Launch::new().command(&[argument]).output().expect("it can be started");
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success() && text.contains("adda"), "{argument}: {text}");
    }
}

#[tokio::test]
async fn the_log_says_what_was_decided_and_keeps_secrets() {
    let Some(redis) = RedisServer::start().await else { return };
    redis.command(&["CONFIG", "SET", "requirepass", "s3cret-password"]).await;
    let secret = "a-signing-secret-of-32-characters!";
    let url = redis.url().replace("redis://", "redis://:s3cret-password@");
    let launch = Launch::new().redis(&url).set("auth.secret", secret).set("log.level", "debug");
    let launch = launch.set("server.drain", "100ms");
    let mut node = launch.start().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    rahim.say("general", "words between friends").await;
    let mut back = Client::returning(&node, &rahim.token).await;
    back.send(serde_json::json!({ "type": "auth", "token": "a-token-that-is-wrong" })).await;
    back.expect("error").await;
    node.terminate();
    assert!(node.exited().await.success());
    let log = node.log();
    let port = node.port.to_string();
    for decided in [port.as_str(), "redis", "adda:"] {
        assert!(log.contains(decided), "{decided} in {log}");
    }
    let words = ["s3cret-password", secret, &rahim.token, "words between friends", "a-token-that-is-wrong"];
    for secret in words {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn a_json_log_is_one_object_a_line() {
    let mut node = Launch::new().set("log.format", "json").set("log.level", "info").start().await;
    node.terminate();
    assert!(node.exited().await.success());
    let log = node.log();
    assert!(!log.is_empty());
    for line in log.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(object["level"].is_string() && object["message"].is_string(), "{line}");
    }
}
