//! Reports of messages and users.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::caller::Caller;
use super::description::MessageJson;
use super::error::ApiError;
use super::moderation::{Page, PageQuery, bad_before, moderated};
use super::query::{ApiJson, ApiPath, ApiQuery, Whole, limit, user};
use crate::chat::{Action, AuditPosition, Identity, Principal, Report, Reported, RoomAccess};
use crate::model::Timestamp;
use crate::protocol::{ErrorCode, Forwarded};

/// Reports in a page, at most.
const MAX_LIMIT: usize = 100;

/// A message by its `seq`, or a user, and why.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewReport {
    #[schema(value_type = Option<u64>)]
    seq: Option<Whole>,
    user_id: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ReportId {
    id: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Report)]
pub struct ReportJson {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
    /// Left out for the owner of a private room.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<NamedUser>,
    room_id: String,
    /// The user that is reported.
    #[serde(flatten)]
    user: NamedUser,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    reason: String,
    /// The reported message as it is now, while the log has it. For a caller that may not read its room it has no `reactions`, and
    /// `reply_to` has `seq` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MessageJson>)]
    message: Option<serde_json::Value>,
}

/// A user, with its name at the time of the report.
#[derive(Debug, Serialize, ToSchema)]
struct NamedUser {
    user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
}

/// `POST /api/rooms/{room}/reports`: 202, whether the caller has reported the same before or not.
#[utoipa::path(
    post, path = "/rooms/{room}/reports", tag = "moderation",
    request_body = NewReport,
    responses((status = 202, body = ReportId, description = "Moderators are told")),
    extensions(("x-role" = json!("guest")), ("x-errors" = json!("message_not_found not_found too_fast"))),
)]
pub async fn report(
    State(state): State<AppState>,
    ApiPath(room): ApiPath<String>,
    Caller(by): Caller,
    Extension(forwarded): Extension<Forwarded>,
    ApiJson(new): ApiJson<NewReport>,
) -> Result<(StatusCode, Json<ReportId>), ApiError> {
    let room = state.chat.room_name(&room)?;
    let access = state.chat.check_access(Principal::User(&by), Action::Read, &room).await?;
    let reported = match (new.seq, new.user_id) {
        (Some(Whole(seq)), None) => Reported::Message(seq),
        (None, Some(user_id)) => Reported::User(user(&user_id)?),
        _ => return Err(ApiError::new(ErrorCode::BadRequest, "Name a seq or a user_id")),
    };
    state.chat.admit_report(&by, forwarded.client)?;
    let id = state.chat.report(&by, &access, &reported, &new.reason).await?;
    Ok((StatusCode::ACCEPTED, Json(ReportId { id: id.to_string() })))
}

/// `GET /api/reports`: the newest first.
#[utoipa::path(
    get, path = "/reports", tag = "moderation",
    params(PageQuery),
    responses((status = 200, body = Page<ReportJson>, description = "A page of reports")),
    extensions(("x-role" = json!("moderator"))),
)]
pub async fn list_reports(
    State(state): State<AppState>,
    Caller(by): Caller,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<ReportJson>>, ApiError> {
    page(&state, &by, None, &query).await
}

/// `GET /api/rooms/{room}/reports`: the same of one room, also for its owner.
#[utoipa::path(
    get, path = "/rooms/{room}/reports", tag = "moderation",
    params(PageQuery),
    responses((status = 200, body = Page<ReportJson>, description = "A page of reports")),
    extensions(("x-role" = json!("moderator"))),
)]
pub async fn list_room_reports(
    State(state): State<AppState>,
    ApiPath(room): ApiPath<String>,
    Caller(by): Caller,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<ReportJson>>, ApiError> {
    let access = moderated(&state, &by, &room).await?;
    page(&state, &by, Some(&access), &query).await
}

/// `DELETE /api/reports/{id}`: 204.
#[utoipa::path(
    delete, path = "/reports/{id}", tag = "moderation",
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("moderator")), ("x-errors" = json!("not_found"))),
)]
pub async fn settle_report(
    State(state): State<AppState>,
    ApiPath(id): ApiPath<String>,
    Caller(by): Caller,
) -> Result<StatusCode, ApiError> {
    // A place that no report has is as one that is settled.
    let id = AuditPosition::parse(&id).unwrap_or(AuditPosition { millis: 0, number: 1 });
    state.chat.settle_report(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn page(
    state: &AppState,
    by: &Identity,
    access: Option<&RoomAccess>,
    query: &PageQuery,
) -> Result<Json<Page<ReportJson>>, ApiError> {
    let limit = limit(query.limit)?.min(MAX_LIMIT);
    let before = query.before.as_deref().map(|text| AuditPosition::parse(text).ok_or_else(bad_before));
    let (reports, next) = state.chat.reports(by, access, before.transpose()?, limit).await?;
    let shows_reporters = access.is_none_or(|access| !access.is_owner());
    let data = reports.into_iter().map(|report| ReportJson::new(report, shows_reporters)).collect();
    Ok(Json(Page { data, next: next.map(|next| next.to_string()) }))
}

impl ReportJson {
    fn new(Report { id, record, message }: Report, shows_reporter: bool) -> Self {
        let named =
            |user: crate::chat::ReportedUser| NamedUser { user_id: user.user_id, username: user.username };
        Self {
            id: id.to_string(),
            timestamp: Timestamp::from_unix_millis(id.millis),
            by: Some(named(record.by)).filter(|_| shows_reporter),
            room_id: record.room_id,
            user: named(record.user),
            seq: record.message.map(|message| message.seq),
            reason: record.reason,
            message: message.and_then(|message| serde_json::from_slice(&message.json).ok()),
        }
    }
}
