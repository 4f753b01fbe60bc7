//! `adda config`: the settings that count, as a file of TOML.

use adda::config::{Flags, Layers};

/// All settings, each with its place unless it is a default.
pub fn run(flags: &Flags) -> Result<String, String> {
    Layers::load(flags).map(|layers| layers.to_toml()).map_err(|error| error.to_string())
}
