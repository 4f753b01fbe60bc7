//! Liveness, readiness and metrics, for operators' machines.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

use crate::http::{AppState, json};
use crate::telemetry::process_metrics;

/// The node's process lives.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described")]
struct LivenessJson {
    status: String,
}

/// Whether the node can serve.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described")]
struct ReadinessJson {
    status: String,
    /// Why it can not.
    reason: Option<String>,
}

/// `GET /healthz`: the process lives.
#[utoipa::path(
    get, path = "/healthz", tag = "probes",
    responses((status = 200, body = LivenessJson, description = "It lives")),
)]
pub async fn liveness() -> Response {
    json(r#"{"status":"alive"}"#)
}

/// `GET /readyz`: it can serve now. 503 and the reason otherwise, so that a load balancer sends no new
/// sockets.
#[utoipa::path(
    get, path = "/readyz", tag = "probes",
    responses((status = 200, body = ReadinessJson, description = "It can serve"), (status = 503, body = ReadinessJson, description = "It can not, and the reason")),
)]
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
#[utoipa::path(
    get, path = "/metrics", tag = "probes",
    responses((status = 200, body = String, description = "Metrics", content_type = "text/plain")),
)]
pub async fn show_metrics(State(state): State<AppState>) -> Response {
    state.chat.measure();
    let mut response = Response::new((state.metrics.render() + &process_metrics()).into());
    let text = HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
