//! Files: uploading, reading, posting, and their removal.

mod bucket;
mod frames;
mod large;
mod posting;
mod quotas;
mod reading;
mod removal;
mod upload;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::http::encode;
use crate::harness::{Client, Cluster, Node, Reply};

/// The boundary between the parts of a form.
const BOUNDARY: &str = "----b7c1f0";

/// The beginning of an image of 5 times 7 pixels.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x05\0\0\0\x07\x08\x06\0\0\0";

/// A folder for files that ends with the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("files-{}", uuid::Uuid::new_v4()));
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// The names of what is stored.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Settings with which files are removed soon.
fn settings<'a>(folder: &'a Folder, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("files.url", folder.path()), ("files.sweep_every", "100ms")], more].concat()
}

/// Two nodes with one folder.
async fn pair(folder: &Folder, more: &[(&str, &str)]) -> Option<Cluster> {
    Cluster::with(2, &settings(folder, more)).await
}

/// A form with one file.
pub fn form(name: &str, bytes: &[u8]) -> Vec<u8> {
    let name = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: text/html\r\n\r\n"
    );
    [head.as_bytes(), bytes, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat()
}

pub async fn send_form(node: &Node, token: &str, room: &str, form: Vec<u8>) -> Reply {
    node.http()
        .call("POST", &format!("/api/rooms/{}/files", encode(room)))
        .header("authorization", &format!("Bearer {token}"))
        .header("content-type", &format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(form)
        .send()
        .await
}

/// Uploads a file; must succeed.
pub async fn upload(node: &Node, token: &str, room: &str, name: &str, bytes: &[u8]) -> Value {
    let reply = send_form(node, token, room, form(name, bytes)).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

/// A file by its URL, as the bearer of a token or as nobody.
async fn get(node: &Node, token: Option<&str>, url: &str) -> Reply {
    let call = node.http().call("GET", url);
    match token {
        Some(token) => call.header("authorization", &format!("Bearer {token}")).send().await,
        None => call.send().await,
    }
}

/// A text with files.
fn text_with(room: &str, content: &str, nonce: &str, files: &[&Value]) -> Value {
    let ids: Vec<&Value> = files.iter().map(|file| &file["id"]).collect();
    json!({ "type": "text", "room_id": room, "content": content, "nonce": nonce, "files": ids })
}

/// Posts a text with files; its ack.
pub async fn post(client: &mut Client, room: &str, nonce: &str, files: &[&Value]) -> Value {
    client.send(text_with(room, "", nonce, files)).await;
    client.expect("ack").await
}

fn url(file: &Value) -> &str {
    file["url"].as_str().unwrap()
}
