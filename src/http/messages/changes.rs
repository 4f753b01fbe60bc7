//! Changes of messages over REST: as the bearer of a token alone, for a guest without one has no messages.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;

use super::IDEMPOTENCY_KEY;
use crate::chat::{Action, ChangeAction, Identity, NewChange, Principal, Reaction};
use crate::http::AppState;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::query::{ApiJson, ApiPath};
use crate::model::RoomName;
use crate::protocol::Forwarded;
use crate::protocol::server::ReceiptJson;

/// The body of an edit.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EditBody {
    #[schema(format = "message", min_length = 1)]
    content: String,
    #[schema(format = "nonce")]
    nonce: Option<String>,
}

/// `PUT /api/rooms/{room}/messages/{seq}`: 200 with the receipt.
#[utoipa::path(
    put, path = "/rooms/{room}/messages/{seq}", tag = "messages",
    params(("Idempotency-Key" = Option<String>, Header, description = "Sent again with it, the request is carried out once")),
    request_body = EditBody,
    responses((status = 200, body = ReceiptJson, description = "The place of the change in the log")),
    extensions(
        ("x-role" = json!("guest")),
        ("x-errors" = json!("bad_content content_too_long message_not_found forbidden muted room_locked \
            username_taken too_fast nonce_reused bad_nonce")),
    ),
)]
pub async fn edit_message(
    State(state): State<AppState>,
    Caller(identity): Caller,
    ApiPath((room, seq)): ApiPath<(String, u64)>,
    Extension(forwarded): Extension<Forwarded>,
    headers: HeaderMap,
    ApiJson(EditBody { content, nonce }): ApiJson<EditBody>,
) -> Result<Response, ApiError> {
    let room = admit(&state, &identity, &room, forwarded).await?;
    let access = state.chat.access_to_post(&identity, &room).await?;
    let nonce = nonce.or_else(|| idempotency_key(&headers));
    change(
        &state,
        identity,
        &room,
        NewChange { target: seq, action: ChangeAction::Edit(access, content), nonce },
    )
    .await
}

/// `DELETE /api/rooms/{room}/messages/{seq}`: 200 with the receipt.
#[utoipa::path(
    delete, path = "/rooms/{room}/messages/{seq}", tag = "messages",
    params(("Idempotency-Key" = Option<String>, Header, description = "Sent again with it, the request is carried out once")),
    responses((status = 200, body = ReceiptJson, description = "The place of the change in the log")),
    extensions(
        ("x-role" = json!("guest")),
        ("x-errors" = json!("message_not_found forbidden muted room_locked username_taken too_fast nonce_reused \
            bad_nonce")),
    ),
)]
pub async fn delete_message(
    State(state): State<AppState>,
    Caller(identity): Caller,
    ApiPath((room, seq)): ApiPath<(String, u64)>,
    Extension(forwarded): Extension<Forwarded>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let room = admit(&state, &identity, &room, forwarded).await?;
    let access = state.chat.check_access(Principal::User(&identity), Action::Join, &room).await?;
    let nonce = idempotency_key(&headers);
    let action = ChangeAction::Delete(state.chat.deletion(&identity, access, seq).await?);
    change(&state, identity, &room, NewChange { target: seq, action, nonce }).await
}

/// `PUT /api/rooms/{room}/messages/{seq}/reactions/{emoji}`: 200 with the receipt.
#[utoipa::path(
    put, path = "/rooms/{room}/messages/{seq}/reactions/{emoji}", tag = "messages",
    params(("Idempotency-Key" = Option<String>, Header, description = "Sent again with it, the request is carried out once")),
    responses((status = 200, body = ReceiptJson, description = "The place of the change in the log")),
    extensions(
        ("x-role" = json!("guest")),
        ("x-errors" = json!("bad_emoji too_many_reactions message_not_found muted room_locked username_taken \
            too_fast nonce_reused bad_nonce")),
    ),
)]
pub async fn add_reaction(
    State(state): State<AppState>,
    Caller(identity): Caller,
    ApiPath((room, seq, emoji)): ApiPath<(String, u64, String)>,
    Extension(forwarded): Extension<Forwarded>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    react(&state, identity, &room, seq, Reaction { emoji, on: true }, forwarded, &headers).await
}

/// `DELETE /api/rooms/{room}/messages/{seq}/reactions/{emoji}`: 200 with the receipt.
#[utoipa::path(
    delete, path = "/rooms/{room}/messages/{seq}/reactions/{emoji}", tag = "messages",
    params(("Idempotency-Key" = Option<String>, Header, description = "Sent again with it, the request is carried out once")),
    responses((status = 200, body = ReceiptJson, description = "The place of the change in the log")),
    extensions(
        ("x-role" = json!("guest")),
        ("x-errors" = json!("bad_emoji too_many_reactions message_not_found muted room_locked username_taken \
            too_fast nonce_reused bad_nonce")),
    ),
)]
pub async fn remove_reaction(
    State(state): State<AppState>,
    Caller(identity): Caller,
    ApiPath((room, seq, emoji)): ApiPath<(String, u64, String)>,
    Extension(forwarded): Extension<Forwarded>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    react(&state, identity, &room, seq, Reaction { emoji, on: false }, forwarded, &headers).await
}

async fn react(
    state: &AppState,
    identity: Identity,
    room: &str,
    target: u64,
    reaction: Reaction,
    forwarded: Forwarded,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let room = admit(state, &identity, room, forwarded).await?;
    let access = state.chat.access_to_post(&identity, &room).await?;
    let nonce = idempotency_key(headers);
    change(state, identity, &room, NewChange { target, action: ChangeAction::React(access, reaction), nonce })
        .await
}

/// A change counts as a message.
async fn admit(
    state: &AppState,
    identity: &Identity,
    room: &str,
    forwarded: Forwarded,
) -> Result<RoomName, ApiError> {
    let room = state.chat.room_name(room)?;
    state.chat.admit_post(identity, forwarded.client).decided().await?;
    state.chat.check_name(identity).await?;
    Ok(room)
}

async fn change(
    state: &AppState,
    identity: Identity,
    room: &RoomName,
    change: NewChange,
) -> Result<Response, ApiError> {
    let nonce = change.nonce.clone();
    let receipt = state.chat.change(identity.author, change).await?;
    Ok(Json(ReceiptJson::of_change(room, nonce.as_deref(), &receipt)).into_response())
}

fn idempotency_key(headers: &HeaderMap) -> Option<String> {
    let key = headers.get(IDEMPOTENCY_KEY)?;
    Some(key.to_str().unwrap_or_default().to_owned())
}
