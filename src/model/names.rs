//! Names of rooms and users: any script, any language, but no tricks that the eye can't see.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

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
    /// A control or bidi-control character inside.
    #[error("must not contain control characters")]
    Control,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Normalises to NFC, trims white space and invisible characters at the ends, and
            /// counts at most `max_chars` Unicode scalar values.
            pub fn parse(raw: &str, max_chars: usize) -> Result<Self, NameError> {
                parse_name(raw, max_chars).map(Self)
            }

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
    /// The name that others see. Several users may bear the same.
    Username
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
    let normal = to_nfc(raw);
    let name = normal.trim_matches(|c: char| c.is_whitespace() || is_invisible(c));
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.contains(|c: char| c.is_control() || is_bidi_control(c)) {
        return Err(NameError::Control);
    }
    if name.chars().count() > max_chars {
        return Err(NameError::TooLong { limit: max_chars });
    }
    Ok(name.into())
}

/// Characters that draw nothing. Inside a name the joiners among them shape Bengali conjuncts and
/// must stay; at its ends they only make two names look alike.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{00ad}'
            | '\u{034f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2064}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
    )
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(raw: &str) -> Result<String, NameError> {
        RoomName::parse(raw, 64).map(|name| name.to_string())
    }

    #[test]
    fn a_name_is_trimmed_and_composed() {
        assert_eq!(room("  cafe\u{301} \u{200b}"), Ok("caf\u{e9}".into()));
    }

    #[test]
    fn bengali_joiners_inside_a_name_stay() {
        let name = "র\u{200d}্যাব ক্\u{200c}ষ";
        assert_eq!(room(name), Ok(name.nfc().collect()));
    }

    #[test]
    fn nothing_visible_is_empty() {
        assert_eq!(room(" \u{200d}\u{feff} "), Err(NameError::Empty));
    }

    #[test]
    fn control_and_bidi_control_characters_are_refused() {
        assert_eq!(room("a\u{0}b"), Err(NameError::Control));
        assert_eq!(room("admin\u{202e}nimda"), Err(NameError::Control));
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!(room(&"আ".repeat(64)).is_ok());
        assert_eq!(room(&"আ".repeat(65)), Err(NameError::TooLong { limit: 64 }));
        assert_eq!(room(&"x".repeat(1 << 20)), Err(NameError::TooLong { limit: 64 }));
    }
}
