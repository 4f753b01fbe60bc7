//! Whether the address of an upgrade can be read at all, before anything is taken from it.

/// Whether every escape of a path or a query (RFC 3986, section 2.1) is whole, and all is UTF-8. A decoder
/// of queries replaces other bytes by U+FFFD, and so opens a room that the client did not name.
pub fn is_readable(address: &str) -> bool {
    decode(address).is_some_and(|bytes| std::str::from_utf8(&bytes).is_ok())
}

fn decode(address: &str) -> Option<Vec<u8>> {
    let mut pieces = address.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        bytes.push(read_byte(digits)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(bytes)
}

fn read_byte(digits: &str) -> Option<u8> {
    // The conversion would take a sign as well.
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_readable_escaped_or_not() {
        for address in ["", "/ws", "/ws?room=a+b&username=%e0%A6%86", "/ws/আড্ডা/100%25", "/ws?room=%00"]
        {
            assert!(is_readable(address), "{address}");
        }
    }

    #[test]
    fn escapes_that_are_cut_or_no_text_are_not() {
        for address in ["%", "%f", "%zz", "%+f", "%আ", "%ff", "a%E0%A6", "%E0%A6&b=%86", "%ed%a0%80"] {
            assert!(!is_readable(address), "{address}");
        }
    }
}
