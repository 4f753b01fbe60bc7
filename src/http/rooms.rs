//! Occupied rooms and who is in them.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::caller::OptionalCaller;
use super::error::ApiError;
use super::query::{ApiPath, ApiQuery, bad_cursor, limit, read_cursor, write_cursor};
use crate::chat::{Action, MemberPage, MemberPosition, RoomCount, RoomRecord};
use crate::model::names::to_nfc;
use crate::model::{Member, RoomName, UserId};

/// A page of rooms is asked for with these.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    #[param(minimum = 1)]
    limit: Option<usize>,
    #[param(format = "cursor")]
    cursor: Option<String>,
    prefix: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RoomList {
    data: Vec<RoomJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RoomJson {
    id: RoomName,
    name: RoomName,
    client_count: u64,
}

/// `GET /api/rooms`: by name.
#[utoipa::path(
    get, path = "/rooms", tag = "rooms",
    params(ListQuery),
    responses((status = 200, body = RoomList, description = "A page of rooms")),
    extensions(("x-role" = json!("anyone"))),
)]
pub async fn list_rooms(
    State(state): State<AppState>,
    caller: OptionalCaller,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<RoomList>, ApiError> {
    let limit = limit(query.limit)?;
    let after = read_cursor(query.cursor.as_deref())?;
    let prefix = to_nfc(&query.prefix.unwrap_or_default());
    let rooms = state.chat.rooms(&prefix, after.as_deref(), limit + 1).await?;
    let has_more = rooms.len() > limit;
    // A page was read that is one room too long.
    let rooms = &rooms[..rooms.len().min(limit)];
    let next = rooms.last().filter(|_| has_more).map(|last| write_cursor(last.room.as_str()));
    let is_admitted = |found: &&RoomCount| caller.admits(&found.room);
    let data = rooms.iter().filter(is_admitted).map(|RoomCount { room, client_count }| RoomJson {
        id: room.clone(),
        name: room.clone(),
        client_count: *client_count,
    });
    Ok(Json(RoomList { data: data.collect(), next }))
}

/// A page of members is asked for with these.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ShowQuery {
    #[param(minimum = 1)]
    limit: Option<usize>,
    #[param(format = "cursor")]
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RoomAnswer {
    data: RoomDetail,
}

#[derive(Debug, Serialize, ToSchema)]
struct RoomDetail {
    id: RoomName,
    name: RoomName,
    /// Of a private room, as are the two after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<UserId>,
    client_count: u64,
    clients: Vec<Member>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// `GET /api/rooms/{room}`: with its sessions, by node and id.
#[utoipa::path(
    get, path = "/rooms/{room}", tag = "rooms",
    params(ShowQuery),
    responses((status = 200, body = RoomAnswer, description = "A page of its sessions")),
    extensions(("x-role" = json!("anyone"))),
)]
pub async fn show_room(
    State(state): State<AppState>,
    caller: OptionalCaller,
    ApiPath(room): ApiPath<String>,
    ApiQuery(query): ApiQuery<ShowQuery>,
) -> Result<Json<RoomAnswer>, ApiError> {
    let room = state.chat.room_name(&room)?;
    let limit = limit(query.limit)?;
    let after = read_cursor(query.cursor.as_deref())?;
    let after = after.map(|after| MemberPosition::parse(&after).ok_or_else(bad_cursor)).transpose()?;
    let access = state.chat.check_access(caller.principal(), Action::ListMembers, &room).await?;
    let record = if room.is_private() { Some(state.chat.room_record(&access).await?) } else { None };
    let page = state.chat.members(access, after, limit).await?;
    let MemberPage { client_count, members, next } = &*page;
    if *client_count == 0 && record.is_none() {
        return Err(ApiError::room_not_found());
    }
    let RoomRecord { title, topic, owner, .. } = record.unwrap_or_default();
    Ok(Json(RoomAnswer {
        data: RoomDetail {
            id: room.clone(),
            name: room,
            title,
            topic,
            owner,
            client_count: *client_count,
            clients: members.clone(),
            next: next.map(|last| write_cursor(&last.to_string())),
        },
    }))
}
