//! A value as somebody gave it, before its setting says what it is.

use std::fmt;
use std::path::PathBuf;

/// Most characters of a value that an error shows.
const SHOWN_CHARS: usize = 100;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The value.
    pub raw: Raw,
    /// Where it stands.
    pub source: Source,
}

/// A value by its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// Text from the environment, a flag or a secret's file, which have no types: a secret of digits is no number.
    Untyped(String),
    /// A string of TOML.
    Text(String),
    /// An integer of TOML. It may be larger than any type.
    Integer {
        /// Its digits without prefix and underscores.
        digits: String,
        /// 2, 8, 10 or 16.
        radix: u32,
    },
    /// An array of strings.
    Texts(Vec<String>),
    /// Any other value of TOML, as it is written.
    Other(String),
    /// What is not UTF-8, with escapes.
    Bytes(String),
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `config/default.toml`, built in.
    Default,
    /// A file of settings.
    File(PathBuf),
    /// A file that holds nothing but this secret.
    SecretFile(String),
    /// A variable of the environment.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::SecretFile(path) => f.write_str(path),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

impl Given {
    /// A name without a value.
    pub fn none(source: &Source) -> Self {
        Self { raw: Raw::Other(String::new()), source: source.clone() }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.raw {
            Raw::Untyped(text) | Raw::Text(text) => Some(text),
            Raw::Integer { .. } | Raw::Texts(_) | Raw::Other(_) | Raw::Bytes(_) => None,
        }
    }

    /// The whole number, if it is one that the machine can hold.
    pub fn number(&self) -> Option<usize> {
        match &self.raw {
            Raw::Untyped(text) if text.starts_with(|first: char| first.is_ascii_digit()) => text.parse().ok(),
            Raw::Integer { digits, radix } => usize::from_str_radix(digits, *radix).ok(),
            _ => None,
        }
    }

    /// The items of a list, which may also be a text with commas between them.
    pub fn texts(&self) -> Option<Vec<&str>> {
        match &self.raw {
            Raw::Untyped(text) | Raw::Text(text) => {
                Some(text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty()).collect())
            }
            Raw::Texts(items) => Some(items.iter().map(String::as_str).collect()),
            Raw::Integer { .. } | Raw::Other(_) | Raw::Bytes(_) => None,
        }
    }

    /// The value as TOML writes it, on one line and not too long.
    pub fn shown(&self) -> String {
        match &self.raw {
            Raw::Untyped(text) | Raw::Text(text) => format!("{:?}", cut(text)),
            Raw::Integer { digits, radix: 10 } => cut(digits),
            Raw::Integer { digits, radix } => format!("{} in base {radix}", cut(digits)),
            Raw::Texts(items) => cut(&format!("{items:?}")),
            Raw::Other(written) => cut(written),
            Raw::Bytes(shown) => format!("{}, which is not UTF-8", cut(shown)),
        }
    }

    /// The whole value in TOML.
    pub fn to_toml(&self) -> String {
        match &self.raw {
            Raw::Untyped(text) | Raw::Text(text) => format!("{text:?}"),
            Raw::Integer { digits, radix: 10 } => digits.clone(),
            Raw::Integer { .. } => self.number().map_or_else(String::new, |number| number.to_string()),
            Raw::Texts(items) => format!("{items:?}"),
            Raw::Other(written) | Raw::Bytes(written) => written.clone(),
        }
    }

    /// What may be said of a value that is secret.
    pub fn shown_as_secret(&self) -> String {
        match &self.raw {
            Raw::Untyped(text) | Raw::Text(text) => format!("a text of {} characters", text.chars().count()),
            Raw::Bytes(_) => "bytes that are not UTF-8".to_owned(),
            Raw::Texts(items) => format!("a list of {} texts", items.len()),
            Raw::Integer { .. } | Raw::Other(_) => "something that is no text".to_owned(),
        }
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
