//! HTTP apart from the API: refused upgrades, origins, files, probes and metrics.

use std::path::{Path, PathBuf};

use crate::harness::http::encode;
use serde_json::json;

use crate::harness::{Client, DEADLINE, Dial, Http, Node, RawSocket, eventually};

#[tokio::test]
async fn a_websocket_address_without_an_upgrade_is_426() {
    let node = Node::memory().await;
    for path in [
        "/ws",
        "/ws/general/rahim",
        "/ws?room=general&username=rahim",
        "/ws/notifications",
        "/ws/dashboard",
        "/ws/echo",
        "/ws?room=a&room=b",
        "/ws?room=%ff",
        "/ws/%ff/x",
        "/ws/%zz/x",
    ] {
        let reply = node.http().get(path).await;
        assert!(!reply.error(426).is_empty(), "{path}");
        assert_eq!(reply.header("upgrade").to_lowercase(), "websocket", "{path}");
    }
}

#[tokio::test]
async fn an_address_that_can_not_be_read_is_400_and_no_session() {
    let node = Node::memory().await;
    for path in [
        "/ws?room=a&username=x&username=y",
        "/ws?room=a&room=b",
        "/ws?room=%ff",
        "/ws?room=a&username=%E0%A6",
        "/ws?room=%zz",
        "/ws?room=a&username=100%",
        "/ws/%ff/x",
        "/ws/general/%ff",
        "/ws/%zz/x",
    ] {
        let upgrade = [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let call = node.http().call("GET", path);
        let reply = upgrade.iter().fold(call, |call, (name, value)| call.header(name, value)).send().await;
        assert_eq!(reply.error(400), "bad_request", "{path}");
        assert_eq!(node.http().get(path).await.error(426), "upgrade_required", "{path}");
    }
    assert!(node.http().rooms().await.is_empty());
}

#[tokio::test]
async fn the_request_log_names_routes_and_no_person_or_room() {
    let node = Node::memory().await;
    let name = encode("জরিনা");
    for path in [format!("/ws/tearoom/{name}"), format!("/ws/tearoom/{name}/"), format!("/ws/{name}")] {
        node.http().get(&path).await;
    }
    let zorina = Dial::plain(node.port, format!("/ws/tearoom/{name}")).open().await;
    node.http().get(&format!("/api/rooms?prefix={name}")).await;
    node.http().get("/api/rooms/tearoom/messages").await;
    zorina.close().await;
    let log = eventually("both routes are logged", DEADLINE, async || {
        let log = node.log();
        let is_whole = log.contains("/api/rooms/{room}/messages") && log.contains("/ws/{room}/{username}");
        is_whole.then_some(log)
    })
    .await;
    let answers: Vec<_> =
        log.lines().filter(|line| line.contains(" INFO ") && line.contains("route=")).collect();
    assert!(!answers.is_empty() && !answers.iter().any(|line| line.contains("tearoom")), "{answers:?}");
    assert!(!log.contains("জরিনা"), "{log}");
}

#[tokio::test]
async fn other_origins_may_use_the_api() {
    let node = Node::memory().await;
    let preflight = node
        .http()
        .call("OPTIONS", "/api/rooms/general/messages")
        .header("origin", "https://elsewhere.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,idempotency-key")
        .send()
        .await;
    assert!(matches!(preflight.status, 200 | 204), "{preflight:?}");
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    assert!(preflight.header("access-control-allow-methods").contains("POST"), "{preflight:?}");
    let headers = preflight.header("access-control-allow-headers").to_lowercase();
    for name in ["authorization", "content-type", "idempotency-key"] {
        assert!(headers.contains(name), "{name} in {headers}");
    }
    assert!(preflight.headers.get("access-control-allow-credentials").is_none(), "no cookie is ever used");

    for path in ["/api/rooms", "/api/rooms/nobody"] {
        let reply = node.http().call("GET", path).header("origin", "https://elsewhere.example").send().await;
        assert_eq!(reply.header("access-control-allow-origin"), "*", "{reply:?}");
    }
}

#[tokio::test]
async fn only_configured_origins_may_use_the_api() {
    let listed = "https://adda.example, https://other.example";
    let node = Node::with(&[("server.origins", listed)]).await;
    for (origin, allowed) in [
        ("https://adda.example", "https://adda.example"),
        ("https://other.example", "https://other.example"),
        ("https://evil.example", ""),
    ] {
        for (path, status) in [("/api/rooms", 200), ("/nothing", 404)] {
            let reply = node.http().call("GET", path).header("origin", origin).send().await;
            assert_eq!(reply.status, status);
            assert_eq!(reply.header("access-control-allow-origin"), allowed, "{path}");
        }
    }
}

#[tokio::test]
async fn only_pages_of_configured_origins_may_open_sessions() {
    let node = Node::with(&[("server.origins", "https://adda.example, http://[::1]:8080")]).await;
    for path in ["/ws", "/ws/general/rahim", "/ws/echo"] {
        for (origin, is_allowed) in [
            ("https://adda.example", true),
            ("http://[::1]:8080", true),
            ("https://adda.example:444", false),
            ("http://adda.example", false),
            ("https://evil.example", false),
            ("null", false),
            ("", false),
        ] {
            let call = upgrade(node.http().call("GET", path)).header("origin", origin);
            let reply = call.send().await;
            assert_eq!(reply.status, if is_allowed { 101 } else { 403 }, "{path} {origin}: {reply:?}");
            if !is_allowed {
                assert_eq!(reply.error(403), "bad_origin");
            }
        }
        assert_eq!(
            upgrade(node.http().call("GET", path)).send().await.status,
            101,
            "programs name no origin"
        );
    }
}

#[tokio::test]
async fn errors_reach_pages_of_other_origins() {
    let node = Node::memory().await;
    for (method, path, status) in [
        ("GET", "/api/nope", 404),
        ("GET", "/api/rooms/x/y/z", 404),
        ("GET", "/api/rooms/nobody", 404),
        ("DELETE", "/api/rooms", 405),
        ("GET", "/api/rooms?limit=x", 400),
        ("GET", "/api/rooms/./messages", 400),
        ("GET", "/api/rooms/../messages", 400),
        ("GET", "/ws", 426),
        ("GET", "/ws?room=%ff", 426),
        ("GET", "/ws/general", 404),
        ("GET", "/nothing", 404),
        ("POST", "/js/nothing.js", 404),
        ("POST", "/", 405),
    ] {
        let reply = node.http().call(method, path).header("origin", "https://elsewhere.example").send().await;
        reply.error(status);
        assert_eq!(reply.header("access-control-allow-origin"), "*", "{path}: {reply:?}");
        let exposed = reply.header("access-control-expose-headers").to_lowercase();
        assert!(exposed.contains("retry-after") && exposed.contains("x-request-id"), "{path}: {reply:?}");
    }
    for path in ["/metrics", "/readyz", "/healthz", "/"] {
        let reply = node.http().call("GET", path).header("origin", "https://elsewhere.example").send().await;
        assert_eq!(reply.header("access-control-allow-origin"), "", "{path}: {reply:?}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_answered_with_the_allowed_ones() {
    let node = Node::memory().await;
    for (method, path, allowed) in [
        ("DELETE", "/api/rooms", "GET"),
        ("PUT", "/api/rooms/x/messages", "POST"),
        ("POST", "/healthz", "GET"),
        ("POST", "/", "GET"),
        ("DELETE", "/js/main.js", "GET"),
    ] {
        let reply = node.http().call(method, path).send().await;
        assert_eq!(reply.error(405), "method_not_allowed", "{path}");
        assert!(reply.header("allow").contains(allowed), "{method} {path}: {reply:?}");
    }
}

fn upgrade(call: crate::harness::http::Call) -> crate::harness::http::Call {
    call.header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let node = Node::memory().await;
    let mut ids = Vec::new();
    for path in ["/", "/api/rooms", "/api/rooms/nobody", "/nothing", "/ws", "/healthz"] {
        let reply = node.http().get(path).await;
        let id = reply.header("x-request-id").to_owned();
        assert!(!id.is_empty(), "{path}: {reply:?}");
        assert!(!ids.contains(&id), "{id} was given twice");
        ids.push(id);
    }
}

#[tokio::test]
async fn probes_answer() {
    let node = Node::memory().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(node.http().get(path).await.status, 200, "{path}");
        assert_eq!(node.http().call("HEAD", path).send().await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn metrics_are_prometheus_text_about_adda() {
    let node = Node::memory().await;
    let mut rahim = Client::full(&node, "রহিম").await;
    rahim.join("general").await;
    rahim.posts("general", "counted").await;
    let reply = node.http().get("/metrics").await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("content-type").starts_with("text/plain"), "{reply:?}");
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    let series: Vec<_> = text.lines().filter(|line| line.starts_with("adda_")).collect();
    assert!(!series.is_empty(), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let value = line.rsplit(' ').next().unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(!line.contains("general") && !line.contains("রহিম"), "no series per room or user: {line}");
    }
    for begun in [
        "adda_errors_total{code=\"nonce_reused\"} 0",
        "adda_errors_total{code=\"bad_nonce\"} 0",
        "adda_redis_pipeline_seconds_bucket{le=\"0.0001\"}",
    ] {
        assert!(text.lines().any(|line| line.starts_with(begun)), "{begun} before it is needed: {text}");
    }
}

/// The refusals that a node has counted, by code, without zeros.
async fn refusals(node: &Node) -> Vec<(String, u64)> {
    let text = String::from_utf8(node.http().get("/metrics").await.body.to_vec()).unwrap();
    let series = text.lines().filter_map(|line| line.strip_prefix("adda_errors_total{code=\""));
    let mut counts: Vec<_> = series
        .map(|series| series.split_once("\"} ").unwrap())
        .map(|(code, count)| (code.to_owned(), count.parse().unwrap()))
        .filter(|(_, count)| *count > 0)
        .collect();
    counts.sort();
    counts
}

#[tokio::test]
async fn a_refusal_counts_once_and_where_it_is_sent() {
    let node = Node::memory().await;
    assert_eq!(refusals(&node).await, [], "there was no request");
    let mut expected = Vec::new();
    for (method, path, code) in [
        ("GET", "/api/rooms/nobody", "room_not_found"),
        ("GET", "/nothing", "not_found"),
        ("PUT", "/api/rooms", "method_not_allowed"),
        ("GET", "/ws", "upgrade_required"),
        ("GET", "/api/rooms?limit=0", "bad_request"),
    ] {
        let reply = node.http().call(method, path).send().await;
        assert_eq!(reply.error(reply.status), code, "{path}");
        expected.push((code.to_owned(), 1));
        expected.sort();
        assert_eq!(refusals(&node).await, expected, "{path}");
    }
    let mut socket = RawSocket::connect(node.port).await;
    socket.write(b"GET\r\n\r\n").await;
    assert!(socket.read_to_end().await.starts_with(b"HTTP/1.1 400"));
    expected.iter_mut().find(|(code, _)| code == "bad_request").unwrap().1 += 1;
    assert_eq!(refusals(&node).await, expected, "a head that can't be read");
    let mut rahim = Client::full(&node, "rahim").await;
    for (frame, code) in [
        (json!({ "type": "join", "room_id": "" }), "bad_room_name"),
        (json!({ "type": "text", "room_id": "corner", "content": "x", "nonce": "n" }), "not_in_room"),
        (json!({ "type": "nothing" }), "unknown_type"),
        (json!([]), "bad_frame"),
    ] {
        rahim.send(frame).await;
        assert_eq!(rahim.expect("error").await["code"], code);
        expected.push((code.to_owned(), 1));
        expected.sort();
        assert_eq!(refusals(&node).await, expected, "{code}");
    }
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("public/ is there").map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

async fn assert_safe(http: Http, path: &str) {
    let reply = http.get(path).await;
    let policy = reply.header("content-security-policy");
    assert!(
        policy.contains("default-src 'self'") || policy.contains("default-src 'none'"),
        "{path}: {policy}"
    );
    for hole in ["unsafe-inline", "unsafe-eval", "*", "data:", "blob:", "http:"] {
        let is_open =
            policy.split(';').any(|rule| !rule.trim().starts_with("img-src") && rule.contains(hole));
        assert!(!is_open, "{hole} in {policy}");
    }
    assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
}

#[tokio::test]
async fn the_client_is_served_with_a_strict_policy() {
    let node = Node::memory().await;
    for path in ["/", "/setup"] {
        let reply = node.http().get(path).await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.header("content-type").starts_with("text/html"), "{path}: {reply:?}");
        assert_safe(node.http(), path).await;
        let policy = reply.header("content-security-policy").to_owned();
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(reply.body, node.http().get("/").await.body, "{path} is the page");
    }
}

#[tokio::test]
async fn every_file_of_the_client_is_served_with_its_type() {
    let node = Node::memory().await;
    let public = Path::new(env!("CARGO_MANIFEST_DIR")).join("public");
    let files = files(&public);
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let path = format!("/{}", file.strip_prefix(&public).unwrap().display());
        let content_type = match file.extension().and_then(|extension| extension.to_str()) {
            Some("html") => "text/html",
            Some("js") => "text/javascript",
            Some("css") => "text/css",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("woff2") => "font/woff2",
            Some("json") => "application/json",
            Some("webmanifest") => "application/manifest+json",
            _ => "",
        };
        let reply = node.http().get(&path).await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.header("content-type").starts_with(content_type), "{path}: {reply:?}");
        // These name the files of their build.
        if !["/index.html", "/dashboard.html", "/api_docs.html", "/sw.js"].contains(&path.as_str()) {
            assert_eq!(reply.body, std::fs::read(&file).unwrap(), "{path}");
        }
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_404() {
    let node = Node::memory().await;
    for path in [
        "/nothing.js",
        "//index.html",
        "//",
        "/index.html/",
        "/js/",
        "/favicon.png/x",
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/js/..%2f..%2fCargo.toml",
        "/index.html%00",
        "/.git/config",
    ] {
        let reply = node.http().get(path).await;
        assert_eq!(reply.status, 404, "{path}: {reply:?}");
    }
}
