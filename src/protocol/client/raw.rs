//! The envelope of a client's frame: its fields, each read by itself. One of a wrong type hides no other, and the
//! sentence that rejects it is ours.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::model::message::MAX_MENTIONS;
use crate::model::{Position, UserId};
use crate::protocol::{ErrorCode, Rejection};

/// All fields that a frame may have.
#[derive(Deserialize)]
pub(super) struct RawFrame<'a> {
    #[serde(borrow)]
    r#type: Option<&'a RawValue>,
    #[serde(borrow)]
    room_id: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    nonce: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    token: Option<&'a RawValue>,
    #[serde(borrow)]
    since: Option<&'a RawValue>,
    #[serde(borrow)]
    history: Option<&'a RawValue>,
    #[serde(borrow)]
    watch: Option<&'a RawValue>,
    #[serde(borrow)]
    prefix: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    reply_to: Option<&'a RawValue>,
    #[serde(borrow)]
    mentions: Option<&'a RawValue>,
    #[serde(borrow)]
    files: Option<&'a RawValue>,
    #[serde(borrow)]
    seq: Option<&'a RawValue>,
    #[serde(borrow)]
    r#ref: Option<&'a RawValue>,
    #[serde(borrow)]
    emoji: Option<&'a RawValue>,
    #[serde(borrow)]
    on: Option<&'a RawValue>,
}

/// The fields by which a client finds its frame, located with the frame and read only if it is refused.
#[derive(Debug, Clone, Copy)]
pub struct Marks<'a> {
    nonce: Option<&'a RawValue>,
    room_id: Option<&'a RawValue>,
}

impl Marks<'_> {
    /// The nonce and the room, as they were sent. A mark that is no text is as good as none.
    pub fn read(&self) -> (Option<String>, Option<String>) {
        let text = |mark| string("a mark must be a text", mark).ok().flatten();
        (text(self.nonce), text(self.room_id))
    }
}

impl<'a> RawFrame<'a> {
    /// Finds the fields of a JSON object.
    pub(super) fn find(text: &'a str) -> Result<Self, Rejection> {
        // PowerShell and others begin a text with a byte order mark (RFC 8259, section 8.1).
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // serde would take an array for an object whose fields stand in order.
        if !text.trim_start().starts_with('{') {
            return Err(bad("the frame is not a JSON object"));
        }
        serde_json::from_str(text).map_err(|error| match error.classify() {
            // Any value will do for a field, so the only other fault is this.
            Category::Data => bad("the frame has a field twice"),
            _ => bad("the frame is not a JSON object"),
        })
    }

    pub(super) fn marks(&self) -> Marks<'a> {
        Marks { nonce: self.nonce, room_id: self.room_id }
    }

    /// Whether each field that is there has its type.
    pub(super) fn check(&self) -> Result<(), Rejection> {
        self.kind()?;
        for field in [Self::room_id, Self::content, Self::nonce, Self::token, Self::prefix, Self::id] {
            field(self)?;
        }
        self.since()?;
        self.watch()?;
        self.reply_to()?;
        self.mentions()?;
        self.files()?;
        self.seq()?;
        self.target()?;
        self.emoji()?;
        self.on()?;
        self.history().map(drop)
    }

    /// A missing type means `text`.
    pub(super) fn kind(&self) -> Result<Cow<'a, str>, Rejection> {
        let Some(value) = self.r#type else { return Ok("text".into()) };
        // Escapes are decoded, but hardly ever there.
        let kind = serde_json::from_str::<&str>(value.get()).map(Cow::Borrowed);
        match kind {
            Ok(kind) => Ok(kind),
            Err(_) => Ok(string("type must be a text", Some(value))?.map_or("text".into(), Cow::Owned)),
        }
    }

    pub(super) fn room_id(&self) -> Result<Option<String>, Rejection> {
        string("room_id must be a text", self.room_id)
    }

    pub(super) fn content(&self) -> Result<Option<String>, Rejection> {
        string("content must be a text", self.content)
    }

    pub(super) fn nonce(&self) -> Result<Option<String>, Rejection> {
        string("nonce must be a text", self.nonce)
    }

    pub(super) fn name(&self) -> Result<Option<String>, Rejection> {
        string("name must be a text", self.name)
    }

    pub(super) fn token(&self) -> Result<Option<String>, Rejection> {
        string("token must be a text", self.token)
    }

    pub(super) fn since(&self) -> Result<Option<Position>, Rejection> {
        let rule = "since must be an object with epoch and seq";
        match self.since {
            Some(value) if value.get().starts_with('[') => Err(bad(rule)),
            value => read(value, rule),
        }
    }

    pub(super) fn prefix(&self) -> Result<Option<String>, Rejection> {
        string("prefix must be a text", self.prefix)
    }

    pub(super) fn id(&self) -> Result<Option<String>, Rejection> {
        string("id must be a text", self.id)
    }

    pub(super) fn watch(&self) -> Result<Option<bool>, Rejection> {
        read(self.watch, "watch must be true or false")
    }

    pub(super) fn reply_to(&self) -> Result<Option<u64>, Rejection> {
        read(self.reply_to, "reply_to must be the seq of a message")
    }

    pub(super) fn seq(&self) -> Result<Option<u64>, Rejection> {
        read(self.seq, "seq must be the number of a message")
    }

    pub(super) fn mentions(&self) -> Result<Vec<UserId>, Rejection> {
        let rule = format!("mentions must be a list of at most {MAX_MENTIONS} user ids");
        let raw: Vec<String> = read(self.mentions, &rule)?.unwrap_or_default();
        let users: Option<Vec<UserId>> = raw.iter().map(|user| UserId::parse(user)).collect();
        users.filter(|users| users.len() <= MAX_MENTIONS).ok_or_else(|| bad(&rule))
    }

    pub(super) fn files(&self) -> Result<Vec<String>, Rejection> {
        Ok(read(self.files, "files must be a list of file ids")?.unwrap_or_default())
    }

    /// The number of the message that a change refers to.
    pub(super) fn target(&self) -> Result<Option<u64>, Rejection> {
        read(self.r#ref, "ref must be the seq of a message")
    }

    pub(super) fn emoji(&self) -> Result<Option<String>, Rejection> {
        string("emoji must be a text", self.emoji)
    }

    pub(super) fn on(&self) -> Result<Option<bool>, Rejection> {
        read(self.on, "on must be true or false")
    }

    pub(super) fn history(&self) -> Result<Option<usize>, Rejection> {
        read(self.history, "history must be a whole number")
    }
}

fn string(rule: &str, value: Option<&RawValue>) -> Result<Option<String>, Rejection> {
    match value {
        Some(value) if has_lone_surrogate(value.get()) => {
            Err(bad(r"the frame has half a surrogate pair; \ud800 to \udfff come in pairs"))
        }
        value => read(value, rule),
    }
}

/// `null` is as good as nothing.
fn read<T: DeserializeOwned>(value: Option<&RawValue>, rule: &str) -> Result<Option<T>, Rejection> {
    let Some(value) = value else { return Ok(None) };
    serde_json::from_str(value.get()).map_err(|_| bad(rule))
}

pub(super) fn bad(sentence: &str) -> Rejection {
    Rejection::new(ErrorCode::BadFrame, sentence)
}

/// A field that a frame of its type must have.
pub(super) fn missing(field: &str) -> Rejection {
    Rejection::new(ErrorCode::BadFrame, format!("{field} is missing"))
}

/// Whether an escape is half of a surrogate pair (RFC 8259, section 7), which no UTF-8 can hold.
fn has_lone_surrogate(json: &str) -> bool {
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        rest = &rest[at + 1..];
        match unit(rest) {
            Some(0xDC00..=0xDFFF) => return true,
            Some(0xD800..=0xDBFF) => {
                let second = rest.get(5..).and_then(|rest| rest.strip_prefix('\\')).and_then(unit);
                if !matches!(second, Some(0xDC00..=0xDFFF)) {
                    return true;
                }
                rest = &rest[11..];
            }
            Some(_) => rest = &rest[5..],
            // The character that is escaped may be a backslash itself.
            None => rest = rest.get(1..).unwrap_or_default(),
        }
    }
    false
}

/// The UTF-16 code unit of an escape behind its backslash.
fn unit(escape: &str) -> Option<u16> {
    let digits = escape.strip_prefix('u')?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}
