//! The effect of signals on a node.

use std::path::Path;

use nix::sys::signal::Signal;

use crate::harness::{Client, DEADLINE, Dial, Launch, Node, eventually};

async fn until_logged(node: &Node, words: &str) {
    eventually(&format!("{words:?} is logged"), DEADLINE, async || node.log().contains(words).then_some(()))
        .await;
}

#[tokio::test]
async fn a_hangup_reads_the_settings_again() {
    let launch = Launch::new().unset("log.level");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("reloaded-{}.toml", launch.port()));
    let settings = |text: &str| std::fs::write(&path, text).expect("the target folder can be written");
    settings("[log]\nlevel = \"info\"\n");
    let bind = format!("127.0.0.1:{}", launch.port());
    let command = launch.command(&["serve", "--bind", &bind, "--config", path.to_str().expect("text")]);
    let node = launch.spawn_command(command).ready().await;
    assert!(!node.log().contains("DEBUG"), "{}", node.log());
    settings("[log]\nlevel = \"debug\"\n");
    node.signal(Signal::SIGHUP);
    until_logged(&node, "reloaded the settings").await;
    node.http().get("/readyz").await;
    until_logged(&node, "DEBUG").await;
    settings("[log]\nlevel = 7 beta\n");
    node.signal(Signal::SIGHUP);
    until_logged(&node, "could not reload the settings").await;
    assert_eq!(node.http().get("/readyz").await.status, 200);
    std::fs::remove_file(&path).expect("it was there");
}

#[tokio::test]
async fn a_hangup_lets_pages_of_other_origins_in() {
    let launch = Launch::new();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("origins-{}.toml", launch.port()));
    let settings = |origins: &str| {
        let text = format!("[server]\norigins = [{origins}]\n");
        std::fs::write(&path, text).expect("the target folder can be written");
    };
    settings("\"https://one.example\"");
    let bind = format!("127.0.0.1:{}", launch.port());
    let command = launch.command(&["serve", "--bind", &bind, "--config", path.to_str().expect("text")]);
    let node = launch.spawn_command(command).ready().await;
    let other = "https://other.example";
    let allowed = async || {
        let call = node.http().call("GET", "/api/rooms").header("origin", other);
        call.send().await.header("access-control-allow-origin").to_owned()
    };
    let dialled = async || Dial::full(node.port, "/ws").header("origin", other).try_open().await.is_ok();
    assert_eq!((allowed().await, dialled().await), (String::new(), false));
    settings(&format!("\"{other}\""));
    node.signal(Signal::SIGHUP);
    until_logged(&node, "reloaded the settings").await;
    assert_eq!((allowed().await, dialled().await), (other.to_owned(), true));
    settings("\"*\"");
    node.signal(Signal::SIGHUP);
    eventually("every page may call", DEADLINE, async || (allowed().await == "*").then_some(())).await;
    std::fs::remove_file(&path).expect("it was there");
}

#[tokio::test]
async fn a_hangup_replaces_the_secret_and_keeps_tokens_valid() {
    let [first, second] = ["a first secret of 32 characters..", "another secret of 32 characters.."];
    let launch = Launch::new();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("secrets-{}", launch.port()));
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let write = |name: &str, secret: &str| {
        let path = folder.join(name);
        std::fs::write(&path, format!("{secret}\n")).expect("the target folder can be written");
        path.to_str().expect("text").to_owned()
    };
    let launch = launch.set("auth.secret_file", &write("secret", first));
    let node = launch.set("auth.previous_secrets_file", &write("previous", second)).start().await;
    let early = Client::full(&node, "early").await;
    write("secret", second);
    write("previous", first);
    node.signal(Signal::SIGHUP);
    until_logged(&node, "reloaded the settings").await;
    // Signed with the second secret, once the node uses it.
    let other = Node::with(&[("auth.secret", second)]).await;
    let late = eventually("another secret signs", DEADLINE, async || {
        let late = Client::full(&node, "late").await;
        Client::returning_or_refused(&other, &late.token).await.map(|_| late)
    })
    .await;
    for guest in [&early, &late] {
        assert_eq!(Client::returning(&node, &guest.token).await.user_id, guest.user_id);
    }
    write("previous", "a third secret of 32 characters..");
    node.signal(Signal::SIGHUP);
    eventually("the first secret is forgotten", DEADLINE, async || {
        let reply = node.http().call("POST", "/api/rooms/x/messages");
        let bearer = format!("Bearer {}", early.token);
        let call = reply.header("authorization", &bearer).json(&serde_json::json!({ "content": "x" }));
        (call.send().await.status == 401).then_some(())
    })
    .await;
    std::fs::remove_dir_all(&folder).expect("it was there");
}

#[tokio::test]
async fn other_signals_do_not_end_a_node() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    for signal in [Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGHUP, Signal::SIGPIPE] {
        node.signal(signal);
    }
    until_logged(&node, "reloaded the settings").await;
    rahim.posts("general", "still here").await;
}

#[tokio::test]
async fn a_second_interrupt_and_a_quit_end_a_node_that_drains() {
    for last in [Signal::SIGINT, Signal::SIGQUIT] {
        // Longer than the test waits for anything.
        let mut node = Node::with(&[("server.drain", "10m"), ("server.lame_duck", "10m")]).await;
        let mut rahim = Client::full(&node, "রহিম").await;
        rahim.join("general").await;
        node.signal(Signal::SIGINT);
        until_logged(&node, "press Ctrl-C again to stop at once").await;
        node.until_readyz(503).await;
        node.signal(last);
        assert!(!node.exited().await.success(), "it has not ended well");
    }
}
