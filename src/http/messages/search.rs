//! Searches for messages.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use bytes::{BufMut, BytesMut};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::chat::{Action, FoundPlace, Search};
use crate::http::caller::{Caller, OptionalCaller};
use crate::http::description::{FoundInRoom, FoundInRooms};
use crate::http::error::ApiError;
use crate::http::query::{ApiPath, ApiQuery, bad_cursor, read_cursor, user, write_cursor};
use crate::http::{AppState, json};
use crate::model::{LoggedMessage, RoomName};
use crate::protocol::{ErrorCode, Forwarded, server};

/// Messages that one call finds, unless the query asks for another number, and at most.
const DEFAULT_LIMIT: usize = 30;
const MAX_LIMIT: usize = 100;

/// A search of a room.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RoomSearchQuery {
    #[serde(default)]
    #[param(required = true, format = "search-text", min_length = 1, max_length = 100)]
    q: String,
    #[param(format = "user-id")]
    from: Option<String>,
    before: Option<u64>,
    #[param(minimum = 1)]
    limit: Option<usize>,
}

/// A search of the caller's rooms.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MySearchQuery {
    #[serde(default)]
    #[param(required = true, format = "search-text", min_length = 1, max_length = 100)]
    q: String,
    #[param(format = "user-id")]
    from: Option<String>,
    #[param(format = "cursor")]
    before: Option<String>,
    #[param(minimum = 1)]
    limit: Option<usize>,
}

/// `GET /api/rooms/{room}/search`: newest first; `next` is the `before` of the next call.
#[utoipa::path(
    get, path = "/rooms/{room}/search", tag = "messages",
    params(RoomSearchQuery),
    responses((status = 200, body = FoundInRoom, description = "The newest first")),
    extensions(("x-role" = json!("anyone")), ("x-errors" = json!("too_fast"))),
)]
pub async fn search_room(
    State(state): State<AppState>,
    OptionalCaller(caller): OptionalCaller,
    ApiPath(room): ApiPath<String>,
    Extension(forwarded): Extension<Forwarded>,
    ApiQuery(query): ApiQuery<RoomSearchQuery>,
) -> Result<Response, ApiError> {
    let room = state.chat.room_name(&room)?;
    let search = search(&query.q, query.from.as_deref(), query.limit)?;
    state.chat.admit_search(caller.as_ref(), forwarded.client)?;
    let caller = OptionalCaller(caller);
    let access = state.chat.check_access(caller.principal(), Action::Read, &room).await?;
    let found = state.chat.search_room(&access, &search, query.before).await?;
    Ok(json(answer(&found.messages, found.next.map(|next| next.to_string()))))
}

/// `GET /api/me/search`: newest first in a call; `next` is the `before` of the next call.
#[utoipa::path(
    get, path = "/me/search", tag = "messages",
    params(MySearchQuery),
    responses((status = 200, body = FoundInRooms, description = "The newest first")),
    extensions(("x-role" = json!("guest")), ("x-errors" = json!("too_fast"))),
)]
pub async fn search_my_rooms(
    State(state): State<AppState>,
    Caller(by): Caller,
    Extension(forwarded): Extension<Forwarded>,
    ApiQuery(query): ApiQuery<MySearchQuery>,
) -> Result<Response, ApiError> {
    let search = search(&query.q, query.from.as_deref(), query.limit)?;
    let place = read_cursor(query.before.as_deref())?;
    let place = place.map(|place| read_place(&place).ok_or_else(bad_cursor)).transpose()?;
    state.chat.admit_search(Some(&by), forwarded.client)?;
    let found = state.chat.search_my_rooms(&by, &search, place).await?;
    let next = found.next.map(|next| format!("\"{}\"", write_cursor(&write_place(&next))));
    Ok(json(answer(&found.messages, next)))
}

fn search(text: &str, from: Option<&str>, limit: Option<usize>) -> Result<Search, ApiError> {
    let from = from.map(user).transpose()?;
    let limit = match limit.unwrap_or(DEFAULT_LIMIT) {
        0 => return Err(ApiError::new(ErrorCode::BadRequest, "limit must be at least 1")),
        limit => limit.min(MAX_LIMIT),
    };
    Ok(Search::parse(text, from, limit)?)
}

/// `{"data":[…],"next":…?}`, with the messages as the bytes that they are. `next` is JSON.
fn answer(messages: &[LoggedMessage], next: Option<String>) -> bytes::Bytes {
    let mut body = BytesMut::from(&b"{\"data\":"[..]);
    server::put_messages(&mut body, messages);
    if let Some(next) = next {
        body.put_slice(format!(",\"next\":{next}").as_bytes());
    }
    body.put_u8(b'}');
    body.freeze()
}

/// A room's name has no line break.
fn write_place(FoundPlace { room, before }: &FoundPlace) -> String {
    format!("{}\n{room}", before.map_or_else(String::new, |before| before.to_string()))
}

fn read_place(place: &str) -> Option<FoundPlace> {
    let (before, room) = place.split_once('\n')?;
    let before = if before.is_empty() { None } else { Some(before.parse().ok()?) };
    Some(FoundPlace { room: RoomName::from_trusted(room), before })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back() {
        for before in [None, Some(7)] {
            let place = FoundPlace { room: RoomName::from_trusted("আড্ডা 1"), before };
            assert_eq!(read_place(&write_place(&place)), Some(place));
        }
        for foreign in ["", "x\nroom", "7"] {
            assert_eq!(read_place(foreign), None, "{foreign}");
        }
    }
}
