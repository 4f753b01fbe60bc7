//! The client of a request as trusted proxies report it: its address, and the scheme and host that it asked for.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::uri::Authority;
use http::{HeaderMap, HeaderName, header};

/// Entries of `X-Forwarded-For` that are read, from the right. Longer chains of proxies do not occur.
const HOPS: usize = 16;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The address by which a client is counted: an IPv4 address, or the first 64 bits of an IPv6 address, since a
/// subscriber has all addresses of such a network. It is not logged.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The address of a peer. An IPv4 address that is mapped into IPv6 counts as IPv4.
    pub fn new(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                Self(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into())
            }
        }
    }

    /// The address, of IPv6 the first of those that count as one.
    pub fn network(self) -> IpAddr {
        self.0
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

impl fmt::Debug for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientAddress")
    }
}

/// The client of a request, and the address of the page or API that it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// The client.
    pub client: ClientAddress,
    /// Whether the client speaks TLS, with the proxy in front.
    pub is_https: bool,
    /// The host and port that the client asked for.
    pub host: Option<Authority>,
}

impl Forwarded {
    /// Reads the headers of a request from `peer`. Those of a peer that is not trusted say nothing.
    pub fn read(peer: IpAddr, headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> Self {
        let own_host = || headers.get(header::HOST).and_then(|host| authority(host.to_str().ok()?));
        if !is_trusted(peer.to_canonical()) {
            return Self { client: ClientAddress::new(peer), is_https: false, host: own_host() };
        }
        let forwarded_host = entries(headers, &FORWARDED_HOST).next().flatten().and_then(authority);
        Self {
            client: ClientAddress::new(client(peer, headers, is_trusted)),
            is_https: entries(headers, &FORWARDED_PROTO)
                .next()
                .flatten()
                .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")),
            host: forwarded_host.or_else(own_host),
        }
    }
}

/// The nearest address that is not a trusted proxy's, or the farthest that is known. An entry further to the left may be
/// invented.
fn client(peer: IpAddr, headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer;
    for entry in entries(headers, &FORWARDED_FOR).take(HOPS) {
        let Some(address) = entry.and_then(address) else { break };
        client = address;
        if !is_trusted(address) {
            break;
        }
    }
    client
}

/// The entries of a list from the last one on, each proxy's own behind those that it received. `None`: not text.
fn entries<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = Option<&'a str>> {
    let lines = headers.get_all(name).into_iter().rev();
    lines
        .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','))
        .map(|entry| std::str::from_utf8(entry).ok().map(str::trim))
}

/// An address, with a port or without.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse().ok().or_else(|| Some(entry.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

fn authority(host: &str) -> Option<Authority> {
    host.parse::<Authority>().ok().filter(|authority| !authority.as_str().contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_trusted(address: IpAddr) -> bool {
        address.to_string().starts_with("10.") || address.to_string().starts_with("fd00:")
    }

    fn read(peer: &str, headers: &[(&'static str, &str)]) -> Forwarded {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a header")));
        Forwarded::read(peer.parse().expect("an address"), &headers.collect(), is_trusted)
    }

    fn client_of(peer: &str, chain: &[&str]) -> String {
        let chain: Vec<_> = chain.iter().map(|line| ("x-forwarded-for", *line)).collect();
        read(peer, &chain).client.to_string()
    }

    #[test]
    fn the_client_is_the_nearest_address_that_is_no_trusted_proxy() {
        for (peer, chain, client) in [
            ("203.0.113.7", &[][..], "203.0.113.7"),
            ("203.0.113.7", &["198.51.100.1"], "203.0.113.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["192.0.2.66, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["192.0.2.66", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1", "10.0.0.3,10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("::ffff:10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            ("fd00::1", &["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
            ("10.0.0.1", &["198.51.100.1:5060"], "198.51.100.1"),
            ("10.0.0.1", &["[2001:db8::9]:5060"], "2001:db8::/64"),
            ("10.0.0.1", &["[2001:db8::9]"], "2001:db8::/64"),
        ] {
            assert_eq!(client_of(peer, chain), client, "{peer} {chain:?}");
        }
    }

    #[test]
    fn nothing_behind_an_unreadable_entry_counts() {
        let long = format!("192.0.2.66,{}", "x".repeat(10_000));
        let many = "192.0.2.66,".to_owned() + &"10.0.0.9,".repeat(1_200) + "10.0.0.8";
        for (chain, client) in [
            (&["unknown"][..], "10.0.0.1"),
            (&[""], "10.0.0.1"),
            (&["192.0.2.66, , 10.0.0.2"], "10.0.0.2"),
            (&["192.0.2.66, আড্ডা"], "10.0.0.1"),
            (&["192.0.2.66, 1.2.3"], "10.0.0.1"),
            (&[&long], "10.0.0.1"),
            (&[&many], "10.0.0.9"),
        ] {
            let chain: Vec<_> = chain.iter().map(|line| line.replace("আড্ডা", "\u{e9}")).collect();
            let chain: Vec<_> = chain.iter().map(String::as_str).collect();
            assert_eq!(client_of("10.0.0.1", &chain), client, "{chain:.40?}");
        }
    }

    #[test]
    fn scheme_and_host_are_those_that_a_trusted_proxy_reports() {
        let headers = [
            ("host", "node:3000"),
            ("x-forwarded-proto", "http, HTTPS"),
            ("x-forwarded-host", "chat.example:8443"),
        ];
        let trusted = read("10.0.0.1", &headers);
        assert!(trusted.is_https);
        assert_eq!(trusted.host.unwrap().as_str(), "chat.example:8443");
        let other = read("203.0.113.7", &headers);
        assert!(!other.is_https);
        assert_eq!(other.host.unwrap().as_str(), "node:3000");
        let bare = read("10.0.0.1", &[("host", "node:3000"), ("x-forwarded-host", "a@b")]);
        assert_eq!(bare.host.unwrap().as_str(), "node:3000");
        assert!(!bare.is_https);
    }

    #[test]
    fn an_address_is_not_shown_where_it_could_be_logged() {
        assert_eq!(format!("{:?}", read("203.0.113.7", &[]).client), "ClientAddress");
    }
}
