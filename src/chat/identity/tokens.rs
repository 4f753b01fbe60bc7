//! This cluster's own tokens: JWTs (RFC 7519) that are signed with its secret by HS256. A session that presents one is the
//! user that it names, on any node that knows the secret.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode};
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::key::{Expected, Key, moment, unix_now_s};
use super::{Identity, IssuedToken, RoomScope, Source, crypto};
use crate::model::{Author, Role, UserId, Username, hex};

/// The claim `iss` of this cluster's tokens.
const ISSUER: &str = "adda";

/// Characters of the longest name that `limits.username_chars` may allow.
const NAME_CHARS: usize = 128;

/// Signs and verifies tokens.
pub struct Tokens {
    signing: EncodingKey,
    /// The secret that signs, then those that only verify.
    verifying: Vec<Key>,
    expected: Expected,
    fingerprint: String,
    ttl: Duration,
}

/// The claims of a token of this cluster.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    name: String,
    role: Role,
    /// The generation of the user's tokens.
    #[serde(default)]
    r#gen: u64,
    #[serde(default)]
    iat: u64,
    exp: u64,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Tokens of a cluster with this secret, each valid for `ttl`, if it was signed with the secret or an earlier one.
    pub fn new(secret: &str, earlier: &[String], ttl: Duration) -> Self {
        crypto::install();
        let secrets = std::iter::once(secret).chain(earlier.iter().map(String::as_str));
        Self {
            signing: EncodingKey::from_secret(secret.as_bytes()),
            verifying: secrets.map(Key::secret).collect(),
            expected: Expected { issuer: Some(ISSUER.to_owned()), audience: None },
            fingerprint: fingerprint(secret),
            ttl,
        }
    }

    /// Tells the secret that signs from others, and nothing else of it.
    pub fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    /// A token that proves the identity.
    pub fn issue(&self, identity: &Identity) -> IssuedToken {
        let Author { user_id, username } = &identity.author;
        let now = unix_now_s();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: user_id.as_str().to_owned(),
            name: username.as_str().to_owned(),
            role: identity.role,
            r#gen: identity.generation,
            iat: now,
            exp: now.saturating_add(self.ttl.as_secs()),
        };
        let token = encode(&Header::default(), &claims, &self.signing);
        let token = token.expect("claims of strings and numbers are always JSON, and HMAC takes any key");
        IssuedToken { token, expires_at: moment(claims.exp as f64) }
    }

    /// The identity that the token proves; `None` if it is forged, malformed or out of date. A guest's is out of date after
    /// `ttl`, whatever it says: its log-out is forgotten then.
    pub fn verify(&self, token: &str) -> Option<Identity> {
        let claims = self.verifying.iter().find_map(|key| key.read::<Claims>(token, &self.expected))?;
        let expiry = match claims.role {
            Role::Guest => claims.exp.min(claims.iat.saturating_add(self.ttl.as_secs())),
            _ => claims.exp,
        };
        if expiry <= unix_now_s() {
            return None;
        }
        Some(Identity {
            author: Author {
                user_id: UserId::parse(&claims.sub)?,
                username: Username::parse(&claims.name, NAME_CHARS).ok()?,
            },
            role: claims.role,
            source: if claims.role == Role::Guest { Source::Guest } else { Source::Account },
            scope: RoomScope::ALL,
            generation: claims.r#gen,
            issued_at: Some(moment(claims.iat as f64)),
            expires_at: Some(moment(expiry as f64)),
        })
    }
}

fn fingerprint(secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex(&hmac::sign(&key, b"fingerprint").as_ref()[..4])
}

#[cfg(test)]
mod tests {
    use super::super::key::LONGEST_TOKEN;
    use super::*;

    const SECRET: &str = "a secret of at least 32 characters";
    const OTHER: &str = "another secret of at least 32 characters";
    const MINUTE: Duration = Duration::from_secs(60);

    fn guest() -> Identity {
        Identity::guest(Username::from_trusted("রহিম উদ্দিন"))
    }

    fn prove(tokens: &Tokens, token: &str) -> Option<Author> {
        tokens.verify(token).map(|identity| identity.author)
    }

    #[test]
    fn a_token_proves_its_user() {
        let (tokens, guest) = (Tokens::new(SECRET, &[], MINUTE), guest());
        assert_eq!(prove(&tokens, &tokens.issue(&guest).token), Some(guest.author.clone()));
        let moderator = Identity { role: Role::Moderator, source: Source::Account, generation: 7, ..guest };
        let issued = tokens.issue(&moderator);
        let proved = tokens.verify(&issued.token).unwrap();
        assert_eq!((proved.role, proved.source, proved.generation), (Role::Moderator, Source::Account, 7));
        assert_eq!(proved.expires_at, Some(issued.expires_at));
    }

    #[test]
    fn the_longest_name_fits_into_a_token() {
        let tokens = Tokens::new(SECRET, &[], MINUTE);
        for name in ["\u{1f600}".repeat(NAME_CHARS), "\"".repeat(NAME_CHARS)] {
            let guest = Identity::guest(Username::parse(&name, NAME_CHARS).unwrap());
            let token = tokens.issue(&guest).token;
            assert!(token.len() < LONGEST_TOKEN, "{}", token.len());
            assert_eq!(prove(&tokens, &token), Some(guest.author));
        }
    }

    #[test]
    fn a_token_of_another_secret_proves_nothing() {
        let guest = guest();
        let token = Tokens::new(OTHER, &[], MINUTE).issue(&guest).token;
        assert_eq!(Tokens::new(SECRET, &[], MINUTE).verify(&token), None);
        let rotated = Tokens::new(SECRET, &[OTHER.to_owned()], MINUTE);
        assert_eq!(prove(&rotated, &token), Some(guest.author.clone()), "an earlier secret verifies");
        let signed = rotated.issue(&guest).token;
        assert_eq!(Tokens::new(OTHER, &[], MINUTE).verify(&signed), None, "and does not sign");
    }

    #[test]
    fn a_token_runs_out() {
        let tokens = Tokens::new(SECRET, &[], Duration::ZERO);
        assert_eq!(tokens.verify(&tokens.issue(&guest()).token), None);
    }

    #[test]
    fn a_token_of_a_guest_lives_no_longer_than_such_tokens_do_now() {
        let before = Tokens::new(SECRET, &[], MINUTE);
        let now = Tokens::new(SECRET, &[], MINUTE / 2);
        let proved = |identity: &Identity| now.verify(&before.issue(identity).token).unwrap();
        let guest = proved(&guest());
        let member = proved(&Identity { role: Role::Member, ..guest.clone() });
        let lasts_s = |of: &Identity| {
            let [from, to] = [of.issued_at, of.expires_at].map(|moment| moment.unwrap().unix_millis() / 1000);
            to - from
        };
        assert_eq!((lasts_s(&guest), lasts_s(&member)), (30, 60));
        assert_eq!(Tokens::new(SECRET, &[], Duration::ZERO).verify(&before.issue(&guest).token), None);
    }

    #[test]
    fn a_token_changed_anywhere_proves_nothing() {
        let tokens = Tokens::new(SECRET, &[], MINUTE);
        let token = tokens.issue(&guest()).token;
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(tokens.verify(&forged).is_none(), "{at}");
            assert!(tokens.verify(&token[..at]).is_none(), "cut at {at}");
        }
        for junk in ["", ".", "..", "...", "আড্ডা", &"x".repeat(LONGEST_TOKEN + 1)] {
            assert_eq!(tokens.verify(junk), None);
        }
    }
}
