//! The layers, which the `config` crate puts over each other: the effective value of each setting, and its origin.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ::config::{Map, Source, Value, ValueKind};

use super::error::ConfigError;
use super::ranges::Range;
use super::sections::{Entry, is_setting, table};
use super::value::{DEFAULT, number, place, shown_as_secret, text, to_toml};
use super::{DEFAULTS, Flags, SYSTEM_FILE, environment, file, secrets};

/// Settings that were renamed: the old name and the one that counts.
pub(super) const ALIASES: [(&str, &str); 7] = [
    ("server.cors_origins", "server.origins"),
    ("redis.event_queue", "redis.feed_queue"),
    ("redis.event_queue_bytes", "redis.feed_queue_bytes"),
    ("history.check_every", "history.verify_every"),
    ("session.heartbeat", "session.ping_every"),
    ("presence.linger", "presence.leave_grace"),
    ("presence.check_every", "presence.verify_every"),
];

/// Settings of one place. They are read and their names are known before the crate gets them: its own errors say neither.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    settings: Map<String, Value>,
    warnings: Vec<String>,
}

impl Layer {
    /// Takes a setting, unless none has this name.
    pub(super) fn put(
        &mut self,
        key: &str,
        place: &str,
        kind: impl Into<ValueKind>,
    ) -> Result<(), ConfigError> {
        let renamed = ALIASES.iter().find(|(old, _)| *old == key);
        if let Some((old, new)) = renamed {
            self.warnings.push(format!("{old} ({place}) is called {new}"));
        }
        let key = renamed.map_or(key, |(_, new)| new);
        if !is_setting(key) {
            return Err(ConfigError::unknown(key, place));
        }
        // Where a place has both names, the present one counts.
        if renamed.is_some() && self.settings.contains_key(key) {
            return Ok(());
        }
        self.settings.insert(key.to_owned(), Value::new(Some(&place.to_owned()), kind));
        Ok(())
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ::config::ConfigError> {
        Ok(self.settings.clone())
    }
}

/// The value of each setting.
#[derive(Debug, Clone)]
pub struct Layers {
    stack: ::config::Config,
    warnings: Vec<String>,
}

impl Layers {
    /// The layers of this process.
    ///
    /// # Errors
    /// One sentence about a file that can't be read, or a name that no setting has.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let variable = std::env::var_os(environment::FILE);
        let file = NamedFile::choose(flags.config.as_deref(), variable, Path::new(SYSTEM_FILE));
        Self::stack(file.as_ref(), std::env::vars_os(), flags)
    }

    /// Puts the layers over each other.
    pub(super) fn stack(
        file: Option<&NamedFile>,
        variables: impl Iterator<Item = (OsString, OsString)>,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let mut layers = vec![file::parse(DEFAULTS, "adda", DEFAULT)?];
        if let Some(NamedFile { key, path }) = file {
            let text = file::read_text(key, path)?;
            layers.push(file::parse(&text, key, &path.display().to_string())?);
        }
        layers.push(environment::read(variables)?);
        let mut flagged = Layer::default();
        for (flag, key, value) in
            [("--bind", "server.bind", &flags.bind), ("--redis", "redis.url", &flags.redis)]
        {
            if let Some(text) = value {
                flagged.put(key, flag, text.as_str())?;
            }
        }
        layers.push(flagged);
        let warnings = layers.iter().flat_map(|layer| layer.warnings.clone()).collect();
        let given = Self { stack: stack(layers), warnings };
        let with_secrets: Vec<Box<dyn Source + Send + Sync>> =
            vec![Box::new(given.stack.clone()), Box::new(given.secrets()?)];
        Ok(Self { stack: stack(with_secrets), ..given })
    }

    /// Settings that an operator should change although they work.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// A secret counts as given where its file is named, so the two must not be named both.
    fn secrets(&self) -> Result<Layer, ConfigError> {
        let mut layer = Layer::default();
        for (key, file_key) in secrets::FILES {
            let path = self.value(file_key).and_then(text).unwrap_or_default();
            // The range of a path refuses control characters in its turn.
            if path.is_empty() || path.contains(char::is_control) {
                continue;
            }
            if self.value(key).is_some_and(|value| place(value) != DEFAULT) {
                let rule = format!("not be given beside {file_key}");
                return Err(ConfigError::Pair { key, rule, shown: "given twice".to_owned() });
            }
            layer.put(key, path, secrets::read(file_key, path)?)?;
        }
        Ok(layer)
    }

    fn value(&self, key: &str) -> Option<&Value> {
        key.split('.').try_fold(&self.stack.cache, |value, part| match &value.kind {
            ValueKind::Table(parts) => parts.get(part),
            _ => None,
        })
    }

    /// The value of a setting, if its range takes it.
    pub(super) fn read<R: Range>(&self, entry: Entry, range: &R) -> Result<R::Value, ConfigError> {
        let value = self.value(entry.key).ok_or_else(|| ConfigError::unknown(entry.key, DEFAULT))?;
        range.read(value).ok_or_else(|| {
            let shown = if range.is_secret() { shown_as_secret(value) } else { to_toml(value) };
            ConfigError::value(entry, place(value), &shown)
        })
    }

    /// All settings as a file of TOML, with the place of each that is no default. Secrets are told to be set and no more.
    pub fn to_toml(&self) -> String {
        let mut toml = String::new();
        let mut section = "";
        for entry in table() {
            let Some((name, key)) = entry.key.rsplit_once('.') else { continue };
            if name != section {
                toml.push_str(&format!("{}[{name}]\n", if section.is_empty() { "" } else { "\n" }));
                section = name;
            }
            let Some(value) = self.value(entry.key) else { continue };
            let is_default = place(value) == DEFAULT;
            let place = if is_default { String::new() } else { format!("  # {}", place(value)) };
            match entry.is_secret && !is_default {
                true => toml.push_str(&format!("# {key} is set and not shown{place}\n")),
                false => toml.push_str(&format!("{key} = {}{place}\n", shown(&entry, value))),
            }
        }
        toml
    }
}

fn stack(source: impl Source + Send + Sync + 'static) -> ::config::Config {
    let built = ::config::Config::builder().add_source(source).build();
    built.expect("each layer has been read, and its keys are those of settings")
}

/// A value in TOML. Text of the environment that stands for a number is one there.
fn shown(entry: &Entry, value: &Value) -> String {
    let is_number = entry.example.starts_with(|first: char| first.is_ascii_digit());
    match number(value).filter(|_| is_number) {
        Some(number) => number.to_string(),
        None => to_toml(value),
    }
}

/// A file, and what names it.
#[derive(Debug)]
pub(super) struct NamedFile {
    pub(super) key: &'static str,
    pub(super) path: PathBuf,
}

impl NamedFile {
    /// The file that a flag names, or else the variable, or else that of the system if it is there.
    pub(super) fn choose(flag: Option<&Path>, variable: Option<OsString>, system: &Path) -> Option<Self> {
        let named = |key, path: PathBuf| Self { key, path };
        flag.map(|path| named("--config", path.to_owned()))
            .or_else(|| {
                variable.filter(|path| !path.is_empty()).map(|path| named(environment::FILE, path.into()))
            })
            .or_else(|| system.exists().then(|| named("the system", system.to_owned())))
    }
}
