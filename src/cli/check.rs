//! `adda check`: the settings as a start would read them, files of certificates and keys included. Connects to nothing.

use adda::config::{Config, Flags, Layers};
use adda::{backend, chat};

/// A line for each warning, and one that the settings are valid.
pub fn run(flags: &Flags) -> Result<String, String> {
    let (_, warnings) = read(flags)?;
    let warnings: String = warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
    Ok(format!("{warnings}the settings are valid"))
}

/// The settings, and what an operator should know of them although they work.
pub fn read(flags: &Flags) -> Result<(Config, Vec<String>), String> {
    let layers = Layers::load(flags).map_err(|error| error.to_string())?;
    let config = Config::from_layers(&layers).map_err(|error| error.to_string())?;
    backend::check(&config).map_err(|error| error.to_string())?;
    chat::check(&config)?;
    chat::check_files(&config)?;
    let mut warnings = layers.warnings().to_vec();
    if config.redis.url.is_empty() {
        warnings.push(
            "redis.url is empty: this node is alone and keeps nothing; --redis joins a cluster".to_owned(),
        );
    }
    Ok((config, warnings))
}
