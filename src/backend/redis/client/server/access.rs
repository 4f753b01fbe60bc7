//! Authentication: passwords and certificates. If they are in files, they may be replaced while the node runs.

use std::sync::Arc;

use redis::{ErrorKind, RedisError};
use tracing::{info, warn};

use super::Server;
use crate::backend::redis::client::dialer::Dialer;
use crate::backend::redis::client::target::Target;
use crate::backend::redis::client::target::certificates::Certificates;
use crate::config::Redis as Settings;

impl Server {
    pub fn dialer(&self) -> Arc<Dialer> {
        self.dialer.read().expect("no code panics while it holds this lock").clone()
    }

    /// Reads the password again, if it is in a file. Returns whether another attempt makes sense.
    pub async fn read_password(&self) -> bool {
        if self.settings.url_file.is_empty() && self.settings.sentinel_password_file.is_empty() {
            return false;
        }
        let settings = self.settings.clone();
        let reading = tokio::task::spawn_blocking(move || read_target(&settings));
        let read = reading.await.unwrap_or_else(|error| Err(error.to_string()));
        match read.and_then(|target| self.redial(&target)) {
            Ok(()) => {
                info!(redis = %self.name, "Redis refused the password; read it again from its file");
                true
            }
            Err(error) => {
                warn!(redis = %self.name, error, "Redis refused the password; could not read it again from its file");
                false
            }
        }
    }

    /// Uses the current certificates of the files for later connections. Files that are being replaced may not
    /// match for a moment; until they do, the earlier certificates are used.
    pub async fn renew_certificates(&self) {
        if !Certificates::are_named(&self.settings) {
            return;
        }
        let (settings, known) = (self.settings.clone(), self.known_certificates());
        let reading = tokio::task::spawn_blocking(move || {
            let found = Certificates::read(&settings).map_err(|error| error.to_string())?;
            if known.is_some_and(|known| known == found) {
                return Ok(None);
            }
            Ok(Some((read_target(&settings)?, found)))
        });
        let renewed = match reading.await.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(None) => return,
            Ok(Some((target, found))) => self.redial(&target).map(|()| found),
            Err(error) => Err(error),
        };
        match renewed {
            Ok(found) => {
                let mut known = self.certificates.lock().expect("no code panics while it holds this lock");
                if known.replace(found).is_some() {
                    info!(redis = %self.name, "reloaded the certificates of redis.tls_*");
                }
            }
            Err(error) => self.complaints.note_certificates(&self.name, &error),
        }
    }

    fn known_certificates(&self) -> Option<Certificates> {
        self.certificates.lock().expect("no code panics while it holds this lock").clone()
    }

    /// Sets the password and the certificates for later connections.
    fn redial(&self, target: &Target) -> Result<(), String> {
        let dialer = self.dialer().with_access_of(target).map_err(|error| error.to_string())?;
        *self.dialer.write().expect("no code panics while it holds this lock") = Arc::new(dialer);
        Ok(())
    }
}

/// The target of `redis.url`, with the current content of all files.
fn read_target(settings: &Settings) -> Result<Target, String> {
    let fresh = settings.with_current_secrets().map_err(|error| error.to_string())?;
    Target::read(&fresh).map_err(|error| error.to_string())
}

/// Whether Redis refused the user or the password.
pub fn is_unauthenticated(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
}
