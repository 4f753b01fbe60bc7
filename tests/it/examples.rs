//! The programs of `examples/`, run as a newcomer would.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::harness::{Client, DEADLINE, Node, skip};

/// A program of `examples/` with its arguments, killed when it is dropped.
fn example(interpreter: &str, name: &str, arguments: &[&str]) -> Child {
    Command::new(interpreter)
        .arg(format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR")))
        .args(arguments)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the interpreter can be started")
}

async fn first_line(program: &mut Child) -> String {
    let output = program.stdout.take().expect("a pipe");
    let mut lines = BufReader::new(output).lines();
    let line = tokio::time::timeout(DEADLINE, lines.next_line()).await.expect("a line in time");
    line.expect("readable output").expect("a line before the end")
}

/// A Python that has the bot's library: the first in the PATH, or Debian's own beside it.
async fn python_with_websockets() -> Option<&'static str> {
    for python in ["python3", "/usr/bin/python3"] {
        let import = Command::new(python).args(["-c", "import websockets"]).stderr(Stdio::null()).status();
        if import.await.is_ok_and(|status| status.success()) {
            return Some(python);
        }
    }
    None
}

#[tokio::test]
async fn the_bot_answers() {
    let Some(python) = python_with_websockets().await else { return skip("python3-websockets") };
    let node = Node::memory().await;
    let mut bot = example(python, "bot.py", &[&format!("ws://127.0.0.1:{}/ws", node.port), "tea"]);
    assert_eq!(first_line(&mut bot).await, "joined tea at 0");
    let mut rahim = Client::full(&node, "rahim").await;
    rahim.join("tea").await;
    rahim.posts("tea", "!time").await;
    let is_answer = |frame: &serde_json::Value| {
        frame["content"].as_str().is_some_and(|content| content.starts_with("rahim, it is "))
    };
    rahim.expect_that("the bot's answer", is_answer).await;
}

#[tokio::test]
async fn curl_posts_and_reads() {
    let node = Node::memory().await;
    let address = format!("http://127.0.0.1:{}", node.port);
    let program = example("bash", "post.sh", &["a \"quoted\" line", "tea", &address]);
    let output = program.wait_with_output().await.expect("it ends");
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).expect("JSON");
    let answers: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers[0]["seq"], 1);
    assert_eq!(answers[1]["data"][0]["content"], "a \"quoted\" line");
}
