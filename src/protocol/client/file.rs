//! A file and its message in one binary frame: a line of JSON, and the bytes behind it.

use bytes::Bytes;

use super::ParseError;
use super::raw::{RawFrame, missing};
use crate::protocol::{ErrorCode, Rejection};

/// Posts a message with one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFrame {
    /// The room.
    pub room_id: String,
    /// The name of the file on the sender's system.
    pub name: String,
    /// The sender's mark, returned in the ack.
    pub nonce: Option<String>,
    /// A text beside the file; may be empty.
    pub content: String,
    /// The bytes of the file.
    pub bytes: Bytes,
}

impl FileFrame {
    /// Reads a binary frame. A `type` in its first line is that of the sender's system, and not believed.
    ///
    /// # Errors
    /// [`ErrorCode::BadFrame`], with a sentence that names the field.
    pub fn parse(frame: &Bytes) -> Result<Self, ParseError> {
        let end = frame.iter().position(|byte| *byte == b'\n').ok_or_else(|| bad("has no line feed"))?;
        let line =
            std::str::from_utf8(&frame[..end]).map_err(|_| bad("does not begin with a line of UTF-8"))?;
        let raw = RawFrame::find(line)?;
        Self::read(&raw, frame.slice(end + 1..)).map_err(|rejection| {
            let (nonce, room_id) = raw.marks().read();
            ParseError { rejection, nonce, room_id }
        })
    }

    fn read(raw: &RawFrame<'_>, bytes: Bytes) -> Result<Self, Rejection> {
        Ok(Self {
            room_id: raw.room_id()?.ok_or_else(|| missing("room_id"))?,
            name: raw.name()?.ok_or_else(|| missing("name"))?,
            nonce: raw.nonce()?,
            content: raw.content()?.unwrap_or_default(),
            bytes,
        })
    }
}

fn bad(what: &str) -> Rejection {
    let sentence = format!("A binary frame must be a line of JSON and a file's bytes, but this one {what}");
    Rejection::new(ErrorCode::BadFrame, sentence)
}
