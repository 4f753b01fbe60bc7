//! A refusal over REST: a status and `{"error": sentence, "code": code}`.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::json;
use crate::chat::Refused;
use crate::protocol::{ErrorCode, server};

/// What a handler answers instead of what was asked.
#[derive(Debug)]
pub struct ApiError(Refused);

impl ApiError {
    pub(super) fn new(code: ErrorCode, sentence: impl Into<String>) -> Self {
        Self(Refused::new(code, sentence))
    }

    pub(super) fn room_not_found() -> Self {
        Self::new(ErrorCode::RoomNotFound, "Room not found")
    }

    pub(super) fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "No such path")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(ErrorCode::MethodNotAllowed, "This path does not take that method")
    }

    fn status(&self) -> StatusCode {
        match self.0.code {
            ErrorCode::BadToken => StatusCode::UNAUTHORIZED,
            ErrorCode::RoomNotFound | ErrorCode::NotFound => StatusCode::NOT_FOUND,
            ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
            ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::ContentTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::BadFrame
            | ErrorCode::UnknownType
            | ErrorCode::BadRoomName
            | ErrorCode::BadUsername
            | ErrorCode::NotInRoom
            | ErrorCode::BadContent
            | ErrorCode::BadNonce
            | ErrorCode::AlreadyJoined
            | ErrorCode::TooManyRooms
            | ErrorCode::MessagesSkipped
            | ErrorCode::BadRequest => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        Self(refused)
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::new(ErrorCode::ContentTooLong, "The body is too large");
        }
        Self::new(ErrorCode::BadRequest, rejection.body_text())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::new(ErrorCode::BadRequest, rejection.body_text())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(ErrorCode::BadRequest, rejection.body_text())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = json(server::error_body(self.0.code, &self.0.content));
        *response.status_mut() = self.status();
        if let Some(millis) = self.0.code.retry_after_ms() {
            // Whole seconds (RFC 9110, section 10.2.3).
            let seconds = HeaderValue::from(millis.div_ceil(1000));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}
