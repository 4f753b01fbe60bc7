//! Why settings can't be used: one sentence that an operator can act on.

use super::environment::{self, variable};
use super::sections::{Entry, closest, is_section, table};
use super::value::cut;

/// A sentence that names the setting or the file, what it says, and what it may say.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that can't be read, or is no TOML.
    #[error("{key} names {path}, which {reason}")]
    File {
        /// The flag, variable or setting that names it.
        key: String,
        /// The file.
        path: String,
        /// Its fault.
        reason: String,
    },
    /// A name that no setting has.
    #[error("{name} ({place}) is no setting{hint}")]
    Unknown {
        /// The key or the variable.
        name: String,
        /// Where it stands.
        place: String,
        /// The name that may have been meant, or all names.
        hint: String,
    },
    /// A value of the wrong type or out of its range.
    #[error("{} must be {}, such as {example} ({}), but {place} says {shown}", .entry.key, .entry.takes, .entry.reason)]
    Value {
        /// The setting.
        entry: Box<Entry>,
        /// A good value, in the form that the place takes.
        example: String,
        /// Where the value stands.
        place: String,
        /// The value, cut to a readable length; its length alone if it is secret.
        shown: String,
    },
    /// A value that does not fit another one.
    #[error("{key} must {rule}, but it is {shown}")]
    Pair {
        /// The setting, as `section.key`.
        key: &'static str,
        /// The rule that it breaks.
        rule: String,
        /// The value.
        shown: String,
    },
}

impl ConfigError {
    /// A name that no setting has, with one that it resembles, spelt as in its place.
    pub(super) fn unknown(key: &str, place: &str) -> Self {
        let hint = match () {
            () if is_section(key) => format!(" but a section; its settings are written {key}.…"),
            () if place.eq_ignore_ascii_case(&variable(key)) => {
                format!("; did you mean {}?", variable(closest(key)))
            }
            () => format!("; did you mean {}?", closest(key)),
        };
        Self::Unknown { name: cut(key), place: place.to_owned(), hint }
    }

    /// A value of a form that no setting takes.
    pub(super) fn formless(key: &str, place: &str, form: &str) -> Self {
        let entry = table().into_iter().find(|entry| entry.key == key);
        entry.map_or_else(|| Self::unknown(key, place), |entry| Self::value(entry, place, form))
    }

    /// A value that its setting does not take.
    pub(super) fn value(entry: Entry, place: &str, shown: &str) -> Self {
        let example = environment::example(&entry, place);
        Self::Value { entry: Box::new(entry), example, place: place.to_owned(), shown: cut(shown) }
    }
}
