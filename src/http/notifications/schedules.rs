//! Schedules: make, list and remove.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::chat::Planned;
use crate::http::AppState;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::{ApiJson, ApiPath, Whole};
use crate::model::{RoomName, Schedule, ScheduleId, Target, Timestamp, Timing, UserId};
use crate::protocol::ErrorCode;

/// A schedule to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewSchedule {
    to: NewTarget,
    #[schema(format = "line")]
    title: Option<String>,
    #[schema(format = "message", min_length = 1)]
    content: String,
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 31_622_400_u64)]
    every_s: Option<Whole>,
    /// In the future.
    #[schema(format = DateTime)]
    at: Option<String>,
}

/// `"all"`, or an object that names a user or a room.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, try_from = "TargetFields")]
enum NewTarget {
    Word(String),
    User {
        #[schema(format = "user-id")]
        user_id: String,
    },
    Room {
        #[schema(format = "room-id")]
        room_id: String,
    },
}

/// A target as it is sent.
#[derive(Deserialize)]
#[serde(untagged, expecting = "to must be \"all\", {\"user_id\"} or {\"room_id\"}")]
enum TargetFields {
    Word(String),
    Named { user_id: Option<String>, room_id: Option<String> },
}

impl TryFrom<TargetFields> for NewTarget {
    type Error = &'static str;

    /// One that names both a user and a room is refused: either may be meant.
    fn try_from(fields: TargetFields) -> Result<Self, Self::Error> {
        match fields {
            TargetFields::Word(word) => Ok(Self::Word(word)),
            TargetFields::Named { user_id: Some(user_id), room_id: None } => Ok(Self::User { user_id }),
            TargetFields::Named { user_id: None, room_id: Some(room_id) } => Ok(Self::Room { room_id }),
            TargetFields::Named { .. } => Err(TARGET_RULE),
        }
    }
}

const TARGET_RULE: &str = "to must be \"all\", {\"user_id\"} or {\"room_id\"}";

/// A schedule, and when it is due next.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScheduleJson {
    id: ScheduleId,
    to: TargetJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    every_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum TargetJson {
    Word(&'static str),
    User { user_id: UserId },
    Room { room_id: RoomName },
}

/// The id of a schedule that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeJson {
    id: ScheduleId,
}

/// All schedules.
#[derive(Debug, Serialize, ToSchema)]
pub struct SchedulesJson {
    data: Vec<ScheduleJson>,
}

impl From<Planned> for ScheduleJson {
    fn from(Planned { schedule, next }: Planned) -> Self {
        let Schedule { id, to, title, content, timing } = schedule;
        let to = match to {
            Target::All => TargetJson::Word("all"),
            Target::User(user_id) => TargetJson::User { user_id },
            Target::Room(room_id) => TargetJson::Room { room_id },
        };
        let (every_s, at) = match timing {
            Timing::Every(every) => (Some(every.as_secs()), None),
            Timing::At(at) => (None, Some(at)),
        };
        Self { id, to, title, content, every_s, at, next }
    }
}

impl NewSchedule {
    fn timing(&self) -> Result<Timing, ApiError> {
        match (self.every_s, &self.at) {
            (Some(Whole(every_s)), None) => Ok(Timing::Every(Duration::from_secs(every_s))),
            (None, Some(at)) => Timestamp::parse(at)
                .map(Timing::At)
                .ok_or_else(|| bad("at must be a time of RFC 3339, as 2026-11-20T08:00:00Z")),
            _ => Err(bad("give one of every_s and at")),
        }
    }
}

/// `POST /api/schedules`: 201.
#[utoipa::path(
    post, path = "/schedules", tag = "notifications",
    request_body = NewSchedule,
    responses((status = 201, body = MadeJson, description = "It is stored")),
    extensions(
        ("x-role" = json!("admin")),
        ("x-errors" = json!("bad_content content_too_long bad_room_name room_not_found")),
    ),
)]
pub async fn add_schedule(
    State(state): State<AppState>,
    Caller(by): Caller,
    ApiJson(new): ApiJson<NewSchedule>,
) -> Result<(StatusCode, Json<MadeJson>), ApiError> {
    let by = by.as_admin()?;
    let timing = new.timing()?;
    let to = target(&state, new.to)?;
    let schedule = Schedule { id: ScheduleId::random(), to, title: new.title, content: new.content, timing };
    let id = state.chat.add_schedule(by, schedule).await?;
    Ok((StatusCode::CREATED, Json(MadeJson { id })))
}

/// `GET /api/schedules`: by the time at which each is due next.
#[utoipa::path(
    get, path = "/schedules", tag = "notifications",
    responses((status = 200, body = SchedulesJson, description = "By the next time")),
    extensions(("x-role" = json!("admin"))),
)]
pub async fn list_schedules(
    State(state): State<AppState>,
    Caller(by): Caller,
) -> Result<Json<SchedulesJson>, ApiError> {
    let schedules = state.chat.schedules(by.as_admin()?).await?;
    Ok(Json(SchedulesJson { data: schedules.into_iter().map(ScheduleJson::from).collect() }))
}

/// `DELETE /api/schedules/{id}`: 204.
#[utoipa::path(
    delete, path = "/schedules/{id}", tag = "notifications",
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("admin")), ("x-errors" = json!("not_found"))),
)]
pub async fn remove_schedule(
    State(state): State<AppState>,
    ApiPath(id): ApiPath<String>,
    Caller(by): Caller,
) -> Result<StatusCode, ApiError> {
    let by = by.as_admin()?;
    let id = ScheduleId::parse(&id)
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound, "There is no such schedule"))?;
    state.chat.remove_schedule(by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn target(state: &AppState, to: NewTarget) -> Result<Target, ApiError> {
    match to {
        NewTarget::Word(word) if word == "all" => Ok(Target::All),
        NewTarget::Word(_) => Err(bad(TARGET_RULE)),
        NewTarget::User { user_id } => {
            UserId::parse(&user_id).map(Target::User).ok_or_else(|| bad(TARGET_RULE))
        }
        NewTarget::Room { room_id } => Ok(Target::Room(state.chat.room_name(&room_id)?)),
    }
}

fn bad(sentence: &str) -> ApiError {
    ApiError::new(ErrorCode::BadRequest, sentence)
}
