//! Guests' tokens: `<expiry>.<user id>.<username>.<signature>`, the last two in base64url. A session
//! that presents one is the user that it names, on any node that knows the cluster's secret.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{Identity, IssuedToken};
use crate::model::{Author, Timestamp, UserId, Username};

/// Longest token that is worth looking at, in bytes.
const LONGEST: usize = 1024;

/// Signs and verifies tokens with HMAC-SHA-256 (RFC 2104).
pub struct Tokens {
    mac: Hmac<Sha256>,
    /// Of secrets that verify and do not sign.
    earlier: Vec<Hmac<Sha256>>,
    ttl: Duration,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Tokens of a cluster with this secret, each valid for `ttl`, if it was signed with the secret or an earlier one.
    pub fn new(secret: &str, earlier: &[String], ttl: Duration) -> Self {
        let earlier = earlier.iter().map(|secret| keyed(secret)).collect();
        Self { mac: keyed(secret), earlier, ttl }
    }

    /// Tells the secret that signs from others, and nothing else of it.
    pub fn fingerprint(&self) -> String {
        let hash = self.mac.clone().chain_update("fingerprint").finalize().into_bytes();
        hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }

    /// A token that proves the identity.
    pub fn issue(&self, identity: &Identity) -> IssuedToken {
        let author = &identity.author;
        let expires = (unix_now() + self.ttl).as_secs();
        let username = URL_SAFE_NO_PAD.encode(author.username.as_str());
        let claims = format!("{expires}.{}.{username}", author.user_id);
        let signature = self.mac.clone().chain_update(&claims).finalize().into_bytes();
        let token = format!("{claims}.{}", URL_SAFE_NO_PAD.encode(signature));
        IssuedToken { token, expires_at: timestamp(expires) }
    }

    /// The user that the token proves; `None` if it is forged, malformed or out of date.
    pub fn verify(&self, token: &str) -> Option<Identity> {
        let (claims, signature) = token.get(..LONGEST.min(token.len()))?.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        // In constant time.
        let is_signed_by =
            |mac: &Hmac<Sha256>| mac.clone().chain_update(claims).verify_slice(&signature).is_ok();
        if !std::iter::once(&self.mac).chain(&self.earlier).any(is_signed_by) {
            return None;
        }
        let (expires, rest) = claims.split_once('.')?;
        let (user_id, username) = rest.rsplit_once('.')?;
        let expires = expires.parse::<u64>().ok()?;
        let username = String::from_utf8(URL_SAFE_NO_PAD.decode(username).ok()?).ok()?;
        let author = Author { user_id: UserId::parse(user_id)?, username: Username::from_trusted(&username) };
        let identity = Identity { expires_at: Some(timestamp(expires)), ..Identity::guest_with(author) };
        (expires > unix_now().as_secs()).then_some(identity)
    }
}

fn keyed(secret: &str) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length")
}

fn timestamp(unix_s: u64) -> Timestamp {
    Timestamp::from_unix_millis(unix_s.saturating_mul(1000)).unwrap_or_else(Timestamp::now)
}

fn unix_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret of at least 32 characters";
    const OTHER: &str = "another secret of at least 32 characters";

    fn guest() -> Identity {
        Identity::guest(Username::from_trusted("রহিম উদ্দিন"))
    }

    fn prove(tokens: &Tokens, token: &str) -> Option<Author> {
        tokens.verify(token).map(|identity| identity.author)
    }

    #[test]
    fn a_token_proves_its_user() {
        let (tokens, author) = (Tokens::new(SECRET, &[], Duration::from_secs(60)), guest());
        assert_eq!(prove(&tokens, &tokens.issue(&author).token), Some(author.author));
    }

    #[test]
    fn a_token_of_another_secret_proves_nothing() {
        let (ttl, author) = (Duration::from_secs(60), guest());
        let token = Tokens::new(OTHER, &[], ttl).issue(&author).token;
        assert_eq!(Tokens::new(SECRET, &[], ttl).verify(&token), None);
        let rotated = Tokens::new(SECRET, &[OTHER.to_owned()], ttl);
        assert_eq!(prove(&rotated, &token), Some(author.author.clone()), "an earlier secret verifies");
        assert_eq!(
            Tokens::new(OTHER, &[], ttl).verify(&rotated.issue(&author).token),
            None,
            "and does not sign"
        );
    }

    #[test]
    fn a_token_runs_out() {
        let tokens = Tokens::new(SECRET, &[], Duration::ZERO);
        assert_eq!(tokens.verify(&tokens.issue(&guest()).token), None);
    }

    #[test]
    fn a_token_changed_anywhere_proves_nothing() {
        let tokens = Tokens::new(SECRET, &[], Duration::from_secs(60));
        let token = tokens.issue(&guest()).token;
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            // The last character of base64 has bits that mean nothing; every other one counts.
            assert!(forged == token || at == token.len() - 1 || tokens.verify(&forged).is_none(), "{at}");
        }
        for junk in ["", ".", "...", "আড্ডা", &"x".repeat(4096)] {
            assert_eq!(tokens.verify(junk), None);
        }
    }
}
