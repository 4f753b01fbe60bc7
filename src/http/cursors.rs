//! The places up to which users have read rooms.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::AppState;
use super::caller::Caller;
use super::error::ApiError;
use super::query::{ApiJson, ApiPath, Whole};
use crate::chat::{Action, Principal};

/// The last message that was read.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReadBody {
    #[schema(value_type = u64)]
    seq: Whole,
}

/// `PUT /api/me/rooms/{room}/read`: 204, whether the cursor was moved or not.
#[utoipa::path(
    put, path = "/me/rooms/{room}/read", tag = "private",
    request_body = ReadBody,
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("guest")), ("x-errors" = json!("forbidden too_fast"))),
)]
pub async fn mark_read(
    State(state): State<AppState>,
    ApiPath(room): ApiPath<String>,
    Caller(by): Caller,
    ApiJson(ReadBody { seq: Whole(seq) }): ApiJson<ReadBody>,
) -> Result<StatusCode, ApiError> {
    let room = state.chat.room_name(&room)?;
    let access = state.chat.check_access(Principal::User(&by), Action::Read, &room).await?;
    state.chat.mark_read(&by, access, seq).await?;
    Ok(StatusCode::NO_CONTENT)
}
