//! Liveness, readiness and metrics, for operators' machines.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::http::{AppState, json};
use crate::telemetry::process_metrics;

/// `GET /healthz`: the process lives.
pub async fn liveness() -> Response {
    json(r#"{"status":"alive"}"#)
}

/// `GET /readyz`: it can serve now. 503 and the reason otherwise, so that a load balancer sends no new
/// sockets.
pub async fn readiness(State(state): State<AppState>) -> Response {
    match state.chat.readiness() {
        Ok(()) => json(r#"{"status":"ready"}"#),
        Err(reason) => {
            let body = format!(r#"{{"status":"not ready","reason":"{}"}}"#, reason.as_str());
            (StatusCode::SERVICE_UNAVAILABLE, json(body)).into_response()
        }
    }
}

/// `GET /metrics`: Prometheus' text format.
pub async fn show_metrics(State(state): State<AppState>) -> Response {
    state.chat.measure();
    let mut response = Response::new((state.metrics.render() + &process_metrics()).into());
    let text = HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
