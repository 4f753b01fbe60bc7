//! Settings: built-in defaults (`config/default.toml`), then a file, then `ADDA__SECTION__KEY`, then flags. Read once, in
//! `cli`, and handed on in sections.
//!
//! The `config` crate puts the layers over each other. `sections` has the table of all settings: type, range, example, reason.
//! `check` compares settings with each other; all else here reads and explains values, whatever the setting.

mod check;
mod environment;
mod error;
mod file;
mod layers;
mod ranges;
mod secrets;
mod sections;
mod value;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

pub use self::error::ConfigError;
pub(crate) use self::file::read_text;
pub use self::layers::Layers;
pub use self::ranges::{Bind, LogFormat, Networks, Origin, Origins, Registration};
pub use self::sections::{
    Auth, AuthIssuer, Config, Entry, Files, History, Http, Limits, Log, Moderation, Notifications, Passwords,
    Presence, Redis, Server, Session, table,
};

/// The defaults, with the unit and the reason of each key.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Read if it exists and no other file is named.
pub const SYSTEM_FILE: &str = "/etc/adda/adda.toml";

/// The settings as they are now: some may change while a node runs.
pub type Current = watch::Receiver<Arc<Config>>;

/// The settings that the command line may set.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// The file to read.
    pub config: Option<PathBuf>,
    /// `server.bind`.
    pub bind: Option<String>,
    /// `redis.url`.
    pub redis: Option<String>,
}

impl Config {
    /// Reads all layers of this process, and checks them.
    ///
    /// # Errors
    /// One sentence about the first setting that can't be used.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        Self::from_layers(&Layers::load(flags)?)
    }

    /// The settings that the layers say.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_layers(layers: &Layers) -> Result<Self, ConfigError> {
        let config = Self::read(layers)?;
        config.check()?;
        Ok(config)
    }

    /// The defaults alone.
    pub fn defaults() -> Self {
        let layers = Layers::stack(None, std::iter::empty(), &Flags::default());
        layers.and_then(|layers| Self::from_layers(&layers)).expect("a test reads the defaults")
    }
}

impl Config {
    /// Bytes of the notifications that are kept for one user, and for all users: both together leave half of an outbox free.
    pub fn notification_bytes(&self) -> usize {
        self.limits.outbox_bytes / 4
    }
}

impl Limits {
    /// Bytes that a client may need to send a message: JSON may write each character of it as two
    /// escaped surrogates (RFC 8259, section 7), and something stands around it.
    pub fn post_bytes(&self) -> usize {
        self.content_chars.saturating_mul(12).saturating_add(4096)
    }
}
