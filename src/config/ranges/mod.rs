//! Ranges of settings: how a value is read, and how its range is described.

mod auth;
mod networks;
mod origins;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use ::config::Value;
use tracing_subscriber::EnvFilter;

pub use self::auth::Registration;
pub(super) use self::auth::{Claim, Openness, PublicKey, Secret, SecretList, YesNo};
pub(super) use self::networks::NetworkList;
pub use self::networks::Networks;
pub(super) use self::origins::OriginList;
pub use self::origins::{Origin, Origins};
use super::value::{number, text};

/// The values that a setting takes.
pub trait Range {
    /// Its type in the program.
    type Value;

    /// The value; `None` if it is of another type or out of the range.
    fn read(&self, given: &Value) -> Option<Self::Value>;

    /// For sentences: "{key} must be …".
    fn takes(&self) -> String;

    /// The least and the greatest value, as TOML writes them.
    fn ends(&self) -> [String; 2];

    /// Whether errors may show a value.
    fn is_secret(&self) -> bool {
        false
    }
}

/// A duration, both ends included.
#[derive(Debug)]
pub struct Time {
    /// The shortest.
    pub least: Duration,
    /// The longest.
    pub most: Duration,
}

impl Range for Time {
    type Value = Duration;

    fn read(&self, given: &Value) -> Option<Duration> {
        let time = humantime::parse_duration(text(given)?).ok()?;
        (self.least..=self.most).contains(&time).then_some(time)
    }

    fn takes(&self) -> String {
        let [least, most] = [self.least, self.most].map(humantime::format_duration);
        format!("a duration from {least} to {most}")
    }

    fn ends(&self) -> [String; 2] {
        [self.least, self.most].map(|end| format!("\"{}\"", humantime::format_duration(end)))
    }
}

/// A whole number, both ends included.
#[derive(Debug)]
pub struct Number {
    /// The least.
    pub least: usize,
    /// The greatest.
    pub most: usize,
}

impl Range for Number {
    type Value = usize;

    fn read(&self, given: &Value) -> Option<usize> {
        number(given).filter(|number| (self.least..=self.most).contains(number))
    }

    fn takes(&self) -> String {
        format!("a whole number from {} to {}", self.least, self.most)
    }

    fn ends(&self) -> [String; 2] {
        [self.least, self.most].map(|end| end.to_string())
    }
}

/// A text without control characters, which may be empty.
#[derive(Debug)]
pub struct Text {
    /// Most characters.
    pub most_chars: usize,
    /// Characters that it must not have.
    pub without: &'static [char],
    /// Whether errors show it.
    pub is_secret: bool,
}

impl Range for Text {
    type Value = String;

    fn read(&self, given: &Value) -> Option<String> {
        let text = text(given)?;
        let is_clean = !text.contains(|c: char| c.is_control() || self.without.contains(&c));
        (is_clean && text.chars().count() <= self.most_chars).then(|| text.to_owned())
    }

    fn takes(&self) -> String {
        let without: String = self.without.iter().map(|c| format!(" or {c}")).collect();
        format!("a text of at most {} characters without control characters{without}", self.most_chars)
    }

    fn ends(&self) -> [String; 2] {
        [String::new(), "x".repeat(self.most_chars)].map(|end| format!("\"{end}\""))
    }

    fn is_secret(&self) -> bool {
        self.is_secret
    }
}

/// Where to listen: `host:port`, `:port` or `port`. The host may be a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind(String);

impl Bind {
    /// `host:port`, with the brackets that an IPv6 address needs.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Some(Self(address.to_string()));
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
        let is_name = host.split('.').all(is_label) && !host.split('.').all(is_number);
        match host {
            _ if !is_port => None,
            "" => Some(Self(format!("0.0.0.0:{port}"))),
            _ => is_name.then(|| Self(format!("{host}:{port}"))),
        }
    }
}

/// Whether a text may be a part of a host's name (RFC 1123, section 2.1; underscores occur).
fn is_label(part: &str) -> bool {
    (1..64).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// An address that is written wrong is no name.
fn is_number(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Any [`Bind`].
#[derive(Debug)]
pub struct Address;

impl Range for Address {
    type Value = Bind;

    fn read(&self, given: &Value) -> Option<Bind> {
        text(given).and_then(Bind::parse)
    }

    fn takes(&self) -> String {
        "an address or a name with a port from 0 to 65535, or a port alone".to_owned()
    }

    fn ends(&self) -> [String; 2] {
        [r#""127.0.0.1:0""#, r#""[::1]:0""#].map(str::to_owned)
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Any [`LogFormat`].
#[derive(Debug)]
pub struct Format;

impl Range for Format {
    type Value = LogFormat;

    fn read(&self, given: &Value) -> Option<LogFormat> {
        match text(given)? {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        }
    }

    fn takes(&self) -> String {
        r#""text" or "json""#.to_owned()
    }

    fn ends(&self) -> [String; 2] {
        [r#""text""#, r#""json""#].map(str::to_owned)
    }
}

/// The values of `log.level` for all lines at once.
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// A filter of log lines.
#[derive(Debug)]
pub struct Level;

impl Range for Level {
    type Value = String;

    fn read(&self, given: &Value) -> Option<String> {
        let text = text(given)?;
        let is_filter = text.len() <= 4096 && EnvFilter::builder().parse(text).is_ok();
        (is_filter && text.split(',').all(is_level_or_rule)).then(|| text.to_owned())
    }

    fn takes(&self) -> String {
        "error, warn, info, debug, trace, or a filter".to_owned()
    }

    fn ends(&self) -> [String; 2] {
        [r#""error""#, r#""trace""#].map(str::to_owned)
    }
}

/// Whether a part of `log.level` is a level, or says of what it sets one. Any other word would count as
/// a target, the only one that is logged: a misspelt level would silence the node.
fn is_level_or_rule(part: &str) -> bool {
    part.contains('=') || LEVELS.iter().any(|level| level.eq_ignore_ascii_case(part))
}
