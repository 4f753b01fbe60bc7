//! One log line for each request, with an id that the client and the balancer know too.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{debug, info};
use uuid::Uuid;

use crate::http::{is_probe, name};
use crate::telemetry::count_request;

/// Taken from the request if it has a sensible one, and put into the response.
pub const REQUEST_ID: HeaderName = name("x-request-id");

/// Bytes of a path in the log, at most.
const PATH_BYTES: usize = 256;

/// Bytes of a method in the log, at most.
const METHOD_BYTES: usize = 16;

/// Logs method, route, status, time and request id; never what the client put into the place of a
/// parameter, nor the query: names of rooms and persons. Files and probes are told at `debug`.
pub async fn log_request(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let is_quiet = matched.is_none() || is_probe(&request);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let method = cut(method.as_str(), METHOD_BYTES);
    // No route: a file of the client, or nothing that a node has.
    let route = matched.as_ref().map_or_else(|| cut(&path, PATH_BYTES), MatchedPath::as_str);
    let request_id = request_id(&request);
    let mut response = next.run(request).await;
    let status = response.status().as_u16();
    count_request(matched.as_ref().map_or("other", MatchedPath::as_str), status);
    let duration_ms = (started.elapsed().as_secs_f64() * 1e6).round() / 1e3;
    let shown = request_id.to_str().unwrap_or_default();
    if is_quiet {
        debug!(method, route, status, duration_ms, request_id = shown, "answered");
    } else {
        info!(method, route, status, duration_ms, request_id = shown, "answered");
    }
    response.headers_mut().insert(REQUEST_ID, request_id);
    response
}

/// The beginning of a text, of at most `bytes`.
fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
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
