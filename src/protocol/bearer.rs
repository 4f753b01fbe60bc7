//! The token of a request (RFC 6750, section 2.1).

/// The token in a value of `Authorization`; `None` if it is of another scheme, such as a proxy's. A bearer without a readable
/// token has an empty one, which proves nothing.
pub fn bearer(authorization: &[u8]) -> Option<&str> {
    let (scheme, token) = authorization
        .split_at(authorization.iter().position(|byte| *byte == b' ').unwrap_or(authorization.len()));
    scheme.eq_ignore_ascii_case(b"bearer").then(|| std::str::from_utf8(token).unwrap_or_default().trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bearer_scheme_carries_a_token() {
        assert_eq!(bearer(b"Bearer abc.def"), Some("abc.def"));
        assert_eq!(bearer(b"bearer   abc "), Some("abc"));
        for other in [&b"Basic YTpi"[..], b"", b"Bearers abc", b"Digest username=\"\xff\""] {
            assert_eq!(bearer(other), None);
        }
        for malformed in [&b"Bearer"[..], b"Bearer ", b"bearer \xff"] {
            assert_eq!(bearer(malformed), Some(""));
        }
    }
}
