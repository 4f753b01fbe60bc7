//! A key that verifies tokens (RFC 7519), and how it does: its own algorithm counts, whatever a token's header says.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::Timestamp;

/// Longest token that is looked at, in bytes. Browsers keep no longer cookie.
pub const LONGEST_TOKEN: usize = 4096;

/// A key and its algorithm.
#[derive(Debug, Clone)]
pub struct Key {
    algorithm: Algorithm,
    key: DecodingKey,
    /// Its name among the keys of its issuer.
    id: Option<String>,
}

/// The claims that every token must have.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The claim `iss`, if it is compared.
    pub issuer: Option<String>,
    /// The claim `aud`; without it no token may have one.
    pub audience: Option<String>,
}

impl Key {
    /// A key of an issuer.
    pub fn new(algorithm: Algorithm, key: DecodingKey, id: Option<String>) -> Self {
        Self { algorithm, key, id }
    }

    /// A shared secret.
    pub fn secret(secret: &str) -> Self {
        Self::new(Algorithm::HS256, DecodingKey::from_secret(secret.as_bytes()), None)
    }

    /// The claims of a token that this key has signed, that has begun and not run out, and says what is expected. Any fault
    /// is as good as any other: a caller learns nothing of it.
    pub fn read<T: DeserializeOwned>(&self, token: &str, expected: &Expected) -> Option<T> {
        if token.len() > LONGEST_TOKEN {
            return None;
        }
        let header = decode_header(token).ok()?;
        let is_of_other_key = header.kid.is_some() && self.id.is_some() && header.kid != self.id;
        // Extensions that must be understood (RFC 7515, section 4.1.11) are none that we know.
        if is_of_other_key || header.crit.is_some() {
            return None;
        }
        let claims = decode::<Value>(token, &self.key, &self.validation(expected)).ok()?.claims;
        // The crate takes an audience that is neither a text nor a list for none.
        if expected.audience.is_none() && claims.get("aud").is_some_and(|audience| !audience.is_null()) {
            return None;
        }
        // For the crate a token is valid in the second of its expiry, too.
        let expiry = claims.get("exp").and_then(Value::as_f64)?;
        let is_valid = expiry > unix_now_s() as f64;
        is_valid.then(|| serde_json::from_value(claims).ok()).flatten()
    }

    fn validation(&self, expected: &Expected) -> Validation {
        let mut validation = Validation::new(self.algorithm);
        validation.leeway = 0;
        validation.validate_nbf = true;
        let mut required = vec!["exp"];
        if let Some(issuer) = &expected.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        // Without an expected one, a token that names any is meant for somebody else (RFC 7519, section 4.1.3).
        if let Some(audience) = &expected.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        validation
    }
}

/// Seconds since 1970.
pub fn unix_now_s() -> u64 {
    Timestamp::now().unix_millis() / 1000
}

/// A moment of a token; one that no calendar has is the last that it has.
pub fn moment(unix_s: f64) -> Timestamp {
    const LAST_S: f64 = 253_402_300_799.0;
    let millis = (unix_s.clamp(0.0, LAST_S) * 1000.0) as u64;
    Timestamp::from_unix_millis(millis).unwrap_or_else(Timestamp::now)
}
