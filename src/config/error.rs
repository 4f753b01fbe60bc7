//! Why settings can't be used: one sentence that an operator can act on.

use super::given::Source;

/// A sentence that names the setting or the file, what it says, and what it may say.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that can't be read, or is no TOML.
    #[error("{key} names {path}, which {reason}")]
    File {
        /// What names it: a flag, a variable or a setting.
        key: String,
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that no setting has.
    #[error("{name} ({place}) is no setting{hint}")]
    Unknown {
        /// The key or the variable.
        name: String,
        /// Where it stands.
        place: Source,
        /// What may have been meant, or what there is.
        hint: String,
    },
    /// A value of the wrong type or out of its range.
    #[error("{key} must be {takes}, such as {example} ({reason}), but {place} says {shown}")]
    Value {
        /// The setting, as `section.key`.
        key: String,
        /// What it may be.
        takes: String,
        /// A value that it takes.
        example: &'static str,
        /// Why the range ends where it does.
        reason: &'static str,
        /// Where the value stands.
        place: Source,
        /// The value, cut to a readable length; its length alone if it is secret.
        shown: String,
    },
    /// A value that does not fit another one.
    #[error("{key} must {rule}, but it is {shown}")]
    Pair {
        /// The setting, as `section.key`.
        key: &'static str,
        /// What it breaks.
        rule: String,
        /// The value.
        shown: String,
    },
}
