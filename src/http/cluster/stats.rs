//! The figures of the cluster.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use crate::http::AppState;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::model::Role;
use crate::protocol::server::Stats;

/// A caller that may see the figures: an admin, or everybody with `http.public_stats`.
#[derive(Debug)]
pub struct StatsReader;

impl FromRequestParts<AppState> for StatsReader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        if !state.settings.borrow().http.public_stats {
            Caller::from_request_parts(parts, state).await?.everywhere(Role::Admin)?;
        }
        Ok(Self)
    }
}

/// `GET /api/stats`: for admins; where `http.public_stats` is set, for everybody and without a token.
#[utoipa::path(
    get, path = "/stats", tag = "cluster",
    responses((status = 200, body = Stats, description = "Of the last second")),
    extensions(("x-role" = json!("admin"))),
)]
pub async fn show_stats(State(state): State<AppState>, _reader: StatsReader) -> Result<Response, ApiError> {
    let stats = state.chat.stats().await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(stats)).into_response())
}
