//! The credentials of a request: a bearer's token, or the cookie of a page that may use it.

use http::{HeaderMap, HeaderName, Method, header};

use super::{Forwarded, bearer};

/// The cookie that holds a token. Scripts can't read it.
pub const COOKIE: &str = "adda_session";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A token, by the way it came.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// In `Authorization`: the program or script that asks knows it.
    Bearer(String),
    /// In the cookie: the browser adds it, and the script that asks does not know it.
    Cookie(String),
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proof")
    }
}

impl Proof {
    /// The proof of a request, if it shows one. A bearer's token counts before the cookie, and the cookie only if the page
    /// that asks may use it. `is_named` says whether the settings name an origin.
    pub fn find(
        method: &Method,
        headers: &HeaderMap,
        forwarded: Option<&Forwarded>,
        is_named: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let authorization = headers.get(header::AUTHORIZATION);
        if let Some(token) = authorization.and_then(|value| bearer(value.as_bytes())) {
            return Some(Self::Bearer(token.to_owned()));
        }
        let token = cookie(headers)?;
        let may_use = match page(headers, forwarded, is_named) {
            Page::Own => true,
            Page::Foreign => false,
            Page::Unknown => is_same_origin_read(method, headers),
        };
        may_use.then(|| Self::Cookie(token.to_owned()))
    }

    /// The token.
    pub fn token(&self) -> &str {
        match self {
            Self::Bearer(token) | Self::Cookie(token) => token,
        }
    }
}

/// The page that makes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// This node's own, or one that the settings name.
    Own,
    /// Any other.
    Foreign,
    /// The request names none, as programs and some requests of browsers do.
    Unknown,
}

/// The page that makes a request, by its `Origin` (RFC 6454): scheme, host and port are compared, with those that the
/// browser asked for.
pub fn page(headers: &HeaderMap, forwarded: Option<&Forwarded>, is_named: impl Fn(&str) -> bool) -> Page {
    let mut origins = headers.get_all(header::ORIGIN).into_iter();
    let Some(origin) = origins.next() else { return Page::Unknown };
    let origin = origin.to_str().ok().filter(|_| origins.next().is_none());
    let own = forwarded.and_then(own_origin);
    match origin {
        Some(origin) if own.as_deref() == Some(origin) || is_named(origin) => Page::Own,
        _ => Page::Foreign,
    }
}

/// The origin of this node's pages, as a browser writes it: lower case, without the scheme's own port.
fn own_origin(forwarded: &Forwarded) -> Option<String> {
    let (scheme, own_port) = if forwarded.is_https { ("https", ":443") } else { ("http", ":80") };
    let host = forwarded.host.as_ref()?.as_str().to_ascii_lowercase();
    let host = host.strip_suffix(own_port).unwrap_or(&host);
    Some(format!("{scheme}://{host}"))
}

/// A browser names no origin where a page reads from its own; then it says so in another header, which no script can set.
fn is_same_origin_read(method: &Method, headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(SEC_FETCH_SITE).into_iter();
    let is_same =
        sites.next().is_some_and(|site| site.as_bytes() == b"same-origin") && sites.next().is_none();
    is_same && matches!(*method, Method::GET | Method::HEAD)
}

/// The value of the cookie. Of several the first was set for the nearest path (RFC 6265, section 5.4).
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const NAMED: &str = "https://app.example";

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn find(method: &Method, lines: &[(&'static str, &str)]) -> Option<Proof> {
        let headers = headers(lines);
        let forwarded = Forwarded::read(IpAddr::V4(Ipv4Addr::LOCALHOST), &headers, |_| true);
        Proof::find(method, &headers, Some(&forwarded), |origin| origin == NAMED)
    }

    #[test]
    fn the_cookie_counts_for_the_own_page_and_those_that_are_named() {
        for (host, proto, origin) in [
            ("chat.example", "https", "https://chat.example"),
            ("chat.example:443", "https", "https://chat.example"),
            ("Chat.Example", "https", "https://chat.example"),
            ("chat.example:8443", "https", "https://chat.example:8443"),
            ("localhost:3000", "http", "http://localhost:3000"),
            ("[::1]:3000", "http", "http://[::1]:3000"),
            ("chat.example", "https", NAMED),
        ] {
            let lines = [
                ("host", host),
                ("x-forwarded-proto", proto),
                ("origin", origin),
                ("cookie", "a=b; adda_session=t"),
            ];
            assert_eq!(find(&Method::POST, &lines), Some(Proof::Cookie("t".to_owned())), "{host} {origin}");
        }
    }

    #[test]
    fn the_cookie_counts_for_no_other_page() {
        for origin in [
            "https://evil.example",
            "null",
            "",
            "https://chat.example.evil.example",
            "https://evilchat.example",
            "https://chat.example:8443",
            "http://chat.example",
            "https://chat.example/",
            "https://CHAT.example",
            "https://user@chat.example",
            "https://app.example:444",
            "*",
        ] {
            let lines = [
                ("host", "chat.example"),
                ("x-forwarded-proto", "https"),
                ("origin", origin),
                ("sec-fetch-site", "same-origin"),
                ("cookie", "adda_session=t"),
            ];
            assert_eq!(find(&Method::GET, &lines), None, "{origin}");
        }
        let twice =
            [("host", "a"), ("origin", "http://a"), ("origin", "http://b"), ("cookie", "adda_session=t")];
        assert_eq!(find(&Method::GET, &twice), None);
    }

    #[test]
    fn without_an_origin_the_cookie_counts_for_reads_of_the_own_page() {
        let lines = |site| [("host", "a"), ("sec-fetch-site", site), ("cookie", "adda_session=t")];
        assert!(find(&Method::GET, &lines("same-origin")).is_some());
        assert_eq!(find(&Method::POST, &lines("same-origin")), None);
        for site in ["same-site", "cross-site", "none", ""] {
            assert_eq!(find(&Method::GET, &lines(site)), None, "{site}");
        }
        assert_eq!(find(&Method::GET, &[("host", "a"), ("cookie", "adda_session=t")]), None);
    }

    #[test]
    fn a_bearer_counts_before_the_cookie() {
        let lines = [
            ("host", "a"),
            ("origin", "http://a"),
            ("cookie", "adda_session=t"),
            ("authorization", "Bearer b"),
        ];
        assert_eq!(find(&Method::GET, &lines), Some(Proof::Bearer("b".to_owned())));
        let proxys = [
            ("host", "a"),
            ("origin", "http://a"),
            ("cookie", "adda_session=t"),
            ("authorization", "Basic x"),
        ];
        assert_eq!(find(&Method::GET, &proxys), Some(Proof::Cookie("t".to_owned())));
    }
}
