//! Settings: built-in defaults (`config/default.toml`), then a file, then `ADDA__SECTION__KEY`,
//! then flags. Read once, in `main`, and handed on in sections.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use ::config::{Environment, File, FileFormat};
use serde::Deserialize;

/// The defaults, with the unit of each key and a line of why.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// Why the settings can't be used: one sentence that names the key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file is missing, a key unknown, a value of the wrong type.
    #[error("{0}")]
    Unreadable(#[from] ::config::ConfigError),
    /// A value that parses and makes no sense.
    #[error("{key} {problem}")]
    Senseless {
        /// The setting, as `section.key`.
        key: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config/default.toml documents every key")]
pub struct Config {
    pub server: Server,
    pub redis: Redis,
    pub history: History,
    pub limits: Limits,
    pub session: Session,
    pub presence: Presence,
    pub auth: Auth,
    pub log: Log,
}

macro_rules! section {
    ($name:ident { $($key:ident: $type:ty $(, $with:literal)?;)* }) => {
        #[doc = concat!("The section of the same name in `config/default.toml`: ", stringify!($name), ".")]
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs, reason = "config/default.toml documents every key")]
        pub struct $name {
            $($(#[serde(with = $with)])? pub $key: $type,)*
        }
    };
}

section!(Server {
    bind: SocketAddr;
    drain: Duration, "humantime_serde";
    cors_origins: Vec<String>;
    header_timeout: Duration, "humantime_serde";
    worker_threads: usize;
});
section!(Redis {
    url: String;
    prefix: String;
    command_timeout: Duration, "humantime_serde";
    connect_timeout: Duration, "humantime_serde";
    canary_every: Duration, "humantime_serde";
    canary_late: Duration, "humantime_serde";
    event_queue: usize;
});
section!(History {
    max_messages: usize;
    ttl: Duration, "humantime_serde";
    on_join: usize;
    plain_on_join: usize;
    max_page: usize;
    check_every: Duration, "humantime_serde";
});
section!(Limits {
    room_name_chars: usize;
    username_chars: usize;
    content_chars: usize;
    frame_bytes: usize;
    outbox_bytes: usize;
    rooms_per_session: usize;
    posts_in_flight: usize;
});
section!(Session {
    heartbeat: Duration, "humantime_serde";
    idle_timeout: Duration, "humantime_serde";
    write_timeout: Duration, "humantime_serde";
});
section!(Presence {
    lease: Duration, "humantime_serde";
    renew_every: Duration, "humantime_serde";
    announce_up_to: usize;
    linger: Duration, "humantime_serde";
    typing_every: Duration, "humantime_serde";
    unsubscribe_after: Duration, "humantime_serde";
});
section!(Auth {
    secret: String;
    token_ttl: Duration, "humantime_serde";
});
section!(Log {
    level: String;
    format: LogFormat;
});

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// What the command line may set.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `server.bind`.
    pub bind: Option<String>,
    /// `redis.url`.
    pub redis: Option<String>,
}

impl Config {
    /// Reads the layers and checks what types can't.
    pub fn load(file: Option<&Path>, overrides: Overrides) -> Result<Self, ConfigError> {
        let mut layers = ::config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = file {
            layers = layers.add_source(File::from(path).format(FileFormat::Toml));
        }
        let environment = Environment::with_prefix("ADDA")
            .prefix_separator("__")
            .separator("__")
            .list_separator(",")
            .with_list_parse_key("server.cors_origins")
            .try_parsing(true);
        let config: Self = layers
            .add_source(environment)
            .set_override_option("server.bind", overrides.bind)?
            .set_override_option("redis.url", overrides.redis)?
            .build()?
            .try_deserialize()?;
        config.check()?;
        Ok(config)
    }

    /// The defaults alone.
    pub fn defaults() -> Self {
        ::config::Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .build()
            .and_then(::config::Config::try_deserialize)
            .expect("a test reads the built-in defaults")
    }

    fn check(&self) -> Result<(), ConfigError> {
        let senseless = |is_senseless: bool, key, problem| match is_senseless {
            true => Err(ConfigError::Senseless { key, problem }),
            false => Ok(()),
        };
        let at_least_one = "must be at least 1";
        senseless(self.history.max_messages == 0, "history.max_messages", at_least_one)?;
        senseless(self.history.max_page == 0, "history.max_page", at_least_one)?;
        senseless(self.limits.room_name_chars == 0, "limits.room_name_chars", at_least_one)?;
        senseless(self.limits.username_chars == 0, "limits.username_chars", at_least_one)?;
        senseless(self.limits.content_chars == 0, "limits.content_chars", at_least_one)?;
        senseless(self.limits.rooms_per_session == 0, "limits.rooms_per_session", at_least_one)?;
        senseless(self.limits.posts_in_flight == 0, "limits.posts_in_flight", at_least_one)?;
        senseless(self.redis.event_queue == 0, "redis.event_queue", at_least_one)?;
        senseless(
            self.limits.outbox_bytes < 4 * self.limits.frame_bytes,
            "limits.outbox_bytes",
            "must be at least four times limits.frame_bytes, so that a page of messages fits",
        )?;
        senseless(
            self.redis.prefix.contains(['{', '}']),
            "redis.prefix",
            "must not contain braces, which mark the hash tag of a room",
        )?;
        senseless(
            self.presence.lease < 2 * self.presence.renew_every,
            "presence.lease",
            "must be at least twice presence.renew_every, or a single late sign of life is a death",
        )?;
        senseless(
            self.session.idle_timeout <= self.session.heartbeat,
            "session.idle_timeout",
            "must be longer than session.heartbeat, or quiet sessions are dropped unasked",
        )?;
        let secret = self.auth.secret.chars().count();
        senseless((1..32).contains(&secret), "auth.secret", "must have at least 32 characters")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_make_sense() {
        Config::defaults().check().unwrap();
    }

    #[test]
    fn every_default_has_a_line_of_why() {
        let lines: Vec<&str> = DEFAULTS.lines().collect();
        for (above, line) in lines.iter().zip(&lines[1..]) {
            if line.contains(" = ") && !line.starts_with('#') {
                assert!(above.starts_with("# "), "no comment above: {line}");
            }
        }
    }

    #[test]
    fn a_senseless_value_is_named() {
        let mut config = Config::defaults();
        config.presence.lease = Duration::from_secs(1);
        let sentence = config.check().unwrap_err().to_string();
        assert!(sentence.starts_with("presence.lease must be"), "{sentence}");
    }
}
