//! Passwords as people choose them, and the rules for new ones.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer};
use unicode_normalization::UnicodeNormalization;

use crate::model::Username;

/// Fewest characters of a new password (NIST SP 800-63B).
const LEAST_CHARS: usize = 8;

/// Most bytes of a password, in Unicode NFC.
const MOST_BYTES: usize = 256;

/// Passwords that an attacker tries first, in small letters. Shorter ones are refused anyway.
static COMMON: LazyLock<HashSet<String>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().map(folded).collect());

/// A password, in Unicode NFC: keyboards differ in the form that they write. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Any text may be a password that somebody tries.
    pub fn new(raw: &str) -> Self {
        // One that is many times too long is not worth normalising.
        Self(raw.chars().take(MOST_BYTES * 16).nfc().collect())
    }

    /// Whether no account can have it, because it is too long.
    pub(super) fn is_too_long(&self) -> bool {
        self.0.len() > MOST_BYTES
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Checks a new password of a user.
    ///
    /// # Errors
    /// A sentence about the rule that it breaks.
    pub(super) fn check(&self, username: &Username) -> Result<(), String> {
        let folded = folded(&self.0);
        if self.0.chars().count() < LEAST_CHARS {
            Err(format!("A password must have at least {LEAST_CHARS} characters"))
        } else if self.is_too_long() {
            Err(format!("A password must have at most {MOST_BYTES} bytes"))
        } else if folded == self::folded(username.as_str()) {
            Err("A password must differ from the username".to_owned())
        } else if COMMON.contains(&folded) || is_one_character(&folded) {
            Err("This password is among those that are tried first; choose another".to_owned())
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error of another type would show the value.
        let raw = serde_json::Value::deserialize(deserializer)?;
        raw.as_str().map(Self::new).ok_or_else(|| serde::de::Error::custom("a password must be a string"))
    }
}

fn folded(text: &str) -> String {
    text.nfc().flat_map(char::to_lowercase).nfc().collect()
}

fn is_one_character(text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars.next();
    chars.all(|c| Some(c) == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(password: &str) -> Option<String> {
        Password::new(password).check(&Username::from_trusted("Rahim Uddin")).err()
    }

    #[test]
    fn weak_passwords_are_refused() {
        for (password, part) in [
            ("", "at least 8"),
            ("1234567", "at least 8"),
            ("ক্ষমা", "at least 8"),
            ("password", "tried first"),
            ("PassWord123", "tried first"),
            ("বাংলাদেশ", "tried first"),
            ("zzzzzzzzzzzz", "tried first"),
            ("rahim uddin", "differ from the username"),
            (&"আ".repeat(86), "at most 256"),
        ] {
            let sentence = refusal(password).unwrap_or_else(|| panic!("{password:?} was taken"));
            assert!(sentence.contains(part), "{password:?}: {sentence}");
        }
    }

    #[test]
    fn other_passwords_are_taken() {
        for password in ["correct horse", "আমি বাংলায় গান গাই", "        x", &"আ1".repeat(64)]
        {
            assert_eq!(refusal(password), None, "{password:?}");
        }
    }

    #[test]
    fn a_password_has_one_form_and_is_never_shown() {
        assert_eq!(Password::new("cafe\u{301} noir"), Password::new("café noir"));
        assert_eq!(format!("{:?}", Password::new("correct horse")), "Password");
        let error = serde_json::from_str::<Password>("1234567890").expect_err("a number is no password");
        assert!(!error.to_string().contains("1234567890"), "{error}");
    }

    #[test]
    fn common_passwords_are_listed_once_in_small_letters() {
        let lines = include_str!("common_passwords.txt").lines();
        for line in lines.clone() {
            assert!(line.chars().count() >= LEAST_CHARS, "{line} is refused anyway");
        }
        assert_eq!(lines.map(folded).collect::<HashSet<_>>().len(), COMMON.len());
        assert!(COMMON.len() > 200);
    }
}
