//! The answers of a node against its description of the REST API. schemathesis sends requests that the description allows, and
//! requests that it forbids: as a guest, as the user of an account, and as an admin.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::http::text;
use crate::harness::{Client, Launch, Node, program, skip};
use crate::registration::{SETTINGS, register, send};

const SECRET: &str = "a-secret-of-a-run-of-schemathesis";
const PASSWORD: &str = "correct horse battery";

/// Requests of an operation and phase that are made up, beside those for each bound of its schemas.
const EXAMPLES: &str = "10";

fn launch() -> Launch {
    let settings = [("auth.secret", SECRET), ("notifications.schedules", "10000"), ("log.level", "info")];
    SETTINGS.iter().chain(&settings).fold(Launch::new(), |launch, (key, value)| launch.set(key, value))
}

/// Things of others for the caller to ask about.
struct World {
    other: Value,
    file: Value,
    _session: Client,
}

impl World {
    async fn of(node: &Node) -> Self {
        let other = register(node, "Mita", PASSWORD).await.json();
        let token = text(&other["token"]);
        let mut session = Client::returning(node, &token).await;
        session.join("general").await;
        let file = crate::files::upload(node, &token, "general", "a.txt", b"words").await;
        crate::files::post(&mut session, "general", "n1", &[&file]).await;
        Self { other, file, _session: session }
    }

    /// A private room of the caller and the other user.
    async fn private_room(&self, node: &Node, token: &str) -> String {
        let made = send(node, "POST", "/api/rooms", Some(token), json!({ "title": "tea" })).await;
        let room = text(&made.json()["id"]);
        let member = format!("/api/rooms/{room}/members/{}", text(&self.other["user_id"]));
        assert_eq!(send(node, "PUT", &member, Some(token), json!({})).await.status, 204);
        room
    }
}

async fn answers_are_as_described(node: &Node, token: Option<&str>) {
    let Some(schemathesis) = program("schemathesis", "schemathesis") else { return skip("schemathesis") };
    let world = World::of(node).await;
    let room = match token {
        Some(token) => world.private_room(node, token).await,
        None => format!("!{}", "0".repeat(32)),
    };
    // A log-out would end the token that the other requests need.
    let leaver = text(&register(node, "Karim", PASSWORD).await.json()["token"]);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis");
    // It keeps what it learns in its working folder.
    let folder = Folder::new(node.port);
    let url = format!("http://127.0.0.1:{}", node.port);
    let mut command = tokio::process::Command::new(schemathesis);
    command.arg("--config-file").arg(own.join("schemathesis.toml")).args(["run", "--no-color"]);
    command.args(["--seed", "1", "--max-examples", EXAMPLES, "--continue-on-failure", "--url", &url]);
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    command.arg(format!("{url}/api/openapi.json"));
    command.env("PYTHONPATH", own).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(&folder.0);
    command.env("ROOM", room).env("USER_ID", text(&world.other["user_id"])).env("LOG_OUT_TOKEN", leaver);
    command.env("FILE_ID", text(&world.file["id"])).env("FILE_NAME", text(&world.file["name"]));
    let run = command.stdin(Stdio::null()).kill_on_drop(true).output().await.expect("it can be started");
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{told}{}", String::from_utf8_lossy(&run.stderr));
    // It says where all requests were refused for the token.
    assert_eq!(told.contains("- GET /api/me\n"), token.is_none(), "{told}");
}

struct Folder(PathBuf);

impl Folder {
    fn new(port: u16) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("schemathesis-{port}"));
        std::fs::create_dir_all(&path).expect("the target folder can be written");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_guest_is_answered_as_described() {
    answers_are_as_described(&launch().start().await, None).await;
}

#[tokio::test]
async fn the_user_of_an_account_is_answered_as_described() {
    let node = launch().start().await;
    let token = text(&register(&node, "Rahim", PASSWORD).await.json()["token"]);
    answers_are_as_described(&node, Some(&token)).await;
}

#[tokio::test]
async fn an_admin_is_answered_as_described() {
    let launch = launch();
    let made = launch.command(&["token", "--user", "root", "--role", "admin"]).output().expect("it runs");
    let token = String::from_utf8(made.stdout).expect("a token is ASCII");
    answers_are_as_described(&launch.start().await, Some(token.trim())).await;
}
