//! The programs of `examples/` and `clients/js/examples/`, run as a newcomer would.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::harness::browser::Browser;
use crate::harness::{Client, DEADLINE, Http, LONG_DEADLINE, Node, eventually, ports, skip};

/// A program with its arguments, in the root of the checkout; killed when it is dropped.
fn example(interpreter: &str, arguments: &[&str]) -> Child {
    Command::new(interpreter)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
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
    let mut bot = example(python, &["examples/bot.py", &format!("ws://127.0.0.1:{}/ws", node.port), "tea"]);
    answers(&mut bot, &node).await;
}

#[tokio::test]
async fn the_bot_ends_where_it_may_not_be() {
    let Some(python) = python_with_websockets().await else { return skip("python3-websockets") };
    let node = Node::with(&[("auth.guests", "false"), ("auth.timeout", "1s")]).await;
    let mut bot = example(python, &["examples/bot.py", &format!("ws://127.0.0.1:{}/ws", node.port)]);
    let ended = tokio::time::timeout(LONG_DEADLINE, bot.wait()).await.expect("it ends in time");
    assert!(!ended.expect("it was started").success());
}

/// The options with which Node.js has a WebSocket; `None` without such a version of it.
async fn node_with_websocket() -> Option<&'static str> {
    // A version that needs no option takes this one.
    let option = "--experimental-websocket";
    let script = "new WebSocket('ws://127.0.0.1:9/').onerror = () => {}";
    let status = Command::new("node").args([option, "-e", script]).stderr(Stdio::null()).status().await;
    status.is_ok_and(|status| status.success()).then_some(option)
}

#[tokio::test]
async fn the_bot_of_the_library_answers() {
    let Some(option) = node_with_websocket().await else { return skip("Node.js 20 or newer") };
    let node = Node::memory().await;
    let address = format!("ws://127.0.0.1:{}/ws", node.port);
    let mut bot = example("node", &[option, "clients/js/examples/bot.js", &address, "tea"]);
    answers(&mut bot, &node).await;
}

/// A bot has joined, answers the question, and reacts to it.
async fn answers(bot: &mut Child, node: &Node) {
    assert_eq!(first_line(bot).await, "joined tea at 0");
    let mut rahim = Client::full(node, "rahim").await;
    rahim.join("tea").await;
    rahim.posts("tea", "!time").await;
    let mut awaited = vec!["reaction", "text"];
    while !awaited.is_empty() {
        let is_answer = |frame: &serde_json::Value| {
            let is_text =
                frame["content"].as_str().is_some_and(|content| content.starts_with("rahim, it is "));
            is_text || frame["type"] == "reaction" && frame["ref"] == 1
        };
        let frame = rahim.expect_that("the bot's answer", is_answer).await;
        awaited.retain(|kind| frame["type"] != *kind);
    }
}

#[tokio::test]
async fn the_page_of_the_library_talks() {
    let Some(browser) = Browser::start().await else { return };
    let node = Node::memory().await;
    let port = ports::reserve();
    let server = ["-m", "http.server", "--bind", "127.0.0.1", "--directory", "clients/js", &port.to_string()];
    let _server = example("python3", &server);
    let serves = async || (Http::new(port).status("/examples/page.html").await == Some(200)).then_some(());
    eventually("the files are served", LONG_DEADLINE, serves).await;
    let address =
        format!("http://127.0.0.1:{port}/examples/page.html?room=tea&url=ws://127.0.0.1:{}/ws", node.port);
    let page = browser.load(&address).await;
    let mut rahim = Client::full(&node, "rahim").await;
    rahim.join("tea").await;
    rahim.posts("tea", "<b>tea?</b>").await;
    page.until("document.querySelector('li')?.textContent.trim() === 'rahim: <b>tea?</b>'").await;
    page.fill("#content", "yes").await;
    page.click("button").await;
    rahim.expect_that("the page's message", |frame| frame["content"] == "yes").await;
    page.close().await;
}

#[tokio::test]
async fn curl_posts_and_reads() {
    let node = Node::memory().await;
    let address = format!("http://127.0.0.1:{}", node.port);
    let program = example("bash", &["examples/post.sh", "a \"quoted\" line", "tea", &address]);
    let output = program.wait_with_output().await.expect("it ends");
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).expect("JSON");
    let answers: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers[0]["seq"], 1);
    assert_eq!(answers[1]["data"][0]["content"], "a \"quoted\" line");
}
