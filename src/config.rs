//! Settings: built-in defaults (`config/default.toml`), then a file, then `ADDA__SECTION__KEY`,
//! then flags. Read once, in `main`, and handed on in sections.

mod check;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use ::config::{Environment, File, FileFormat};
use serde::{Deserialize, Deserializer};

/// The defaults, with the unit of each key and a line of why.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// Why the settings can't be used: one sentence that names the key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file is missing, a key unknown, a value of the wrong type.
    #[error("{0}")]
    Unreadable(#[from] ::config::ConfigError),
    /// A value that parses and makes no sense.
    #[error("{key} must {rule}")]
    Senseless {
        /// The setting, as `section.key`.
        key: &'static str,
        /// What it breaks.
        rule: String,
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
    cors_origins: Vec<String>, "list";
    header_timeout: Duration, "humantime_serde";
    body_timeout: Duration, "humantime_serde";
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
    min_replicas_acked: usize;
    sentinel_user: String;
    sentinel_password: String;
    tls_ca: String;
    tls_cert: String;
    tls_key: String;
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
    check_every: Duration, "humantime_serde";
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

/// A list, or its items with commas between them: a variable of the environment is one text.
mod list {
    use super::{Deserialize, Deserializer};

    #[derive(Deserialize)]
    #[serde(untagged, expecting = "must be a list, or texts with commas between them")]
    enum List {
        Items(Vec<String>),
        Text(String),
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
        Ok(match List::deserialize(input)? {
            List::Items(items) => items,
            List::Text(text) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                items.map(str::to_owned).collect()
            }
        })
    }
}

impl Limits {
    /// Bytes that a client may need to send a message: JSON may write each character of it as two
    /// escaped surrogates (RFC 8259, section 7), and something stands around it.
    pub fn post_bytes(&self) -> usize {
        self.content_chars.saturating_mul(12).saturating_add(4096)
    }
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
        // Each value is text until its key says what it is: a secret of digits is no number.
        let environment = Environment::with_prefix("ADDA").prefix_separator("__").separator("__");
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_list_may_stand_in_one_text() {
        #[derive(Deserialize)]
        struct Listed {
            #[serde(with = "list")]
            items: Vec<String>,
        }
        for (json, items) in [
            (r#"{"items":["a","b, c"]}"#, vec!["a", "b, c"]),
            (r#"{"items":"a, b"}"#, vec!["a", "b"]),
            (r#"{"items":""}"#, vec![]),
        ] {
            assert_eq!(serde_json::from_str::<Listed>(json).unwrap().items, items);
        }
        assert!(serde_json::from_str::<Listed>(r#"{"items":[[]]}"#).is_err());
    }
}
