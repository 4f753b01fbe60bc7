//! A file of settings: TOML, UTF-8, read to its end or refused with its name.

use std::io::Read;
use std::path::Path;

use ::config::{Value, ValueKind};
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::layers::Layer;
use super::sections::is_section;
use super::value::cut;

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

/// The settings of a text of TOML; `key` names what names its file. The `config` crate's own reader refuses a whole file for
/// an integer above 63 bits, and can't name the setting.
pub(super) fn parse(text: &str, key: &str, place: &str) -> Result<Layer, ConfigError> {
    let sections = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text.as_bytes(), span.start));
        let reason = format!("is no TOML (line {line}: {})", cut(error.message()));
        ConfigError::File { key: key.to_owned(), path: place.to_owned(), reason }
    })?;
    let mut layer = Layer::default();
    for (section, settings) in sections.into_inner() {
        let section = section.into_inner();
        match settings.into_inner() {
            DeValue::Table(settings) if !settings.is_empty() || is_section(&section) => {
                put_section(&mut layer, &section, settings, place)?;
            }
            _ => return Err(ConfigError::unknown(&section, place)),
        }
    }
    Ok(layer)
}

/// Puts the settings of a section, and of the sections within it.
fn put_section(
    layer: &mut Layer,
    section: &str,
    settings: DeTable<'_>,
    place: &str,
) -> Result<(), ConfigError> {
    for (key, value) in settings {
        let key = format!("{section}.{}", key.get_ref());
        match value.into_inner() {
            DeValue::Table(settings) if is_section(&key) => put_section(layer, &key, settings, place)?,
            value => {
                let kind = kind(value).map_err(|form| ConfigError::formless(&key, place, form))?;
                layer.put(&key, place, kind)?;
            }
        }
    }
    Ok(())
}

/// A value as the `config` crate holds it, or the form of one that no setting takes.
fn kind(value: DeValue<'_>) -> Result<ValueKind, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.into_owned().into()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map(ValueKind::I128)
            .map_err(|_| "an integer of more than 127 bits"),
        DeValue::Float(number) => number.as_str().parse().map(ValueKind::Float).map_err(|_| "a float"),
        DeValue::Boolean(is_true) => Ok(is_true.into()),
        DeValue::Array(items) => {
            let items = items.into_iter().map(|item| Ok(Value::new(None, kind(item.into_inner())?)));
            items.collect::<Result<Vec<_>, _>>().map(ValueKind::Array)
        }
        DeValue::Datetime(_) => Err("a date"),
        DeValue::Table(_) => Err("a table"),
    }
}
