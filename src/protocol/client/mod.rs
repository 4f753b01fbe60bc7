//! What clients send: one JSON object a frame, with a `type`. Unknown fields are ignored.

mod fields;

use self::fields::Fields;
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

impl ClientFrame {
    /// Reads one text frame. A missing `type` means `text`.
    ///
    /// # Errors
    /// [`ErrorCode::BadFrame`], [`ErrorCode::UnknownType`] or [`ErrorCode::BadContent`], with a
    /// sentence that names the field.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        Self::read(text, Self::typed)
    }

    /// Reads one text frame of a plain session: [`Text`](Self::Text) or [`Typing`](Self::Typing).
    ///
    /// # Errors
    /// As [`parse`](Self::parse). All other types are unknown, whatever they lack.
    pub fn parse_plain(text: &str) -> Result<Self, Unreadable> {
        Self::read(text, Self::typed_plain)
    }

    fn read(
        text: &str,
        typed: impl FnOnce(&Fields<'_>) -> Result<Self, Unreadable>,
    ) -> Result<Self, Unreadable> {
        let fields = Fields::read(text)?;
        typed(&fields).map_err(|unreadable| Unreadable {
            nonce: fields.nonce().ok().flatten(),
            room_id: fields.room_id().ok().flatten(),
            // A field of the wrong type comes before one that is missing.
            ..fields.check().err().unwrap_or(unreadable)
        })
    }

    fn typed_plain(fields: &Fields<'_>) -> Result<Self, Unreadable> {
        match fields.kind()?.as_ref() {
            "text" | "typing" => Self::typed(fields),
            _ => {
                let sentence =
                    "A plain session knows text and typing; ask for the subprotocol adda.v1 for more";
                Err(Unreadable::new(ErrorCode::UnknownType, sentence.to_owned()))
            }
        }
    }

    fn typed(fields: &Fields<'_>) -> Result<Self, Unreadable> {
        let missing = |field: &str| Unreadable::new(ErrorCode::BadFrame, format!("{field} is missing"));
        let named_room = || fields.room_id()?.ok_or_else(|| missing("room_id"));
        Ok(match fields.kind()?.as_ref() {
            "auth" => Self::Auth { token: fields.token()?.ok_or_else(|| missing("token"))? },
            "join" => {
                Self::Join { room_id: named_room()?, since: fields.since()?, history: fields.history()? }
            }
            "leave" => Self::Leave { room_id: named_room()? },
            "text" => {
                let content = fields
                    .content()?
                    .ok_or_else(|| Unreadable::new(ErrorCode::BadContent, "content is missing".to_owned()))?;
                Self::Text { room_id: fields.room_id()?, content, nonce: fields.nonce()? }
            }
            "typing" => Self::Typing { room_id: fields.room_id()? },
            "rooms" => Self::Rooms(match (fields.watch()?, fields.prefix()?) {
                (_, Some(prefix)) => RoomsAsked::Prefix(prefix),
                (Some(true), None) => RoomsAsked::Watch,
                (Some(false), None) => RoomsAsked::Unwatch,
                (None, None) => return Err(missing("watch or prefix")),
            }),
            "ping" => Self::Ping,
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

    /// Sentences are ours: they tell neither types of this program nor what was sent.
    #[test]
    fn a_field_of_the_wrong_type_is_named() {
        let sentence = |text: &str| ClientFrame::parse(text).unwrap_err().content;
        let long = "\u{ad}".repeat(30_000);
        for (text, expected) in [
            (
                format!(r#"{{"type":"join","room_id":"r","history":"{long}"}}"#),
                "history must be a whole number",
            ),
            (r#"{"type":"join","room_id":"r","history":-1}"#.to_owned(), "history must be a whole number"),
            (r#"{"type":"join","room_id":["r"]}"#.to_owned(), "room_id must be a text"),
            (
                r#"{"type":"join","room_id":"r","since":["e",5]}"#.to_owned(),
                "since must be an object with epoch and seq",
            ),
            (r#"{"type":7}"#.to_owned(), "type must be a text"),
            (r#"{"content":"a","content":"b"}"#.to_owned(), "the frame has a field twice"),
            (r#"["text","r","x"]"#.to_owned(), "the frame is not a JSON object"),
            (
                r#"{"content":"\ud83d"}"#.to_owned(),
                "the frame has half a surrogate pair; \\ud800 to \\udfff come in pairs",
            ),
            (
                r#"{"content":"\udc00\ud800x"}"#.to_owned(),
                "the frame has half a surrogate pair; \\ud800 to \\udfff come in pairs",
            ),
            (r#"{"content":"\\ud800"#.to_owned(), "the frame is not a JSON object"),
        ] {
            assert_eq!(sentence(&text), expected, "{text:.80}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_a_whole_pair_are_no_fault() {
        let frame = ClientFrame::parse("\u{feff}{\"content\":\"\\ud83d\\ude00\"}");
        assert_eq!(frame, Ok(ClientFrame::Text { room_id: None, content: "😀".into(), nonce: None }));
    }

    /// Pieces of frames in any order, cut anywhere: each is read or refused in a sentence of bounded length.
    #[test]
    fn no_text_breaks_the_reader() {
        const PIECES: [&str; 24] = [
            "{",
            "}",
            "[",
            "]",
            "\"",
            ":",
            ",",
            "\\",
            "\\u",
            "d83d",
            "\"type\"",
            "\"text\"",
            "\"join\"",
            "\"content\"",
            "\"room_id\"",
            "\"nonce\"",
            "\"since\"",
            "\"history\"",
            "null",
            "1e400",
            "-0",
            "\u{feff}",
            "আ",
            "\u{0}",
        ];
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..20_000 {
            let count = random.usize(..20);
            let text: String = (0..count).map(|_| PIECES[random.usize(..PIECES.len())]).collect();
            for outcome in [ClientFrame::parse(&text), ClientFrame::parse_plain(&text)] {
                if let Err(unreadable) = outcome {
                    assert!(unreadable.content.len() < 400, "seed {seed}: {text:?}: {unreadable:?}");
                }
            }
        }
    }
}
