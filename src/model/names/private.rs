//! The names of private rooms and conversations. The server makes them; people can't choose one.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{RoomName, is_invisible};
use crate::model::{UserId, hex};

/// The first character of a private room's name, and of a conversation's.
const ROOM: char = '!';
const CONVERSATION: char = '@';

/// Hexadecimal digits behind it.
const DIGITS: usize = 32;

impl RoomName {
    /// The name of a new private room.
    pub fn private() -> Self {
        Self::from_trusted(&format!("{ROOM}{}", Uuid::new_v4().simple()))
    }

    /// The name of the conversation of two users, whichever of them asks for it.
    pub fn conversation(one: &UserId, other: &UserId) -> Self {
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        // No id contains a line break.
        let digest = hex(&Sha256::digest(format!("{first}\n{second}"))[..DIGITS / 2]);
        Self::from_trusted(&format!("{CONVERSATION}{digest}"))
    }

    /// Reads the name of a private room or a conversation; `None` if the server could not have made it.
    pub fn parse_private(raw: &str) -> Option<Self> {
        let digits = raw.strip_prefix([ROOM, CONVERSATION])?;
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (digits.len() == DIGITS && digits.bytes().all(is_digit)).then(|| Self::from_trusted(raw))
    }

    /// Whether a name that somebody gives begins as those of private rooms and conversations do.
    pub fn looks_private(raw: &str) -> bool {
        let first = raw.chars().find(|c| !c.is_whitespace() && !is_invisible(*c));
        matches!(first, Some(ROOM | CONVERSATION))
    }

    /// Whether the room has members of its own, and is nobody else's to know of.
    pub fn is_private(&self) -> bool {
        self.as_str().starts_with([ROOM, CONVERSATION])
    }

    /// Whether it is the conversation of two users.
    pub fn is_conversation(&self) -> bool {
        self.as_str().starts_with(CONVERSATION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_has_one_name_for_both_users() {
        let users = ["a", "b", "a b", "রহিম"].map(|id| UserId::parse(id).unwrap_or_else(UserId::guest));
        let mut names = std::collections::BTreeSet::new();
        for (at, one) in users.iter().enumerate() {
            for other in &users[at + 1..] {
                let name = RoomName::conversation(one, other);
                assert_eq!(name, RoomName::conversation(other, one));
                assert_eq!(RoomName::parse_private(name.as_str()), Some(name.clone()));
                assert!(name.is_private() && name.is_conversation());
                names.insert(name);
            }
        }
        assert_eq!(names.len(), 6);
    }

    #[test]
    fn only_names_of_the_servers_form_are_read() {
        let name = RoomName::private();
        assert_eq!(RoomName::parse_private(name.as_str()), Some(name.clone()));
        assert!(name.is_private() && !name.is_conversation());
        assert_ne!(name, RoomName::private());
        let upper = name.as_str().to_uppercase().replace('0', "A");
        for other in ["!", "@", "!x", "general", "", &name.as_str()[1..], &format!("{name}0"), &upper] {
            assert_eq!(RoomName::parse_private(other), None, "{other}");
        }
        for (raw, looks_private) in
            [("!", true), ("@x", true), (" \u{200b}!x", true), ("x!", false), ("", false), ("general", false)]
        {
            assert_eq!(RoomName::looks_private(raw), looks_private, "{raw:?}");
        }
    }
}
