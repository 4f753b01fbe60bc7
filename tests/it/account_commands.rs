//! `adda account`: accounts from the command line, and live nodes that learn of them.

use std::io::Write;
use std::process::{Output, Stdio};

use crate::harness::{Client, Cluster, DEADLINE, Launch, eventually};
use crate::registration::{SETTINGS, log_in, register, send};

const PASSWORD: &str = "correct horse battery";
const NEXT: &str = "আমি বাংলায় গান গাই";

/// Runs the command with a password on its standard input.
async fn run(launch: &Launch, url: &str, arguments: &[&str], password: &str) -> Output {
    let mut arguments = [&["account"], arguments].concat();
    if !url.is_empty() {
        arguments.extend(["--redis", url]);
    }
    let mut command = launch.command(&arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let password = password.to_owned();
    let running = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("the program can be started");
        // A command that refuses its arguments reads nothing.
        let _ = writeln!(child.stdin.take().expect("a pipe"), "{password}");
        child.wait_with_output().expect("a child of ours")
    });
    running.await.unwrap()
}

/// The warnings of `adda token`.
fn warnings(launch: &Launch, arguments: &[&str]) -> String {
    let output = launch.command(&[&["token"], arguments].concat()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    told.lines().filter(|line| line.starts_with("warning: ")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_token_whose_claims_do_not_hold_is_made_with_a_warning() {
    let settings = [&SETTINGS[..], &[("redis.prefix", "adda:")]].concat();
    let Some(cluster) = Cluster::with(1, &settings).await else { return };
    let (launch, url) = (cluster.launch(), cluster.redis.url());
    said(&run(&launch, &url, &["create", "Rahim"], PASSWORD).await);
    let admin = said(&run(&launch, &url, &["create", "Mita", "--role", "admin"], PASSWORD).await);
    let mita = admin.split("its user id is ").nth(1).unwrap().trim();
    cluster.redis.command(&["HSET", "adda:{user:bad}:standing", "ban", "-", "reason", ""]).await;
    let warned = |arguments: &[&str]| warnings(&launch, &[arguments, &["--redis", &url]].concat());
    for (arguments, words) in [
        (&["--user", "new"][..], ""),
        (&["--user", mita, "--name", "MITA", "--role", "admin"], ""),
        (&["--user", mita, "--name", "Mita"], "was given the role admin"),
        (&["--user", "new", "--name", "RAHIM"], "that of another account"),
        (&["--user", "new", "--name", "Adda"], "the name Adda is reserved"),
        (&["--user", "adda", "--name", "x"], "the id adda is reserved"),
        (&["--user", "bad"], "the user bad is banned"),
    ] {
        let told = warned(arguments);
        assert_eq!(told.lines().count(), usize::from(!words.is_empty()), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    let sentence = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(sentence.trim().lines().count(), 1, "one sentence: {sentence}");
    assert!(!sentence.contains(PASSWORD) && !sentence.contains(NEXT), "{sentence}");
    sentence
}

#[tokio::test]
async fn accounts_are_made_and_changed_from_the_command_line() {
    let Some(cluster) = Cluster::with(2, &SETTINGS).await else { return };
    let (launch, url) = (cluster.launch(), cluster.redis.url());
    let [here, there] = [&cluster.nodes[0], &cluster.nodes[1]];
    let run = async |arguments: &[&str], password: &str| run(&launch, &url, arguments, password).await;
    let mut guest = Client::full(there, "রহিম").await;
    guest.join("general").await;

    let made = said(&run(&["create", "রহিম", "--role", "admin"], PASSWORD).await);
    assert!(made.contains("রহিম") && made.contains("admin") && !made.contains(PASSWORD), "{made}");
    assert_eq!(guest.closed().await, 4401, "a guest of that name");
    let session = log_in(here, "রহিম", PASSWORD).await.json();
    assert_eq!(session["role"], "admin");
    eventually("no setup is needed", DEADLINE, async || {
        (here.http().json("/api/setup").await["needed"] == false).then_some(())
    })
    .await;

    said(&run(&["create", "Mita"], PASSWORD).await);
    let mita = log_in(there, "Mita", PASSWORD).await.json();
    assert_eq!(mita["role"], "member");
    let given = said(&run(&["role", "MITA", "moderator"], "").await);
    assert!(given.contains("Mita") && given.contains("moderator"), "{given}");
    assert_eq!(log_in(here, "Mita", PASSWORD).await.json()["role"], "moderator");

    let replaced = said(&run(&["password", "Mita"], NEXT).await);
    assert!(replaced.contains("Mita") && !replaced.contains(NEXT), "{replaced}");
    assert_eq!(log_in(there, "Mita", PASSWORD).await.error(401), "bad_credentials");
    assert_eq!(log_in(there, "Mita", NEXT).await.status, 200);
    let token = mita["token"].as_str().unwrap();
    for node in [here, there] {
        eventually("the token of before is refused", DEADLINE, async || {
            let reply = send(node, "POST", "/api/logout", Some(token), serde_json::json!({})).await;
            (reply.status == 401).then_some(())
        })
        .await;
    }

    for (arguments, password, part) in [
        (&["role", "রহিম", "member"][..], "", "last admin"),
        (&["create", "MITA"], PASSWORD, "another account"),
        (&["create", "Karim"], "short", "at least 8"),
        (&["create", "Karim"], "", "at least 8"),
        (&["create", ""], PASSWORD, "must not be empty"),
        (&["role", "Karim", "member"], "", "no account"),
        (&["password", "Karim"], NEXT, "no account"),
    ] {
        let sentence = refused(&run(arguments, password).await);
        assert!(sentence.contains(part), "{arguments:?}: {sentence}");
    }
    assert_eq!(register(here, "Karim", PASSWORD).await.status, 201, "nothing is left of a refused command");
}

#[tokio::test]
async fn a_command_without_a_redis_says_why_it_can_do_nothing() {
    let launch = Launch::new();
    for arguments in [&["create", "Mita"][..], &["role", "Mita", "admin"], &["password", "Mita"]] {
        let sentence = refused(&run(&launch, "", arguments, PASSWORD).await);
        assert!(sentence.contains("in the memory of the node"), "{sentence}");
    }
    let sentence = refused(&run(&launch, "redis://127.0.0.1:1", &["create", "Mita"], PASSWORD).await);
    assert!(sentence.contains("Redis"), "{sentence}");
}
