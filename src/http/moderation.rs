//! Moderation: kick, mute, lock, ban, give roles, and read what was done.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::caller::Caller;
use super::error::ApiError;
use super::query::{ApiJson, ApiPath, ApiQuery, OptionalJson, Whole, limit, user};
use crate::chat::{Action, AuditPosition, AuditRecord, Principal, RoomAccess};
use crate::model::{Role, Timestamp, UserId};
use crate::protocol::ErrorCode;

/// A user of a room.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Kick {
    #[schema(format = "user-id")]
    user_id: String,
}

/// How long a user is mute.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewMute {
    #[schema(value_type = u64, minimum = 1, maximum = 31_622_400_u64)]
    for_s: Whole,
}

/// How long a ban lasts, for good without a number, and why.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewBan {
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 316_224_000_u64)]
    for_s: Option<Whole>,
    #[schema(format = "line")]
    reason: Option<String>,
}

/// The role to give.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewRole {
    #[schema(pattern = "^(member|moderator|admin)$")]
    role: String,
}

/// A page is asked for with these.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    #[param(format = "cursor")]
    pub(super) before: Option<String>,
    #[param(minimum = 1)]
    pub(super) limit: Option<usize>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub(super) data: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RoomRulesJson {
    data: Vec<MuteJson>,
    locked: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct MuteJson {
    user_id: UserId,
    until: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BanJson {
    user_id: UserId,
    since: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AuditJson {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
    #[serde(flatten)]
    record: AuditRecord,
}

/// `POST /api/rooms/{room}/kick`: 204.
#[utoipa::path(
    post, path = "/rooms/{room}/kick", tag = "moderation",
    request_body = Kick,
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("moderator"))),
)]
pub async fn kick_user(
    State(state): State<AppState>,
    ApiPath(room): ApiPath<String>,
    Caller(by): Caller,
    ApiJson(kick): ApiJson<Kick>,
) -> Result<StatusCode, ApiError> {
    let access = moderated(&state, &by, &room).await?;
    state.chat.kick(&by, access, &user(&kick.user_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/rooms/{room}/mutes`: who may not speak, and whether the room is locked.
#[utoipa::path(
    get, path = "/rooms/{room}/mutes", tag = "moderation",
    responses((status = 200, body = RoomRulesJson, description = "The mutes of the room")),
    extensions(("x-role" = json!("moderator"))),
)]
pub async fn list_mutes(
    State(state): State<AppState>,
    ApiPath(room): ApiPath<String>,
    Caller(by): Caller,
) -> Result<Json<RoomRulesJson>, ApiError> {
    let rules = state.chat.room_rules(moderated(&state, &by, &room).await?).await?;
    let mutes = rules.mutes.into_iter().map(|mute| MuteJson { user_id: mute.user, until: mute.until });
    Ok(Json(RoomRulesJson { data: mutes.collect(), locked: rules.is_locked }))
}

/// `PUT /api/rooms/{room}/mutes/{user_id}`: 204.
#[utoipa::path(
    put, path = "/rooms/{room}/mutes/{user}", tag = "moderation",
    request_body = NewMute,
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("moderator"))),
)]
pub async fn mute_user(
    State(state): State<AppState>,
    ApiPath((room, user_id)): ApiPath<(String, String)>,
    Caller(by): Caller,
    ApiJson(mute): ApiJson<NewMute>,
) -> Result<StatusCode, ApiError> {
    let access = moderated(&state, &by, &room).await?;
    state.chat.mute(&by, access, &user(&user_id)?, Duration::from_secs(mute.for_s.0)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/rooms/{room}/mutes/{user_id}`: 204.
#[utoipa::path(
    delete, path = "/rooms/{room}/mutes/{user}", tag = "moderation",
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("moderator"))),
)]
pub async fn unmute_user(
    State(state): State<AppState>,
    ApiPath((room, user_id)): ApiPath<(String, String)>,
    Caller(by): Caller,
) -> Result<StatusCode, ApiError> {
    let access = moderated(&state, &by, &room).await?;
    state.chat.unmute(&by, access, &user(&user_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /api/rooms/{room}/lock`: 204.
#[utoipa::path(
    put, path = "/rooms/{room}/lock", tag = "moderation",
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("moderator"))),
)]
pub async fn lock_room(
    State(state): State<AppState>,
    ApiPath(room): ApiPath<String>,
    Caller(by): Caller,
) -> Result<StatusCode, ApiError> {
    state.chat.lock(&by, moderated(&state, &by, &room).await?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/rooms/{room}/lock`: 204.
#[utoipa::path(
    delete, path = "/rooms/{room}/lock", tag = "moderation",
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("moderator"))),
)]
pub async fn unlock_room(
    State(state): State<AppState>,
    ApiPath(room): ApiPath<String>,
    Caller(by): Caller,
) -> Result<StatusCode, ApiError> {
    state.chat.unlock(&by, moderated(&state, &by, &room).await?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/bans`: the newest first.
#[utoipa::path(
    get, path = "/bans", tag = "moderation",
    params(PageQuery),
    responses((status = 200, body = Page<BanJson>, description = "A page of bans")),
    extensions(("x-role" = json!("moderator"))),
)]
pub async fn list_bans(
    State(state): State<AppState>,
    Caller(by): Caller,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<BanJson>>, ApiError> {
    let limit = limit(query.limit)?;
    let before = query.before.as_deref().map(|text| text.parse().map_err(|_| bad_before())).transpose()?;
    let page = state.chat.bans(&by, before, limit).await?;
    let bans = page.bans.into_iter().map(|banned| BanJson {
        user_id: banned.user,
        since: banned.since,
        until: banned.ban.until,
        reason: banned.ban.reason,
    });
    Ok(Json(Page { data: bans.collect(), next: page.next.map(|next| next.to_string()) }))
}

/// `PUT /api/bans/{user_id}`: 204.
#[utoipa::path(
    put, path = "/bans/{user}", tag = "moderation",
    request_body = NewBan,
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("admin")), ("x-body" = json!("optional"))),
)]
pub async fn ban_user(
    State(state): State<AppState>,
    ApiPath(user_id): ApiPath<String>,
    Caller(by): Caller,
    OptionalJson(ban): OptionalJson<NewBan>,
) -> Result<StatusCode, ApiError> {
    let lasts = ban.for_s.map(|Whole(seconds)| Duration::from_secs(seconds));
    let by = by.as_admin()?;
    state.chat.ban(by, &user(&user_id)?, lasts, ban.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/bans/{user_id}`: 204.
#[utoipa::path(
    delete, path = "/bans/{user}", tag = "moderation",
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("admin"))),
)]
pub async fn unban_user(
    State(state): State<AppState>,
    ApiPath(user_id): ApiPath<String>,
    Caller(by): Caller,
) -> Result<StatusCode, ApiError> {
    let by = by.as_admin()?;
    state.chat.unban(by, &user(&user_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /api/accounts/{user_id}/role`: 204.
#[utoipa::path(
    put, path = "/accounts/{user}/role", tag = "moderation",
    request_body = NewRole,
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("admin"))),
)]
pub async fn give_role(
    State(state): State<AppState>,
    ApiPath(user_id): ApiPath<String>,
    Caller(by): Caller,
    ApiJson(new): ApiJson<NewRole>,
) -> Result<StatusCode, ApiError> {
    let by = by.as_admin()?;
    let sentence = "role must be member, moderator or admin";
    let role = Role::parse(&new.role).ok_or_else(|| ApiError::new(ErrorCode::BadRequest, sentence))?;
    state.chat.give_role(by, &user(&user_id)?, role).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/audit`: the newest first.
#[utoipa::path(
    get, path = "/audit", tag = "moderation",
    params(PageQuery),
    responses((status = 200, body = Page<AuditJson>, description = "A page of acts")),
    extensions(("x-role" = json!("moderator"))),
)]
pub async fn list_audit(
    State(state): State<AppState>,
    Caller(by): Caller,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<AuditJson>>, ApiError> {
    let limit = limit(query.limit)?;
    let before = query.before.as_deref().map(|text| AuditPosition::parse(text).ok_or_else(bad_before));
    let page = state.chat.audit(&by, before.transpose()?, limit).await?;
    let entries = page.entries.into_iter().map(|entry| AuditJson {
        id: entry.position.to_string(),
        timestamp: Timestamp::from_unix_millis(entry.position.millis),
        record: entry.record,
    });
    Ok(Json(Page { data: entries.collect(), next: page.next.map(|next| next.to_string()) }))
}

pub(super) async fn moderated(
    state: &AppState,
    by: &crate::chat::Identity,
    room: &str,
) -> Result<RoomAccess, ApiError> {
    let room = state.chat.room_name(room)?;
    Ok(state.chat.check_access(Principal::User(by), Action::Moderate, &room).await?)
}

pub(super) fn bad_before() -> ApiError {
    ApiError::new(ErrorCode::BadRequest, "before must be the `next` of an earlier page")
}
