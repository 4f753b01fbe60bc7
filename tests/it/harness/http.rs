//! A small HTTP client: one connection a request, no retries, no redirects.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::LONG_DEADLINE;

/// The REST API of one node.
#[derive(Debug, Clone, Copy)]
pub struct Http {
    port: u16,
}

/// A request builder.
#[derive(Debug)]
pub struct Call {
    port: u16,
    request: hyper::http::request::Builder,
    body: Bytes,
}

/// A complete response.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Http {
    /// The server on a port of the loopback address.
    pub fn new(port: u16) -> Self {
        Self { port }
    }

    /// Begins a request.
    pub fn call(self, method: &str, path: &str) -> Call {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request =
            Request::builder().method(method).uri(path).header(HOST, format!("127.0.0.1:{}", self.port));
        Call { port: self.port, request, body: Bytes::new() }
    }

    /// A GET that must have a response.
    pub async fn get(self, path: &str) -> Reply {
        self.call("GET", path).send().await
    }

    /// A GET that must answer 200 with JSON.
    pub async fn json(self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "GET {path}: {reply:?}");
        reply.json()
    }

    /// The status of a GET; `None` without a response.
    pub async fn status(self, path: &str) -> Option<u16> {
        self.call("GET", path).try_send().await.map(|reply| reply.status)
    }

    /// All occupied rooms with their number of sessions, over all pages.
    pub async fn rooms(self) -> Vec<(String, u64)> {
        let mut rooms = Vec::new();
        let mut path = "/api/rooms".to_owned();
        loop {
            let page = self.json(&path).await;
            for room in page["data"].as_array().expect("a list of rooms") {
                rooms.push((text(&room["name"]), room["client_count"].as_u64().expect("a count")));
            }
            let Some(next) = page["next"].as_str() else { return rooms };
            path = format!("/api/rooms?cursor={}", encode(next));
        }
    }

    /// The connection ids in a room, over all pages, sorted; empty if it is not occupied.
    pub async fn connections(self, room: &str) -> Vec<String> {
        self.connections_if_known(room).await.expect("the node knows the members")
    }

    /// The same; `None` if the node answers 503.
    pub async fn connections_if_known(self, room: &str) -> Option<Vec<String>> {
        let mut ids = Vec::new();
        let base = format!("/api/rooms/{}", encode(room));
        let mut path = base.clone();
        loop {
            let reply = self.get(&path).await;
            match reply.status {
                404 => return Some(Vec::new()),
                503 => return None,
                _ => {}
            }
            assert_eq!(reply.status, 200, "GET {path}: {reply:?}");
            let detail = &reply.json()["data"];
            ids.extend(
                detail["clients"].as_array().expect("clients").iter().map(|client| text(&client["id"])),
            );
            let Some(next) = detail["next"].as_str() else {
                assert_eq!(detail["client_count"], ids.len(), "the count is not that of the list: {detail}");
                ids.sort();
                return Some(ids);
            };
            path = format!("{base}?cursor={}", encode(next));
        }
    }

    /// The newest messages of a room, oldest first.
    pub async fn messages(self, room: &str, query: &str) -> Vec<Value> {
        let page = self.json(&format!("/api/rooms/{}/messages{query}", encode(room))).await;
        page["data"].as_array().expect("a list of messages").clone()
    }

    /// Posts a message as a guest; must succeed.
    pub async fn post(self, room: &str, content: &str) -> Value {
        let reply = self
            .call("POST", &format!("/api/rooms/{}/messages", encode(room)))
            .json(&serde_json::json!({ "content": content, "username": "curl" }))
            .send()
            .await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()
    }
}

impl Call {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Sends JSON.
    pub fn json(self, value: &Value) -> Self {
        self.header(CONTENT_TYPE.as_str(), "application/json").body(value.to_string())
    }

    /// Sends any bytes.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the request and returns the response; fails without one.
    pub async fn send(self) -> Reply {
        self.try_send().await.expect("the node answers")
    }

    /// The response, or `None` if the connection is refused or breaks off.
    pub async fn try_send(self) -> Option<Reply> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        let request = self.request.body(Full::new(self.body)).expect("a well-formed request");
        let exchange = async {
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
            tokio::spawn(connection);
            let (head, body) = sender.send_request(request).await.ok()?.into_parts();
            let body = body.collect().await.ok()?.to_bytes();
            Some(Reply { status: head.status.as_u16(), headers: head.headers, body })
        };
        timeout(LONG_DEADLINE, exchange).await.expect("an answer within the deadline")
    }
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// A header as text, empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a readable header"))
    }

    /// Asserts the shape of every error and returns its code.
    pub fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.header("content-type").starts_with("application/json"), "{self:?}");
        let body = self.json();
        assert!(!text(&body["error"]).is_empty(), "an error says what is wrong: {body}");
        text(&body["code"])
    }
}

/// A JSON string's text.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("text, not {value}")).to_owned()
}

/// Percent-encodes all but what is unreserved in a URL.
pub fn encode(raw: &str) -> String {
    let mut encoded = String::new();
    for byte in raw.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
