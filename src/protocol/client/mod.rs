//! The frames of clients: one JSON object a frame, with a `type`. Unknown fields are ignored. The fields of a frame are
//! found first (`RawFrame`), its type decides which struct reads them.

mod change;
mod file;
mod message;
mod notification;
mod raw;
mod room;
mod session;
#[cfg(test)]
mod tests;

use self::raw::RawFrame;
use super::{ErrorCode, Rejection, SessionKind};

pub use self::change::{Change, ChangeAction};
pub use self::file::FileFrame;
pub use self::message::{Text, Typing};
pub use self::notification::Seen;
pub use self::raw::Marks;
pub use self::room::{Join, Leave, Read, RoomsQuery};
pub use self::session::Auth;

/// A frame of a session, its fields not yet checked against the rules for names and content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientFrame {
    /// Proves who the session speaks for.
    Auth(Auth),
    /// Enters a room.
    Join(Join),
    /// Leaves a room.
    Leave(Leave),
    /// Posts a message.
    Text(Text),
    /// Edits or deletes a message, or reacts to it.
    Change(Change),
    /// The user has read a room up to a message.
    Read(Read),
    /// The user is typing.
    Typing(Typing),
    /// Asks which rooms are occupied.
    Rooms(RoomsQuery),
    /// The user has seen a notification.
    Seen(Seen),
    /// Asks for a sign of life.
    Ping,
}

/// A frame that could not be read, with what of it helps the client to find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Why.
    pub rejection: Rejection,
    /// The frame's nonce.
    pub nonce: Option<String>,
    /// The frame's room.
    pub room_id: Option<String>,
}

impl ClientFrame {
    /// Reads one text frame of a session of this kind. A missing `type` means `text`. Plain sessions have [`Auth`], [`Text`]
    /// and [`Typing`]; all other types are unknown to them, whatever fields they lack.
    ///
    /// # Errors
    /// [`ErrorCode::BadFrame`], [`ErrorCode::UnknownType`] or [`ErrorCode::BadContent`], with a
    /// sentence that names the field.
    pub fn parse(text: &str, kind: SessionKind) -> Result<Self, ParseError> {
        Self::parse_marked(text, kind).map(|(frame, _)| frame)
    }

    /// Reads a frame as [`ClientFrame::parse`] does, with the marks that a later refusal of it repeats.
    ///
    /// # Errors
    /// As of [`ClientFrame::parse`].
    pub fn parse_marked(text: &str, kind: SessionKind) -> Result<(Self, Marks<'_>), ParseError> {
        let raw = RawFrame::find(text)?;
        match Self::read(&raw, kind) {
            Ok(frame) => Ok((frame, raw.marks())),
            Err(rejection) => {
                let (nonce, room_id) = raw.marks().read();
                // A field of the wrong type comes before one that is missing.
                Err(ParseError { rejection: raw.check().err().unwrap_or(rejection), nonce, room_id })
            }
        }
    }

    fn read(raw: &RawFrame<'_>, kind: SessionKind) -> Result<Self, Rejection> {
        Ok(match (raw.kind()?.as_ref(), kind) {
            ("auth", SessionKind::Notifications) => Self::Auth(Auth::read(raw)?),
            ("seen", SessionKind::Notifications) => Self::Seen(Seen::read(raw)?),
            ("ping", SessionKind::Notifications) => Self::Ping,
            (_, SessionKind::Notifications) => {
                let message =
                    "A session of notifications knows auth, seen and ping; open one at /ws for more";
                return Err(Rejection::new(ErrorCode::UnknownType, message));
            }
            ("text", _) => Self::Text(Text::read(raw)?),
            ("typing", _) => Self::Typing(Typing::read(raw)?),
            ("auth", _) => Self::Auth(Auth::read(raw)?),
            (_, SessionKind::Plain) => {
                let message =
                    "A plain session knows auth, text and typing; ask for the subprotocol adda.v1 for more";
                return Err(Rejection::new(ErrorCode::UnknownType, message));
            }
            (kind @ ("edit" | "delete" | "react"), _) => Self::Change(Change::read(raw, kind)?),
            ("join", _) => Self::Join(Join::read(raw)?),
            ("leave", _) => Self::Leave(Leave::read(raw)?),
            ("read", _) => Self::Read(Read::read(raw)?),
            ("rooms", _) => Self::Rooms(RoomsQuery::read(raw)?),
            ("seen", _) => Self::Seen(Seen::read(raw)?),
            ("ping", _) => Self::Ping,
            (other, _) => {
                let known = "auth, join, leave, text, edit, delete, react, read, typing, rooms, seen, ping";
                let shown: String = other.chars().take(32).collect();
                let message = format!("type {shown:?} is not known; known are {known}");
                return Err(Rejection::new(ErrorCode::UnknownType, message));
            }
        })
    }
}

impl From<Rejection> for ParseError {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, nonce: None, room_id: None }
    }
}
