//! The start of a node, its refusals to start, and their error texts.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::redis::RedisServer;
use crate::harness::{Client, LONG_DEADLINE, Launch, Node, eventually};

/// The stderr of an ended process, and whether it succeeded.
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
    for (key, value) in [
        ("server.bnid", "127.0.0.1:0"),
        ("server.bind", "everywhere"),
        ("server.worker_threads", "100000000"),
        ("limits.frame_bytes", "-1"),
        ("history.max_messages", "18446744073709551615"),
        ("presence.lease", "300ms"),
        ("redis.command_timeout", "500000000000years"),
        ("auth.secret", "too short"),
        ("log.format", "xml"),
        ("log.level", "info,adda=shout"),
        ("redis.url", "http://127.0.0.1:6379"),
        ("redis.url", "redis://127.0.0.1:99999"),
        ("redis.url", "redis://:p@ss:w/rd@127.0.0.1"),
    ] {
        // No log line precedes the sentence, in either format.
        let launch = Launch::new().set("log.format", "json").set(key, value);
        let bind = format!("127.0.0.1:{}", launch.port());
        for command in ["serve", "check"] {
            let arguments: &[&str] =
                if key == "server.bind" { &[command] } else { &[command, "--bind", &bind] };
            assert_refuses(launch.command(arguments), key.trim_start_matches("server.")).await;
        }
    }
}

#[tokio::test]
async fn a_variable_that_is_almost_a_setting_is_refused() {
    let mut command = Launch::new().command(&["serve"]);
    command.env("ADDA_REDIS_URL", "redis://127.0.0.1");
    assert_refuses(command, "ADDA__REDIS__URL").await;
}

/// A certificate file without a certificate would accept any server.
#[tokio::test]
async fn a_file_without_a_certificate_stops_the_start() {
    let url = "rediss://127.0.0.1:1";
    for key in ["redis.tls_ca", "redis.tls_cert"] {
        let launch = Launch::new()
            .redis(url)
            .set("redis.tls_key", if key == "redis.tls_ca" { "" } else { "/etc/passwd" });
        let launch = launch.set(key, "/etc/passwd");
        assert_refuses(launch.command(&["check", "--redis", url]), key).await;
    }
}

#[tokio::test]
async fn a_node_works_at_both_ends_of_every_range() {
    for end in [0, 1] {
        let mut toml = String::new();
        for entry in adda::config::table() {
            // The test sets the address and the end; files would have to exist, folders have shorter names; an empty
            // log filter hides the ready line.
            if !entry.key.ends_with("_file")
                && !["server.bind", "server.lame_duck", "redis.url", "files.url"].contains(&entry.key)
                && !entry.key.starts_with("redis.tls_")
            {
                toml.push_str(&format!("{} = {}\n", entry.key, entry.ends[end]));
            }
        }
        let path = file(&format!("end{end}.toml"), &toml);
        let launch = Launch::bare();
        let bind = format!("127.0.0.1:{}", launch.port());
        let command = launch.command(&["--config", &path, "--bind", &bind]);
        let mut node = launch.spawn_command(command);
        // The longest drain is longer than a test waits.
        node.until_ready().await;
    }
}

#[tokio::test]
async fn a_node_on_the_memory_backend_logs_that_it_keeps_nothing() {
    let node = Node::memory().await;
    assert!(node.log().contains("this node is alone and keeps nothing"), "{}", node.log());
}

#[tokio::test]
async fn the_settings_that_count_are_printed_without_secrets() {
    let secret = "a-signing-secret-of-32-characters!";
    let path = file("print.toml", &format!("[auth]\nsecret = \"{secret}\"\n[limits]\ncontent_chars = 7\n"));
    let url = "redis://user:s3cret-password@127.0.0.1:7";
    let launch = Launch::bare().set("redis.url", url);
    let mut command = launch.command(&["config", "--bind", ":4000"]);
    let output = command.env("ADDA_CONFIG", &path).output().expect("it can be started");
    let printed = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{printed}");
    for line in [
        "bind = \":4000\"  # --bind",
        &format!("content_chars = 7  # {path}"),
        "username_chars = 32\n",
        "# ADDA__REDIS__URL",
    ] {
        assert!(printed.contains(line), "{line} in {printed}");
    }
    assert!(!printed.contains(secret) && !printed.contains("s3cret"), "{printed}");
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
    rahim.posts("general", "at last").await;
}

#[tokio::test]
async fn health_is_an_exit_status() {
    let launch = Launch::new();
    let address = format!("127.0.0.1:{}", launch.port());
    let [url, root] = [format!("http://{address}/readyz"), format!("http://{address}")];
    let health = |asked: &str| launch.command(&["health", "--url", asked]);
    let before = run(health(&url)).await;
    assert!(!before.is_success, "no server listens yet");
    assert!(!before.stderr.is_empty() && !before.stderr.contains("panicked"), "{}", before.stderr);
    let mut node = launch.clone().start().await;
    for asked in [&url, &root, &address, &format!("localhost:{}", launch.port())] {
        assert!(run(health(asked)).await.is_success, "{asked}");
    }
    assert_refuses(health(&format!("{address}/nothing")), "404").await;
    for nonsense in ["", "ftp://h", "http://", "h:port", "http://a b"] {
        assert_refuses(health(nonsense), "http://host:port/path").await;
    }
    node.kill();
    assert!(!run(health(&url)).await.is_success);
}

#[tokio::test]
async fn health_asks_the_node_that_the_settings_describe() {
    for host in ["0.0.0.0", "127.0.0.1", "[::]", "[::1]", "localhost"] {
        let launch = Launch::bare();
        let launch = launch.clone().set("server.bind", &format!("{host}:{}", launch.port()));
        let command = launch.command(&["serve"]);
        let mut node = launch.clone().spawn_command(command);
        eventually("the node is healthy", LONG_DEADLINE, async || {
            run(launch.command(&["health"])).await.is_success.then_some(())
        })
        .await;
        node.kill();
        assert!(!run(launch.command(&["health"])).await.is_success, "{host}");
    }
    let path = file("health.toml", "[server]\nbind = \"127.0.0.1:1\"\n");
    assert_refuses(Launch::bare().command(&["health", "--config", &path]), "127.0.0.1:1").await;
}

#[tokio::test]
async fn help_and_version_are_answered() {
    for argument in ["--help", "--version", "version"] {
        let output = Launch::new().command(&[argument]).output().expect("it can be started");
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success() && text.contains("adda"), "{argument}: {text}");
        for named in ["ADDA__REDIS__URL", "ADDA_CONFIG", "/etc/adda/adda.toml", "adda config", "adda check"] {
            assert!(argument != "--help" || text.contains(named), "{named}: {text}");
        }
    }
}

#[tokio::test]
async fn the_log_names_decisions_and_no_secrets() {
    let Some(redis) = RedisServer::start().await else { return };
    redis.command(&["CONFIG", "SET", "requirepass", "s3cret-password"]).await;
    let secret = "a-signing-secret-of-32-characters!";
    let url = redis.url().replace("redis://", "redis://:s3cret-password@");
    let launch = Launch::new().redis(&url).set("auth.secret", secret).set("log.level", "debug");
    let launch = launch.set("server.drain", "100ms");
    let mut node = launch.start().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    rahim.posts("general", "words between friends").await;
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
