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
    #[error(transparent)]
    Value(Box<ValueError>),
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

/// A value that its setting does not take.
#[derive(Debug, thiserror::Error)]
#[error("{key} must be {takes}, such as {example} ({reason}), but {place} says {shown}")]
pub struct ValueError {
    /// The setting, as `section.key`.
    pub key: &'static str,
    /// What it may be.
    pub takes: String,
    /// A value that it takes.
    pub example: &'static str,
    /// Why the range ends where it does.
    pub reason: &'static str,
    /// Where the value stands.
    pub place: Source,
    /// The value, cut to a readable length; its length alone if it is secret.
    pub shown: String,
}
