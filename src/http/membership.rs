//! Private rooms and conversations, their members, and the rooms of the caller.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::caller::Caller;
use super::error::ApiError;
use super::query::{ApiJson, ApiPath, user};
use crate::chat::{
    Action, Conversation, Identity, LastText, MyRoom, PREVIEW_CHARS, Principal, RoomAccess, RoomRecord,
    Unread,
};
use crate::model::{Author, ReadBy, RoomName, UserId, Username};
use crate::protocol::{ErrorCode, Forwarded};

/// A private room that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewRoom {
    #[schema(format = "room-title")]
    title: String,
}

/// Another title or topic.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Description {
    #[schema(format = "room-title")]
    title: Option<String>,
    #[schema(format = "line")]
    topic: Option<String>,
}

/// The other user of a conversation.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewConversation {
    #[schema(format = "user-id")]
    user_id: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct UserJson {
    user_id: UserId,
    username: Username,
}

/// A room as its members see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OwnRoom)]
pub struct RoomJson {
    id: RoomName,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    with: Option<UserJson>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MyRooms {
    data: Vec<MyRoomJson>,
}

/// A room as the user sees it on the list of its rooms.
#[derive(Debug, Serialize, ToSchema)]
struct MyRoomJson {
    #[serde(flatten)]
    room: RoomJson,
    seq: u64,
    read_seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_by: Option<ReadByJson>,
    unread: u64,
    mentions: u64,
    last: Option<LastJson>,
}

/// How far the other user of a conversation has read.
#[derive(Debug, Serialize, ToSchema)]
struct ReadByJson {
    user_id: UserId,
    seq: u64,
}

/// The newest message that is not deleted.
#[derive(Debug, Serialize, ToSchema)]
struct LastJson {
    username: String,
    preview: String,
    timestamp: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Membership {
    data: Vec<MemberJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<UserId>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MemberJson {
    user_id: UserId,
    username: Username,
    #[schema(pattern = "^(owner|member)$")]
    role: &'static str,
}

impl From<Author> for UserJson {
    fn from(Author { user_id, username }: Author) -> Self {
        Self { user_id, username }
    }
}

impl RoomJson {
    fn new(id: RoomName, RoomRecord { title, topic, owner, .. }: RoomRecord) -> Self {
        Self { id, title, topic, owner, with: None }
    }
}

impl From<MyRoom> for MyRoomJson {
    fn from(MyRoom { room, title, topic, owner, with, read_by, unread }: MyRoom) -> Self {
        let room = RoomJson { id: room, title, topic, owner, with: with.map(UserJson::from) };
        let Unread { head, cursor, texts, mentions, last } = unread;
        let last = last.map(|LastText { username, content, timestamp }| LastJson {
            username,
            preview: content.chars().take(PREVIEW_CHARS).collect(),
            timestamp,
        });
        let read_by = read_by.map(|ReadBy { user, seq }| ReadByJson { user_id: user, seq });
        Self { room, seq: head, read_seq: cursor, read_by, unread: texts, mentions, last }
    }
}

/// `POST /api/rooms`: 201.
#[utoipa::path(
    post, path = "/rooms", tag = "private",
    request_body = NewRoom,
    responses((status = 201, body = RoomJson, description = "The room")),
    extensions(
        ("x-role" = json!("guest")),
        ("x-errors" = json!("bad_content username_taken too_fast too_many_rooms forbidden")),
    ),
)]
pub async fn create_room(
    State(state): State<AppState>,
    Caller(by): Caller,
    Extension(forwarded): Extension<Forwarded>,
    ApiJson(new): ApiJson<NewRoom>,
) -> Result<(StatusCode, Json<RoomJson>), ApiError> {
    state.chat.admit_join(forwarded.client)?;
    let (room, record) = state.chat.create_room(&by, &new.title).await?;
    Ok((StatusCode::CREATED, Json(RoomJson::new(room, record))))
}

/// `PATCH /api/rooms/{room}`: with its title and topic of now.
#[utoipa::path(
    patch, path = "/rooms/{room}", tag = "private",
    request_body = Description,
    responses((status = 200, body = RoomJson, description = "The room as it is now")),
    extensions(("x-role" = json!("guest")), ("x-errors" = json!("bad_content forbidden"))),
)]
pub async fn describe_room(
    State(state): State<AppState>,
    ApiPath(room): ApiPath<String>,
    Caller(by): Caller,
    ApiJson(new): ApiJson<Description>,
) -> Result<Json<RoomJson>, ApiError> {
    let access = access(&state, &by, Action::Own, &room).await?;
    let record = state.chat.describe_room(&by, &access, new.title.as_deref(), new.topic.as_deref()).await?;
    Ok(Json(RoomJson::new(access.room().clone(), record)))
}

/// `DELETE /api/rooms/{room}`: 204.
#[utoipa::path(
    delete, path = "/rooms/{room}", tag = "private",
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("guest")), ("x-errors" = json!("forbidden"))),
)]
pub async fn delete_room(
    State(state): State<AppState>,
    ApiPath(room): ApiPath<String>,
    Caller(by): Caller,
) -> Result<StatusCode, ApiError> {
    state.chat.delete_room(&by, &access(&state, &by, Action::Own, &room).await?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/rooms/{room}/membership`: all members of a private room, connected or not.
#[utoipa::path(
    get, path = "/rooms/{room}/membership", tag = "private",
    responses((status = 200, body = Membership, description = "Connected or not")),
    extensions(("x-role" = json!("guest"))),
)]
pub async fn list_membership(
    State(state): State<AppState>,
    ApiPath(room): ApiPath<String>,
    Caller(by): Caller,
) -> Result<Json<Membership>, ApiError> {
    let access = access(&state, &by, Action::ListMembers, &room).await?;
    let RoomRecord { owner, members, .. } = state.chat.room_record(&access).await?;
    let member = |Author { user_id, username }| {
        let role = if owner.as_ref() == Some(&user_id) { "owner" } else { "member" };
        MemberJson { user_id, username, role }
    };
    Ok(Json(Membership { data: members.into_iter().map(member).collect(), owner: owner.clone() }))
}

/// `PUT /api/rooms/{room}/members/{user_id}`: 204.
#[utoipa::path(
    put, path = "/rooms/{room}/members/{user}", tag = "private",
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("guest")), ("x-errors" = json!("forbidden not_found too_fast too_many_rooms"))),
)]
pub async fn add_member(
    State(state): State<AppState>,
    ApiPath((room, user_id)): ApiPath<(String, String)>,
    Caller(by): Caller,
    Extension(forwarded): Extension<Forwarded>,
) -> Result<StatusCode, ApiError> {
    state.chat.admit_join(forwarded.client)?;
    let access = access(&state, &by, Action::Own, &room).await?;
    state.chat.add_member(&by, &access, &user(&user_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/rooms/{room}/members/{user_id}`: 204. A member may remove itself.
#[utoipa::path(
    delete, path = "/rooms/{room}/members/{user}", tag = "private",
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("guest")), ("x-errors" = json!("forbidden not_found"))),
)]
pub async fn remove_member(
    State(state): State<AppState>,
    ApiPath((room, user_id)): ApiPath<(String, String)>,
    Caller(by): Caller,
) -> Result<StatusCode, ApiError> {
    let is_own = user_id == by.author.user_id.as_str();
    let action = if is_own { Action::Join } else { Action::Own };
    let access = access(&state, &by, action, &room).await?;
    if !access.room().is_private() {
        return Err(ApiError::new(ErrorCode::Forbidden, "Nobody owns a public room"));
    }
    state.chat.remove_member(&by, &access, &user(&user_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/conversations`: the caller's conversation with a user.
#[utoipa::path(
    post, path = "/conversations", tag = "private",
    request_body = NewConversation,
    responses((status = 200, body = RoomJson, description = "The same for both users")),
    extensions(
        ("x-role" = json!("guest")),
        ("x-errors" = json!("forbidden not_found username_taken too_fast too_many_rooms")),
    ),
)]
pub async fn open_conversation(
    State(state): State<AppState>,
    Caller(by): Caller,
    Extension(forwarded): Extension<Forwarded>,
    ApiJson(new): ApiJson<NewConversation>,
) -> Result<Json<RoomJson>, ApiError> {
    let other = user(&new.user_id)?;
    state.chat.admit_join(forwarded.client)?;
    let Conversation { room, with } = state.chat.converse(&by, &other).await?;
    Ok(Json(RoomJson { with: Some(with.into()), ..RoomJson::new(room, RoomRecord::default()) }))
}

/// `GET /api/me/rooms`: those with the newest messages first.
#[utoipa::path(
    get, path = "/me/rooms", tag = "private",
    responses((status = 200, body = MyRooms, description = "The newest messages first")),
    extensions(("x-role" = json!("guest")), ("x-errors" = json!("too_fast"))),
)]
pub async fn list_my_rooms(
    State(state): State<AppState>,
    Caller(by): Caller,
    Extension(forwarded): Extension<Forwarded>,
) -> Result<Json<MyRooms>, ApiError> {
    state.chat.admit_my_rooms(&by, forwarded.client)?;
    let rooms = state.chat.my_rooms(&by).await?;
    Ok(Json(MyRooms { data: rooms.into_iter().map(MyRoomJson::from).collect() }))
}

async fn access(state: &AppState, by: &Identity, action: Action, room: &str) -> Result<RoomAccess, ApiError> {
    let room = state.chat.room_name(room)?;
    Ok(state.chat.check_access(Principal::User(by), action, &room).await?)
}
