//! The files of `redis.tls_*`. They are read before each connection to Redis, so a renewed certificate is used
//! without a restart.

use redis::{ClientTlsConfig, TlsCertificates};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::backend::{BackendError, Result};
use crate::config::Redis as Settings;

/// The content of the files.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    /// The authority of Redis' certificate; the system's without it.
    authority: Option<Vec<u8>>,
    /// The client certificate of this node, if any.
    own: Option<Own>,
}

#[derive(Clone, PartialEq, Eq)]
struct Own {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// A sentence that names the setting and the file.
    pub fn read(settings: &Settings) -> Result<Self> {
        let authority = match settings.tls_ca.as_str() {
            "" => None,
            path => Some(read_certificate("redis.tls_ca", path)?),
        };
        let own = match (settings.tls_cert.as_str(), settings.tls_key.as_str()) {
            ("", "") => None,
            ("", _) | (_, "") => {
                let sentence = "redis.tls_cert and redis.tls_key must be given together";
                return Err(BackendError::Misconfigured(sentence.into()));
            }
            (certificate, key) => Some(Own {
                certificate: read_certificate("redis.tls_cert", certificate)?,
                key: read("redis.tls_key", key)?,
            }),
        };
        Ok(Self { authority, own })
    }

    /// Whether the settings name files.
    pub fn are_named(settings: &Settings) -> bool {
        !settings.tls_ca.is_empty() || !settings.tls_cert.is_empty()
    }

    /// The certificates for the client of Redis; `None`: the system's authorities, and no client certificate.
    pub fn tls(&self) -> Option<TlsCertificates> {
        let Self { authority, own } = self.clone();
        let client_tls = own.map(|own| ClientTlsConfig { client_cert: own.certificate, client_key: own.key });
        (authority.is_some() || client_tls.is_some())
            .then_some(TlsCertificates { client_tls, root_cert: authority })
    }
}

fn read(key: &str, path: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| BackendError::Misconfigured(format!("{key}: {path}: {error}")))
}

/// The bytes of a file with at least one certificate: with an empty authority any certificate would be accepted.
fn read_certificate(key: &str, path: &str) -> Result<Vec<u8>> {
    let pem = read(key, path)?;
    match CertificateDer::pem_slice_iter(&pem).next() {
        Some(Ok(_)) => Ok(pem),
        _ => {
            Err(BackendError::Misconfigured(format!("{key} names {path}, which holds no certificate in PEM")))
        }
    }
}
