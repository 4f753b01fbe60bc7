//! Settings in the environment: `ADDA__SECTION__KEY`. Any other variable that begins with `ADDA_` is a misspelt setting,
//! unless it is known to mean something else.

use std::ffi::OsString;

use super::error::ConfigError;
use super::layers::Layer;
use super::sections::{Entry, closest};
use super::value::cut;

const PREFIX: &str = "ADDA_";

/// The file of settings, if no flag names one.
pub const FILE: &str = "ADDA_CONFIG";

/// Variables of the scripts, the containers and the tests. A name that ends in `_` stands for all that begin with it.
const FOREIGN: [&str; 10] = [
    "ADDA_CONFIG",
    "ADDA_PORT",
    "ADDA_BIN",
    "ADDA_BALANCER_",
    "ADDA_NODE_MEMORY",
    "ADDA_REDIS_MEMORY",
    "ADDA_REDIS_LIMIT",
    "ADDA_TEST_",
    "ADDA_STORM",
    "ADDA_EPOCHS_",
];

/// The settings of the variables. The `config` crate's own reader gives each the origin "the environment", and shows a
/// secret that is not UTF-8.
///
/// # Errors
/// The first variable that begins with `ADDA_` and is neither a setting nor known.
pub(super) fn read(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    for (name, value) in variables {
        let name = name.to_string_lossy();
        let Some(path) = name.strip_prefix("ADDA__") else {
            if name.starts_with(PREFIX) && !is_foreign(&name, &value.to_string_lossy()) {
                return Err(unknown(&name));
            }
            continue;
        };
        let key = path.to_lowercase().replace("__", ".");
        match value.into_string() {
            Ok(text) => layer.put(&key, &name, text)?,
            Err(_) => return Err(ConfigError::formless(&key, &name, "bytes that are not UTF-8")),
        }
    }
    Ok(layer)
}

fn is_foreign(name: &str, value: &str) -> bool {
    let is_known = FOREIGN.iter().any(|known| match known.ends_with('_') {
        true => name.starts_with(known),
        false => name == *known,
    });
    is_known || is_service_link(name, value)
}

/// Kubernetes tells each container of the services of its namespace, by their names: that of a service `adda-redis`
/// begins with `ADDA_REDIS_`. So do the links of Docker.
fn is_service_link(name: &str, value: &str) -> bool {
    let is_address = value.contains("://") && name.ends_with("_PORT");
    let is_part =
        name.split("_PORT_").nth(1).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    is_address || is_part || name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT")
}

fn unknown(name: &str) -> ConfigError {
    let meant = variable(closest(&name[PREFIX.len()..].to_lowercase().replace('_', ".")));
    let hint = format!("; a setting is written ADDA__SECTION__KEY, such as {meant}");
    ConfigError::Unknown { name: cut(name), place: "in the environment".to_owned(), hint }
}

/// The variable of a setting.
pub fn variable(key: &str) -> String {
    format!("ADDA__{}", key.to_uppercase().replace('.', "__"))
}

/// The example of a setting as its place takes it: a variable has commas where TOML has a list.
pub fn example(entry: &Entry, place: &str) -> String {
    let items = entry.example.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match items {
        Some(items) if place.starts_with(PREFIX) => items.replace("\", \"", ","),
        _ => entry.example.to_owned(),
    }
}
