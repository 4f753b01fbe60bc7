//! The preferences of the caller.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::caller::Caller;
use super::error::ApiError;
use super::query::ApiJson;
use crate::chat::ReadSharing;

/// The settings of a user, the same in all its browsers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// Whether the other users of the user's conversations see how far it has read, and it sees how far they have.
    share_reading: bool,
}

/// `GET /api/me/settings`
#[utoipa::path(
    get, path = "/me/settings", tag = "private",
    responses((status = 200, body = Settings, description = "The settings of the caller")),
    extensions(("x-role" = json!("guest"))),
)]
pub async fn show_settings(
    State(state): State<AppState>,
    Caller(by): Caller,
) -> Result<Json<Settings>, ApiError> {
    let sharing = state.chat.read_sharing(&by).await?;
    Ok(Json(Settings { share_reading: sharing.is_on() }))
}

/// `PUT /api/me/settings`: 204.
#[utoipa::path(
    put, path = "/me/settings", tag = "private",
    request_body = Settings,
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("guest")), ("x-errors" = json!("forbidden too_fast"))),
)]
pub async fn change_settings(
    State(state): State<AppState>,
    Caller(by): Caller,
    ApiJson(settings): ApiJson<Settings>,
) -> Result<StatusCode, ApiError> {
    state.chat.share_reading(&by, ReadSharing::from_flag(settings.share_reading)).await?;
    Ok(StatusCode::NO_CONTENT)
}
