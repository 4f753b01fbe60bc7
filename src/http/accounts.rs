//! Accounts: registration, log-in and log-out, passwords, the caller itself, and the first admin.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::caller::Caller;
use super::error::ApiError;
use super::query::ApiJson;
use crate::chat::{Credentials, Identity, Password, SignedIn, Source};
use crate::config::Registration;
use crate::model::{Role, Timestamp, UserId, Username};
use crate::protocol::Forwarded;

/// The name and the password of an account that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewAccount {
    #[schema(format = "username")]
    username: String,
    #[schema(value_type = String, format = "new-password")]
    password: Password,
}

/// A name and its password.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewSession {
    #[schema(format = "username")]
    username: String,
    #[schema(value_type = String, format = Password)]
    password: Password,
}

/// A user with a new token.
#[derive(Serialize, ToSchema)]
struct SessionJson {
    user_id: UserId,
    username: Username,
    role: Role,
    token: String,
    expires_at: Timestamp,
}

/// The user of a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeJson {
    user_id: UserId,
    username: Username,
    role: Role,
    /// Whether it is a guest, or which authority vouches for it.
    #[schema(pattern = "^(guest|account|issuer)$")]
    source: &'static str,
    expires_at: Option<Timestamp>,
}

/// A password and the one that replaces it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewPassword {
    #[schema(value_type = String, format = Password)]
    old: Password,
    #[schema(value_type = String, format = "new-password")]
    new: Password,
}

/// The first admin, and the code that the nodes log.
#[derive(Deserialize, ToSchema)]
pub struct FirstAdmin {
    code: String,
    #[schema(format = "username")]
    username: String,
    #[schema(value_type = String, format = "new-password")]
    password: Password,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SetupJson {
    needed: bool,
    guests: bool,
    #[schema(pattern = "^(open|closed)$")]
    registration: &'static str,
}

/// `POST /api/accounts`: 201.
#[utoipa::path(
    post, path = "/accounts", tag = "accounts",
    request_body = NewAccount,
    responses((status = 201, body = SessionJson, description = "The account, signed in")),
    extensions(
        ("x-errors" = json!("bad_username username_taken weak_password registration_closed too_fast")),
    ),
)]
pub async fn create_account(
    State(state): State<AppState>,
    Extension(forwarded): Extension<Forwarded>,
    ApiJson(NewAccount { username, password }): ApiJson<NewAccount>,
) -> Result<Response, ApiError> {
    let credentials = NewSession { username, password }.credentials(&forwarded);
    let signed_in = state.chat.register(credentials).await?;
    Ok(session(StatusCode::CREATED, signed_in))
}

/// `POST /api/login`
#[utoipa::path(
    post, path = "/login", tag = "accounts",
    request_body = NewSession,
    responses((status = 200, body = SessionJson, description = "Signed in")),
    extensions(("x-errors" = json!("bad_username bad_credentials banned too_fast"))),
)]
pub async fn log_in(
    State(state): State<AppState>,
    Extension(forwarded): Extension<Forwarded>,
    ApiJson(body): ApiJson<NewSession>,
) -> Result<Response, ApiError> {
    let signed_in = state.chat.log_in(body.credentials(&forwarded)).await?;
    Ok(session(StatusCode::OK, signed_in))
}

/// `POST /api/logout`: 204. Ends all sessions and tokens of the user.
#[utoipa::path(
    post, path = "/logout", tag = "accounts",
    responses((status = 204, description = "Done")),
    extensions(("x-role" = json!("guest"))),
)]
pub async fn log_out(State(state): State<AppState>, caller: Caller) -> Result<StatusCode, ApiError> {
    state.chat.log_out(&caller.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /api/me/password`: ends the other sessions and tokens of the user.
#[utoipa::path(
    put, path = "/me/password", tag = "accounts",
    request_body = NewPassword,
    responses((status = 200, body = SessionJson, description = "A new token")),
    extensions(
        ("x-role" = json!("guest")),
        ("x-errors" = json!("bad_credentials weak_password forbidden too_fast")),
    ),
)]
pub async fn change_password(
    State(state): State<AppState>,
    caller: Caller,
    Extension(forwarded): Extension<Forwarded>,
    ApiJson(body): ApiJson<NewPassword>,
) -> Result<Response, ApiError> {
    let signed_in = state.chat.change_password(&caller.0, body.old, body.new, forwarded.client).await?;
    Ok(session(StatusCode::OK, signed_in))
}

/// `GET /api/me`
#[utoipa::path(
    get, path = "/me", tag = "accounts",
    responses((status = 200, body = MeJson, description = "The caller")),
    extensions(("x-role" = json!("guest"))),
)]
pub async fn show_me(caller: Caller) -> Response {
    let Identity { author, role, source, expires_at, .. } = caller.0;
    let source = match source {
        Source::Guest => "guest",
        Source::Account => "account",
        Source::Issuer => "issuer",
    };
    let me = MeJson { user_id: author.user_id, username: author.username, role, source, expires_at };
    ([(header::CACHE_CONTROL, "no-store")], Json(me)).into_response()
}

/// `GET /api/setup`: whether an admin is missing, and which other ways in there are.
#[utoipa::path(
    get, path = "/setup", tag = "accounts",
    responses((status = 200, body = SetupJson, description = "How people come in")),
)]
pub async fn show_setup(State(state): State<AppState>) -> Result<Json<SetupJson>, ApiError> {
    let auth = &state.chat.config().auth;
    let registration = match auth.registration {
        Registration::Open => "open",
        Registration::Closed => "closed",
    };
    let needed = state.chat.needs_setup().await?;
    Ok(Json(SetupJson { needed, guests: auth.guests, registration }))
}

/// `POST /api/setup`: 201 with the first admin.
#[utoipa::path(
    post, path = "/setup", tag = "accounts",
    request_body = FirstAdmin,
    responses((status = 201, body = SessionJson, description = "The first admin, signed in")),
    extensions(
        ("x-errors" = json!("bad_username username_taken weak_password bad_credentials forbidden too_fast")),
    ),
)]
pub async fn set_up(
    State(state): State<AppState>,
    Extension(forwarded): Extension<Forwarded>,
    ApiJson(FirstAdmin { code, username, password }): ApiJson<FirstAdmin>,
) -> Result<Response, ApiError> {
    let credentials = NewSession { username, password }.credentials(&forwarded);
    let signed_in = state.chat.set_up(&code, credentials).await?;
    Ok(session(StatusCode::CREATED, signed_in))
}

impl NewSession {
    fn credentials(self, forwarded: &Forwarded) -> Credentials {
        Credentials { username: self.username, password: self.password, address: forwarded.client }
    }
}

/// A token is kept by no cache.
fn session(status: StatusCode, signed_in: SignedIn) -> Response {
    let SignedIn { identity, issued } = signed_in;
    let body = SessionJson {
        user_id: identity.author.user_id,
        username: identity.author.username,
        role: identity.role,
        token: issued.token,
        expires_at: issued.expires_at,
    };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
