//! A value as an operator gave it, before its setting gives it a type. Its origin is the place where it stands. Nothing is
//! converted, as the `config` crate would: a secret of digits is a text, and `true` is no number.

use ::config::{Value, ValueKind};

/// Most characters of a value that an error shows.
const SHOWN_CHARS: usize = 100;

/// The place of a value that is a default. No file, variable or flag has this name.
pub const DEFAULT: &str = "";

/// Where the value stands.
pub fn place(value: &Value) -> &str {
    value.origin().unwrap_or(DEFAULT)
}

/// The text, if it is one.
pub fn text(value: &Value) -> Option<&str> {
    match &value.kind {
        ValueKind::String(text) => Some(text),
        _ => None,
    }
}

/// The whole number, if it is one that the machine can hold. It may be a text of digits, as in the environment.
pub fn number(value: &Value) -> Option<usize> {
    match &value.kind {
        ValueKind::String(text) if text.starts_with(|first: char| first.is_ascii_digit()) => {
            text.parse().ok()
        }
        ValueKind::I128(number) => usize::try_from(*number).ok(),
        _ => None,
    }
}

/// The items of a list, which may also be a text with commas between them.
pub fn texts(value: &Value) -> Option<Vec<&str>> {
    match &value.kind {
        ValueKind::String(text) => {
            Some(text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty()).collect())
        }
        ValueKind::Array(items) => items.iter().map(text).collect(),
        _ => None,
    }
}

/// The value in TOML.
pub fn to_toml(value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Array(items) => {
            let items: Vec<_> = items.iter().map(to_toml).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// All that may be said of a value that is secret.
pub fn shown_as_secret(value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) => format!("a text of {} characters", text.chars().count()),
        ValueKind::Array(items) => format!("a list of {}", items.len()),
        _ => "something that is no text".to_owned(),
    }
}

/// The beginning of a text, marked as such if it is not all of it.
pub fn cut(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
