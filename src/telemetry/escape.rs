//! Characters that a log line must not contain unescaped: those that end it, move the cursor of a terminal, or
//! change the order in which the rest is read.

use std::borrow::Cow;
use std::fmt::Write;

use crate::config::LogFormat;

/// The line, which ends with a line feed, with such characters written as escapes. In JSON they stand
/// inside of texts only, so the escapes are those of JSON.
pub(super) fn escape(line: &[u8], format: LogFormat) -> Cow<'_, [u8]> {
    let body = line.strip_suffix(b"\n").unwrap_or(line);
    if body.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return Cow::Borrowed(line);
    }
    let text = String::from_utf8_lossy(body);
    if !text.contains(is_deceptive) {
        return Cow::Borrowed(line);
    }
    let mut escaped = String::with_capacity(line.len() + 16);
    for c in text.chars() {
        match (is_deceptive(c), format) {
            (false, _) => escaped.push(c),
            (true, LogFormat::Text) => escaped.extend(c.escape_unicode()),
            (true, LogFormat::Json) => {
                let _ = write!(escaped, "\\u{:04x}", u32::from(c));
            }
        }
    }
    escaped.push('\n');
    Cow::Owned(escaped.into_bytes())
}

/// Controls, the separators of lines and paragraphs, and the controls of direction (Unicode, UAX #9).
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_in_reading_order() {
        for (line, text, json) in [
            ("plain\n", "plain\n", "plain\n"),
            ("আড্ডা র\u{200d}্য\n", "আড্ডা র\u{200d}্য\n", "আড্ডা র\u{200d}্য\n"),
            ("a\nb\n", "a\\u{a}b\n", "a\\u000ab\n"),
            ("a\u{1b}[2Jb\n", "a\\u{1b}[2Jb\n", "a\\u001b[2Jb\n"),
            ("\u{202e}txt\u{2028}\u{9b}\n", "\\u{202e}txt\\u{2028}\\u{9b}\n", "\\u202etxt\\u2028\\u009b\n"),
        ] {
            for (format, expected) in [(LogFormat::Text, text), (LogFormat::Json, json)] {
                let escaped = escape(line.as_bytes(), format);
                assert_eq!(std::str::from_utf8(&escaped).unwrap(), expected, "{line:?}");
            }
        }
    }

    #[test]
    fn escapes_of_json_are_read_back() {
        let escaped = escape("{\"message\":\"\u{202e}\u{85}\"}\n".as_bytes(), LogFormat::Json);
        let object: serde_json::Value = serde_json::from_slice(&escaped).unwrap();
        assert_eq!(object["message"], "\u{202e}\u{85}");
    }
}
