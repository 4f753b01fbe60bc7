//! A log that cannot be written loses lines and has no other effect. Lines are short and hold no personal data.

use std::fs::File;
use std::io::pipe;
use std::process::Stdio;

use crate::harness::{Client, DEADLINE, Launch, Node, RawSocket, eventually};

async fn until_lines_are_lost(node: &Node) {
    eventually("lost lines are counted", DEADLINE, async || {
        node.http().get("/readyz").await;
        (node.http().metrics().await.value("adda_log_lines_lost_total") > 0.0).then_some(())
    })
    .await;
}

/// The node still serves, drains and exits with success.
async fn assert_well(mut node: Node) {
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    rahim.posts("general", "still here").await;
    assert_eq!(node.http().get("/readyz").await.status, 200);
    node.terminate();
    assert_eq!(rahim.closed().await, 1012);
    assert!(node.exited().await.success());
}

#[tokio::test]
async fn an_unwritable_log_does_not_stop_the_node() {
    let full = Stdio::from(File::options().write(true).open("/dev/full").expect("Linux has it"));
    // The pipe has no reader.
    let closed = Stdio::from(pipe().expect("a pipe").1);
    for errors in [full, closed] {
        let launch = Launch::new().set("server.drain", "100ms");
        let node = launch.start_logging_to(errors).await;
        until_lines_are_lost(&node).await;
        assert_well(node).await;
    }
}

#[tokio::test]
async fn an_unread_log_does_not_stop_the_node() {
    let (_unread, errors) = pipe().expect("a pipe");
    let settings = Launch::new().set("log.level", "debug").set("log.queue", "64");
    let node = settings.set("server.drain", "100ms").start_logging_to(errors).await;
    // More lines than the pipe and the queue hold.
    RawSocket::connect(node.port).await.get_many("/readyz", 800).await;
    until_lines_are_lost(&node).await;
    assert_well(node).await;
}

#[tokio::test]
async fn a_long_path_or_method_is_cut_and_stands_in_a_line_once() {
    let node = Launch::new().set("log.level", "debug").start().await;
    node.http().get(&format!("/{}", "x".repeat(8000))).await;
    let mut raw = RawSocket::connect(node.port).await;
    let method = "Y".repeat(8000);
    raw.write(format!("{method} /readyz HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await;
    let log = eventually("both are logged", DEADLINE, async || {
        let log = node.log();
        (log.contains("xxx") && log.contains("YYY")).then_some(log)
    })
    .await;
    let count = |letter: char| log.chars().filter(|c| *c == letter).count();
    assert!(count('x') < 300, "256 bytes of the path: {}", count('x'));
    assert!(count('Y') < 20, "16 bytes of the method: {}", count('Y'));
}

#[tokio::test]
async fn requests_for_files_of_the_client_are_not_logged_as_info() {
    let node = Launch::new().set("log.level", "info").start().await;
    for path in ["/", "/js/main.js", "/nothing-here", "/healthz"] {
        node.http().get(path).await;
    }
    node.http().get("/api/rooms").await;
    let log = eventually("what follows is logged", DEADLINE, async || {
        let log = node.log();
        log.contains("/api/rooms").then_some(log)
    })
    .await;
    assert_eq!(log.lines().filter(|line| line.contains("route=")).count(), 1, "{log}");
}

#[tokio::test]
async fn an_answer_of_a_command_needs_no_reader() {
    let launch = Launch::new();
    let url = format!("http://127.0.0.1:{}/readyz", launch.port());
    let mut health = launch.command(&["health", "--url", &url]);
    let _node = launch.start().await;
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    assert!(health.stdout(full).status().expect("it can be started").success());
}
