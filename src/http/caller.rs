//! The caller of a request: the bearer of a token, or the user of the cookie of a page that may use it.

use std::ops::Deref;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::AppState;
use super::error::ApiError;
use crate::chat::{Identity, Principal};
use crate::model::{RoomName, Timestamp};
use crate::protocol::credentials::{COOKIE, Page, page};
use crate::protocol::{ErrorCode, Forwarded, Proof, bearer};

/// Bytes of a cookie with its name and attributes that every browser keeps (RFC 6265, section 6.1).
const COOKIE_BYTES: usize = 4096;

/// The user that makes a request. A request of nobody is refused.
#[derive(Debug)]
pub struct Caller(pub Identity);

/// The user that makes a request, if it names one. A request of nobody is refused where guests may not take part.
#[derive(Debug)]
pub struct OptionalCaller(pub Option<Identity>);

impl Deref for Caller {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.0
    }
}

impl OptionalCaller {
    /// The caller that asks for access to a room.
    pub fn principal(&self) -> Principal<'_> {
        self.0.as_ref().map_or(Principal::Anonymous, Principal::User)
    }

    /// Whether the caller's token, if it has shown one, admits it to a room.
    pub fn admits(&self, room: &RoomName) -> bool {
        self.0.as_ref().is_none_or(|identity| identity.scope.admits(room))
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        find(parts, state).await?.map(Self).ok_or_else(|| state.chat.auth_required().into())
    }
}

impl FromRequestParts<AppState> for OptionalCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let identity = find(parts, state).await?;
        if identity.is_none() {
            state.chat.check_guests()?;
        }
        Ok(Self(identity))
    }
}

async fn find(parts: &Parts, state: &AppState) -> Result<Option<Identity>, ApiError> {
    let forwarded = parts.extensions.get::<Forwarded>();
    match Proof::find(&parts.method, &parts.headers, forwarded, |origin| is_named(state, origin)) {
        Some(proof) => Ok(Some(state.chat.authenticate(proof.token()).await?)),
        None => Ok(None),
    }
}

/// Whether the settings name an origin.
fn is_named(state: &AppState, origin: &str) -> bool {
    state.settings.borrow().server.origins.name(origin)
}

/// The attributes of a cookie that answers the request. A page that may not use the cookie may not set it either: it would
/// sign the browser in as somebody else.
#[derive(Debug)]
pub struct CookieAttributes(&'static str);

impl FromRequestParts<AppState> for CookieAttributes {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let forwarded = parts.extensions.get::<Forwarded>();
        if page(&parts.headers, forwarded, |origin| is_named(state, origin)) == Page::Foreign {
            return Err(ApiError::new(
                ErrorCode::BadOrigin,
                "Pages of this origin may not set the cookie; server.origins names those that may",
            ));
        }
        // The browser's page tells whether it came over TLS, where no trusted proxy does.
        let origin = parts.headers.get(header::ORIGIN);
        let is_https = forwarded.is_some_and(|forwarded| forwarded.is_https)
            || origin.is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
        Ok(Self(if is_https {
            "; Path=/; HttpOnly; SameSite=Strict; Secure"
        } else {
            "; Path=/; HttpOnly; SameSite=Strict"
        }))
    }
}

/// `POST /api/session`: gives the browser the bearer's token as a cookie; 204.
#[utoipa::path(
    post, path = "/session", tag = "accounts",
    responses((status = 204, description = "The cookie is set", headers(
        ("Set-Cookie" = String, description = "`adda_session`, for as long as the token is valid"),
    ))),
    extensions(("x-role" = json!("guest")), ("x-errors" = json!("bad_origin"))),
)]
pub async fn open_session(
    State(state): State<AppState>,
    CookieAttributes(attributes): CookieAttributes,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
    let token = token.ok_or_else(|| state.chat.auth_required())?;
    let identity = state.chat.authenticate(token).await?;
    let expires_at = identity.expires_at.unwrap_or_else(Timestamp::now);
    let left_s = expires_at.unix_millis().saturating_sub(Timestamp::now().unix_millis()) / 1000;
    let cookie = format!("{COOKIE}={token}; Max-Age={left_s}{attributes}");
    if cookie.len() > COOKIE_BYTES {
        return Err(ApiError::new(ErrorCode::BadRequest, "The token is too long for a cookie"));
    }
    set_cookie(&cookie)
}

/// `DELETE /api/session`: takes the cookie away; 204.
#[utoipa::path(
    delete, path = "/session", tag = "accounts",
    responses((status = 204, description = "The cookie is gone", headers(
        ("Set-Cookie" = String, description = "`adda_session`, out of date"),
    ))),
    extensions(("x-errors" = json!("bad_origin"))),
)]
pub async fn close_session(CookieAttributes(attributes): CookieAttributes) -> Result<Response, ApiError> {
    set_cookie(&format!("{COOKIE}=; Max-Age=0{attributes}"))
}

fn set_cookie(cookie: &str) -> Result<Response, ApiError> {
    let cookie = HeaderValue::from_str(cookie).map_err(|_| {
        ApiError::new(ErrorCode::BadToken, "The token is not valid (any more); get a new one")
    })?;
    let headers =
        [(header::SET_COOKIE, cookie), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}
