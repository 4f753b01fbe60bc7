//! Reading what is asked: queries, paths, pages and bodies.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Number;

use super::AppState;
use super::bodies::HeldBody;
use super::error::{ApiError, shortened};
use crate::model::UserId;
use crate::protocol::ErrorCode;

/// A query whose refusal is JSON like every other.
#[derive(Debug)]
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(Query::<T>::from_request_parts(parts, state).await?.0))
    }
}

/// The names in a path, whose refusal is JSON too.
#[derive(Debug)]
pub struct ApiPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for ApiPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(Path::<T>::from_request_parts(parts, state).await?.0))
    }
}

/// A body that is one object of JSON and comes within `server.body_timeout`; its refusal is JSON as well.
#[derive(Debug)]
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(ErrorCode::BadRequest, "The content-type must be application/json"));
        }
        let body = Bytes::from_request(request.map(|body| Body::new(HeldBody::new(body))), state);
        match tokio::time::timeout(state.chat.config().server.body_timeout, body).await {
            Ok(body) => read_object(&body?).map(Self),
            Err(_) => Err(ApiError::body_timeout()),
        }
    }
}

/// As [`ApiJson`], where the body may be left out: all of its fields are optional, and it is as one without any.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        if request.body().is_end_stream() && !request.headers().contains_key(header::CONTENT_TYPE) {
            return read_object(b"{}").map(Self);
        }
        ApiJson::from_request(request, state).await.map(|ApiJson(body)| Self(body))
    }
}

/// A whole number of a body. JSON has one kind of numbers: 5.0 is 5, and some programs write it so.
#[derive(Debug, Clone, Copy)]
pub struct Whole(pub u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        let fraction =
            || number.as_f64().filter(|value| value.fract() == 0.0 && (0.0..EXACT).contains(value));
        let whole = number.as_u64().or_else(|| fraction().map(|value| value as u64));
        whole.map(Self).ok_or_else(|| Error::custom("a number must be whole, and not below 0"))
    }
}

/// Below it a floating-point number stands for one whole number alone.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Whether a body is said to be JSON (RFC 8259, section 11; RFC 6839, section 3.1). Browsers send such a body to another
/// origin only if that origin allows it, other than a form's.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
}

/// An object, behind a byte order mark if need be, as some editors and shells write one. An array would fill a struct
/// by the order of its fields, which is no part of any contract.
fn read_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::new(ErrorCode::BadRequest, "The body must be a JSON object"));
    }
    serde_json::from_slice(body).map_err(|error| {
        let sentence = shortened(&error.to_string());
        ApiError::new(ErrorCode::BadRequest, format!("The body can't be read: {sentence}"))
    })
}

/// The user of a path or a body.
pub fn user(user_id: &str) -> Result<UserId, ApiError> {
    UserId::parse(user_id).ok_or_else(|| ApiError::new(ErrorCode::BadRequest, "user_id is no user's id"))
}

/// Entries in a page of a list, unless the query asks for another number, and at most.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// The number of entries in a page.
pub fn limit(asked: Option<usize>) -> Result<usize, ApiError> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        0 => Err(ApiError::new(ErrorCode::BadRequest, "limit must be at least 1")),
        limit => Ok(limit.min(MAX_LIMIT)),
    }
}

/// A cursor is the last entry of the page before it, opaque to clients.
pub fn read_cursor(cursor: Option<&str>) -> Result<Option<String>, ApiError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let after = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    after.map(Some).ok_or_else(bad_cursor)
}

/// The refusal of a cursor that no page gave.
pub fn bad_cursor() -> ApiError {
    ApiError::new(ErrorCode::BadRequest, "cursor must be the `next` of an earlier page")
}

/// The cursor of the page after `last`.
pub fn write_cursor(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}
