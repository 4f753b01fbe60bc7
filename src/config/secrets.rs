//! Secrets that stand in files of their own, as Docker, Kubernetes and systemd hand them out, so that neither a process list
//! nor an environment shows them. They are read at start, and again on demand, since a secret may have been
//! replaced.

use std::path::Path;

use ::config::Value;

use super::error::ConfigError;
use super::file::read_text;
use super::ranges::Range;
use super::sections::{Redis, SENTINEL_PASSWORD, URL};

/// Each secret and the setting that names its file.
pub const FILES: [(&str, &str); 6] = [
    ("redis.url", "redis.url_file"),
    ("redis.sentinel_password", "redis.sentinel_password_file"),
    ("auth.secret", "auth.secret_file"),
    ("auth.previous_secrets", "auth.previous_secrets_file"),
    ("auth.issuer.secret", "auth.issuer.secret_file"),
    ("files.s3_secret_key", "files.s3_secret_key_file"),
];

/// The content of a secret's file, without the line feed at its end.
pub fn read(file_key: &str, path: &str) -> Result<String, ConfigError> {
    let text = read_text(file_key, Path::new(path))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        let (key, path) = (file_key.to_owned(), path.to_owned());
        return Err(ConfigError::File { key, path, reason: "is empty".to_owned() });
    }
    Ok(text.to_owned())
}

/// Reads a secret again, unless no file is named.
fn reread<R: Range>(value: &mut R::Value, range: &R, file_key: &str, path: &str) -> Result<(), ConfigError> {
    if path.is_empty() {
        return Ok(());
    }
    match range.read(&Value::from(read(file_key, path)?)) {
        Some(fresh) => *value = fresh,
        None => {
            let reason = format!("must hold {}", range.takes());
            return Err(ConfigError::File { key: file_key.to_owned(), path: path.to_owned(), reason });
        }
    }
    Ok(())
}

impl Redis {
    /// The same settings with the secrets that the files hold now: a refused password may have been replaced.
    ///
    /// # Errors
    /// One sentence that names the file.
    pub fn with_current_secrets(&self) -> Result<Self, ConfigError> {
        let mut fresh = self.clone();
        reread(&mut fresh.url, &URL, "redis.url_file", &self.url_file)?;
        let (password, path) = (&mut fresh.sentinel_password, &self.sentinel_password_file);
        reread(password, &SENTINEL_PASSWORD, "redis.sentinel_password_file", path)?;
        Ok(fresh)
    }
}
