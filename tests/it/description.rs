//! The description of the REST API against the router, the documents and the codes.

use std::collections::BTreeSet;
use std::path::Path;

use adda::protocol::ErrorCode;
use serde_json::Value;

use crate::harness::Node;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Routes of `docs/rest.md` that serve pages, and the description itself.
const PAGES: [&str; 4] = ["GET /", "GET /dashboard", "GET /api/docs", "GET /api/openapi.json"];

async fn description(node: &Node) -> Value {
    node.http().json("/api/openapi.json").await
}

/// Each operation as `GET /api/rooms/{}`.
fn operations(description: &Value) -> BTreeSet<String> {
    let paths = description["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, &Value)| {
        let methods = item.as_object().expect("operations").keys();
        methods.map(|method| format!("{} {}", method.to_uppercase(), unnamed(path))).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// A path whose parameters have no names.
fn unnamed(path: &str) -> String {
    let parts = path.split('{').enumerate();
    parts
        .map(
            |(place, part)| {
                if place == 0 { part } else { part.split_once('}').map_or(part, |(_, rest)| rest) }
            },
        )
        .collect::<Vec<_>>()
        .join("{}")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a readable file")
}

#[tokio::test]
async fn the_router_takes_the_described_methods_alone() {
    let node = Node::memory().await;
    let description = description(&node).await;
    for (path, item) in description["paths"].as_object().unwrap() {
        for method in METHODS {
            let address = unnamed(path).replace("{}", "1");
            let reply = node.http().call(&method.to_uppercase(), &address).send().await;
            let is_refused = reply.status == 405;
            assert_eq!(item.get(method).is_none(), is_refused, "{method} {path}: {reply:?}");
            let is_unknown = reply.status == 404 && reply.json()["error"] == "No such path";
            assert!(!is_unknown, "{method} {path}");
        }
    }
}

/// The sources with routes that are named by hand, not by the annotations of their handlers.
#[test]
fn no_route_of_the_api_is_named_by_hand() {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let by_hand = [".route(", ".nest_service(", ".route_service("];
            found.extend(
                text.lines().filter(|line| by_hand.iter().any(|call| line.contains(call))).map(str::to_owned),
            );
        }
    }
    // The description and its page.
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("OWN_PATHS"), "{found:?}");
}

#[tokio::test]
async fn the_description_and_the_document_have_the_same_routes() {
    let node = Node::memory().await;
    let described = operations(&description(&node).await);
    let document = read("docs/rest.md");
    let mut documented = BTreeSet::new();
    for row in document.lines().filter(|line| line.starts_with("| `")) {
        let cell = row.split('|').nth(1).expect("a cell");
        let words: Vec<&str> = cell.split([' ', '`', ',']).filter(|word| !word.is_empty()).collect();
        let Some((path, methods)) = words.split_last().filter(|(path, _)| path.starts_with('/')) else {
            continue;
        };
        documented.extend(methods.iter().map(|method| format!("{method} {}", unnamed(path))));
    }
    for page in PAGES {
        assert!(documented.remove(page), "{page} has no row");
    }
    assert_eq!(described, documented);
}

#[tokio::test]
async fn every_operation_is_described_in_whole() {
    let node = Node::memory().await;
    let description = description(&node).await;
    assert_eq!(description["openapi"].as_str().map(|version| &version[..3]), Some("3.1"));
    let tags: BTreeSet<&str> =
        description["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].to_string()), "{place}: its id is another's");
            assert!(
                operation["tags"].as_array().unwrap().iter().all(|tag| tags.contains(tag.as_str().unwrap())),
                "{place}"
            );
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.keys().any(|status| status.starts_with('2')), "{place}");
            assert!(answers.contains_key("400"), "{place}");
            let role = operation.get("x-role");
            assert_eq!(role.is_some(), operation.get("security").is_some(), "{place}");
            let refuses_strangers = answers.contains_key("401") && answers.contains_key("403");
            assert!(role.is_none() || refuses_strangers, "{place}: {role:?}");
        }
    }
    let mut references = Vec::new();
    find_references(&description, &mut references);
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(description.pointer(pointer).is_some(), "{reference}");
    }
    let codes =
        description["components"]["schemas"]["Error"]["properties"]["code"]["enum"].as_array().unwrap();
    let codes: Vec<&str> = codes.iter().map(|code| code.as_str().unwrap()).collect();
    assert_eq!(codes, ErrorCode::ALL.map(ErrorCode::as_str));
}

fn find_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| find_references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| find_references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn headers_that_a_client_needs_are_described() {
    let node = Node::memory().await;
    let description = description(&node).await;
    let file = "/api/files/{id}/{name}";
    for (method, path, status, headers) in [
        ("post", "/api/session", "204", &["Set-Cookie"][..]),
        ("delete", "/api/session", "204", &["Set-Cookie"]),
        ("get", file, "200", &["ETag", "Accept-Ranges", "Content-Disposition"]),
        ("get", file, "206", &["ETag", "Accept-Ranges", "Content-Disposition", "Content-Range"]),
        ("get", file, "304", &["ETag"]),
        ("get", file, "416", &["Content-Range"]),
        ("get", "/api/rooms", "503", &["Retry-After"]),
    ] {
        let described = description["paths"][path][method]["responses"][status]["headers"].as_object();
        for header in headers.iter().chain(&["X-Request-Id"]) {
            let is_described = described.is_some_and(|described| described.contains_key(*header));
            assert!(is_described, "{header} of {status} of {method} {path}: {described:?}");
        }
    }
    let parameters = description["paths"][file]["get"]["parameters"].as_array().unwrap();
    for name in ["Range", "If-Range", "If-None-Match"] {
        assert!(parameters.iter().any(|parameter| parameter["name"] == name), "{name}");
    }
    assert!(!node.http().get("/api/rooms").await.header("x-request-id").is_empty());
    let stats = description["paths"]["/api/stats"]["get"]["description"].as_str().unwrap();
    assert!(stats.contains("http.public_stats"), "{stats}");
}

#[tokio::test]
async fn the_description_is_read_again_only_if_it_is_another() {
    let node = Node::memory().await;
    let first = node.http().get("/api/openapi.json").await;
    assert_eq!((first.status, first.header("content-type")), (200, "application/json"));
    let again = node
        .http()
        .call("GET", "/api/openapi.json")
        .header("if-none-match", first.header("etag"))
        .send()
        .await;
    assert_eq!(again.status, 304);
    assert_eq!(node.http().call("POST", "/api/openapi.json").send().await.error(405), "method_not_allowed");
}
