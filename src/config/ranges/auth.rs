//! Ranges of the settings of `auth`: secrets, keys, claims, and who may come in.

use ::config::{Value, ValueKind};

use super::Range;
use crate::config::value::{text, texts};

/// The secret that signs tokens; empty: the backend keeps one.
#[derive(Debug)]
pub struct Secret;

const SECRET_CHARS: std::ops::RangeInclusive<usize> = 32..=1024;

fn is_secret(text: &str) -> bool {
    SECRET_CHARS.contains(&text.chars().count()) && !text.contains(char::is_control)
}

impl Range for Secret {
    type Value = String;

    fn read(&self, given: &Value) -> Option<String> {
        text(given).filter(|text| text.is_empty() || is_secret(text)).map(str::to_owned)
    }

    fn takes(&self) -> String {
        "empty or a text of 32 to 1024 characters without control characters".to_owned()
    }

    fn ends(&self) -> [String; 2] {
        [String::new(), "x".repeat(1024)].map(|end| format!("\"{end}\""))
    }

    fn is_secret(&self) -> bool {
        true
    }
}

/// Secrets that signed tokens before.
#[derive(Debug)]
pub struct SecretList;

impl Range for SecretList {
    type Value = Vec<String>;

    fn read(&self, given: &Value) -> Option<Vec<String>> {
        let items = texts(given)?;
        let is_fine = items.len() <= 16 && items.iter().all(|item| is_secret(item));
        is_fine.then(|| items.into_iter().map(str::to_owned).collect())
    }

    fn takes(&self) -> String {
        "a list of at most 16 texts of 32 to 1024 characters without control characters".to_owned()
    }

    fn ends(&self) -> [String; 2] {
        ["[]".to_owned(), format!("[\"{}\"]", "x".repeat(1024))]
    }

    fn is_secret(&self) -> bool {
        true
    }
}

/// Whether something is so.
#[derive(Debug)]
pub struct YesNo;

impl Range for YesNo {
    type Value = bool;

    fn read(&self, given: &Value) -> Option<bool> {
        match (&given.kind, text(given)) {
            (ValueKind::Boolean(value), _) => Some(*value),
            (_, Some("true")) => Some(true),
            (_, Some("false")) => Some(false),
            _ => None,
        }
    }

    fn takes(&self) -> String {
        "true or false".to_owned()
    }

    fn ends(&self) -> [String; 2] {
        ["true", "false"].map(str::to_owned)
    }
}

/// Whether new accounts may be made by those who want one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// By everybody.
    Open,
    /// By administrators alone.
    Closed,
}

/// Any [`Registration`].
#[derive(Debug)]
pub struct Openness;

impl Range for Openness {
    type Value = Registration;

    fn read(&self, given: &Value) -> Option<Registration> {
        match text(given)? {
            "open" => Some(Registration::Open),
            "closed" => Some(Registration::Closed),
            _ => None,
        }
    }

    fn takes(&self) -> String {
        r#""open" or "closed""#.to_owned()
    }

    fn ends(&self) -> [String; 2] {
        [r#""open""#, r#""closed""#].map(str::to_owned)
    }
}

/// A public key in PEM (RFC 7468), or none.
#[derive(Debug)]
pub struct PublicKey;

impl Range for PublicKey {
    type Value = String;

    fn read(&self, given: &Value) -> Option<String> {
        let text = text(given)?;
        let is_pem = text.len() <= 16_384
            && text.starts_with("-----BEGIN ")
            && text.contains("PUBLIC KEY-----")
            && !text.contains(|c: char| c.is_control() && c != '\n' && c != '\r');
        (is_pem || text.is_empty()).then(|| text.to_owned())
    }

    fn takes(&self) -> String {
        "empty or a public key in PEM: RSA, EC of P-256 or P-384, or Ed25519".to_owned()
    }

    fn ends(&self) -> [String; 2] {
        [r#""""#, r#""""#].map(str::to_owned)
    }
}

/// The name of a claim of tokens.
#[derive(Debug)]
pub struct Claim;

impl Range for Claim {
    type Value = String;

    fn read(&self, given: &Value) -> Option<String> {
        let text = text(given)?;
        let is_name = (1..=256).contains(&text.chars().count()) && !text.contains(char::is_control);
        is_name.then(|| text.to_owned())
    }

    fn takes(&self) -> String {
        "a text of 1 to 256 characters without control characters".to_owned()
    }

    fn ends(&self) -> [String; 2] {
        ["x".to_owned(), "x".repeat(256)].map(|end| format!("\"{end}\""))
    }
}
