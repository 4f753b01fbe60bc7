//! What operators' machines ask: does the process live, can it serve, what does it measure.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{Site, json};

/// `GET /healthz`: the process lives.
pub async fn tell_life() -> Response {
    json(r#"{"status":"alive"}"#)
}

/// `GET /readyz`: it can serve now. 503 otherwise, so that a load balancer sends no new sockets.
pub async fn tell_readiness(State(site): State<Site>) -> Response {
    match site.is_ready() {
        true => json(r#"{"status":"ready"}"#),
        false => (StatusCode::SERVICE_UNAVAILABLE, json(r#"{"status":"not ready"}"#)).into_response(),
    }
}

/// `GET /metrics`: Prometheus' text format.
pub async fn show_metrics(State(site): State<Site>) -> Response {
    site.chat.measure();
    let mut response = Response::new(site.metrics.render().into());
    let text = HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
