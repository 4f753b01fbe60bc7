//! The public keys of an issuer: a set of JWKs (RFC 7517), or one key in PEM.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::key::Key;

/// Keys of one issuer, at most: each may have to be tried.
const MOST_KEYS: usize = 64;

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// The keys of a set that verify signatures; others are left out.
///
/// # Errors
/// A flaw of the set, for a sentence that begins with its name.
pub fn read_keys(json: &str) -> Result<Vec<Key>, String> {
    let set: Set = serde_json::from_str(json).map_err(|_| "is no set of keys (RFC 7517)".to_owned())?;
    let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
    let keys: Vec<Key> = keys.filter_map(|key: Jwk| read_key(&key)).collect();
    match keys.len() {
        0 => Err("has no key that verifies tokens: RSA, EC of P-256 or P-384, or Ed25519".to_owned()),
        count if count > MOST_KEYS => Err(format!("has more than {MOST_KEYS} keys")),
        _ => Ok(keys),
    }
}

fn read_key(jwk: &Jwk) -> Option<Key> {
    if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_))) {
        return None;
    }
    let algorithm = algorithm(jwk)?;
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(Key::new(algorithm, key, jwk.common.key_id.clone()))
}

/// The one algorithm of a key. A secret is none of a file that others may read.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let named = jwk.common.key_algorithm;
    let only = |algorithm: Algorithm| {
        let is_named = named.is_none_or(|named| named == KeyAlgorithm::from(algorithm));
        is_named.then_some(algorithm)
    };
    match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => match named {
            None => Some(Algorithm::RS256),
            Some(named) => named.try_into().ok().filter(|algorithm| is_rsa(*algorithm)),
        },
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => only(Algorithm::ES256),
            EllipticCurve::P384 => only(Algorithm::ES384),
            _ => None,
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            only(Algorithm::EdDSA)
        }
        _ => None,
    }
}

fn is_rsa(algorithm: Algorithm) -> bool {
    algorithm.family() == jsonwebtoken::AlgorithmFamily::Rsa
}

/// The key of `auth.issuer.public_key`.
///
/// # Errors
/// One sentence.
pub fn read_public_key(pem: &str) -> Result<Key, String> {
    // A private key would be read as a public one of other bytes.
    let is_public =
        pem.contains("-----BEGIN PUBLIC KEY-----") || pem.contains("-----BEGIN RSA PUBLIC KEY-----");
    let key = is_public.then(|| rsa(pem).or_else(|| ec(pem)).or_else(|| ed(pem))).flatten();
    key.map(|(algorithm, key)| Key::new(algorithm, key, None)).ok_or_else(|| {
        "auth.issuer.public_key must be a public key in PEM: RSA, EC of P-256 or P-384, or Ed25519".to_owned()
    })
}

fn rsa(pem: &str) -> Option<(Algorithm, DecodingKey)> {
    Some((Algorithm::RS256, DecodingKey::from_rsa_pem(pem.as_bytes()).ok()?))
}

fn ec(pem: &str) -> Option<(Algorithm, DecodingKey)> {
    let key = DecodingKey::from_ec_pem(pem.as_bytes()).ok()?;
    // A point of each curve has a length of its own.
    let algorithm = match key.try_get_as_bytes().ok()?.len() {
        65 => Algorithm::ES256,
        97 => Algorithm::ES384,
        _ => return None,
    };
    Some((algorithm, key))
}

fn ed(pem: &str) -> Option<(Algorithm, DecodingKey)> {
    let key = DecodingKey::from_ed_pem(pem.as_bytes()).ok()?;
    let has_length = key.try_get_as_bytes().is_ok_and(|bytes| bytes.len() == 32);
    has_length.then_some((Algorithm::EdDSA, key))
}
