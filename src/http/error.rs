//! A refusal over REST: a status and `{"error": sentence, "code": code}`.

use std::error::Error;
use std::time::Duration;

use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::bodies::TooManyBytes;
use super::json;
use crate::protocol::{ErrorCode, Rejection, server};
use crate::telemetry::count_error;

/// When to send a body again that was refused because of all the others.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The answer of a handler that rejects a request.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    rejection: Rejection,
}

impl ApiError {
    pub(super) fn new(code: ErrorCode, sentence: impl Into<String>) -> Self {
        Rejection::new(code, sentence).into()
    }

    pub(super) fn room_not_found() -> Self {
        Rejection::room_not_found().into()
    }

    pub(super) fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "No such path")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(ErrorCode::MethodNotAllowed, "This path does not take that method")
    }

    pub(super) fn body_timeout() -> Self {
        let rejection = Rejection::new(ErrorCode::BadRequest, "The body did not come in time");
        Self { status: StatusCode::REQUEST_TIMEOUT, rejection }
    }
}

/// The status of a code.
pub(super) fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadToken | ErrorCode::AuthRequired | ErrorCode::BadCredentials => StatusCode::UNAUTHORIZED,
        ErrorCode::BadOrigin
        | ErrorCode::Banned
        | ErrorCode::Forbidden
        | ErrorCode::Muted
        | ErrorCode::RegistrationClosed
        | ErrorCode::RoomLocked => StatusCode::FORBIDDEN,
        ErrorCode::RoomNotFound
        | ErrorCode::MessageNotFound
        | ErrorCode::FileNotFound
        | ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::NonceReused | ErrorCode::UsernameTaken => StatusCode::CONFLICT,
        ErrorCode::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
        ErrorCode::TooFast | ErrorCode::FileQuotaExceeded => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::ContentTooLong | ErrorCode::FileTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::BadFrame
        | ErrorCode::UnknownType
        | ErrorCode::BadRoomName
        | ErrorCode::BadUsername
        | ErrorCode::NotInRoom
        | ErrorCode::BadContent
        | ErrorCode::BadNonce
        | ErrorCode::BadEmoji
        | ErrorCode::TooManyReactions
        | ErrorCode::AlreadyJoined
        | ErrorCode::TooManyRooms
        | ErrorCode::MessagesSkipped
        | ErrorCode::WeakPassword
        | ErrorCode::BadRequest => StatusCode::BAD_REQUEST,
    }
}

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        Self { status: status(rejection.code), rejection }
    }
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::new(ErrorCode::ContentTooLong, "The body is too large");
        }
        if is_caused_by_others(&rejection) {
            let sentence = "The server holds as many long requests as it can; send it again in a moment";
            return Rejection::new(ErrorCode::Unavailable, sentence).retry_in(RETRY_AFTER).into();
        }
        Self::new(ErrorCode::BadRequest, shortened(&rejection.body_text()))
    }
}

/// The beginning of a sentence that is not ours: it may repeat what was sent.
pub fn shortened(sentence: &str) -> String {
    sentence.chars().take(server::ECHOED).collect()
}

/// Whether a body was refused because of all the other bodies.
fn is_caused_by_others(rejection: &BytesRejection) -> bool {
    let mut cause = rejection.source();
    while let Some(error) = cause {
        if error.is::<TooManyBytes>() {
            return true;
        }
        cause = error.source();
    }
    false
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::new(ErrorCode::BadRequest, shortened(&rejection.body_text()))
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(ErrorCode::BadRequest, shortened(&rejection.body_text()))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, rejection } = self;
        count_error(rejection.code.as_str());
        let mut response = json(server::error_body(&rejection));
        *response.status_mut() = status;
        if status == StatusCode::UNAUTHORIZED {
            // A client learns how to prove itself (RFC 6750, section 3); one that has not tried is told no error.
            let challenge = match rejection.code {
                ErrorCode::BadToken => "Bearer error=\"invalid_token\"",
                _ => "Bearer",
            };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if status == StatusCode::REQUEST_TIMEOUT {
            // The rest of the body would be taken for the next request (RFC 9110, section 15.5.9).
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(seconds) = rejection.retry_after_s() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
