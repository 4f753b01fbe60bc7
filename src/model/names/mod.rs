//! Names of rooms and users: any script, any language, but no tricks that the eye can't see.

mod file_name;
mod invisible;
mod marks;
mod private;
mod skeleton;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

pub use self::file_name::file_name;
use self::marks::Marks;
pub use self::skeleton::Skeleton;
use super::characters::{is_forbidden, is_invisible};

/// Why a name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing visible is left after trimming.
    #[error("must not be empty")]
    Empty,
    /// More characters than allowed, counted after NFC and trimming.
    #[error("must be at most {limit} characters long")]
    TooLong {
        /// The most characters allowed.
        limit: usize,
    },
    /// Something inside that cannot be seen, other than a single blank.
    #[error("must not contain control characters, invisible characters or white space but single blanks")]
    Hidden,
    /// A combining mark without a letter, or one of too many on a letter.
    #[error("must not have more than a few combining marks on a letter")]
    Marks,
    /// A room's name that stands for something else.
    #[error("must not be \".\" or \"..\" or begin with ! or @")]
    Reserved,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a name from a place that adda itself wrote, such as Redis.
            pub fn from_trusted(text: &str) -> Self {
                Self(text.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

name! {
    /// A room's name, which is its id as well.
    RoomName
}

name! {
    /// The name that others see. Several users may have the same.
    Username
}

impl RoomName {
    /// Normalises to NFC, trims white space and invisible characters at the ends, and counts at most
    /// `max_chars` Unicode scalar values.
    ///
    /// # Errors
    /// Why it is no name of a room.
    pub fn parse(raw: &str, max_chars: usize) -> Result<Self, NameError> {
        let name = parse_name(raw, max_chars)?;
        // No path of an URL can name the first two; the signs are those of conversations.
        let is_reserved = matches!(&*name, "." | "..") || name.starts_with(['!', '@']);
        if is_reserved { Err(NameError::Reserved) } else { Ok(Self(name)) }
    }
}

impl Username {
    /// Does as [`RoomName::parse`] does, for a user.
    ///
    /// # Errors
    /// Why it is no name of a user.
    pub fn parse(raw: &str, max_chars: usize) -> Result<Self, NameError> {
        parse_name(raw, max_chars).map(Self)
    }
}

/// The normal form that all names are in (Unicode NFC), for what is compared with names.
pub fn to_nfc(raw: &str) -> String {
    raw.nfc().collect()
}

fn parse_name(raw: &str, max_chars: usize) -> Result<Arc<str>, NameError> {
    // A name of many times the limit is not worth normalising.
    if raw.len() > max_chars.saturating_mul(16) {
        return Err(NameError::TooLong { limit: max_chars });
    }
    if is_plain(raw) {
        let fits = raw.len() <= max_chars;
        return if fits { Ok(raw.into()) } else { Err(NameError::TooLong { limit: max_chars }) };
    }
    parse_any(raw, max_chars)
}

/// Whether a text is a name as it stands, as most are: visible ASCII characters, and single blanks between them. Unicode has
/// nothing to say about it, and each frame has a name.
fn is_plain(raw: &str) -> bool {
    let mut before = b' ';
    for byte in raw.bytes() {
        if !byte.is_ascii_graphic() && (byte != b' ' || before == b' ') {
            return false;
        }
        before = byte;
    }
    before != b' '
}

fn parse_any(raw: &str, max_chars: usize) -> Result<Arc<str>, NameError> {
    let chars: Vec<char> = raw.nfc().collect();
    let name = trimmed(&chars);
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if (0..name.len()).any(|at| is_hidden(name, at)) {
        return Err(NameError::Hidden);
    }
    let text: String = name.iter().collect();
    let mut marks = Marks::new();
    if !text.nfd().filter(|c| !is_invisible(*c)).all(|c| marks.allow(c)) {
        return Err(NameError::Marks);
    }
    if name.len() > max_chars {
        return Err(NameError::TooLong { limit: max_chars });
    }
    Ok(text.into())
}

/// The characters without the white space and the purposeless invisible characters at both ends.
fn trimmed(chars: &[char]) -> &[char] {
    let is_blank = |c: char| c.is_whitespace() || is_invisible(c);
    let begin = chars.iter().position(|c| !is_blank(*c)).unwrap_or(chars.len());
    let mut rest = &chars[begin..];
    while let [shorter @ .., last] = rest {
        let is_needed = !invisible::is_joiner(*last) && invisible::has_purpose(rest, shorter.len());
        if !is_blank(*last) || is_needed {
            break;
        }
        rest = shorter;
    }
    rest
}

fn is_hidden(name: &[char], at: usize) -> bool {
    match name[at] {
        ' ' => name[at - 1] == ' ',
        c if is_forbidden(c) || c.is_whitespace() => true,
        c => is_invisible(c) && !invisible::has_purpose(name, at),
    }
}
