//! The rooms that a token admits its bearer to.

use std::sync::Arc;

use crate::model::RoomName;
use crate::model::names::to_nfc;

/// All rooms, or those of certain names and beginnings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomScope(Option<Arc<[Pattern]>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Name(Box<str>),
    Prefix(Box<str>),
}

impl RoomScope {
    /// All rooms.
    pub const ALL: Self = Self(None);

    /// The rooms of these names; one that ends in `*` stands for all names that begin so.
    pub fn limited_to<T: AsRef<str>>(patterns: impl IntoIterator<Item = T>) -> Self {
        Self(Some(patterns.into_iter().map(|pattern| Pattern::read(pattern.as_ref())).collect()))
    }

    /// Whether it is all rooms.
    pub fn is_all(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a room is among them.
    pub fn admits(&self, room: &RoomName) -> bool {
        self.0.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(room.as_str())))
    }
}

impl Pattern {
    fn read(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(prefix) => Self::Prefix(to_nfc(prefix).into()),
            None => Self::Name(to_nfc(text).into()),
        }
    }

    fn matches(&self, room: &str) -> bool {
        match self {
            Self::Name(name) => room == &**name,
            Self::Prefix(prefix) => room.starts_with(&**prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(patterns: &[&str], room: &str) -> bool {
        RoomScope::limited_to(patterns).admits(&RoomName::from_trusted(room))
    }

    #[test]
    fn a_scope_admits_names_and_beginnings() {
        assert!(RoomScope::ALL.admits(&RoomName::from_trusted("general")));
        assert!(admits(&["general"], "general"));
        assert!(admits(&["x", "team-*"], "team-আড্ডা"));
        assert!(admits(&["cafe\u{301}"], "caf\u{e9}"), "names are compared in one normal form");
        assert!(admits(&["*"], "general"));
    }

    #[test]
    fn a_scope_admits_no_other_room() {
        for (patterns, room) in [
            (&["general"][..], "general2"),
            (&["team-*"], "team"),
            (&[], "general"),
            (&["a*b"], "axb"),
            (&[""], "a"),
        ] {
            assert!(!admits(patterns, room), "{patterns:?} {room}");
        }
    }
}
