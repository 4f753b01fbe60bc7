//! Settings in the environment: `ADDA__SECTION__KEY`. Any other variable that begins with `ADDA_` is a misspelt setting,
//! unless it is known to mean something else.

use std::ffi::OsString;

use super::error::ConfigError;
use super::given::{Given, Raw, Source};
use super::sections::closest;

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

/// What the variables set, as `section.key` and value.
///
/// # Errors
/// The first variable that begins with `ADDA_` and is neither a setting nor known.
pub fn read(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Vec<(String, Given)>, ConfigError> {
    let ours = variables.filter(|(name, _)| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()));
    let mut settings = Vec::new();
    for (name, value) in ours {
        let name = name.to_string_lossy().into_owned();
        let source = Source::Variable(name.clone());
        let raw = match value.into_string() {
            Ok(text) => Raw::Untyped(text),
            Err(value) => Raw::Bytes(format!("{value:?}")),
        };
        match name.strip_prefix("ADDA__") {
            Some(path) => {
                let key = path.to_lowercase().replace("__", ".");
                settings.push((key, Given { raw, source }));
            }
            None if is_foreign(&name, &raw) => {}
            None => return Err(unknown(name)),
        }
    }
    Ok(settings)
}

fn is_foreign(name: &str, raw: &Raw) -> bool {
    let is_known = FOREIGN.iter().any(|known| match known.ends_with('_') {
        true => name.starts_with(known),
        false => name == *known,
    });
    is_known || is_service_link(name, raw)
}

/// Kubernetes tells each container of the services of its namespace, by their names: that of a service `adda-redis`
/// begins with `ADDA_REDIS_`. So do the links of Docker.
fn is_service_link(name: &str, raw: &Raw) -> bool {
    let is_address = matches!(raw, Raw::Untyped(value) if value.contains("://")) && name.ends_with("_PORT");
    let is_part =
        name.split("_PORT_").nth(1).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    is_address || is_part || name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT")
}

fn unknown(name: String) -> ConfigError {
    let meant = variable(closest(&name[PREFIX.len()..].to_lowercase().replace('_', ".")));
    let hint = format!("; a setting is written ADDA__SECTION__KEY, such as {meant}");
    ConfigError::Unknown { place: Source::Variable("in the environment".to_owned()), name, hint }
}

/// The variable of a setting.
pub fn variable(key: &str) -> String {
    format!("ADDA__{}", key.to_uppercase().replace('.', "__"))
}
