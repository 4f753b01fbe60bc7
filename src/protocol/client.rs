//! What clients send: one JSON object a frame, with a `type`. Unknown fields are ignored.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::ErrorCode;
use crate::model::Position;

/// A frame of a session, its fields not yet checked against the rules for names and content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientFrame {
    /// Proves who the session speaks for.
    Auth {
        /// What an earlier `welcome` or `auth_success` gave.
        token: String,
    },
    /// Enters a room.
    Join {
        /// The room.
        room_id: String,
        /// The place that the client has come to.
        since: Option<Position>,
        /// How many of the newest messages it wants, if it can't go on from `since`.
        history: Option<usize>,
    },
    /// Leaves a room.
    Leave {
        /// The room.
        room_id: String,
    },
    /// Says something. Plain sessions name no room.
    Text {
        /// The room.
        room_id: Option<String>,
        /// What is said.
        content: String,
        /// The sender's mark, returned in the ack.
        nonce: Option<String>,
    },
    /// Is writing.
    Typing {
        /// The room.
        room_id: Option<String>,
    },
    /// Asks which rooms are occupied.
    Rooms(RoomsAsked),
    /// Asks for a sign of life.
    Ping,
}

/// What a session wants to know of the occupied rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomsAsked {
    /// The largest, and what changes from now on.
    Watch,
    /// No changes any more.
    Unwatch,
    /// Once: those whose names begin so.
    Prefix(String),
}

/// A frame that could not be read, with what of it helps the client to find the culprit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Why.
    pub code: ErrorCode,
    /// A sentence for people.
    pub content: String,
    /// The frame's nonce.
    pub nonce: Option<String>,
    /// The frame's room.
    pub room_id: Option<String>,
}

#[derive(Deserialize)]
struct AnyFrame<'a> {
    #[serde(borrow)]
    r#type: Option<Cow<'a, str>>,
    room_id: Option<String>,
    content: Option<String>,
    nonce: Option<String>,
    token: Option<String>,
    since: Option<Position>,
    history: Option<usize>,
    watch: Option<bool>,
    prefix: Option<String>,
}

impl ClientFrame {
    /// Reads one text frame. A missing `type` means `text`.
    ///
    /// # Errors
    /// [`ErrorCode::BadFrame`], [`ErrorCode::UnknownType`] or [`ErrorCode::BadContent`], with a
    /// sentence that names the field.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        Self::read(text, AnyFrame::typed)
    }

    /// Reads one text frame of a plain session: [`Text`](Self::Text) or [`Typing`](Self::Typing).
    ///
    /// # Errors
    /// As [`parse`](Self::parse). All other types are unknown, whatever they lack.
    pub fn parse_plain(text: &str) -> Result<Self, Unreadable> {
        Self::read(text, AnyFrame::typed_plain)
    }

    fn read<'a>(
        text: &'a str,
        typed: impl FnOnce(AnyFrame<'a>) -> Result<Self, Unreadable>,
    ) -> Result<Self, Unreadable> {
        // serde would take an array for an object whose fields stand in order.
        if !text.trim_start().starts_with('{') {
            return Err(Unreadable::new(ErrorCode::BadFrame, "the frame is not a JSON object".to_owned()));
        }
        let frame: AnyFrame<'a> = serde_json::from_str(text).map_err(|error| unreadable(text, &error))?;
        let (nonce, room_id) = (frame.nonce.clone(), frame.room_id.clone());
        typed(frame).map_err(|unreadable| Unreadable { nonce, room_id, ..unreadable })
    }
}

impl AnyFrame<'_> {
    fn typed_plain(self) -> Result<ClientFrame, Unreadable> {
        match self.r#type.as_deref() {
            None | Some("text" | "typing") => self.typed(),
            Some(_) => {
                let sentence =
                    "A plain session knows text and typing; ask for the subprotocol adda.v1 for more";
                Err(Unreadable::new(ErrorCode::UnknownType, sentence.to_owned()))
            }
        }
    }

    fn typed(self) -> Result<ClientFrame, Unreadable> {
        let missing = |field: &str| Unreadable::new(ErrorCode::BadFrame, format!("{field} is missing"));
        Ok(match self.r#type.as_deref().unwrap_or("text") {
            "auth" => ClientFrame::Auth { token: self.token.ok_or_else(|| missing("token"))? },
            "join" => ClientFrame::Join {
                room_id: self.room_id.ok_or_else(|| missing("room_id"))?,
                since: self.since,
                history: self.history,
            },
            "leave" => ClientFrame::Leave { room_id: self.room_id.ok_or_else(|| missing("room_id"))? },
            "text" => {
                let content = self
                    .content
                    .ok_or_else(|| Unreadable::new(ErrorCode::BadContent, "content is missing".to_owned()))?;
                ClientFrame::Text { room_id: self.room_id, content, nonce: self.nonce }
            }
            "typing" => ClientFrame::Typing { room_id: self.room_id },
            "rooms" => ClientFrame::Rooms(match (self.watch, self.prefix) {
                (_, Some(prefix)) => RoomsAsked::Prefix(prefix),
                (Some(true), None) => RoomsAsked::Watch,
                (Some(false), None) => RoomsAsked::Unwatch,
                (None, None) => return Err(missing("watch or prefix")),
            }),
            "ping" => ClientFrame::Ping,
            other => {
                let known = "auth, join, leave, text, typing, rooms, ping";
                let shown: String = other.chars().take(32).collect();
                let sentence = format!("type {shown:?} is not known; known are {known}");
                return Err(Unreadable::new(ErrorCode::UnknownType, sentence));
            }
        })
    }
}

impl Unreadable {
    fn new(code: ErrorCode, content: String) -> Self {
        Self { code, content, nonce: None, room_id: None }
    }
}

/// The two fields that help a client to find the frame, whatever they hold.
#[derive(Default, Deserialize)]
struct Marks<'a> {
    #[serde(borrow)]
    nonce: Option<&'a RawValue>,
    #[serde(borrow)]
    room_id: Option<&'a RawValue>,
}

/// Why serde refused a frame. One field of a wrong type hides the others from it, so the marks are read again.
fn unreadable(text: &str, error: &serde_json::Error) -> Unreadable {
    let marks: Marks<'_> = serde_json::from_str(text).unwrap_or_default();
    let string = |mark: Option<&RawValue>| serde_json::from_str(mark?.get()).ok();
    Unreadable {
        nonce: string(marks.nonce),
        room_id: string(marks.room_id),
        ..Unreadable::new(ErrorCode::BadFrame, explain(error))
    }
}

fn explain(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    match error.classify() {
        Category::Data => format!("the frame is not what it should be: {error}"),
        Category::Syntax | Category::Eof | Category::Io => "the frame is not a JSON object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> ErrorCode {
        ClientFrame::parse(text).unwrap_err().code
    }

    #[test]
    fn a_frame_without_type_says_something() {
        let frame = ClientFrame::parse(r#"{"content":"হ্যালো","extra":[1]}"#).unwrap();
        assert_eq!(frame, ClientFrame::Text { room_id: None, content: "হ্যালো".into(), nonce: None });
    }

    #[test]
    fn what_is_no_object_is_a_bad_frame() {
        for text in ["", "hello", "[]", "42", "null", "{", r#"{"content":1}"#, r#"{"type":7}"#] {
            assert_eq!(code(text), ErrorCode::BadFrame, "{text}");
        }
        let deep = format!("{{\"x\":{}1{}}}", "[".repeat(30_000), "]".repeat(30_000));
        assert!(ClientFrame::parse(&deep).is_err());
    }

    #[test]
    fn plain_sessions_talk_and_type() {
        for text in [r#"{"content":"x"}"#, r#"{"type":"text","content":"x"}"#, r#"{"type":"typing"}"#] {
            assert_eq!(ClientFrame::parse_plain(text), ClientFrame::parse(text), "{text}");
        }
        for text in [r#"{"type":"leave"}"#, r#"{"type":"join","room_id":"r"}"#, r#"{"type":"ping"}"#] {
            assert_eq!(ClientFrame::parse_plain(text).unwrap_err().code, ErrorCode::UnknownType, "{text}");
        }
    }

    #[test]
    fn a_refusal_names_nonce_and_room() {
        let unreadable = ClientFrame::parse(r#"{"type":"dance","nonce":"n1","room_id":"r"}"#).unwrap_err();
        assert_eq!(unreadable.code, ErrorCode::UnknownType);
        assert_eq!((unreadable.nonce.as_deref(), unreadable.room_id.as_deref()), (Some("n1"), Some("r")));
    }

    #[test]
    fn a_field_of_the_wrong_type_hides_no_other() {
        let marks = |text: &str| {
            let unreadable = ClientFrame::parse(text).unwrap_err();
            assert_eq!(unreadable.code, ErrorCode::BadFrame, "{text}");
            (unreadable.nonce, unreadable.room_id)
        };
        let (nonce, room_id) = (Some("n\"1".to_owned()), Some("r".to_owned()));
        let both = r#"{"content":5,"nonce":"n\"1","room_id":"r"}"#;
        assert_eq!(marks(both), (nonce.clone(), room_id.clone()));
        assert_eq!(marks(r#"{"nonce":["n"],"room_id":"r"}"#), (None, room_id));
        assert_eq!(marks(r#"{"nonce":"n\"1","room_id":{"r":1}}"#), (nonce, None));
        assert_eq!(marks(r#"{"type":7,"nonce":null}"#), (None, None));
        assert_eq!(marks(r#"{"nonce":"n","room_id":"r""#), (None, None));
    }
}
