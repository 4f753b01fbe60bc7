//! How a request says whom it speaks for (RFC 6750, section 2.1).

/// The token in a value of `Authorization`; `None` if it is of another scheme.
pub fn bearer(authorization: &[u8]) -> Option<&str> {
    let (scheme, token) = std::str::from_utf8(authorization).ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_bears_a_token() {
        assert_eq!(bearer(b"Bearer abc.def"), Some("abc.def"));
        assert_eq!(bearer(b"bearer   abc "), Some("abc"));
        for other in [&b"Basic YTpi"[..], b"Bearer", b"", b"Bearer \xff"] {
            assert_eq!(bearer(other), None);
        }
    }
}
