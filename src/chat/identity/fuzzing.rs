//! Tokens for the fuzz targets. Compiled with the tests as well, so that a change which breaks the target is noticed.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use super::tokens::Tokens;

const SECRET: &str = "the secret of the fuzz targets, 32+";

/// Reads bytes as a token, and as the claims of one that the cluster has signed.
///
/// # Panics
/// If a token without a signature is taken, or one whose claims are not those of a user.
pub fn token(bytes: &[u8]) {
    let tokens = Tokens::new(SECRET, &[], Duration::from_secs(60));
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert_eq!(tokens.verify(text), None, "nobody has signed it");
    }
    let signed = format!("eyJhbGciOiJIUzI1NiJ9.{}", URL_SAFE_NO_PAD.encode(bytes));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed.as_bytes());
    let Some(identity) = tokens.verify(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))) else {
        return;
    };
    let claims: serde_json::Value = serde_json::from_slice(bytes).expect("claims are JSON");
    assert_eq!(claims["sub"], identity.author.user_id.as_str());
    assert_eq!(claims["iss"], "adda");
    assert!(identity.expires_at.is_some());
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn any_bytes_are_a_token_or_are_refused() {
        let claims =
            br#"{"iss":"adda","sub":"u","name":"n","role":"member","gen":0,"iat":1,"exp":99999999999}"#;
        token(claims);
        for at in 0..claims.len() {
            token(&claims[..at]);
            let mut changed = claims.to_vec();
            for bit in 0..8 {
                changed[at] ^= 1 << bit;
                token(&changed);
                changed[at] ^= 1 << bit;
            }
        }
    }
}
