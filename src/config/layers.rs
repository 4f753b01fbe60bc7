//! The layers, one over the other: for each setting the value that counts, and where it stands.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::environment::{self, variable};
use super::error::{ConfigError, ValueError};
use super::given::{Given, Raw, Source};
use super::ranges::Range;
use super::sections::{closest, is_section, table};
use super::{DEFAULTS, Flags, SYSTEM_FILE, file, secrets};

/// Settings that were renamed: the old name and the one that counts.
const ALIASES: [(&str, &str); 1] = [("server.cors_origins", "server.origins")];

/// The value of each setting.
#[derive(Debug, Clone)]
pub struct Layers {
    given: BTreeMap<String, Given>,
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

    /// The defaults alone.
    ///
    /// # Errors
    /// None, as a test reads them.
    pub fn defaults() -> Result<Self, ConfigError> {
        Self::stack(None, std::iter::empty(), &Flags::default())
    }

    /// Puts the layers over each other.
    pub(super) fn stack(
        file: Option<&NamedFile>,
        variables: impl Iterator<Item = (OsString, OsString)>,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let mut layers = Self { given: BTreeMap::new(), warnings: Vec::new() };
        layers.put(file::parse(DEFAULTS, "adda", &Source::Default)?)?;
        if let Some(NamedFile { key, path }) = file {
            let text = file::read_text(key, path)?;
            layers.put(file::parse(&text, key, &Source::File(path.clone()))?)?;
        }
        layers.put(environment::read(variables)?)?;
        for (flag, key, value) in
            [("--bind", "server.bind", &flags.bind), ("--redis", "redis.url", &flags.redis)]
        {
            if let Some(text) = value {
                let given = Given { raw: Raw::Untyped(text.clone()), source: Source::Flag(flag) };
                layers.put(vec![(key.to_owned(), given)])?;
            }
        }
        layers.put_secrets()?;
        Ok(layers)
    }

    /// What an operator should change although it works.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn put(&mut self, settings: Vec<(String, Given)>) -> Result<(), ConfigError> {
        for (mut key, given) in settings {
            if let Some((old, new)) = ALIASES.iter().find(|(old, _)| *old == key) {
                self.warnings.push(format!("{old} ({}) is called {new}", given.source));
                key = (*new).to_owned();
            }
            let is_known = given.source == Source::Default || self.given.contains_key(&key);
            match is_known {
                true => self.given.insert(key, given),
                // An empty section says nothing.
                false if is_section(&key) && given == Given::none(&given.source) => None,
                false => return Err(unknown(&key, given.source)),
            };
        }
        Ok(())
    }

    /// A secret counts as given where its file is named, so the two must not be named both.
    fn put_secrets(&mut self) -> Result<(), ConfigError> {
        for (key, file_key) in secrets::FILES {
            let path = self.text(file_key).to_owned();
            // The range of a path refuses control characters in its turn.
            if path.is_empty() || path.contains(char::is_control) {
                continue;
            }
            if self.given.get(key).is_some_and(|given| given.source != Source::Default) {
                let rule = format!("not be given beside {file_key}");
                return Err(ConfigError::Pair { key, rule, shown: "given twice".to_owned() });
            }
            self.given.insert(key.to_owned(), secrets::read(file_key, &path)?);
        }
        Ok(())
    }

    fn text(&self, key: &str) -> &str {
        self.given.get(key).and_then(Given::text).unwrap_or_default()
    }

    /// The value of a setting, if its range takes it.
    pub(super) fn read<R: Range>(&self, entry: &super::Entry, range: &R) -> Result<R::Value, ConfigError> {
        let given = self.given.get(entry.key).ok_or_else(|| unknown(entry.key, Source::Default))?;
        range.read(given).ok_or_else(|| {
            let wrong = ValueError {
                key: entry.key,
                takes: entry.takes.clone(),
                example: entry.example,
                reason: entry.reason,
                place: given.source.clone(),
                shown: if range.is_secret() { given.shown_as_secret() } else { given.shown() },
            };
            ConfigError::Value(Box::new(wrong))
        })
    }

    /// All settings as a file of TOML, with the place of each that is no default. Secrets are told to be set and no more.
    pub fn to_toml(&self) -> String {
        let mut toml = String::new();
        let mut section = "";
        for entry in table() {
            let Some((name, key)) = entry.key.split_once('.') else { continue };
            if name != section {
                toml.push_str(&format!("{}[{name}]\n", if section.is_empty() { "" } else { "\n" }));
                section = name;
            }
            let Some(given) = self.given.get(entry.key) else { continue };
            let place = match given.source {
                Source::Default => String::new(),
                _ => format!("  # {}", given.source),
            };
            let is_hidden = entry.is_secret && given.source != Source::Default;
            match is_hidden {
                true => toml.push_str(&format!("# {key} is set and not shown{place}\n")),
                false => toml.push_str(&format!("{key} = {}{place}\n", shown(&entry, given))),
            }
        }
        toml
    }
}

/// A value in TOML. Text of the environment that stands for a number is one there.
fn shown(entry: &super::Entry, given: &Given) -> String {
    let is_number = entry.example.starts_with(|first: char| first.is_ascii_digit());
    match given.number().filter(|_| is_number) {
        Some(number) => number.to_string(),
        None => given.to_toml(),
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

fn unknown(key: &str, place: Source) -> ConfigError {
    let hint = match &place {
        _ if is_section(key) => format!(" but a section; its settings are written {key}.…"),
        Source::Variable(_) => format!("; did you mean {}?", variable(closest(key))),
        _ => format!("; did you mean {}?", closest(key)),
    };
    ConfigError::Unknown { name: super::given::cut(key), place, hint }
}
