//! The bytes that a request asks for (RFC 9110, section 14).

use std::ops::Range;

use axum::http::HeaderValue;

/// The part of a file that is requested.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Requested {
    /// All of it, also if a request can't be read or asks for several parts.
    All,
    /// One part, which is not empty.
    Part(Range<u64>),
    /// A part that the file does not have.
    Nothing,
}

/// Reads `Range` for a file of this size.
pub(super) fn requested(header: Option<&HeaderValue>, size: u64) -> Requested {
    let spec = header.and_then(|value| value.to_str().ok()).and_then(|text| text.strip_prefix("bytes="));
    match spec.and_then(read) {
        None => Requested::All,
        Some((None, last)) if last == 0 || size == 0 => Requested::Nothing,
        Some((None, last)) => Requested::Part(size.saturating_sub(last)..size),
        Some((Some(first), last)) if first > last => Requested::All,
        Some((Some(first), _)) if first >= size => Requested::Nothing,
        Some((Some(first), last)) => Requested::Part(first..last.saturating_add(1).min(size)),
    }
}

/// The first byte and the last one; or none, and the number of bytes at the end.
fn read(spec: &str) -> Option<(Option<u64>, u64)> {
    let (first, last) = spec.trim().split_once('-')?;
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // A number beyond any file's size is as good as the largest.
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (first, last) {
        ("", last) => Some((None, number(last)?)),
        (first, "") => Some((Some(number(first)?), u64::MAX)),
        (first, last) => Some((Some(number(first)?), number(last)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_cut_to_the_file_and_others_are_ignored() {
        use Requested::{All, Nothing, Part};
        for (header, size, expected) in [
            ("bytes=0-3", 10, Part(0..4)),
            ("bytes=4-", 10, Part(4..10)),
            ("bytes=-3", 10, Part(7..10)),
            ("bytes=-30", 10, Part(0..10)),
            ("bytes=9-99999999999999999999999", 10, Part(9..10)),
            ("bytes=10-", 10, Nothing),
            ("bytes=-0", 10, Nothing),
            ("bytes=0-0", 0, Nothing),
            ("bytes=-1", 0, Nothing),
            ("bytes=3-2", 10, All),
            ("bytes=0-1,3-4", 10, All),
            ("bytes=+1-2", 10, All),
            ("bytes=-", 10, All),
            ("bytes=a-b", 10, All),
            ("lines=0-1", 10, All),
        ] {
            let value = HeaderValue::from_str(header).unwrap();
            assert_eq!(requested(Some(&value), size), expected, "{header} of {size}");
        }
        assert_eq!(requested(None, 10), All);
    }
}
