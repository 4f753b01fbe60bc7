//! One log line for each request, with an id that the client and the balancer know too.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{debug, info};
use uuid::Uuid;

use super::{is_probe, name};

/// Taken from the request if it has a sensible one, and put into the response.
pub const REQUEST_ID: HeaderName = name("x-request-id");

/// Logs method, path, status, time and request id; never the query, which is a person's, nor a path
/// that may hold a person's name.
pub async fn log_request(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (method, path) = (request.method().clone(), shown_path(&request).to_owned());
    let request_id = request_id(&request);
    let is_probe = is_probe(&request);
    let mut response = next.run(request).await;
    let status = response.status().as_u16();
    let duration_ms = started.elapsed().as_secs_f64() * 1e3;
    let shown = request_id.to_str().unwrap_or_default();
    match is_probe {
        true => debug!(%method, path, status, duration_ms, request_id = shown, "Answered {method} {path}"),
        false => info!(%method, path, status, duration_ms, request_id = shown, "Answered {method} {path}"),
    }
    response.headers_mut().insert(REQUEST_ID, request_id);
    response
}

/// The path; below `/ws/`, where usernames are, no more than the route.
fn shown_path(request: &Request) -> &str {
    let path = request.uri().path();
    if !path.starts_with("/ws/") {
        return path;
    }
    request.extensions().get::<MatchedPath>().map_or("/ws/…", MatchedPath::as_str)
}

fn request_id(request: &Request) -> HeaderValue {
    let given = request.headers().get(REQUEST_ID).filter(|id| {
        let bytes = id.as_bytes();
        (1..=64).contains(&bytes.len()) && bytes.iter().all(|byte| byte.is_ascii_graphic())
    });
    given.cloned().unwrap_or_else(|| {
        let id = Uuid::new_v4().simple().to_string();
        HeaderValue::from_str(&id).expect("hexadecimal is a header value")
    })
}
