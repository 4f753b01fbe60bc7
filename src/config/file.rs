//! A file of settings: TOML, UTF-8, read to its end or refused with its name.

use std::io::Read;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::given::{Given, Raw, Source, cut};

/// More is no file of settings. A device or a pipe may never end.
const MOST_BYTES: u64 = 1 << 20;

/// The text of a file; `key` names what names the file.
pub fn read_text(key: &str, path: &Path) -> Result<String, ConfigError> {
    let refuse = |reason: String| {
        let path = cut(&path.display().to_string());
        ConfigError::File { key: key.to_owned(), path, reason }
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| refuse(format!("can't be opened: {error}")))?;
    let read = file.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| refuse(format!("can't be read: {error}")))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(refuse("is longer than 1 MiB".to_owned()));
    }
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || matches!(bytes.as_slice(), [0, 1..=255, ..] | [1..=255, 0, ..]);
    if is_utf16 {
        return Err(refuse("is UTF-16; save it as UTF-8".to_owned()));
    }
    // Windows' editors begin a file with a mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(refuse(format!("is not UTF-8 (line {})", line_of(bytes, error.valid_up_to())))),
    }
}

fn line_of(bytes: &[u8], place: usize) -> usize {
    1 + bytes.iter().take(place).filter(|byte| **byte == b'\n').count()
}

/// The settings of a text of TOML, as `section.key` and value.
pub fn parse(text: &str, key: &str, source: &Source) -> Result<Vec<(String, Given)>, ConfigError> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text.as_bytes(), span.start));
        let reason = format!("is no TOML (line {line}: {})", cut(error.message()));
        ConfigError::File { key: key.to_owned(), path: source.to_string(), reason }
    })?;
    let written = |span: std::ops::Range<usize>| text.get(span).unwrap_or_default();
    let mut settings = Vec::new();
    for (section, value) in table.get_ref() {
        let name = section.get_ref();
        match value.get_ref() {
            DeValue::Table(keys) if keys.is_empty() => settings.push((name.to_string(), Given::none(source))),
            DeValue::Table(keys) => {
                settings.extend(keys.iter().map(|(key, value)| {
                    let raw = raw(value.get_ref(), written(value.span()));
                    (format!("{name}.{}", key.get_ref()), Given { raw, source: source.clone() })
                }));
            }
            other => {
                let raw = raw(other, written(value.span()));
                settings.push((name.to_string(), Given { raw, source: source.clone() }));
            }
        }
    }
    Ok(settings)
}

fn raw(value: &DeValue<'_>, written: &str) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => {
            Raw::Integer { digits: number.as_str().to_owned(), radix: number.radix() }
        }
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<_>>().map_or_else(|| Raw::Other(written.to_owned()), Raw::Texts)
        }
        DeValue::Table(_) => Raw::Other("a table".to_owned()),
        _ => Raw::Other(written.to_owned()),
    }
}
