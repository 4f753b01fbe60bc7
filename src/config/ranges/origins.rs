//! Web origins (RFC 6454): which pages of other hosts browsers let in.

use std::fmt;

use ::config::Value;

use super::Range;
use crate::config::value::texts;

/// Scheme, host and port of a page, as browsers write them: lower case, the scheme's own port left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Reads `scheme://host[:port]`.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority.as_str(), None),
        };
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        let is_port =
            port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port));
        if !is_scheme || !is_port || !is_host(host) {
            return None;
        }
        let own_port = match scheme.as_str() {
            "http" => Some("80"),
            "https" => Some("443"),
            _ => None,
        };
        let port = port.filter(|port| own_port != Some(port)).map(|port| format!(":{port}"));
        Some(Self(format!("{scheme}://{host}{}", port.unwrap_or_default())))
    }

    /// As a browser's `Origin` header says it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name in ASCII, as browsers send it, or an address.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    }
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

/// The pages that may use this node from a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Every page.
    Any,
    /// Pages of these origins alone.
    Listed(Vec<Origin>),
}

impl Origins {
    /// Whether a page of this origin is let in. The `Host` of its request proves nothing: a foreign page can make its own
    /// name point to a node.
    pub fn allow(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(listed) => Origin::parse(origin).is_some_and(|origin| listed.contains(&origin)),
        }
    }
}

impl Origins {
    /// Whether this origin is named. Pages of one that is not never use a cookie.
    pub fn name(&self, origin: &str) -> bool {
        *self != Self::Any && self.allow(origin)
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Listed(origins) => {
                let origins: Vec<_> = origins.iter().map(Origin::as_str).collect();
                f.write_str(&origins.join(", "))
            }
        }
    }
}

/// Any [`Origins`].
#[derive(Debug)]
pub struct OriginList;

impl Range for OriginList {
    type Value = Origins;

    fn read(&self, given: &Value) -> Option<Origins> {
        let items = texts(given)?;
        match items.as_slice() {
            ["*"] => Some(Origins::Any),
            items => items.iter().map(|item| Origin::parse(item)).collect::<Option<_>>().map(Origins::Listed),
        }
    }

    fn takes(&self) -> String {
        r#"["*"], or a list of origins: scheme, host in ASCII and port, nothing behind"#.to_owned()
    }

    fn ends(&self) -> [String; 2] {
        ["[]", r#"["*"]"#].map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_as_browsers_write_it() {
        for (text, read) in [
            ("https://adda.example", "https://adda.example"),
            ("HTTPS://Adda.Example:443", "https://adda.example"),
            ("http://localhost:80", "http://localhost"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("http://[::1]", "http://[::1]"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert_eq!(Origin::parse(text).map(|origin| origin.0).as_deref(), Some(read), "{text}");
        }
    }

    #[test]
    fn a_text_that_no_browser_sends_is_no_origin() {
        for text in [
            "",
            "*",
            "a b",
            "adda.example",
            "https://",
            "https://a/",
            "https://a/x",
            "https://u@a",
            "https://a?x",
            "https://আড্ডা.example",
            "https://a:99999",
            "https://a:",
            "https://a:080",
            "1://a",
            "https://[::1",
            "https://a b",
        ] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_listed_origins_are_let_in() {
        let listed = Origins::Listed(vec![Origin::parse("https://a.example").unwrap()]);
        assert!(listed.allow("https://a.example"));
        for origin in ["https://a.example.evil", "http://a.example", "null", ""] {
            assert!(!listed.allow(origin) && Origins::Any.allow(origin), "{origin}");
        }
    }
}
