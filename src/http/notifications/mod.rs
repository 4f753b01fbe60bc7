//! Notifications: send and take back, list those that the caller has not seen, and say which it has.

pub(super) mod schedules;

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::caller::Caller;
use super::error::ApiError;
use super::query::{ApiJson, ApiPath, Whole};
use crate::model::{Audience, Notification, NotificationId, Timestamp, Words};
use crate::protocol::{ErrorCode, Forwarded};

/// A notification to send.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewNotification {
    /// `all`, or a user's id.
    #[schema(format = "user-id")]
    to: String,
    #[schema(format = "line")]
    title: Option<String>,
    #[schema(format = "message", min_length = 1)]
    content: String,
    #[schema(value_type = Option<u64>, minimum = 1)]
    ttl_s: Option<Whole>,
}

/// The id of a notification that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentJson {
    id: NotificationId,
}

/// The notifications that a user has not seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationsJson {
    data: Vec<NotificationJson>,
}

#[derive(Debug, Serialize, ToSchema)]
struct NotificationJson {
    id: NotificationId,
    #[serde(flatten)]
    words: Words,
    timestamp: Timestamp,
}

impl From<Notification> for NotificationJson {
    fn from(Notification { id, words, timestamp, .. }: Notification) -> Self {
        Self { id, words, timestamp }
    }
}

/// `POST /api/notifications`: 202.
#[utoipa::path(
    post, path = "/notifications", tag = "notifications",
    request_body = NewNotification,
    responses((status = 202, body = SentJson, description = "It is stored")),
    extensions(("x-role" = json!("admin")), ("x-errors" = json!("bad_content content_too_long"))),
)]
pub async fn send_notification(
    State(state): State<AppState>,
    Caller(by): Caller,
    ApiJson(new): ApiJson<NewNotification>,
) -> Result<(StatusCode, Json<SentJson>), ApiError> {
    let by = by.as_admin()?;
    let to = Audience::parse(&new.to)
        .ok_or_else(|| ApiError::new(ErrorCode::BadRequest, "to must be \"all\" or a user's id"))?;
    let words = Words { to, title: new.title, content: new.content };
    let id =
        state.chat.notify(by, words, new.ttl_s.map(|Whole(seconds)| Duration::from_secs(seconds))).await?;
    Ok((StatusCode::ACCEPTED, Json(SentJson { id })))
}

/// `DELETE /api/notifications/{id}`: 204.
#[utoipa::path(
    delete, path = "/notifications/{id}", tag = "notifications",
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("admin")), ("x-errors" = json!("not_found"))),
)]
pub async fn take_back_notification(
    State(state): State<AppState>,
    ApiPath(id): ApiPath<String>,
    Caller(by): Caller,
) -> Result<StatusCode, ApiError> {
    let by = by.as_admin()?;
    state.chat.take_back(by, &notification(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/me/notifications`: those that the caller has not seen, the newest first.
#[utoipa::path(
    get, path = "/me/notifications", tag = "notifications",
    responses((status = 200, body = NotificationsJson, description = "The newest first")),
    extensions(("x-role" = json!("guest")), ("x-errors" = json!("too_fast"))),
)]
pub async fn list_notifications(
    State(state): State<AppState>,
    Caller(by): Caller,
    Extension(forwarded): Extension<Forwarded>,
) -> Result<Json<NotificationsJson>, ApiError> {
    let unseen = state.chat.unseen_notifications(&by, forwarded.client).await?;
    Ok(Json(NotificationsJson { data: unseen.into_iter().map(NotificationJson::from).collect() }))
}

/// `POST /api/me/notifications/{id}/seen`: 204.
#[utoipa::path(
    post, path = "/me/notifications/{id}/seen", tag = "notifications",
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("guest")), ("x-errors" = json!("not_found too_fast"))),
)]
pub async fn see_notification(
    State(state): State<AppState>,
    ApiPath(id): ApiPath<String>,
    Caller(by): Caller,
    Extension(forwarded): Extension<Forwarded>,
) -> Result<StatusCode, ApiError> {
    state.chat.see_notification(&by, forwarded.client, &notification(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn notification(id: &str) -> Result<NotificationId, ApiError> {
    NotificationId::parse(id)
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound, "There is no such notification"))
}
