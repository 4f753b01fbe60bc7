//! The frame of a rejection, and its body over REST.

use serde::Serialize;

use crate::protocol::Rejection;

/// Characters of what was sent that an error repeats.
pub const ECHOED: usize = 100;

/// The fields of a rejected frame by which its client finds it.
#[derive(Debug, Clone, Copy, Default)]
pub struct FrameRef<'a> {
    /// The frame's nonce.
    pub nonce: Option<&'a str>,
    /// The frame's room.
    pub room_id: Option<&'a str>,
}

/// Why a frame was rejected.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "type", rename = "error")]
pub struct ErrorFrame<'a> {
    code: &'static str,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> ErrorFrame<'a> {
    /// The frame of a rejection.
    pub fn new(rejection: &'a Rejection, frame: FrameRef<'a>) -> Self {
        Self {
            code: rejection.code.as_str(),
            content: &rejection.message,
            nonce: echo(frame.nonce),
            room_id: echo(frame.room_id),
            retry_after_ms: rejection.retry_after.map(|wait| wait.as_micros().div_ceil(1000) as u64),
            reason: rejection.reason.as_deref(),
        }
    }

    pub(super) fn without_reference(self) -> Self {
        Self { nonce: None, room_id: None, ..self }
    }
}

/// A mark that a client could have meant is repeated whole, so that it finds the frame; of any other
/// the beginning must do.
fn echo(mark: Option<&str>) -> Option<&str> {
    let mark = mark?;
    let is_whole = mark.len() <= 128;
    let end = mark.char_indices().nth(ECHOED).filter(|_| !is_whole).map_or(mark.len(), |(at, _)| at);
    Some(&mark[..end])
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// The body of a rejection over REST.
pub fn error_body(rejection: &Rejection) -> String {
    let retry_after_ms = rejection.retry_after.map(|wait| wait.as_millis() as u64);
    let body = ErrorBody {
        error: &rejection.message,
        code: rejection.code.as_str(),
        retry_after_ms,
        reason: rejection.reason.as_deref(),
    };
    serde_json::to_string(&body).expect("texts and a number are JSON")
}
