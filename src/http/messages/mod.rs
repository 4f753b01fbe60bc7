//! A room's log, posting to it, changing what is posted, and searching.

pub(super) mod changes;
pub(super) mod search;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::{BufMut, BytesMut};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::caller::OptionalCaller;
use super::description::MessagePage;
use super::error::ApiError;
use super::query::{ApiJson, ApiPath, ApiQuery, Whole};
use super::{AppState, json, name};
use crate::chat::{ANONYMOUS, Action, Excerpt, Identity, NewMessage, Span};
use crate::model::UserId;
use crate::model::message::MAX_MENTIONS;
use crate::protocol::server::{self, ReceiptJson};
use crate::protocol::{ErrorCode, Forwarded, Rejection};

/// A request that is sent again with the same key is carried out once.
pub const IDEMPOTENCY_KEY: HeaderName = name("idempotency-key");

/// A page of messages is asked for with these. Without `before` and `after`: the newest.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    before: Option<u64>,
    after: Option<u64>,
    #[param(minimum = 1)]
    limit: Option<usize>,
}

/// `GET /api/rooms/{room}/messages`: oldest first; `next` goes on in the same direction.
#[utoipa::path(
    get, path = "/rooms/{room}/messages", tag = "messages",
    params(MessagesQuery),
    responses((status = 200, body = MessagePage, description = "A page of the log")),
    extensions(("x-role" = json!("anyone"))),
)]
pub async fn list_messages(
    State(state): State<AppState>,
    caller: OptionalCaller,
    ApiPath(room): ApiPath<String>,
    ApiQuery(query): ApiQuery<MessagesQuery>,
) -> Result<Response, ApiError> {
    let room = state.chat.room_name(&room)?;
    let span = match (query.before, query.after) {
        (None, None) => Span::Newest,
        (Some(before), None) => Span::Before(before),
        (None, Some(after)) => Span::Above(after),
        (Some(_), Some(_)) => {
            return Err(ApiError::new(ErrorCode::BadRequest, "before and after exclude each other"));
        }
    };
    let limit = match query.limit.unwrap_or(state.chat.config().history.on_join) {
        0 => return Err(ApiError::new(ErrorCode::BadRequest, "limit must be at least 1")),
        limit => limit,
    };
    let access = state.chat.check_access(caller.principal(), Action::Read, &room).await?;
    let page = state.chat.page(access, span, limit).await?;
    Ok(json(page_json(&page).freeze()))
}

/// `{"data":[…],"epoch":"…","next":seq?}`, with the messages as the bytes that they are. Without an open epoch
/// `"epoch":null`.
fn page_json(page: &Excerpt) -> BytesMut {
    let mut body = BytesMut::from(&b"{\"data\":"[..]);
    server::put_messages(&mut body, &page.messages);
    match &page.epoch {
        Some(epoch) => body.put_slice(format!(",\"epoch\":\"{epoch}\"").as_bytes()),
        None => body.put_slice(b",\"epoch\":null"),
    }
    if let Some(next) = page.next {
        body.put_slice(format!(",\"next\":{next}").as_bytes());
    }
    body.put_u8(b'}');
    body
}

/// The body of a post.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MessageBody {
    /// May be left out if there are files.
    #[schema(format = "message")]
    content: Option<String>,
    #[schema(format = "username")]
    username: Option<String>,
    #[schema(value_type = Option<u64>)]
    reply_to: Option<Whole>,
    #[serde(default)]
    #[schema(max_items = 50)]
    mentions: Vec<String>,
    #[serde(default)]
    #[schema(max_items = 10)]
    files: Vec<String>,
}

impl MessageBody {
    fn content(&mut self) -> Result<String, ApiError> {
        match self.content.take() {
            Some(content) => Ok(content),
            None if !self.files.is_empty() => Ok(String::new()),
            None => {
                Err(ApiError::new(ErrorCode::BadRequest, "The body can't be read: missing field `content`"))
            }
        }
    }

    fn mentions(&self) -> Result<Vec<UserId>, ApiError> {
        let users: Option<Vec<UserId>> = self.mentions.iter().map(|user| UserId::parse(user)).collect();
        users.filter(|users| users.len() <= MAX_MENTIONS).ok_or_else(|| {
            let sentence = format!("mentions must be a list of at most {MAX_MENTIONS} user ids");
            ApiError::new(ErrorCode::BadRequest, &sentence)
        })
    }
}

/// `POST /api/rooms/{room}/messages`: as a guest, or as the bearer of a token; 201 with the ack.
#[utoipa::path(
    post, path = "/rooms/{room}/messages", tag = "messages",
    params(("Idempotency-Key" = Option<String>, Header, description = "Sent again with it, the request is carried out once")),
    request_body = MessageBody,
    responses((status = 201, body = ReceiptJson, description = "Its place in the log")),
    extensions(
        ("x-role" = json!("anyone")),
        ("x-errors" = json!("bad_content content_too_long bad_username message_not_found file_not_found muted \
            room_locked username_taken too_fast nonce_reused bad_nonce")),
    ),
)]
pub async fn post_message(
    State(state): State<AppState>,
    OptionalCaller(caller): OptionalCaller,
    ApiPath(room): ApiPath<String>,
    Extension(forwarded): Extension<Forwarded>,
    headers: HeaderMap,
    ApiJson(mut message): ApiJson<MessageBody>,
) -> Result<Response, ApiError> {
    let room = state.chat.room_name(&room)?;
    let username = message.username.as_deref().map(|raw| state.chat.username(raw)).transpose()?;
    let key = headers.get(IDEMPOTENCY_KEY).map(|key| key.to_str().unwrap_or_default());
    let identity = match caller {
        Some(identity) => identity.named(username),
        None => {
            let mut guest = Identity::guest(username.map_or_else(|| state.chat.username(ANONYMOUS), Ok)?);
            if let Some(key) = key {
                guest.author.user_id = anonymous_user(key, guest.author.username.as_str())?;
            }
            guest
        }
    };
    // The limit comes first: a name that nobody has asked about costs Redis a read.
    state.chat.admit_post(&identity, forwarded.client).decided().await?;
    state.chat.check_name(&identity).await?;
    let access = state.chat.access_to_post(&identity, &room).await?;
    let mentions = message.mentions()?;
    let content = message.content()?;
    let MessageBody { reply_to, files, .. } = message;
    let files = state.chat.claim_files(&identity.author.user_id, &access, key, &files).await?;
    let nonce = key.map(str::to_owned);
    let message = NewMessage { content, nonce, reply_to: reply_to.map(|Whole(seq)| seq), mentions, files };
    let receipt = state.chat.post(identity.author, access, message).await?;
    Ok((StatusCode::CREATED, Json(ReceiptJson::new(&room, key, &receipt))).into_response())
}

/// Nonces are a user's own, and a guest without token is a new user each time. So that its second
/// try is recognised it is the user of this key and name. A stranger who gives the same is refused, as the
/// content is another, or told of words that it knows.
fn anonymous_user(key: &str, username: &str) -> Result<UserId, Rejection> {
    let user = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{key}\n{username}").as_bytes());
    UserId::parse(&user.to_string())
        .ok_or_else(|| Rejection::new(ErrorCode::Internal, "A UUID was no user id"))
}
