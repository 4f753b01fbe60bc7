//! Why a frame or a request is rejected.

use std::time::Duration;

use super::ErrorCode;

/// A code for programs, a sentence for people. It is counted where it is sent: some are only asked about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// For programs.
    pub code: ErrorCode,
    /// For people: a sentence that says what to do.
    pub message: String,
    /// When to try again, where trying again helps.
    pub retry_after: Option<Duration>,
    /// The words of the person who decided so, such as the admin who banned a user.
    pub reason: Option<String>,
}

impl Rejection {
    /// A rejection with its code's own wait.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: code.retry_after(), reason: None }
    }

    /// The refusal of a room that is not there, or not for its caller: one is not to be told from the other.
    pub fn room_not_found() -> Self {
        Self::new(ErrorCode::RoomNotFound, "Room not found")
    }

    /// The same with another wait.
    #[must_use]
    pub fn retry_in(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// The wait in whole seconds, as HTTP says it (RFC 9110, section 10.2.3).
    pub fn retry_after_s(&self) -> Option<u64> {
        self.retry_after.map(|wait| wait.as_millis().div_ceil(1000) as u64)
    }
}
