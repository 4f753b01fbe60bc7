//! The frames of the server: one JSON object a frame, a family of frames in each file. [`encode`] alone knows which kind of
//! session gets which frame.

mod error;
mod join;
mod message;
mod room;
mod rooms;
mod session;
mod stats;
#[cfg(test)]
mod tests;
mod user;

use serde::Serialize;

use super::{Rejection, SessionKind};
use crate::websocket::Frame;

pub use self::error::{ECHOED, ErrorFrame, FrameRef, error_body};
pub use self::join::{Entrance, entrance};
pub use self::message::{NoticeFrame, is_shown, message, put_messages};
pub use self::room::{ReceiptJson, RoomFrame};
pub use self::rooms::{RoomSize, RoomsFrame};
pub use self::session::{SessionFrame, WelcomeLimits};
pub use self::stats::{FiguresJson, NodeFiguresJson, Stats, stats};
pub use self::user::UserFrame;

/// A frame of the server, except the messages of a log ([`message`]) and the answer to a join ([`entrance`]).
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ServerFrame<'a> {
    /// About the session itself.
    Session(SessionFrame<'a>),
    /// About one room.
    Room(RoomFrame<'a>),
    /// About which rooms are occupied.
    Rooms(RoomsFrame<'a>),
    /// For all sessions of a user.
    User(UserFrame<'a>),
    /// A notice of a room.
    Notice(NoticeFrame<'a>),
    /// Why a frame was rejected.
    Error(ErrorFrame<'a>),
}

/// The bytes of a frame for a kind of session; nothing if sessions of this kind don't get it.
pub fn encode(frame: &ServerFrame<'_>, kind: SessionKind) -> Option<Frame> {
    match kind {
        SessionKind::Full => Some(json(frame)),
        SessionKind::Notifications => is_of_notifications(frame).then(|| json(frame)),
        SessionKind::Plain => encode_plain(frame),
    }
}

/// A plain session gets no reference to a frame of its own, and is told of a loss by an error.
fn encode_plain(frame: &ServerFrame<'_>) -> Option<Frame> {
    match frame {
        ServerFrame::Notice(notice) => Some(json(notice)),
        ServerFrame::Error(error) => Some(json(&error.without_reference())),
        ServerFrame::Room(RoomFrame::Gap { from, to, .. }) => SessionKind::Plain
            .gap_error()
            .map(|code| json(&ErrorFrame::new(&skipped(code, *from, *to), FrameRef::default()))),
        ServerFrame::Session(_) | ServerFrame::Room(_) | ServerFrame::Rooms(_) | ServerFrame::User(_) => None,
    }
}

fn is_of_notifications(frame: &ServerFrame<'_>) -> bool {
    matches!(
        frame,
        ServerFrame::User(UserFrame::Notification(_) | UserFrame::Seen { .. })
            | ServerFrame::Session(SessionFrame::AuthSuccess { .. } | SessionFrame::Pong)
            | ServerFrame::Error(_)
    )
}

fn skipped(code: super::ErrorCode, from: u64, to: u64) -> Rejection {
    Rejection::new(code, format!("{} messages were lost and can't be shown", (to - from).saturating_add(1)))
}

/// A frame for many sessions: encoded once for each kind that is among them.
#[derive(Debug)]
pub struct Encodings<'a> {
    frame: ServerFrame<'a>,
    plain: Option<Option<Frame>>,
    full: Option<Option<Frame>>,
}

impl<'a> Encodings<'a> {
    /// Encodes nothing yet.
    pub fn new(frame: impl Into<ServerFrame<'a>>) -> Self {
        Self { frame: frame.into(), plain: None, full: None }
    }

    /// The bytes for sessions of a kind, as [`encode`] makes them.
    pub fn get(&mut self, kind: SessionKind) -> Option<&Frame> {
        let encoded = match (kind, &self.frame) {
            // All kinds get notices in the same bytes.
            (SessionKind::Full, _) | (_, ServerFrame::Notice(_)) => &mut self.full,
            (SessionKind::Plain, _) => &mut self.plain,
            // Such a session is in no room.
            (SessionKind::Notifications, _) => return None,
        };
        encoded.get_or_insert_with(|| encode(&self.frame, kind)).as_ref()
    }
}

fn json(frame: &impl Serialize) -> Frame {
    Frame::text(&serde_json::to_vec(frame).expect("a frame of strings and numbers is always JSON"))
}

impl<'a> From<SessionFrame<'a>> for ServerFrame<'a> {
    fn from(frame: SessionFrame<'a>) -> Self {
        Self::Session(frame)
    }
}

impl<'a> From<RoomFrame<'a>> for ServerFrame<'a> {
    fn from(frame: RoomFrame<'a>) -> Self {
        Self::Room(frame)
    }
}

impl<'a> From<RoomsFrame<'a>> for ServerFrame<'a> {
    fn from(frame: RoomsFrame<'a>) -> Self {
        Self::Rooms(frame)
    }
}

impl<'a> From<UserFrame<'a>> for ServerFrame<'a> {
    fn from(frame: UserFrame<'a>) -> Self {
        Self::User(frame)
    }
}

impl<'a> From<NoticeFrame<'a>> for ServerFrame<'a> {
    fn from(frame: NoticeFrame<'a>) -> Self {
        Self::Notice(frame)
    }
}

impl<'a> From<ErrorFrame<'a>> for ServerFrame<'a> {
    fn from(frame: ErrorFrame<'a>) -> Self {
        Self::Error(frame)
    }
}
