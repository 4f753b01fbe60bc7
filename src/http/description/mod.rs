//! The description of the REST API (OpenAPI 3.1). Handlers are annotated with their path, body and answers, and the router
//! is built from these annotations. Here is what all have in common: proofs of identity, parameters, refusals, constraints.

mod constraints;
mod extensions;
mod message;
mod parameters;
mod refusals;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use utoipa::openapi::OpenApi;

use self::extensions::Extensions;
pub(super) use self::message::{FoundInRoom, FoundInRooms, MessageJson, MessagePage, UploadForm};
use super::AppState;
use super::assets;
use super::browser::{self, File};
use super::error::ApiError;
use crate::config::Config;

/// The paths of the description itself and of the page that shows it, which are no part of it.
const OWN_PATHS: [&str; 2] = ["/openapi.json", "/docs"];

/// The page that shows it, among the files of the browser client.
const PAGE: &str = "api_docs.html";

/// A header of every answer.
const REQUEST_ID: &str = "X-Request-Id";

const INTRODUCTION: &str = "Requests and answers are JSON unless said otherwise. `x-role` is the least role that may call an \
    operation: `anyone` needs no token where guests may take part, `guest` is any user with a token. A refusal has a \
    sentence for people and a code for programs. Times are RFC 3339 in UTC. \
    The WebSocket protocol has a document of its own.";

const TAGS: [(&str, &str); 9] = [
    ("rooms", "Occupied rooms and their members"),
    ("messages", "The log of a room, posts and changes"),
    ("files", "Uploads and downloads"),
    ("private", "Private rooms, conversations, the rooms of the caller"),
    ("accounts", "Registration, log-in, passwords, the caller"),
    ("moderation", "Kicks, mutes, locks, bans, roles, the audit log"),
    ("notifications", "Notifications and schedules"),
    ("cluster", "Nodes and figures"),
    ("probes", "For operators' machines, on the node that is asked"),
];

/// Adds the description, and the page that shows it, to the router of the API. It takes several megabytes to write, and many
/// nodes are never asked for it, so it is written when it is.
pub(super) fn with_description(api: Router<AppState>, described: fn() -> OpenApi) -> Router<AppState> {
    let written = Arc::<OnceCell<File>>::default();
    let show = async move |State(AppState { chat, .. }): State<AppState>, request: Request| {
        let write = move || File::written(complete(&described(), chat.config()).to_string());
        let writing = async { spawn_blocking(write).await.expect("writing does not panic") };
        assets::show(written.get_or_init(|| writing).await, OWN_PATHS[0], request.headers()).await
    };
    api.route(OWN_PATHS[0], get(show)).route(OWN_PATHS[1], get(show_page))
}

/// `GET /api/docs`
async fn show_page(request: Request) -> Response {
    match browser::find(PAGE) {
        Some(file) => assets::show(&file, PAGE, request.headers()).await,
        None => ApiError::not_found().into_response(),
    }
}

/// The description with what its operations share.
fn complete(described: &OpenApi, config: &Config) -> Value {
    let mut document = serde_json::to_value(described).expect("a description is JSON");
    document["info"] =
        json!({ "title": "adda", "version": env!("CARGO_PKG_VERSION"), "description": INTRODUCTION });
    // Relative to the description's own address: the node may be served below any path.
    document["servers"] = json!([{ "url": "../" }]);
    document["tags"] =
        TAGS.iter().map(|(name, description)| json!({ "name": name, "description": description })).collect();
    document["components"]["schemas"]["Error"] = refusals::schema();
    document["components"]["headers"][REQUEST_ID] = json!({
        "description": "The request in the node's log; that of the request, if it has one",
        "schema": { "type": "string" },
    });
    document["components"]["securitySchemes"] = json!({
        "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
        "cookie": {
            "type": "apiKey", "in": "cookie", "name": crate::protocol::credentials::COOKIE,
            "description": "Counts only in requests of pages of this node or of `server.origins`",
        },
    });
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, item) in paths {
        for operation in item.as_object_mut().into_iter().flatten().map(|(_, operation)| operation) {
            complete_operation(path, operation.as_object_mut().expect("an operation is an object"));
        }
    }
    constraints::add(&mut document, config);
    document
}

fn complete_operation(path: &str, operation: &mut Map<String, Value>) {
    name_by_handler(operation);
    let extensions = Extensions::take(operation);
    if let Some(role) = &extensions.role {
        let proofs = [json!({ "bearer": [] }), json!({ "cookie": [] })];
        let nobody = (role == "anyone").then(|| json!({}));
        operation.insert("security".to_owned(), nobody.into_iter().chain(proofs).collect());
        operation.insert("x-role".to_owned(), json!(role));
    }
    if extensions.is_body_optional {
        operation["requestBody"]["required"] = json!(false);
    }
    parameters::add(path, operation);
    refusals::add(path, operation, &extensions);
    let answers = operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, answer) in answers {
        answer["headers"][REQUEST_ID] = json!({ "$ref": format!("#/components/headers/{REQUEST_ID}") });
    }
}

/// A handler's name is its summary. Its comment begins with method and path, which are known here.
fn name_by_handler(operation: &mut Map<String, Value>) {
    let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = text("operationId").replace('_', " ");
    let comment = [text("summary"), text("description")].join("\n");
    let (first, rest) = id.split_at(id.len().min(1));
    operation.insert("summary".to_owned(), json!(first.to_uppercase() + rest));
    let own = comment.split_once('`').and_then(|(_, rest)| rest.split_once('`')).map_or("", |(_, rest)| rest);
    let own = own.trim_start_matches([':', ' ']).trim_end();
    match own.trim_end_matches('.').parse::<u16>() {
        _ if own.is_empty() => operation.remove("description"),
        Ok(_) => operation.remove("description"),
        Err(_) => operation.insert("description".to_owned(), json!(own)),
    };
}
